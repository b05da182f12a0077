"""Definitions to be checked, and the two Node validators behind one question."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
INSTALL = "npm --prefix tests/validators ci"

Ask = Callable[[dict[str, dict[str, Any]]], dict[str, list[str]]]


@pytest.fixture(scope="session")
def ask_node() -> Ask:
    """Return the question {name: definition} -> {name: messages} to asl-validator and AWS's language service."""
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules").is_dir():
        pytest.skip(f"asl-validator and the States Language service are not installed: {INSTALL}")

    def ask(definitions: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
        command = [node, str(HERE / "validate.mjs")]
        done = subprocess.run(command, input=json.dumps(definitions), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return ask
