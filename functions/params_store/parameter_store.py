"""Texts by name in AWS's Parameter Store.

It takes no empty text: to set one is to forget the parameter, which reads as an empty text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

NAMES_A_CALL = 10  # of GetParameters


class Client(Protocol):
    """The calls of boto3's client that are used."""

    def get_parameters(self, *, Names: list[str]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """Read parameters; those that do not exist are left out."""

    def put_parameter(self, *, Name: str, Value: str, Type: str, Tier: str, Overwrite: bool) -> object:  # noqa: N803
        """Write a parameter."""

    def delete_parameters(self, *, Names: list[str]) -> object:  # noqa: N803
        """Forget parameters; those that do not exist are passed over."""


class ParameterStore:
    """The parameters below a path that ends in `/`."""

    def __init__(self, client: Client, path: str) -> None:
        self._client = client
        self._path = path

    def get(self, names: Sequence[str]) -> dict[str, str]:
        """Return the parameters that there are of some names."""
        found: dict[str, str] = {}
        for some in _calls(list(dict.fromkeys(names))):
            answer = self._client.get_parameters(Names=[self._path + name for name in some])
            found.update({it["Name"][len(self._path) :]: it["Value"] for it in answer["Parameters"]})
        return found

    def put(self, name: str, value: str) -> None:
        """Keep a text under a name, an empty one by forgetting the name."""
        if not value:
            self._client.delete_parameters(Names=[self._path + name])
            return
        self._client.put_parameter(
            Name=self._path + name, Value=value, Type="String", Tier="Intelligent-Tiering", Overwrite=True
        )


def _calls(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), NAMES_A_CALL):
        yield names[start : start + NAMES_A_CALL]
