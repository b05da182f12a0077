"""The methods of texts: ES5's, and Java's that Digdag's JavaScript engine offers beside them (`contains`, `isEmpty`).

Positions count UTF-16 units, as in JavaScript: a character beyond the first 65,536 takes two.
"""

import math
from typing import Any, Callable, Dict, List, Optional

from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsregex import RegExp, compiled, groups, takes_long_on
from stepdig.expressions.jsvalues import UNDEFINED, Function, Js, to_integer, to_number, to_string, trim

MAX_LENGTH = 10_000_000  # a text longer than that is a mistake, not a parameter


def units(text: str) -> str:
    """Return the text as UTF-16 units: every character beyond the first plane as two halves."""
    if text.isascii() or max(text) <= "\uffff":
        return text
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(raw[i] | raw[i + 1] << 8) for i in range(0, len(raw), 2))


def member(text: str, name: str) -> Js:
    """Return a member of a text: its length, a character, a method, or UNDEFINED."""
    if name == "length":
        return len(units(text))
    method = METHODS.get(name)
    if method is not None:
        return Function(name, lambda this, args: method(to_string(this), args))
    if name.isdigit() and (name == "0" or name[0] != "0"):
        halves = units(text)
        return halves[int(name)] if len(name) < 10 and int(name) < len(halves) else UNDEFINED
    return Function(name, lambda this, args: _text_at(args, 0) == "length") if name == "hasOwnProperty" else UNDEFINED


def _at(args: List[Any], index: int) -> Js:
    return args[index] if index < len(args) else UNDEFINED


def _text_at(args: List[Any], index: int) -> str:
    return to_string(_at(args, index))


def clamp(position: float, length: int) -> int:
    """Return a position counted from the end when negative, kept inside 0..length."""
    return int(max(0, length + position) if position < 0 else min(position, length))


def slice_text(text: str, args: List[Any]) -> str:
    """String.prototype.slice."""
    halves = units(text)
    start = clamp(to_integer(_at(args, 0)), len(halves))
    return halves[start : clamp(to_integer(_at(args, 1), len(halves)), len(halves))]


def _substring(text: str, args: List[Any]) -> str:
    halves = units(text)
    ends = [
        min(max(to_integer(_at(args, 0)), 0), len(halves)),
        min(max(to_integer(_at(args, 1), len(halves)), 0), len(halves)),
    ]
    return halves[int(min(ends)) : int(max(ends))]


def _substr(text: str, args: List[Any]) -> str:
    halves = units(text)
    start = clamp(to_integer(_at(args, 0)), len(halves))
    return halves[start : start + int(min(max(to_integer(_at(args, 1), len(halves)), 0), len(halves)))]


def _char_at(text: str, args: List[Any]) -> str:
    halves, index = units(text), to_integer(_at(args, 0))
    return halves[int(index)] if 0 <= index < len(halves) else ""


def _char_code_at(text: str, args: List[Any]) -> float:
    char = _char_at(text, args)
    return ord(char) if char else math.nan


def _index_of(text: str, args: List[Any]) -> int:
    return units(text).find(units(_text_at(args, 0)), int(min(max(to_integer(_at(args, 1)), 0), len(text) * 2)))


def _last_index_of(text: str, args: List[Any]) -> int:
    limit = to_number(_at(args, 1))
    sought = units(_text_at(args, 0))
    end = None if math.isnan(limit) or math.isinf(limit) else max(int(limit), 0) + len(sought)
    return units(text).rfind(sought, 0, end)


def _split(text: str, args: List[Any]) -> List[Any]:
    separator = _at(args, 0)
    limit = None if _at(args, 1) is UNDEFINED else int(to_integer(args[1]))
    if separator is UNDEFINED:
        parts: List[Any] = [text]
    elif isinstance(separator, RegExp):
        parts = _split_by(separator, text)
    else:
        by = to_string(separator)
        parts = text.split(by) if by else list(units(text))
    return parts if limit is None else parts[:limit]


