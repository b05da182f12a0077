"""The syntax tree of an expression: ES5 expressions, and the few statements a function body may hold.

`start` and `end` are offsets in the parsed source. `Constant`, `Stored` and `Failure` never come from the parser:
`fold` puts them where it knows a value, where one lies in the state machine, and where evaluation is bound to fail.
"""

from typing import Any, NamedTuple, Optional, Tuple, Union


class Literal(NamedTuple):
    """A number, text, boolean or null as written."""

    value: Any
    start: int
    end: int


class Regex(NamedTuple):
    """`/pattern/flags`."""

    pattern: str
    flags: str
    start: int
    end: int


class Name(NamedTuple):
    """A variable."""

    name: str
    start: int
    end: int


class This(NamedTuple):
    """`this`: all parameters as one object."""

    start: int
    end: int


class Member(NamedTuple):
    """`object.name`, also `object["name"]`."""

    object: "Node"
    name: str
    start: int
    end: int


class Index(NamedTuple):
    """`object[key]` with a key that is computed or a number."""

    object: "Node"
    key: "Node"
    start: int
    end: int


class Call(NamedTuple):
    """`callee(arguments)`."""

    callee: "Node"
    arguments: Tuple["Node", ...]
    start: int
    end: int


class New(NamedTuple):
    """`new callee(arguments)`."""

    callee: "Node"
    arguments: Tuple["Node", ...]
    start: int
    end: int


class Unary(NamedTuple):
    """`! - + ~ typeof void` before an operand."""

    operator: str
    operand: "Node"
    start: int
    end: int


class Binary(NamedTuple):
    """Arithmetic, comparison, bit operators, `in`, `instanceof`."""

    operator: str
    left: "Node"
    right: "Node"
    start: int
    end: int


class Logical(NamedTuple):
    """`&&` and `||`: the right side is evaluated only when it decides."""

    operator: str
    left: "Node"
    right: "Node"
    start: int
    end: int


class Conditional(NamedTuple):
    """`test ? yes : no`."""

    test: "Node"
    yes: "Node"
    no: "Node"
    start: int
    end: int


class Sequence(NamedTuple):
    """`left, right`: the value of the right side."""

    left: "Node"
    right: "Node"
    start: int
    end: int


class ArrayLiteral(NamedTuple):
    """`[a, b]`."""

    items: Tuple["Node", ...]
    start: int
    end: int


class ObjectLiteral(NamedTuple):
    """`{name: value}`."""

    names: Tuple[str, ...]
    values: Tuple["Node", ...]
    start: int
    end: int


class Function(NamedTuple):
    """`function name(parameters) { body }`."""

    name: str
    parameters: Tuple[str, ...]
    body: Tuple["Statement", ...]
    start: int
    end: int


class Assign(NamedTuple):
    """`name = value` and its relatives; only variables of a function can be assigned."""

    operator: str
    name: str
    value: "Node"
    start: int
    end: int


class Declare(NamedTuple):
    """`var name = value;`."""

    name: str
    value: Optional["Node"]
    start: int
    end: int


class Return(NamedTuple):
    """`return value;`."""

    value: Optional["Node"]
    start: int
    end: int


class If(NamedTuple):
    """`if (test) yes else no`."""

    test: "Node"
    yes: Tuple["Statement", ...]
    no: Tuple["Statement", ...]
    start: int
    end: int


class Loop(NamedTuple):
    """`for (first; test; step) body` and `while (test) body`."""

    first: Tuple["Statement", ...]
    test: Optional["Node"]
    step: Optional["Node"]
    body: Tuple["Statement", ...]
    start: int
    end: int


class Do(NamedTuple):
    """An expression as a statement."""

    value: "Node"
    start: int
    end: int


class Constant(NamedTuple):
    """A value known while compiling."""

    value: Any
    start: int
    end: int


class Stored(NamedTuple):
    """A value the state machine holds: its JSONata reference, static type, and when it may be missing.

    `exists` is the JSONata test that the variable is there ("" when it always is), `name` its name for the message;
    `guards` are (test, message) of the code itself.
    """

    code: str
    type: str
    exists: str
    name: str
    guards: Tuple[Tuple[str, str], ...]
    start: int
    end: int


class Failure(NamedTuple):
    """An expression that fails whenever it is evaluated, with JavaScript's message."""

    message: str
    hint: str
    start: int
    end: int


Node = Union[
    Literal,
    Regex,
    Name,
    This,
    Member,
    Index,
    Call,
    New,
    Unary,
    Binary,
    Logical,
    Conditional,
    Sequence,
    ArrayLiteral,
    ObjectLiteral,
    Function,
    Assign,
    Constant,
    Stored,
    Failure,
]
Statement = Union[Declare, Return, If, Loop, Do]
