"""The table of operators, and what an operator is given to do its work.

To add one: a file with a function under `@operator`, its line in `__init__.py`, a golden case and a reference page.
Its value and options are declared beside it, see `declared`; `keys` has those that all tasks share.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar

from stepdig.language.declared import ANY, Option, Schema
from stepdig.language.job import Job
from stepdig.language.model import Task
from stepdig.naming.draft import LoopDraft
from stepdig.plan import Call, Command, Condition, Constant, Looked, Required, Sequence, Step, Value
from stepdig.problem import Position
from stepdig.source.tree import Mapping, Node, Scalar

Result = TypeVar("Result")


class Place(Protocol):
    """Where an operator's task stands: names for its states, values of its options, bodies, complaints."""

    name: str
    comment: str
    earlier: dict[str, Node]

    @property
    def project(self) -> str:
        """The name of the project."""

    @property
    def prefix(self) -> str:
        """JSONata of the prefix of the run's objects in the bucket of the stack."""

    def problem(
        self, at: Position, code: str, text: str, hint: str = "", length: int = 1, *, secret: bool = False
    ) -> None:
        """Note a user's mistake; a line with a `secret` is not shown."""

    def required(self, task: Task) -> Node | None:
        """Return the task's argument, noting a mistake when there is none."""

    def text(self, node: Node) -> Value:
        """Return a scalar's text, templates evaluated."""

    def structure(self, node: Node) -> tuple[object, tuple[tuple[str, str], ...]]:
        """Return a node as JSON, with `Computed` for what the machine computes, and the guards of that."""

    def constant(self, node: Node, what: str) -> object:
        """Return a node's value that must be known when compiling; None after noting that it is not."""

    def integer(self, node: Node) -> Value:
        """Return a whole number as `loop>` reads one."""

    def condition(self, node: Node) -> Condition | None:
        """Return the tests of an `if>`; None after noting a mistake."""

    def items(self, node: Node) -> Value:
        """Return a list as `for_each>` reads one."""

    def read(self, path: str) -> bytes | None:
        """Return a file of the project, relative to the directory of the workflow."""

    def no_file(self, node: Node, path: str, code: str = "SD442") -> None:
        """Note that a file is not in the project, with one of nearly that name, else with what such a file holds."""

    def template(self, node: Node, path: str) -> Scalar | None:
        """Return a text file of the project as a scalar with templates; notes what is wrong with it."""

    def load(self, node: Node, path: str) -> Node | None:
        """Return a YAML file of the project as located nodes; notes what is wrong with it."""

    def body(self, task: Task, name: str) -> Step:
        """Return `_do` or `_else_do`; a step that does nothing when absent."""

    def called(self, node: Node) -> Step:
        """Return the workflow of another file, inlined in this scope."""

    def command(self, task: Task, *, stores: bool, filled: tuple[Node, ...] = ()) -> Command:
        """Return the command task, its parameters noted for the task runner; `filled` are files it puts secrets in."""

    def image(self, task: Task, job: Job | None, command: tuple[Node, ...], own: Mapping | None) -> Command | None:
        """Return the command task that runs an image as it is; `job` is one that the task describes, `own` its environment.

        None after noting that the job which the task picks is none of an image that is run as it is.
        """

    def payload(self, node: Node, *, long: bool = False) -> tuple[object, tuple[tuple[str, str], ...]]:
        """Return a node as JSON for a function, secrets named and not told; a `long` text in parts."""

    def other_names(self, task: Task) -> dict[str, str]:
        """Return the names that `_secrets` gives to secrets, with the key of each."""

    def exported(self, *path: str) -> Node | None:
        """Return what the nearest `_export` that has it holds under a path."""

    def looked(self, name: str, bucket: str, prefix: Value, empties: str = "") -> tuple[Looked, Condition]:
        """Return a step that looks for objects below a prefix, or empties it, and the condition that there are any."""

    def longest(self, task: Task) -> int | None:
        """Return the seconds that the task may take at most, as far as that is known."""

    def invoke(self, task: Task, call: Call, stores: Collection[str] = ()) -> Call:
        """Return a call of a service with what its place adds; `stores` are the paths it stores."""

    def in_each(self, evaluate: Callable[[Self], Result]) -> dict[str, Result]:
        """Return what something is in each environment; nothing where the exports in sight tell none apart."""

    def picked(self, texts: MappingOf[str, str]) -> str:
        """Return JSONata for the one of some JSONata, by environment, that is the run's."""

    def narrowed(self, path: str, names: Iterable[str], *, ours: bool) -> str:
        """Return JSONata of the names that `only` asks for in a list, nothing for all; "" where `only` means no list."""

    def workflow(self, node: Node, name: str, *, same_session: bool) -> Required | None:
        """Return a step that requires another workflow of the project; None after noting that it cannot be."""

    def repeat(self, loop: LoopDraft, entries: Callable[[LoopDraft], Entries], count: int | None) -> Step:
        """Return the loop over `_do`; `count` is the number of iterations when known."""


@dataclass(frozen=True, slots=True)
class Entries:
    """What a loop runs over, as in `plan.ForEach`: entries, how they enter the state input and come back, names."""

    value: Value
    selector: tuple[tuple[str, str], ...]
    back: str
    label: str
    narrow: tuple[tuple[str, str], ...] = ()


Lower = Callable[[Task, Place], Step]


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: the function that gives its plan, what `lower` must know before calling it, what editors show.

    stores   whether its tasks may store parameters: all of them, or those of which a function says so
    children whether `_retry` runs its generated children again; a command's `_retry` is its own
    argument the schema of its value; its line of help is the first of the docstring
    options  the keys it reads besides those of every task (`keys.TASK`); `others` the schema of further ones
    """

    name: str
    lower: Lower
    doc: str
    stores: bool | Callable[[Task], bool] = False
    children: bool = False
    argument: Schema = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    others: Schema = field(default_factory=dict)

    @property
    def takes_text(self) -> bool:
        """Whether its value is a text, a number or a boolean, never a list or a mapping."""
        kinds = self.argument.get("type", ())
        return bool(kinds) and not {"array", "object"} & set([kinds] if isinstance(kinds, str) else kinds)  # type: ignore[call-overload] # of a schema

    @property
    def help(self) -> str:
        """The first line of the docstring."""
        return self.doc.strip().partition("\n")[0]

    def may_store(self, task: Task) -> bool:
        """Return whether this task may store parameters."""
        return self.stores(task) if callable(self.stores) else self.stores


TABLE: dict[str, Operator] = {}


def operator(
    name: str,
    *,
    argument: Schema = ANY,
    options: tuple[Option, ...] = (),
    others: Schema = ANY,
    stores: bool | Callable[[Task], bool] = False,
    children: bool = False,
) -> Callable[[Lower], Lower]:
    """Enter a function in the table of operators under `name`, the word before `>`, with what `Operator` says of it."""

    def enter(function: Lower) -> Lower:
        assert name not in TABLE, f"two operators are called {name}>"
        TABLE[name] = Operator(name, function, function.__doc__ or "", stores, children, argument, options, others)
        return function

    return enter


def nothing(place: Place) -> Step:
    """Return a step that does nothing: for an empty loop, or a task whose mistake has been noted."""
    return Sequence(place.name, place.comment)


EMPTY = Constant("")
