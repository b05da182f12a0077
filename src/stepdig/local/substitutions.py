"""`${Name}` in a definition's text, as CloudFormation's DefinitionSubstitutions fill it in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stepdig.local.payload import encode

_TOKEN = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


class MissingSubstitution(KeyError):
    """A `${Name}` of a definition that the mapping does not hold."""


def substitute(text: str, mapping: Mapping[str, str]) -> str:
    """Replace each `${Name}` of a definition's text, as CloudFormation's DefinitionSubstitutions do.

    The values stand inside JSON strings, so they are escaped for it. Raises MissingSubstitution.
    """

    def value_of(found: re.Match[str]) -> str:
        if found[1] not in mapping:
            raise MissingSubstitution(found[1])
        return encode(mapping[found[1]])[1:-1]

    return _TOKEN.sub(value_of, text)
