"""Exit codes in plain words, as the log of a container and the report of a run say them.

`functions/notify_slack/stops.py` has the same words for Slack; a test holds them together.
"""

from __future__ import annotations

import signal

CODES = {
    126: "the command is there but cannot be executed",
    127: "a command was not found",
    130: "interrupted",
    137: "killed; in a container mostly for want of memory",
    139: "crashed (SIGSEGV)",
    143: "told to stop (SIGTERM)",
}


def meaning(code: int) -> str:
    """Return what an exit code of a shell means, 128 + n being signal n; "" of those that each program has for itself."""
    if code in CODES:
        return CODES[code]
    try:
        return f"killed by {signal.Signals(code - 128).name}" if 128 < code < 192 else ""
    except ValueError:
        return ""
