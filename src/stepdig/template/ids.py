"""Names -> logical ids, each from its own names alone: nothing that comes or goes beside a resource moves it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html: letters and digits, 255 at most.
"""

from __future__ import annotations

import hashlib
import re

_WORD = re.compile(r"[a-z][a-z0-9]*")
_NO_WORD = re.compile(r"[^A-Za-z0-9]+")
_CHARS = 200  # the rest is for what SAM adds: `Version`, `Aliaslive`


def logical_id(kind: str, *names: str) -> str:
    """Return `ShopNightlySchedule` of ("Schedule", "shop", "nightly").

    Names that are single words can be told apart in it; others, `nightly_sync`, have a hash of theirs at the end.
    """
    camel = "".join(part[:1].upper() + part[1:] for name in names for part in _NO_WORD.split(name))
    if all(_WORD.fullmatch(name) for name in names) and len(camel) + len(kind) <= _CHARS:
        return camel + kind
    told = hashlib.sha256("\0".join(names).encode()).hexdigest()[:8]
    ascii_only = camel.encode("ascii", "ignore").decode()
    return f"{ascii_only[: _CHARS - len(kind)]}{kind}{told}"
