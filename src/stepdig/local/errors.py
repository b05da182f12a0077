"""What can go wrong in an execution, named as AWS names it.

A `StateError` is a failing state: Retry and Catch look at its name. An `InvalidDefinition` is refused before anything
runs, as CreateStateMachine would. Pages: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from collections.abc import Iterable

ALL = "States.ALL"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
RUNTIME = "States.Runtime"
DATA_LIMIT = "States.DataLimitExceeded"
QUERY = "States.QueryEvaluationError"
NO_CHOICE = "States.NoChoiceMatched"
READER_FAILED = "States.ItemReaderFailed"
WRITER_FAILED = "States.ResultWriterFailed"
TOLERATED = "States.ExceedToleratedFailureThreshold"

_TERMINAL = frozenset({RUNTIME, DATA_LIMIT})
_TIMEOUTS = frozenset({TIMEOUT, "States.HeartbeatTimeout"})


class StateError(Exception):
    """A failing state: the error name and cause AWS would report; either may be None.

    `event` is the type of the history event that tells of it, None when the failing state's own event is enough;
    `location` is the field of the definition whose expression failed.
    """

    def __init__(
        self, error: str | None, cause: str | None = None, *, event: str | None = None, location: str | None = None
    ) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause
        self.event = event
        self.location = location


class HistoryFull(StateError):
    """The execution has used up its 25,000 events; nothing catches this."""


class InvalidDefinition(ValueError):
    """The definition would be refused by CreateStateMachine; `problems` holds every reason found."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class InvalidStart(ValueError):
    """StartExecution would refuse this name or input."""


class NotRedrivable(ValueError):
    """RedriveExecution would refuse: the execution runs, has succeeded, or holds too many events."""


def matches(names: Iterable[str], error: str | None) -> bool:
    """Tell whether the error names of a Retry or Catch cover an error.

    States.ALL covers all but the two terminal errors; States.TaskFailed all but those and the time-outs.
    A terminal error is never covered, not even by its own name.
    """
    if error in _TERMINAL:
        return False
    return any(name in (error, ALL) or (name == TASK_FAILED and error not in _TIMEOUTS) for name in names)


def query_error(cause: str, location: str | None) -> StateError:
    """Return the error of an expression: undefined, of the wrong type, or failing."""
    return StateError(QUERY, cause, event="EvaluationFailed", location=location)
