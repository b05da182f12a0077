"""Why a task failed, from what it left in the run's folder: the message of its exception, or of what kept it from starting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepdig.report.failure import reason
from stepdig.report.rows import Row
from stepdig.runner import outputs
from stepdig.runner.loops import LoopError
from stepdig.runner.shapes import TaskRun


class Explainer:
    """Gives the reason of a row's failure in plain words; each is read once."""

    def __init__(self, bucket: Path, prefix: str, bundle: Mapping[str, Any]) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._bundle = bundle
        self._known: dict[tuple[str, int], str] = {}

    def __call__(self, row: Row) -> str:
        """Return the reason."""
        key = (row.name, row.tries)
        if key not in self._known:
            self._known[key] = reason(row.error, row.cause, self._said(row))
        return self._known[key]

    def _said(self, row: Row) -> str:
        """Return the message that the task left as its `error`, or an empty text."""
        if row.at is None or row.at[0] not in self._bundle["tasks"]:
            return ""
        try:
            run = {"prefix": self._prefix, "loop": json.loads(row.at[1])}
            place = outputs.task_prefix(TaskRun(self._bundle, row.at[0], run))
            error = json.loads((self._bucket / place / "output.json").read_bytes())["error"]
        except (OSError, ValueError, LookupError, TypeError, LoopError):
            return ""
        if not isinstance(error, dict) or not error.get("message"):
            return ""
        return f"{error['message']} ({error['class']})" if error.get("class") else str(error["message"])
