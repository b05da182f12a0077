"""docs/reference/variables.md lists the built-in variables with the values they have."""

from __future__ import annotations

import re
from pathlib import Path

from stepdig.expressions import builtins

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/variables.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \|", PAGE, re.MULTILINE))
RUN = {"session_time": "2016-01-31T00:00:00+09:00", "session_uuid": "0c95b1be-0a1e-4f0c-9d1c-2b6f2f0a3f11"}


def test_all_built_in_variables_are_listed():
    assert set(ROWS) == {*builtins.NAMES, *builtins.WEAKEST, "task_name"}


def test_their_examples_are_their_values():
    values = builtins.session_values(RUN, "Asia/Tokyo")
    assert {name: str(value) for name, value in values.items()} == {name: ROWS[name] for name in values}