def _split_by(separator: RegExp, text: str) -> List[Any]:
    if not text:
        return [] if separator.compiled.match("") else [""]
    parts: List[Any] = []
    last = 0
    for match in separator.compiled.finditer(text):
        if match.end() == last or match.start() >= len(text):
            continue
        parts += [text[last : match.start()], *(UNDEFINED if group is None else group for group in match.groups())]
        last = match.end()
    return [*parts, text[last:]]


def _replace(text: str, args: List[Any]) -> str:
    sought, new = _at(args, 0), _at(args, 1)
    if isinstance(sought, RegExp):
        count = 0 if "g" in sought.flags else 1
        return sought.compiled.sub(lambda m: _replacement(new, groups(m), m.start(), text), text, count=count)
    found = to_string(sought)
    at = text.find(found)
    if at < 0:
        return text
    return text[:at] + _replacement(new, [found], at, text) + text[at + len(found) :]


def _replacement(new: Js, found: List[Any], start: int, text: str) -> str:
    """Return what replaces a match: a function's answer, or a text with `$&`, `$1`, `$$` filled in."""
    if isinstance(new, Function):
        return to_string(new.call(UNDEFINED, [*found, start, text]))
    pattern = to_string(new)
    if len(pattern) * len(text) > MAX_LENGTH:  # whatever it may match
        raise EvaluationError("RangeError: Invalid string length")
    if "$" not in pattern:
        return pattern
    special = {"$$": "$", "$&": found[0], "$`": text[:start], "$'": text[start + len(found[0]) :]}
    out, position = [], 0
    while position < len(pattern):
        pair = pattern[position : position + 2]
        group = _group_number(pattern[position : position + 3], len(found) - 1)
        if pair in special:
            out.append(special[pair])
            position += 2
        elif group:
            value = found[int(group[1:])]
            out.append("" if value is UNDEFINED else value)
            position += len(group)
        else:
            out.append(pattern[position])
            position += 1
    return "".join(out)


def _group_number(text: str, count: int) -> str:
    """Return `$12` or `$1` at the start of the text when there is such a group, else ""."""
    for length in (3, 2):
        digits = text[1:length]
        if text[0] == "$" and len(text) >= length and digits.isdigit() and 1 <= int(digits) <= count:
            return text[:length]
    return ""


def _match(text: str, args: List[Any]) -> Js:
    sought = _at(args, 0)
    regex = sought if isinstance(sought, RegExp) else RegExp("" if sought is UNDEFINED else to_string(sought), "")
    if "g" not in regex.flags:
        return groups(regex.compiled.search(text))
    return [match.group() for match in regex.compiled.finditer(text)] or None


def _search(text: str, args: List[Any]) -> int:
    sought = _at(args, 0)
    regex = sought if isinstance(sought, RegExp) else RegExp(to_string(sought), "")
    match = regex.compiled.search(text)
    return match.start() if match else -1


def _java_replace(count: int) -> Callable[[str, List[Any]], str]:
    """Return Java's replaceAll or replaceFirst: the first argument always is a regular expression."""

    def replace(text: str, args: List[Any]) -> str:
        sought = _at(args, 0)
        source = sought.pattern if isinstance(sought, RegExp) else to_string(sought)
        new = _text_at(args, 1)
        return compiled(source, "").sub(lambda m: _replacement(new, groups(m), m.start(), text), text, count=count)

    return replace


def _repeat(text: str, args: List[Any]) -> str:
    count = to_integer(_at(args, 0))
    if count < 0 or math.isinf(count) or count * len(text) > MAX_LENGTH:
        raise EvaluationError("RangeError: Invalid count value")
    return text * int(count)


def _hash_code(text: str, args: List[Any]) -> int:
    """Return Java's hash of a text."""
    value = 0
    for char in units(text):
        value = (31 * value + ord(char)) & 0xFFFFFFFF
    return value - 0x100000000 if value & 0x80000000 else value


