"""The type of a YAML scalar as Digdag sees it, which is neither YAML 1.1 nor what PyYAML makes of it.

Rules: Digdag's YamlTagResolver (`yes` and `0.5` are texts, `010` is 8, `10:00` is a text) over snakeyaml's.
https://github.com/treasure-data/digdag/blob/master/digdag-core/src/main/java/io/digdag/core/config/YamlTagResolver.java
"""

from __future__ import annotations

import math
import re

Value = None | bool | int | float | str

_MAY_BE_SPECIAL = frozenset("-+.~0123456789tTfFnN")
_BOOL = re.compile(r"[Tt]rue|[Ff]alse")
_NULL = re.compile(r"~|null|Null|NULL")
_INT = re.compile(r"[-+]?(?:0b[01_]+|0[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[1-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"
    r"|[-+]?\.(?:inf|Inf|INF)"
    r"|\.(?:nan|NaN|NAN)"
)
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_BOOL_WORDS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}

TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null"))


def plain_value(text: str) -> Value:
    """Return the value of a scalar written without quotes.

    Raises ValueError when it looks like a number and is none (`0x_`, or more digits than Python converts).
    """
    if not text:
        return None
    if text[0] not in _MAY_BE_SPECIAL:
        return text
    if _INT.fullmatch(text):
        return _int(text)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _BOOL.fullmatch(text):
        return text[0] in "tT"
    return None if _NULL.fullmatch(text) else text


def tagged_value(tag: str, text: str) -> Value:
    """Return the value of a scalar with one of the explicit `TAGS`; `!!float 0.5` is how a small float is written.

    Raises ValueError when the text is no such value.
    """
    kind = tag.rpartition(":")[2]
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        if text.lower() not in _BOOL_WORDS:
            raise ValueError(text)
        return _BOOL_WORDS[text.lower()]
    if kind == "int":
        if not _INT.fullmatch(text):
            raise ValueError(text)
        return _int(text)
    if not _FLOAT.fullmatch(text) and not _DECIMAL.fullmatch(text.replace("_", "")):
        raise ValueError(text)
    return _float(text)


def _int(text: str) -> int:
    digits = text.replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    if digits.startswith("0b"):
        return sign * int(digits[2:], 2)
    if digits.startswith("0x"):
        return sign * int(digits[2:], 16)
    if digits.startswith("0") and digits != "0":
        return sign * int(digits[1:], 8)
    return sign * int(digits)


def _float(text: str) -> float | str:
    """Digdag keeps its configuration as JSON, where the values that JSON lacks become Java's texts for them."""
    digits = text.replace("_", "").lower()
    sign = -1.0 if digits[0] == "-" else 1.0
    digits = digits.lstrip("+-")
    if digits == ".nan":
        return "NaN"
    number = 0.0
    for part in digits.split(":"):  # 1:30.5 counts in sixties
        number = number * 60 + (math.inf if part == ".inf" else float(part))
    if math.isinf(number):
        return "Infinity" if sign > 0 else "-Infinity"
    return sign * number
