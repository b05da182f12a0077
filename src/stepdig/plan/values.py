"""What steps are made of: values known when compiling or computed by the machine, conditions, sizes, tries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known when compiling."""

    value: object


@dataclass(frozen=True, slots=True)
class Computed:
    """A value the machine computes: JSONata, and what must hold for it not to fail: (JSONata test, message) pairs."""

    code: str
    guards: tuple[tuple[str, str], ...] = ()


Value = Constant | Computed
Number = int | Computed  # a number, or JSONata that gives one
UNKNOWN_TRIES = 20  # of a `_retry` whose number only the run knows; it is held to it


@dataclass(frozen=True, slots=True)
class Condition:
    """The value of an `if>`: JSONata tests for true and for false; neither: the task fails with `message`, JSONata too."""

    true: str
    false: str | None
    message: str = ""
    guards: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sizes:
    """The size of a command task, over that of its job: CPU units, MiB and GiB.

    None is the job's own size, so is an empty text, which a size that is `optional` may be.
    """

    cpu: Value | None = None
    memory: Value | None = None
    storage: Value | None = None
    guards: tuple[tuple[str, str], ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Run again up to `limit` times after `interval` seconds, doubling each time up to `max_interval` if exponential."""

    limit: Number
    interval: Number
    max_interval: Number | None
    exponential: bool

    @property
    def native(self) -> bool:
        """Whether the Retry field of a Task can say it: that takes numbers only."""
        return not any(isinstance(it, Computed) for it in (self.limit, self.interval, self.max_interval))


@dataclass(frozen=True, slots=True)
class Again:
    """Try again after one of `errors`, up to `limit` times: the first time after `interval` seconds, then `rate` times longer
    each time, at most `most` seconds."""

    errors: tuple[str, ...]
    limit: int
    interval: int
    rate: float
    most: int
