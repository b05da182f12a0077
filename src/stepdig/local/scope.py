"""Variables: a branch or iteration reads outwards and writes only its own.

https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
"""

from __future__ import annotations

from stepdig.limits import ASSIGN_BYTES, VARIABLE_BYTES, VARIABLES_TOTAL_BYTES
from stepdig.local.errors import DATA_LIMIT, StateError
from stepdig.local.jsonata import Variables
from stepdig.local.payload import Json, encode, size


class Scope:
    """The variables of one program run; `own` holds those assigned in it, `variables` shows the outer ones too."""

    __slots__ = ("outer", "own", "sizes", "variables")

    def __init__(self, outer: Scope | None = None) -> None:
        self.outer = outer
        self.own: dict[str, Json] = {}
        self.sizes: dict[str, int] = {}
        self.variables: Variables = Variables(outer.variables if outer else None)

    def assign(self, new: dict[str, Json]) -> dict[str, str]:
        """Give variables their values, as a state is left; return their JSON texts for the history.

        Raises StateError States.DataLimitExceeded above 256 KiB for one, for one Assign, or 10 MiB in all.
        """
        texts = {name: encode(value) for name, value in new.items()}
        sizes = {name: size(text) for name, text in texts.items()}
        if sum(sizes.values()) > ASSIGN_BYTES or any(bytes_ > VARIABLE_BYTES for bytes_ in sizes.values()):
            raise StateError(DATA_LIMIT, f"The variables of one Assign exceed {ASSIGN_BYTES} bytes.")
        self.sizes.update(sizes)
        if self._total() > VARIABLES_TOTAL_BYTES:
            raise StateError(DATA_LIMIT, f"The variables of the execution exceed {VARIABLES_TOTAL_BYTES} bytes.")
        for name, value in new.items():
            self.own[name] = value
            self.variables.set(name, value)
        return texts

    def restore(self, values: dict[str, Json]) -> None:
        """Take over variables recorded at a failure."""
        for name, value in values.items():
            self.own[name] = value
            self.sizes[name] = size(encode(value))
            self.variables.set(name, value)

    def _total(self) -> int:
        return sum(self.sizes.values()) + (self.outer._total() if self.outer else 0)
