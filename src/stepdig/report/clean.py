"""What a task printed, as it may stand in a terminal: nothing in it moves the cursor, hides or reverses what is beside it."""

from __future__ import annotations

import re

ANSI = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*(\x07|\x1b\\)|.)")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Return a line of output without escapes; of a progress bar its last state."""
    text = ANSI.sub("", text.rstrip("\r")).rpartition("\r")[2]
    return CONTROL.sub("", text).expandtabs()
