"""Names -> logical ids, each from its own names alone: nothing that comes or goes beside a resource moves it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html: letters and digits, 255 at most.
"""

from __future__ import annotations

import hashlib
import re

_WORDS = re.compile(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*")
_NO_WORD = re.compile(r"[^A-Za-z0-9]+")
_CHARS = 200  # the rest is for what SAM adds: `Version`, `Aliaslive`
# No kind ends with another, so that what stands before a kind can be told.
KINDS = {
    *("StateMachine", "MachineRole", "MachineLog", "ExecutionRole", "Schedule", "ScheduleState"),
    *("FailedAlarm", "ThrottledAlarm", "MissedAlarm", "TaskRole", "TaskDefinition"),
    *("Archive", "Image", "JobLog"),
}


def logical_id(kind: str, *names: str) -> str:
    """Return `ShopNightlySyncSchedule` of ("Schedule", "shop", "nightly_sync").

    Where the names could not be told from it, ("nightly_sync", "load"), it has a hash of them at its end.
    """
    assert kind in KINDS, kind
    camel = "".join(part[:1].upper() + part[1:] for name in names for part in _NO_WORD.split(name))
    told_apart = all(map(_WORDS.fullmatch, names)) and not any("_" in name for name in names[:-1])
    if told_apart and len(camel) + len(kind) <= _CHARS:
        return camel + kind
    told = hashlib.sha256("\0".join(names).encode()).hexdigest()[:8]
    return f"{camel.encode('ascii', 'ignore').decode()[: _CHARS - len(kind)]}{kind}{told}"
