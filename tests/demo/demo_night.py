"""The nightly sync in a folder of its own, with the environment that its job has on a laptop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepdig.local.jobs import Environment

ROOT = Path(__file__).resolve().parents[2]
SESSION = {"session_date": "2026-11-20", "since": "2026-10-21"}
PATHS = {"source": "var/shop.sqlite", "warehouse": "var/warehouse.duckdb"}


@dataclass(frozen=True)
class Night:
    """A copy of the project: `workflow` is its folder, `root` the folder that holds workflows/ and jobs/."""

    root: Path
    environment: Environment

    @property
    def workflow(self) -> Path:
        return self.root / "workflows" / "nightly_sync"

    @property
    def rows(self) -> dict[str, dict[str, str]]:
        """The table list, by table."""
        listed = json.loads((self.workflow / "source_table" / "shop.json").read_text(encoding="utf-8"))
        return {row["table"]: row for row in listed}

    def start(self, program: str, *arguments: str, **parameters: str) -> subprocess.Popen[str]:
        """Start a program of the workflow as the task runner does: in its folder, parameters in the environment."""
        environ = {**os.environ, **self.environment.variables, **PATHS, **SESSION, **parameters}
        command = [*self.environment.python, program, *arguments]
        return subprocess.Popen(
            command, cwd=self.workflow, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def load(self, table: str, **parameters: str) -> tuple[int, str]:
        """Load a table; return the exit code and what was printed."""
        return done(self.start("load.py", t=json.dumps(self.rows[table]), **parameters))

    def verify(self) -> tuple[int, str]:
        """Compare all tables; return the exit code and what was printed."""
        return done(self.start("verify.py"))

    def warehouse(self, query: str) -> list[list[Any]]:
        """Ask the warehouse; values come as texts, NULL as None."""
        script = "import duckdb, json, sys; print(json.dumps(duckdb.connect(sys.argv[1]).sql(sys.argv[2]).fetchall()))"
        code, text = done(self.start("-c", script, PATHS["warehouse"], query))
        assert code == 0, text
        return json.loads(text)

    def stepdig(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run stepdig in the copy."""
        command = [sys.executable, "-m", "stepdig", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)


def done(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a process; return its exit code and what it printed on both streams."""
    out, err = process.communicate()
    return process.returncode, out + err
