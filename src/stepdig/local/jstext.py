"""Text of JSON values as JavaScript prints them, for `$string` and `&` in expressions."""

from __future__ import annotations

import json
import math
from decimal import Decimal

from jsonata.utils import Utils

from stepdig.local.payload import Json

_DIGITS = 15  # JSONata prints numbers with Number(x.toPrecision(15))


def js_number(value: float) -> str:
    """Return a number as JSONata's `$string` prints it: 15 digits, no exponent between 1e-6 and 1e21."""
    rounded = float(f"{value:.{_DIGITS}g}")
    if rounded == 0:
        return "0"
    if not math.isfinite(rounded):
        return "null"
    if 1e-6 <= abs(rounded) < 1e21:
        text = format(Decimal(repr(rounded)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = repr(rounded).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def js_json(value: Json, *, pretty: bool = False, indent: str = "") -> str:
    """Return JSON.stringify's text of a value; `pretty` indents by two blanks."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return js_number(value)
    inner = indent + "  "
    if isinstance(value, dict):
        colon = ": " if pretty else ":"
        parts = [
            f"{json.dumps(k, ensure_ascii=False)}{colon}{js_json(v, pretty=pretty, indent=inner)}"
            for k, v in value.items()
        ]
        return _wrapped("{", parts, "}", indent, pretty=pretty)
    if isinstance(value, list):
        parts = [js_json(v, pretty=pretty, indent=inner) for v in value]
        return _wrapped("[", parts, "]", indent, pretty=pretty)
    if value is None or value is Utils.NULL_VALUE:
        return "null"
    return '""'  # JSONata's replacer for JSON.stringify turns functions into empty texts


def _wrapped(opening: str, parts: list[str], closing: str, indent: str, *, pretty: bool) -> str:
    if not pretty or not parts:
        return opening + ",".join(parts) + closing
    inner = "\n" + indent + "  "
    return opening + inner + f",{inner}".join(parts) + "\n" + indent + closing
