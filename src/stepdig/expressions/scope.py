"""What an expression sees: the names in scope, and what it may ask the world: the time, a zone, chance, its own duration."""

from typing import Any, Dict, Optional, Sequence

from stepdig.expressions.clock import Offsets
from stepdig.expressions.errors import EvaluationError, NeedsRuntime

_STEPS = 1_000_000  # evaluations in one expression; more is a loop without end
_STEPS_COMPILING = 50_000  # a mistake must show at once, wherever the expression is used


class Context:
    """What an expression may ask the world: the zone as rows `[utc seconds, offset seconds]`, and the time in ms.

    `now_ms` None stands for "while compiling": asking for the time raises NeedsRuntime.
    """

    def __init__(self, offsets: Sequence[Sequence[Any]] = ((None, 0),), now_ms: Optional[int] = None) -> None:
        self.zone = Offsets(offsets)
        self.now_ms = now_ms
        self.steps = 0

    def now(self) -> int:
        """Return milliseconds since 1970."""
        if self.now_ms is None:
            raise NeedsRuntime("the current time")
        return self.now_ms

    def spend(self, steps: int = 1) -> None:
        """Count evaluations; raise EvaluationError when there were too many for one expression."""
        self.steps += steps
        if self.steps > (_STEPS if self.now_ms is not None else _STEPS_COMPILING):
            raise EvaluationError("RangeError: the expression takes too long")

    def random(self) -> float:
        """Return a random number below 1."""
        if self.now_ms is None:
            raise NeedsRuntime("a random number")
        import random  # few templates ask for it

        return random.random()  # noqa: S311  # JavaScript's Math.random is no secret either


class Scope:
    """The names an expression sees: variables of functions, innermost first, then the parameters."""

    def __init__(self, variables: Dict[str, Any], parent: Optional["Scope"], context: Context) -> None:
        self.variables = variables
        self.parent = parent
        self.context = context

    def find(self, name: str) -> Optional["Scope"]:
        """Return the scope that holds a name, or None."""
        scope: Optional[Scope] = self
        while scope is not None and name not in scope.variables:
            scope = scope.parent
        return scope

    def root(self) -> Dict[str, Any]:
        """Return the parameters: what `this` is."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope.variables
