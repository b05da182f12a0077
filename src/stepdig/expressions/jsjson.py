"""JSON.stringify and JSON.parse as JavaScript has them, and the text that `${...}` prints."""

import json
from typing import Dict, List

from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsvalues import UNDEFINED, Function, Js, Object, is_finite, number_text, to_number, whole


def to_text(value: Js) -> str:
    """Return what `${...}` prints: texts as they are, nothing for undefined and null, JSON for all else."""
    if isinstance(value, str):
        return _joined(value)
    if value is None or value is UNDEFINED:
        return ""
    text = stringify(value)
    return "undefined" if text is UNDEFINED else _joined(text)


def stringify(value: Js, indent: str = "", level: str = "") -> Js:
    """JSON.stringify with an indent; UNDEFINED for what JSON cannot say. Keys keep JavaScript's order."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value) if is_finite(value) else "null"
    if value is UNDEFINED:
        return UNDEFINED
    if isinstance(value, Object):
        return stringify(value.json(), indent, level)
    inner = level + indent
    if isinstance(value, list):
        items = [stringify(item, indent, inner) for item in value]
        return _wrapped("[", ["null" if item is UNDEFINED else item for item in items], "]", indent, level)
    own = value.get("toJSON")
    if isinstance(own, Function):
        return stringify(own.call(value, [""]), indent, level)
    colon = ": " if indent else ":"
    fields = [(key, stringify(value[key], indent, inner)) for key in keys(value)]
    texts = [f"{json.dumps(key, ensure_ascii=False)}{colon}{text}" for key, text in fields if text is not UNDEFINED]
    return _wrapped("{", texts, "}", indent, level)


def keys(value: Dict[str, Js]) -> List[str]:
    """Return the keys of an object in JavaScript's order: whole numbers first, then as added."""
    numbers = [
        key for key in value if key.isascii() and key.isdigit() and (key == "0" or key[0] != "0") and len(key) < 11
    ]
    if not numbers:
        return list(value)
    known = set(numbers)
    return sorted(numbers, key=int) + [key for key in value if key not in known]


def parse_json(text: str) -> Js:
    """JSON.parse; numbers become what a double holds. Raise EvaluationError (SyntaxError) for anything else."""
    try:
        return json.loads(text, parse_int=lambda digits: whole(float(digits)), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"SyntaxError: Invalid JSON: {error}") from None


def plain(value: Js) -> Js:
    """Return the value as JSON has it: undefined is null, dates are texts, functions are left out."""
    text = stringify(value)
    return None if text is UNDEFINED else json.loads(text)


def indent_of(space: Js) -> str:
    """Return the indent that the third argument of JSON.stringify asks for."""
    if isinstance(space, str):
        return space[:10]
    return " " * max(0, min(10, int(to_number(space)))) if isinstance(space, (int, float)) else ""


def _wrapped(opening: str, texts: List[str], closing: str, indent: str, level: str) -> str:
    if not indent or not texts:
        return opening + ",".join(texts) + closing
    separator = f",\n{level}{indent}"
    return f"{opening}\n{level}{indent}{separator.join(texts)}\n{level}{closing}"


def _no_constant(word: str) -> Js:
    raise ValueError(f"{word} is not JSON")


def _joined(text: str) -> str:
    """Join halves of a UTF-16 pair that indexing took apart."""
    if not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
