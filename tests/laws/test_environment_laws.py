"""Laws of environments: a run in one is a run of the workflow with that environment's file included by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepdig.cli import main

__import__("jsonata")  # a library that raises the recursion limit when it is loaded, which hypothesis must see before
NAMES = ("a", "b", "c")
TEXTS = st.sampled_from(["x", "${a}", "${b}-${c}", "${env}", "${o.p}", "${a == 'x'}", "1", "${[a, 1].length}"])
VALUES = st.one_of(TEXTS, st.integers(0, 3), st.booleans())
OBJECTS = st.dictionaries(st.sampled_from(["p", "q"]), VALUES, min_size=1, max_size=2)
FILES = st.fixed_dictionaries({}, optional={**dict.fromkeys(NAMES, VALUES), "o": OBJECTS})
# Everything is there in the weakest layer, so that nothing is undefined.
BELOW = {"a": "a0", "b": "b0", "c": "c0", "o": {"p": "p0", "q": "q0"}}
READ = "a=${a} b=${b} c=${c} p=${o.p} q=${o.q} t=${typeof a}"


def _dig(include: str, over: dict[str, Any]) -> str:
    """Return a workflow whose inner group includes a file between weaker and stronger exports."""
    below = json.dumps(BELOW)
    rows = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in over.items())
    export = f'  _export:\n    !include : "{include}"\n{rows}'
    tasks = (
        f"  +state:\n    echo>: {json.dumps(READ)}\n  +command:\n    sh>: {json.dumps('echo ' + json.dumps(READ))}\n"
    )
    return f"_export: {below}\n+g:\n{export}{tasks}"


def _output(capsys: Any, *arguments: str) -> list[str]:
    capsys.readouterr()
    main(["run", "w.dig", "--json", "--session", "2026-11-20", *arguments])
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    found = [event["text"] for event in events if event["event"] == "output"]
    return found or [f"{event['text']}" for event in events if event["event"] == "problem"] or [events[-1]["status"]]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dev=FILES, prod=FILES, over=FILES)
def test_a_run_in_an_environment_is_one_with_its_file(
    tmp_path_factory: Any,
    monkeypatch: Any,
    capsys: Any,
    dev: dict[str, Any],
    prod: dict[str, Any],
    over: dict[str, Any],
) -> None:
    folder: Path = tmp_path_factory.mktemp("w")
    monkeypatch.chdir(folder)
    (folder / "config").mkdir()
    for name, values in (("dev", dev), ("prod", prod)):
        (folder / "config" / f"{name}.dig").write_text(json.dumps(values))
    written: Callable[[str], int] = (folder / "w.dig").write_text
    for name in ("dev", "prod"):
        written(_dig("config/${env}.dig", over))
        picked = _output(capsys, "--env", name)
        written(_dig(f"config/{name}.dig", over))
        assert picked == _output(capsys, "-p", f"env={name}")
