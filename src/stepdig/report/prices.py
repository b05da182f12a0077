"""What AWS asks for containers and state transitions: the one home of prices, each with its page and the day it was read.

They are list prices in US dollars without tax, discounts and free allowances (4,000 transitions a month).
Fargate: https://aws.amazon.com/fargate/pricing/; Step Functions: https://aws.amazon.com/step-functions/pricing/
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

LEAST_SECONDS = 60  # of a container that are billed
FREE_GIB = 20  # of its disk that are not
TRANSITION = 0.025 / 1000  # dollars, in both Regions below


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars an hour: for a vCPU, for a GB of memory, for a GB of disk above the free ones; the month they are of."""

    vcpu: float
    memory: float
    disk: float
    as_of: str


# Region -> of containers on x86_64, launched on demand. Spot costs up to 70 % less, and changes; ARM about 20 % less.
RATES: Mapping[str, Rates] = {
    "us-east-1": Rates(0.04048, 0.004445, 0.000111, "2026-03"),
    "ap-northeast-1": Rates(0.05056, 0.005536, 0.00014, "2025-09"),
}


@dataclass(frozen=True, slots=True)
class Size:
    """What of a machine a container takes: units of 1/1024 vCPU, MiB of memory, GiB of disk."""

    cpu: int = 256
    memory: int = 512
    disk: int = FREE_GIB


def container(size: Size, seconds: float, rates: Rates) -> float:
    """Return the dollars for a container; seconds count from the pull of its image to its end."""
    hours = max(LEAST_SECONDS, math.ceil(seconds)) / 3600
    disk = max(0, size.disk - FREE_GIB) * rates.disk
    return hours * (size.cpu / 1024 * rates.vcpu + size.memory / 1024 * rates.memory + disk)
