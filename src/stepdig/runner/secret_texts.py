"""`${secret:key}` in texts: marked before a template is evaluated, replaced by the secret after.

Only texts of the workflow are marked, so data that reads `${secret:...}` stays data. A mark holds a word that this process
made up and that no value can know; the key between two marks may itself be a template, `${secret:${environment}.password}`.
"""

from __future__ import annotations

import json
import os
import re
from typing import Callable, Dict, List, Mapping, Optional, Tuple

from stepdig.expressions.template import closing_brace
from stepdig.runner.shapes import Json, TaskError

PREFIX = "${secret:"
KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*\Z")
VARIABLE = "STEPDIG_SECRET_"  # of a container's environment, before the key
_WORD = os.urandom(16).hex()
_BEGIN, _END = f"secret{_WORD}begins", f"secret{_WORD}ends"  # letters and digits come through JSON and URLs as they are
_MARKED = re.compile(re.escape(_BEGIN) + "(.*?)" + re.escape(_END), re.DOTALL)

Quote = Callable[[str, str, str], str]  # (text before, secret, text after) -> the secret as it is written there


def variable(key: str) -> str:
    """Return the name of the variable that gives a container a secret: `mysql.password`, STEPDIG_SECRET_MYSQL_PASSWORD."""
    return VARIABLE + re.sub(r"[^A-Za-z0-9]", "_", key).upper()


def spans(text: str) -> List[Tuple[int, int]]:
    """Return where the keys of a text's references stand, from..to; one without an end is none."""
    found: List[Tuple[int, int]] = []
    start = text.find(PREFIX)
    while start >= 0:
        begin = start + len(PREFIX)
        end = closing_brace(text, begin)
        if end < 0:
            break
        found.append((begin, end))
        start = text.find(PREFIX, end)
    return found


def mark(text: str) -> str:
    """Return a text with its references marked."""
    parts: List[str] = []
    position = 0
    for begin, end in spans(text):
        parts += [text[position : begin - len(PREFIX)], _BEGIN, text[begin:end], _END]
        position = end + 1
    return "".join([*parts, text[position:]])


def literal(value: Json) -> Json:
    """Return a value with its marks written as references again: what every other reader of it sees."""
    if isinstance(value, str):
        return _MARKED.sub(lambda it: f"{PREFIX}{it[1]}}}", value) if _BEGIN in value else value
    if isinstance(value, dict):
        return {literal(name): literal(item) for name, item in value.items()}
    return [literal(item) for item in value] if isinstance(value, list) else value


class Secrets:
    """The secrets of one task.

    keys    those that the compiler found in it: no other is looked up, whatever a template makes of a key
    names   `_secrets` of the task, name -> key
    """

    def __init__(self, keys: List[str], names: Mapping[str, str], look_up: Callable[[str], Optional[str]]) -> None:
        self._keys = keys
        self._names = names
        self._look_up = look_up

    def get(self, name: str) -> str:
        """Return a secret. Raises TaskError with Digdag's message."""
        key = self._names.get(name, name)
        value = self._look_up(key) if key in self._keys else None
        if value is None:
            raise TaskError(f"Secret not found for key: '{key}' (secret not found)")
        return value

    def named(self) -> Dict[str, str]:
        """Return the secrets of `_secrets`, by name. Raises TaskError."""
        return {name: self.get(name) for name in self._names}

    def all(self) -> Dict[str, str]:
        """Return those of the task's secrets that are there, by key."""
        found = {key: self._look_up(key) for key in self._keys}
        return {key: value for key, value in found.items() if value is not None}

    def fill(self, text: str, quote: Optional[Quote] = None) -> str:
        """Return a marked text with the secrets in it. Raises TaskError."""
        if _BEGIN not in text:
            return text

        def secret(found: "re.Match[str]") -> str:
            value = self.get(found[1])
            return quote(text[: found.start()], value, text[found.end() :]) if quote else value

        return _MARKED.sub(secret, text)

    def filled(self, value: Json) -> Json:
        """Return a value with the secrets in all of its texts. Raises TaskError."""
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, dict):
            return {name: self.filled(item) for name, item in value.items()}
        return [self.filled(item) for item in value] if isinstance(value, list) else value


def names_of(mapping: Json, prefix: str = "") -> Dict[str, str]:
    """Return `_secrets` as name -> key: `{pw: mysql.password}`; `pw: true` keeps the name, an object is its dotted names."""
    found: Dict[str, str] = {}
    for name, value in mapping.items() if isinstance(mapping, dict) else ():
        if isinstance(value, dict):
            found.update(names_of(value, f"{prefix}{name}."))
        elif value is not False and value is not None:
            found[prefix + name] = prefix + name if value is True else str(value)
    return found


def in_yaml(before: str, secret: str, after: str) -> str:
    """Return a secret as it is written at one place of a YAML text, so that it stays one scalar there."""
    line, rest = before.rpartition("\n")[2], after.partition("\n")[0]
    if line.replace('\\"', "").count('"') % 2:
        return json.dumps(secret)[1:-1]
    if line.count("'") % 2:
        return secret.replace("'", "''")
    whole = re.search(r"(^|[:,\[{]|-)\s*\Z", line) and re.match(r"\s*([,}\]]|(\s#.*)?\Z)", rest)
    return json.dumps(secret) if whole else secret
