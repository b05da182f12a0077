"""What the translation knows of a value: its JSONata code and its static type; and texts and numbers as JSONata writes them."""

import json
import re
from typing import NamedTuple, Union

from stepdig.expressions.jsvalues import UNDEFINED, Js, is_finite, number_text

TEXTS = frozenset(("str", "iso", "date", "ymd", "lt"))
PATH = re.compile(r"\$[A-Za-z][\w]*(?:\.(?:\w+|`[^`]*`))*\Z")  # names a value, computes nothing
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = frozenset(("and", "or", "in", "true", "false", "null", "function"))


class Value(NamedTuple):
    """Code that stands by itself (atom, call or parentheses), its type, and what else is known.

    Types: those of `Code`, `undef`, and `bool num str arr obj any`. `nan`: a number that may be NaN, which is JSONata's
    nothing. `present`: neither undefined nor null. `json`: code of its JSON text, where the value itself is awkward.
    """

    code: str
    type: str = "any"
    nan: bool = False
    present: bool = False
    json: str = ""


class Instant(NamedTuple):
    """A moment (or Date): `code` is milliseconds, UTC or of the wall clock, to which the constant `shift` is added.

    `utc`: the moment is in UTC mode. `doubtful`: the code may give nothing, which stands for an invalid date.
    """

    code: str
    wall: bool = False
    shift: float = 0
    utc: bool = False
    doubtful: bool = False
    is_date: bool = False
    type: str = "moment"


Any_ = Union[Value, Instant]
NOTHING = Value("$lookup({},'x')", "undef")


def quoted(text: str) -> str:
    """Return a text as JSONata's literal; never holding `${`, which would be taken for a substitution."""
    body = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\u0027")
    body = "".join(f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in body)
    return "'" + body.replace("${", "\\u0024{").replace("\x7f", "\\u007f") + "'"


def number(value: float) -> str:
    """Return a finite number as JSONata's literal, negative ones in parentheses."""
    text = number_text(value) if is_finite(value) else "0"
    text = text.replace("e+", "e")
    return f"({text})" if text.startswith("-") else text


def field(name: str) -> str:
    """Return a field's name as it stands after a dot."""
    plain = _NAME.match(name) and name not in _WORDS
    return name if plain else f"`{name}`"


def literal(value: Js) -> Value:
    """Return a JSON value as code; NaN, undefined and infinities are nothing."""
    if value is None:
        return Value("null", "null")
    if value is UNDEFINED:
        return NOTHING
    if isinstance(value, bool):
        return Value("true" if value else "false", "bool", present=True)
    if isinstance(value, (int, float)):
        finite = is_finite(value)
        return (
            Value(number(value), "num", present=True) if finite else Value(NOTHING.code, "num", nan=True, present=True)
        )
    if isinstance(value, str):
        return Value(quoted(value), "str", present=True)
    if isinstance(value, list):
        items = ",".join(literal(None if item is UNDEFINED else item).code for item in value)
        return Value(f"[{items}]", "arr", present=True)
    fields = ",".join(f"{quoted(key)}:{literal(item).code}" for key, item in value.items() if item is not UNDEFINED)
    return Value("{" + fields + "}", "obj", present=True)
