"""The vocabulary between the compiler and the translation: what a name is bound to, and what a translation is."""

from typing import Any, NamedTuple, Protocol, Tuple, Union

from stepdig.expressions.clock import Offsets
from stepdig.expressions.jsvalues import Js


class _NotConstant:
    """The type of NOT_CONSTANT."""

    def __repr__(self) -> str:
        return "NOT_CONSTANT"


NOT_CONSTANT = _NotConstant()


class Known(NamedTuple):
    """A value known while compiling (plain JSON). A text stays a text: with n = "2", `${n+1}` is "21"."""

    value: Any


class Code(NamedTuple):
    """A value the machine holds: `text` is its JSONata reference, atomic (a path, or in parentheses).

    `type` is what is known of it: num str bool null arr obj any, or iso date ymd lt for session times (`session_time`,
    `session_date`, `session_date_compact`, `session_local_time`). With `may_be_missing` the reference may give nothing.
    """

    text: str
    type: str = "any"
    may_be_missing: bool = False
    guards: Tuple[Tuple[str, str], ...] = ()  # of the translation that the code is, handed on


Binding = Union[Known, Code, None]


class Names(Protocol):
    """What the compiler knows of names."""

    def resolve(self, path: Tuple[str, ...]) -> Tuple[Binding, int]:
        """Return what a path is bound to and how many of its segments (at least 1) that covers.

        None: the name is defined nowhere. Asked with the longest path of names and constant texts that an expression
        holds, and with its first segment alone.
        """
        ...


class Zone:
    """The workflow's zone: its rows, and `run`, the JSONata reference of the run object (its `tz` holds DST rows)."""

    def __init__(self, rows: Js, run: str = "$run") -> None:
        self.rows = rows
        self.run = run
        self.offsets = Offsets(rows)
        self.fixed = len(rows) == 1

    @property
    def base(self) -> int:
        """The offset of a fixed zone in milliseconds."""
        return self.offsets.base


class Translated(NamedTuple):
    """A translated expression or text.

    `code` is JSONata without delimiters that never gives undefined; `const` the value when it is known while compiling,
    else NOT_CONSTANT; `guards` are (JSONata boolean, message): when all hold, no name is missing and no member is read
    of nothing outside branches; `needs_tz`: the code reads `<run>.tz`.
    """

    code: str
    type: str
    const: Any = NOT_CONSTANT
    guards: Tuple[Tuple[str, str], ...] = ()
    needs_tz: bool = False
