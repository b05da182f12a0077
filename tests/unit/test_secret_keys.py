"""The compiler finds every secret that a command reads when it runs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stepdig.expressions.evaluate import Context
from stepdig.pipeline import compile_workflow
from stepdig.runner import commands
from stepdig.runner.shapes import Host, TaskRun
from stepdig.runner.storage import FolderStorage

NAMES = ("a", "b", "c", "d")
PIECES = [
    "x",
    " ",
    "${secret:k1}",
    "${secret:k2.pw}",
    "${secret:${env}.pw}",
    "${secret:${t.db}}",
    "${secret:${env}.${u}}",
]


def texts(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Return texts that may refer to secrets and to some exports."""
    return st.lists(st.sampled_from([*PIECES, *(f"${{{name}}}" for name in names)]), max_size=4).map("".join)


EXPORTS = st.tuples(*(texts(NAMES[:number]) for number in range(len(NAMES))))


@settings(max_examples=150, deadline=None)
@given(EXPORTS, texts(NAMES), texts(NAMES), st.sampled_from(["sh", "py"]))
def test_a_run_reads_no_secret_that_the_compiler_did_not_find(
    exports: tuple[str, ...], command: str, variable: str, operator: str
) -> None:
    """References in exports count where they are used, keys of rows in each iteration, and no other is looked up."""
    task: dict[str, Any] = {f"{operator}>": f"echo {command}" if operator == "sh" else "m.f", "_env": {"A": variable}}
    rows = {"t": [{"table": "users", "db": "shop"}, {"table": "calls", "db": "crm"}], "u": ["one", "two"]}
    dig = {
        "_export": {"env": "dev", **dict(zip(NAMES, exports, strict=True))},
        "+l": {"for_each>": rows, "_do": {"+t": task}},
    }
    compiled = compile_workflow(
        {"w.dig": json.dumps(dig).encode()}.get, "w.dig", display=str, project="p", workflow="w", jobs=None
    )
    listed = set(compiled.bundle["tasks"]["+l+t"].get("secrets", ()))  # type: ignore[index]
    asked: set[str] = set()

    def secret(key: str) -> str:
        asked.add(key)
        return f"<{key}>"

    with tempfile.TemporaryDirectory() as folder:
        host = Host(Path(folder), Path(folder) / "work", {}, ["python3"], secret)
        for number, (row, name) in enumerate((row, name) for row in rows["t"] for name in rows["u"]):
            run = {"prefix": "runs/w", "session_time": "2026-11-20T00:00:00+00:00", "params": {}}
            run["loop"] = {"t#": number, "t": row, "u": name}
            made = commands.prepare(
                TaskRun(compiled.bundle, "+l+t", run), host, FolderStorage(Path(folder)), Context([[None, 0]], 0)
            )
            assert "secret:" not in made.env["A"]
            assert operator != "sh" or "secret:" not in made.argv[-1]

    assert asked <= listed
