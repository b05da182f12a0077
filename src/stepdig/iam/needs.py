"""What one call needs: the table of derivations, one function for each service, and what they are given.

Rights that Step Functions needs for each integration:
https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from stepdig.iam.calls import Call, is_expression
from stepdig.iam.statement import Roles, Statement
from stepdig.language.job import Job
from stepdig.problem import Problems


@dataclass(frozen=True, slots=True)
class Around:
    """What a derivation knows beside the call.

    machine   `<project>-<workflow>`
    jobs      substitution, `JobLoad` -> the job
    roles     of the containers
    machines  substitution, `StateMachineOther` -> the machine of that workflow
    problems  what cannot be derived
    """

    machine: str
    jobs: Mapping[str, Job]
    roles: Roles
    machines: Mapping[str, str]
    problems: Problems

    def refuse(self, call: Call, code: str, text: str, hint: str) -> None:
        """Note what cannot be derived."""
        self.problems.add(call.at, code, f"{text} ({call.state})", hint)

    def named(self, call: Call, key: str) -> str | None:
        """Return an argument that must be written out; None after noting that only the run knows it."""
        value = call.arguments.get(key)
        if not is_expression(value):
            return str(value)
        self.refuse(
            call, "SD662", f"only the run knows {key} of {call.service}", "write it out: rights are given for one name"
        )
        return None


# A statement for each thing that one call needs; those of one sid have the same actions and conditions.
Derivation = Callable[[Call, Around], Iterator[Statement]]
TABLE: dict[str, Derivation] = {}


def needs(*services: str) -> Callable[[Derivation], Derivation]:
    """Put a derivation into the table. Raises ValueError for a service that is in it."""

    def put(derivation: Derivation) -> Derivation:
        for service in services:
            if service in TABLE:
                raise ValueError(f"{service} has a derivation")
            TABLE[service] = derivation
        return derivation

    return put
