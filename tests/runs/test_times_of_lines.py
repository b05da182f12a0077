"""The time beside a line of output is the time at which it came, not that of the last step of the run."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest


def test_lines_have_their_own_times(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that goes on by a minute each time that it is looked at."""
    minutes = itertools.count(1_900_000_000, 60)
    monkeypatch.setattr(time, "time", lambda: float(next(minutes)))

    done = run("+t: {sh>: 'echo a; echo b; echo c'}")

    times = [datetime.fromisoformat(event["time"]).timestamp() for event in done.events if event["event"] == "output"]
    assert len(times) == 3
    assert times == sorted(set(times))
