"""The types of declared parameters, one row each: how a given value becomes one, in Python and in the machine.

The command line checks before anything starts, the machine's first state checks whatever started it; both by this table.
JSONata of a row gives the value of `$v`, or nothing when `$v` is none of the type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


class WrongTypeError(ValueError):
    """A value that is not of the declared type."""


@dataclass(frozen=True, slots=True)
class InputType:
    """One type: `said` is how a person calls a value of it, `kind` the type that expressions know it by."""

    said: str
    kind: str
    convert: Callable[[object], object]
    code: str


def convert(type_name: str, value: object) -> object:
    """Return a given value as one of the type; a text becomes a number, a truth or a list. Raises WrongTypeError."""
    return TYPES[type_name].convert(value)


def _string(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise WrongTypeError
    return value


def _integer(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value, re.ASCII):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongTypeError
    return value


def _number(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?([eE][-+]?[0-9]{1,2})?", value, re.ASCII):
        return int(value) if value.lstrip("-").isdigit() else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongTypeError
    return value


def _boolean(value: object) -> object:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise WrongTypeError


def _date(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        year, month, day = (int(part) for part in value.split("-"))
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
        if year > 0 and 1 <= month <= 12 and 1 <= day <= days[month - 1]:
            return value
    raise WrongTypeError


def _list(value: object) -> object:
    if isinstance(value, str) and not value.startswith("["):
        return names(value)
    if not isinstance(value, list):
        raise WrongTypeError
    return value


def _object(value: object) -> object:
    if not isinstance(value, dict):
        raise WrongTypeError
    return value


def names(text: str) -> list[str]:
    """Return the parts of a comma list, without blanks around them and without empty ones."""
    parts = [re.sub(r"[ \t\n\r]+", " ", part).strip(" ") for part in text.split(",")]
    return [part for part in parts if part]


NAMES = "[$map($split({0},','),function($x){{$trim($x)}})[$!='']]"  # JSONata of `names`

_DATE = (
    "$type($v)='string'?($contains($v,/^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$/)?"
    "($y:=$number($substring($v,0,4));$l:=$y%4=0 and $y%100!=0 or $y%400=0;"
    "$y>0 and $number($substring($v,8,2))<=[31,$l?29:28,31,30,31,30,31,31,30,31,30,31]"
    "[$number($substring($v,5,2))-1]?$v))"
)

TYPES = {
    "string": InputType(
        "a text",
        "str",
        _string,
        "$type($v)='string'?$v:$type($v)='number' or $type($v)='boolean'?$string($v)",
    ),
    "integer": InputType(
        "a whole number",
        "num",
        _integer,
        "$type($v)='string'?($contains($v,/^-?[0-9]{1,15}$/)?$number($v)):$type($v)='number'?($floor($v)=$v?$v)",
    ),
    "number": InputType(
        "a number",
        "num",
        _number,
        "$type($v)='string'?($contains($v,/^-?[0-9]{1,15}([.][0-9]{1,15})?([eE][-+]?[0-9]{1,2})?$/)?$number($v))"
        ":$type($v)='number'?$v",
    ),
    "boolean": InputType("true or false", "bool", _boolean, "$type($v)='boolean'?$v:$v='true'?true:$v='false'?false"),
    "date": InputType("a date such as 2026-11-20", "date", _date, _DATE),
    "list": InputType(
        "a list",
        "arr",
        _list,
        f"$type($v)='array'?$v:$type($v)='string'?($substring($v,0,1)!='['?{NAMES.format('$v')})",
    ),
    "object": InputType("an object", "obj", _object, "$type($v)='object'?$v"),
}
