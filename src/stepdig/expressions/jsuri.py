"""`encodeURIComponent` and its relatives."""

import re
import urllib.parse
from typing import Any, List

from stepdig.expressions import strings
from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsvalues import to_string
from stepdig.expressions.natives import Call, at

_UNESCAPED = "-_.!~*'()"


def encode(kept: str) -> Call:
    """Return a function that writes all but letters, digits, `-_.!~*'()` and the kept characters as `%..`."""

    def call(args: List[Any]) -> str:
        text = to_string(at(args, 0))
        try:
            return urllib.parse.quote(text, safe=_UNESCAPED + kept)
        except UnicodeEncodeError:
            raise EvaluationError("URIError: URI malformed") from None

    return call


def decode(kept: str) -> Call:
    """Return a function that reads `%..`, but for the kept characters."""

    def call(args: List[Any]) -> str:
        text = to_string(at(args, 0))
        for char in kept:
            text = re.sub(f"(?i)%(?={ord(char):02x})", "%25", text)
        try:
            if re.search(r"%(?![0-9a-fA-F]{2})", text):
                raise ValueError
            return urllib.parse.unquote(text, errors="strict")
        except (UnicodeDecodeError, ValueError):
            raise EvaluationError("URIError: URI malformed") from None

    return call


def escape(args: List[Any]) -> str:
    """`escape(text)`, as old as `%uXXXX`."""
    text = strings.units(to_string(at(args, 0)))
    return re.sub(r"[^A-Za-z0-9@*_+\-./]", lambda m: _escaped(ord(m.group())), text)


def _escaped(code: int) -> str:
    return f"%{code:02X}" if code < 256 else f"%u{code:04X}"


def unescape(args: List[Any]) -> str:
    """`unescape(text)`."""
    pattern = r"%u([0-9a-fA-F]{4})|%([0-9a-fA-F]{2})"
    return re.sub(pattern, lambda m: chr(int(m.group(1) or m.group(2), 16)), to_string(at(args, 0)))
