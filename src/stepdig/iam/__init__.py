"""Least privilege: what a compiled workflow calls -> the statements of its roles, each with its reason.

    definition ----machine_statements----> role of the state machine     (reads every call of the definition)
    job ----------task_statements--------> role of a container's program
    jobs, secrets -execution_statements--> role that starts containers   (image, log, secrets)

Texts of statements may hold `${Name}` and `${AWS::Name}`: parameters and pseudo parameters of the generated template.
"""

from __future__ import annotations

from stepdig.iam.containers import Used, execution_statements, task_statements, used
from stepdig.iam.machine import machine_statements
from stepdig.iam.page import Grant, page
from stepdig.iam.secret_names import of_job, value_from
from stepdig.iam.statement import Roles, Statement, document

__all__ = [
    "Grant",
    "Roles",
    "Statement",
    "Used",
    "document",
    "execution_statements",
    "machine_statements",
    "of_job",
    "page",
    "task_statements",
    "used",
    "value_from",
]
