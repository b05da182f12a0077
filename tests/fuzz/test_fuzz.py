"""Two thousand broken workflow files: problems, never a traceback, a hang or a memory full of aliases.

`python bench/fuzz.py --count 100000 --jobs 2` compiles as many as one has time for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from fuzz_cases import case, corpus

CASES = Path(__file__).parent / "fuzz_cases.py"
SEED = 7
COUNT = 2_000
PROCESSES = 2


def test_broken_files_are_problems_and_nothing_else() -> None:
    """No case raises anything else, needs a second or 200 MB."""
    share = COUNT // PROCESSES
    running = [
        subprocess.Popen(
            [sys.executable, str(CASES), str(SEED), str(first), str(first + share)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for first in range(0, COUNT, share)
    ]
    ended = [process.communicate() for process in running]
    lines = [json.loads(line) for said, _ in ended for line in said.splitlines()]

    assert [line for line in lines if isinstance(line, list)] == []
    assert [process.returncode for process in running] == [0] * PROCESSES, ended[-1][1][-2000:]
    assert sum(1 for line in lines if isinstance(line, dict)) == COUNT + PROCESSES


def test_a_case_is_always_the_same() -> None:
    """A number that failed can be looked at again."""
    projects = corpus()

    assert case(SEED, 3, projects) == case(SEED, 3, corpus())
    assert case(SEED, 3, projects) != case(SEED, 4, projects)


def test_what_fails_is_seen(tmp_path: Path) -> None:
    """The net is no hole: a compiler that raises, or takes long, is reported with its place."""
    code = (
        "import fuzz_cases as f\n"
        "def broken(*_, **__): {}['x']\n"
        "def endless(*_, **__):\n  while True: pass\n"
        "def greedy(*_, **__): bytearray(300_000_000)\n"
        "for each in (broken, endless, greedy):\n"
        "    f.compile_workflow = each\n"
        "    print(f.failure(f.Case({'main.dig': b''}, 'main.dig'))[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CASES.parent, capture_output=True, text=True, check=True)

    assert done.stdout.split("\n")[:3] == ["KeyError: 'x'", "slow", "large"]
