"""What will happen when a workflow runs: a dozen frozen shapes between the operators and the writer of ASL.

Operators give these shapes and never see ASL; the writer takes them and never sees an operator. A step's `name` is the
path of its task without the workflow (`+sync+load`), `comment` says where it stands in the files.
"""

from stepdig.plan.groups import Branches, Choose, ForEach, Guarded, Sequence, Switch, is_empty
from stepdig.plan.machine import Fetched, Machine, NamedList
from stepdig.plan.steps import (
    ERROR_TEXT_CHARS,
    LAUNCHES,
    PACES,
    POOLED,
    Call,
    Command,
    Deadline,
    Fail,
    Log,
    Looked,
    Notify,
    Plain,
    Required,
    Step,
    Wait,
)
from stepdig.plan.values import UNKNOWN_TRIES, Again, Computed, Condition, Constant, Number, Retry, Sizes, Value

__all__ = [
    "ERROR_TEXT_CHARS",
    "LAUNCHES",
    "PACES",
    "POOLED",
    "UNKNOWN_TRIES",
    "Again",
    "Branches",
    "Call",
    "Choose",
    "Command",
    "Computed",
    "Condition",
    "Constant",
    "Deadline",
    "Fail",
    "Fetched",
    "ForEach",
    "Guarded",
    "Log",
    "Looked",
    "Machine",
    "NamedList",
    "Notify",
    "Number",
    "Plain",
    "Required",
    "Retry",
    "Sequence",
    "Sizes",
    "Step",
    "Switch",
    "Value",
    "Wait",
    "is_empty",
]
