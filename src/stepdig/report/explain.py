"""Why a task failed, from what it left in the run's folder: the message of its exception, or of what kept it from starting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepdig.report import names
from stepdig.report.reasons import reason
from stepdig.report.rows import Row
from stepdig.runner import outputs
from stepdig.runner.loops import LoopError
from stepdig.runner.shapes import TaskRun


class Explainer:
    """Gives the reason of a row's failure in plain words; each is read once.

    `bucket` is the folder of outputs, `bundle` the run's, `execution` its name; `required` are the bundles of the
    workflows that it may run, by machine.
    """

    def __init__(
        self,
        bucket: Path,
        bundle: Mapping[str, Any],
        execution: str,
        required: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._bucket = bucket
        self._bundle = bundle
        self._execution = execution
        self._required = {it["workflow"]: it for it in required.values()}
        self._known: dict[tuple[str, int], str] = {}

    def __call__(self, row: Row) -> str:
        """Return the reason."""
        key = (row.name, row.tries)
        if key not in self._known:
            self._known[key] = reason(row.error, row.cause, self._said(row))
        return self._known[key]

    def _said(self, row: Row) -> str:
        """Return the message that the task left as its `error`, or an empty text."""
        task, execution = names.execution_of(row.name)
        bundle = self._required.get(names.groups(task)[0][1:]) if execution else self._bundle
        if row.at is None or bundle is None or row.at[0] not in bundle["tasks"]:
            return ""
        machine = f"{bundle['project']}-{bundle['workflow']}"
        try:
            run = {"prefix": f"runs/{machine}/{execution or self._execution}", "loop": json.loads(row.at[1])}
            place = outputs.task_prefix(TaskRun(bundle, row.at[0], run))
            error = json.loads((self._bucket / place / "output.json").read_bytes())["error"]
        except (OSError, ValueError, LookupError, TypeError, LoopError):
            return ""
        if not isinstance(error, dict) or not error.get("message"):
            return ""
        return f"{error['message']} ({error['class']})" if error.get("class") else str(error["message"])
