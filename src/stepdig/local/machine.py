"""A definition made ready to run: the states as frozen shapes with their expressions compiled."""

from __future__ import annotations

from dataclasses import dataclass, field

from stepdig.local.template import Template


@dataclass(frozen=True, slots=True)
class Retrier:
    """One entry of Retry; seconds, https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html."""

    errors: tuple[str, ...]
    interval: float
    attempts: int
    rate: float
    longest: float
    jitter: bool


@dataclass(frozen=True, slots=True)
class Way:
    """How a state is left: what it assigns, what it hands on, where it leads; `next` None ends the program."""

    next: str | None
    assign: Template | None = None
    output: Template | None = None


@dataclass(frozen=True, slots=True)
class Catcher:
    """One entry of Catch."""

    errors: tuple[str, ...]
    way: Way


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of Choices."""

    condition: Template
    way: Way


@dataclass(frozen=True, slots=True)
class Reader:
    """ItemReader: `resource` is `s3:getObject` or `s3:listObjectsV2`."""

    resource: str
    arguments: Template
    kind: str
    header: str
    columns: tuple[str, ...]
    delimiter: str
    limit: Template | None


@dataclass(frozen=True, slots=True)
class Batcher:
    """ItemBatcher: how many items, how many bytes make a batch, and what each batch gets besides."""

    items: Template | None
    size: Template | None
    common: Template | None


@dataclass(frozen=True, slots=True)
class MapWork:
    """What a Map does; `distributed` runs each item as an execution of its own."""

    processor: Program
    distributed: bool
    label: str
    items: Template | None
    selector: Template | None
    concurrency: Template | None
    reader: Reader | None
    batcher: Batcher | None
    writer: Template | None
    transformation: str
    tolerated_count: Template | None
    tolerated_percentage: Template | None


@dataclass(frozen=True, slots=True)
class State:
    """One state. `way` is its own way out; the other fields are None or empty where its type has no use for them."""

    name: str
    type: str
    way: Way
    arguments: Template | None = None
    resource: str = ""
    timeout: Template | None = None
    heartbeat: Template | None = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()
    rules: tuple[Rule, ...] = ()
    seconds: Template | None = None
    timestamp: Template | None = None
    error: Template | None = None
    cause: Template | None = None
    branches: tuple[Program, ...] = ()
    map: MapWork | None = None

    @property
    def work(self) -> MapWork:
        """Return what a Map does; only a Map may be asked."""
        if self.map is None:
            raise TypeError(f"State '{self.name}' is no Map")
        return self.map


@dataclass(frozen=True, slots=True)
class Program:
    """States that run one after the other from `start`: a whole machine, a branch, a Map's processor."""

    start: str
    states: dict[str, State] = field(default_factory=dict)
    timeout: float | None = None
