"""The operators of the language, one file each; importing this package fills the table."""

from stepdig.operators import (
    call,
    echo,
    fail,
    for_each,
    for_range,
    if_,
    loop,
    py,
    sh,
    slack,
    wait,
)
from stepdig.operators._registry import TABLE, Operator, Place

__all__ = [
    "TABLE",
    "Operator",
    "Place",
    "call",
    "echo",
    "fail",
    "for_each",
    "for_range",
    "if_",
    "loop",
    "py",
    "sh",
    "slack",
    "wait",
]