def _matches(text: str, args: List[Any]) -> bool:
    return compiled(_text_at(args, 0), "").fullmatch(text) is not None


def _compare(text: str, args: List[Any]) -> int:
    """Java's compareTo: the difference of the first letters that differ, or of the lengths."""
    other = units(_text_at(args, 0))
    pairs = [ord(a) - ord(b) for a, b in zip(units(text), other) if a != b]
    return pairs[0] if pairs else len(units(text)) - len(other)


def _locale_compare(text: str, args: List[Any]) -> int:
    other = _text_at(args, 0)
    mine, theirs = (text.casefold(), text.swapcase()), (other.casefold(), other.swapcase())
    return (mine > theirs) - (mine < theirs)


Method = Callable[[str, List[Any]], Any]
METHODS: Dict[str, Method] = {
    "charAt": _char_at,
    "charCodeAt": _char_code_at,
    "concat": lambda text, args: text + "".join(map(to_string, args)),
    "indexOf": _index_of,
    "lastIndexOf": _last_index_of,
    "localeCompare": _locale_compare,
    "match": _match,
    "replace": _replace,
    "search": _search,
    "slice": slice_text,
    "split": _split,
    "substr": _substr,
    "substring": _substring,
    "toLowerCase": lambda text, args: text.lower(),
    "toUpperCase": lambda text, args: text.upper(),
    "toLocaleLowerCase": lambda text, args: text.lower(),
    "toLocaleUpperCase": lambda text, args: text.upper(),
    "toString": lambda text, args: text,
    "trim": lambda text, args: trim(text),
    "valueOf": lambda text, args: text,
    # Java's
    "compareTo": _compare,
    "contains": lambda text, args: _text_at(args, 0) in text,
    "endsWith": lambda text, args: text.endswith(_text_at(args, 0)),
    "equals": lambda text, args: _at(args, 0) == text,
    "equalsIgnoreCase": lambda text, args: _text_at(args, 0).lower() == text.lower(),
    "hashCode": _hash_code,
    "isEmpty": lambda text, args: not text,
    "matches": _matches,
    "repeat": _repeat,
    "replaceAll": _java_replace(0),
    "replaceFirst": _java_replace(1),
    "startsWith": lambda text, args: text.startswith(_text_at(args, 0), int(to_integer(_at(args, 1)))),
}

ES6 = {
    "includes": "use .indexOf(x) >= 0, or .contains(x) for texts",
    "padStart": "use ('00' + x).slice(-2)",
    "padEnd": "ES5 has no padding",
    "find": "use .filter(function(x){ return ...; })[0]",
    "findIndex": "use a function with .map",
    "trimStart": "use .replace(/^\\s+/, '')",
    "trimEnd": "use .replace(/\\s+$/, '')",
    "flat": "use .concat",
    "flatMap": "use .map",
    "fill": "ES5 has no fill",
    "at": "use [index]",
    "codePointAt": "use .charCodeAt(index)",
    "entries": "use Object.keys(x)",
    "values": "use Object.keys(x)",
    "normalize": "ES5 has no normalize",
}


SEARCHING = frozenset(("exec", "match", "matches", "replace", "replaceAll", "replaceFirst", "search", "split", "test"))


def takes_long(this: Js, args: List[Any]) -> bool:
    """Tell whether a call of a method of `SEARCHING` may take longer than a compiler should."""
    patterns = [value.pattern for value in (this, *args) if isinstance(value, RegExp)]
    patterns = patterns or [value for value in args[:1] if isinstance(value, str)]  # Java's take texts
    size = max([len(value) for value in (this, *args) if isinstance(value, str)], default=0)
    return any(takes_long_on(size, pattern) for pattern in patterns)


def hint_for(name: str) -> Optional[str]:
    """Return what to write instead of a method that newer JavaScript has and Digdag has not."""
    return ES6.get(name)
