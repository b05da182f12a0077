"""JSON values and names written as JSONata text; never with `${`, which a substitution at deployment would eat."""

from __future__ import annotations

import json
import re

# JSONata that binds `$m` to the deep merge of two values.
MERGE = (
    "$m:=function($a,$b){$type($a)='object' and $type($b)='object'?"
    "$merge($append([$a],$each($b,function($v,$k){ {$k:$m($lookup($a,$k),$v)} }))):$exists($b)?$b:$a};"
)

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_KEYWORDS = {"and", "or", "in", "true", "false", "null", "function"}


def literal(value: object) -> str:
    """Return a JSON value as JSONata: texts in single quotes, nothing else special."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(literal, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(str(key))}:{literal(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def field(name: str) -> str:
    """Return a name as a step of a path: bare where JSONata takes it, else in backquotes, or looked up as a text."""
    if _WORD.fullmatch(name) and name not in _KEYWORDS:
        return name
    return f"$lookup($,{_text(name)})" if "`" in name or "${" in name else f"`{name}`"


def _text(value: str) -> str:
    quoted = json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\u0027")
    return f"'{quoted.replace('${', chr(92) + 'u0024{')}'"
