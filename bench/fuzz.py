"""Compile thousands of broken workflow files and print what is worse than a list of problems.

    python bench/fuzz.py --count 100000 --jobs 2

Each case has a number; the same seed and corpus give the same case. What a case may not do is in tests/fuzz/fuzz_cases.py:
raise, take a second of CPU time, need 200 MB. Work is done in chunks by processes of their own, so that a crash or a
hang costs one case. Finished chunks are kept in `.stepdig/fuzz/<seed>.json`: the same command goes on where it stopped.
For each new kind of failure the smallest file that still shows it is written beside it. Exit code 1 when there is one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests/fuzz/fuzz_cases.py"
CHUNK = 500
MINIMISE_SECONDS = 60
sys.path.insert(0, str(CASES.parent))

from fuzz_cases import Case, case, corpus, failure  # noqa: E402  # they are no package


@dataclass
class State:
    """What is known of a seed: the first numbers of the chunks that are done, and the failures `[number, kind, details]`."""

    done: list[int] = field(default_factory=list)
    failures: list[tuple[int, str, str]] = field(default_factory=list)


def main() -> int:
    """Run the cases that are not done yet; return 1 when any has ever failed."""
    parser = argparse.ArgumentParser(description="Compile thousands of broken workflow files.")
    parser.add_argument("--count", type=int, default=2_000, help="cases in all (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other cases (default: %(default)s)")
    parser.add_argument("--again", action="store_true", help="forget what is done")
    args = parser.parse_args()
    folder = ROOT / ".stepdig/fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{args.seed}.json"
    state = State(**json.loads(kept.read_text())) if kept.exists() and not args.again else State()
    starts = [first for first in range(0, args.count, CHUNK) if first not in state.done]
    began = time.monotonic()
    with ThreadPoolExecutor(args.jobs) as pool:
        for first, found in pool.map(lambda at: (at, list(ran(args.seed, at, min(at + CHUNK, args.count)))), starts):
            state.done.append(first)
            state.failures += found
            kept.write_text(json.dumps(state.__dict__))
            for number, kind, _ in found:
                print(f"case {number}: {kind}", flush=True)
            if len(state.done) % 20 == 0:
                print(f"{len(state.done) * CHUNK:,} cases, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{args.count:,} cases of seed {args.seed}: {len(state.failures)} failed")
    _explain(state, args.seed, folder)
    return 1 if state.failures else 0


def ran(seed: int, first: int, last: int) -> Iterator[tuple[int, str, str]]:
    """Yield the failures of a range of cases; a process that dies is one, and another goes on behind it."""
    while first < last:
        command = [sys.executable, str(CASES), str(seed), str(first), str(last)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        at = first
        for line in done.stdout.splitlines():
            said = json.loads(line)
            if isinstance(said, dict):
                at = said["at"]
            else:
                yield (said[0], said[1], said[2])
        if done.returncode:
            yield at, f"the process died (exit code {done.returncode})", done.stderr[-3000:]
            at += 1
        first = max(at, first + 1)


def _explain(state: State, seed: int, folder: Path) -> None:
    """Print one example of each kind of failure, and write its smallest file."""
    projects = corpus()
    kinds: dict[str, tuple[int, str]] = {}
    for number, kind, details in sorted(state.failures):
        kinds.setdefault(kind, (number, details))
    for kind, (number, details) in kinds.items():
        broken = case(seed, number, projects)
        file = folder / f"{seed}-{number}.dig"
        file.write_bytes(minimised(broken, kind).files[broken.entry])
        print(f"\n== {kind}: case {number}, {file.relative_to(ROOT)}\n{details[-1500:]}")


def minimised(broken: Case, kind: str) -> Case:
    """Return the project with as little in its workflow as still fails in the same way."""
    until = time.monotonic() + MINIMISE_SECONDS
    for unit in (b"\n", b""):
        data = broken.files[broken.entry]
        parts = [part + unit for part in data.split(unit)] if unit else [bytes([byte]) for byte in data]
        size = max(1, len(parts) // 2)
        while parts:
            at = 0
            while at < len(parts) and time.monotonic() < until:
                rest = parts[:at] + parts[at + size :]
                smaller = replace(broken, files={**broken.files, broken.entry: b"".join(rest)})
                wrong = failure(smaller) if "died" not in kind else None
                if wrong and wrong[0] == kind:
                    parts, broken = rest, smaller
                else:
                    at += size
            if size == 1 or time.monotonic() > until:
                break
            size //= 2
    return broken


if __name__ == "__main__":
    sys.exit(main())
