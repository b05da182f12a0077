"""Texts of a payload with secrets in them, and the secrets themselves.

A text is a plain one, or `{"parts": ["Bearer ", {"secret": "api.token"}]}`: a secret is named by the shape, never by a
sign inside of a text, since data could forge that. A mapping of the task that has this shape by itself is `{"mapping": {...}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from errors import SecretMissing

HIDDEN = "***"
Lookup = Callable[[list[str]], dict[str, str]]


class Secrets:
    """The secrets of one invocation: `lookup` gives those there are of some keys, `keys` the keys of other names for them."""

    def __init__(self, lookup: Lookup, keys: Mapping[str, str] | None = None) -> None:
        self._lookup = lookup
        self._keys = keys or {}
        self._known: dict[str, str | None] = {}

    def find(self, *names: str) -> dict[str, str]:
        """Return the secrets that exist of these names."""
        keys = {name: self._keys.get(name, name) for name in names}
        unknown = [key for key in dict.fromkeys(keys.values()) if key not in self._known]
        if unknown:
            found = self._lookup(unknown)
            self._known.update({key: found.get(key) for key in unknown})
        return {name: value for name, key in keys.items() if (value := self._known[key]) is not None}

    def get(self, name: str) -> str:
        """Return a secret. Raises SecretMissing."""
        found = self.find(name)
        if name not in found:
            raise SecretMissing(f"Secret not found for key: '{name}'")
        return found[name]

    def text(self, value: Any) -> str:  # noqa: ANN401 - any JSON
        """Return a text with its secrets filled in. Raises SecretMissing."""
        return _joined(value, self.get)

    def filled(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return a JSON value with every text in it filled in. Raises SecretMissing."""
        if isinstance(value, dict) and set(value) == {"parts"}:
            return self.text(value)
        if isinstance(value, dict):
            value = value["mapping"] if set(value) == {"mapping"} else value
            return {key: self.filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner) for inner in value]
        return value


def shown(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a text as a log or a message may have it: `***` where a secret goes."""
    return _joined(value, lambda _: HIDDEN)


def _joined(value: Any, secret: Callable[[str], str]) -> str:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return "".join(secret(part["secret"]) if isinstance(part, dict) else str(part) for part in value["parts"])
    return value if isinstance(value, str) else ""
