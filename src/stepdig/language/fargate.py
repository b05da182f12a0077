"""Sizes of containers as people write them, `1 vCPU` and `2 GB`, in the units of the API, and which of them Fargate has.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stepdig import limits


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the three sizes: how it is written, in Python and JSONata, and what of it there is."""

    pattern: str  # of texts that are taken, with the number as its first group
    unit: str  # the larger unit, whose number is multiplied
    factor: int
    allowed: Callable[[int], bool]
    such_as: str


def _any_memory(mib: int) -> bool:
    return any(mib in row for row in limits.FARGATE_MIB.values())


_STORAGE = range(limits.STORAGE_MIN_GIB, limits.STORAGE_MAX_GIB + 1)
KINDS = {
    "cpu": Kind(
        "([0-9]{3,5}|[0-9]{1,2}([.][0-9]{1,2})? ?vCPU)", "v", 1024, limits.FARGATE_MIB.__contains__, "1024 or 1 vCPU"
    ),
    "memory": Kind("([0-9]{3,6}|[0-9]{1,3}([.]5)? ?GB)", "G", 1024, _any_memory, "2048 or 2 GB"),
    "ephemeral_storage": Kind("([0-9]{2,3}( ?Gi?B)?)", "G", 1, _STORAGE.__contains__, "50, in GiB"),
}


def number(kind: Kind, text: str) -> int | None:
    """Return the number of a text in the unit of the API, or None when it is none of the kind."""
    if not re.fullmatch(kind.pattern, text, re.ASCII | re.IGNORECASE):
        return None
    digits = re.match(r"[0-9.]+", text)
    assert digits is not None
    value = float(digits[0]) * (kind.factor if kind.unit.lower() in text.lower() else 1)
    return int(value) if value.is_integer() else None


def no_such(name: str, text: str) -> tuple[str, str]:
    """Return what to say of a size that Fargate does not have, and the hint."""
    return f"there is no {name.replace('_', ' ')} '{text}' on Fargate", f"such as {KINDS[name].such_as}"


def no_pair(cpu: int, memory: int) -> tuple[str, str] | None:
    """Return what to say of two sizes that do not go together, and the hint; None where they do."""
    row = limits.FARGATE_MIB[cpu]
    if memory in row:
        return None
    return f"cpu {cpu} does not go with memory {memory}", f"Fargate takes {_span(row)} MiB with it"


def _span(row: Sequence[int]) -> str:
    return ", ".join(map(str, row)) if len(row) < 5 else f"{row[0]} to {row[-1]} in steps of {row[1] - row[0]}"
