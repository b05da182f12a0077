"""The rows of bounds: a limit, the worst case of a workflow, where it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One limit of a workflow: AWS allows `most` of `unit`, a run needs `worst` at most.

    where  `path:line +task` that the worst case comes from, "" for the workflow as a whole
    why    the arithmetic, or what holds the run to the limit, or why there is no bound
    worst  None: it cannot be bound
    soft   AWS delays what is over the limit, and no run fails by it
    """

    limit: str
    unit: str
    most: int
    worst: int | None
    where: str = ""
    why: str = ""
    soft: bool = False

    @property
    def headroom(self) -> float | None:
        """Return the share of the limit that is left, below 0 when the worst case is over it; None without a bound."""
        return None if self.worst is None else 1 - self.worst / self.most

    @property
    def fits(self) -> bool:
        """Return whether the worst case is known and within the limit."""
        return self.soft or (self.worst is not None and self.worst <= self.most)
