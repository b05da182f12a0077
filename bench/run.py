"""Measure what this project promises about speed and size, and print each figure beside its goal.

    make bench                                           all figures
    .venv/bin/python bench/run.py start_up compile_time  some of them
    .venv/bin/python bench/run.py --write                also into docs/benchmarks.md

Exit code 1 when a goal is missed. Compared are ratios within one run; only Digdag's figures are recorded ones.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from figures import ROOT, Figure

GROUPS = {
    "start_up": "Start",
    "compile_time": "Compile",
    "building": "Build of a repository",
    "expressions": "Expressions",
    "engine": "Engine",
    "runs": "Runs",
    "leftovers": "Stopped runs",
    "demo": "Demo",
    "capybara": "A night of 120 tables",
    "analytics": "64 parallel tasks",
}
PAGE = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

What the project promises about speed and size, measured by `make bench` (bench/, one file a group; medians of several
runs). Ratios are within one run on one machine; only Digdag's figures are recorded ones: `digdag run` on a machine of
two cores needed 4.6 s for one `echo>`, 470 ms for a `sh>: "true"` in a sequence and 30 ms in parallel, 38 s and 2.4 GB
for 990 parallel `echo>`, and took no more than 999 tasks.
"""


def main() -> int:
    """Measure the groups named, or all; return 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description="Measure what this project promises about speed and size.")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; all when none is named")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}, too")
    args = parser.parse_args()
    if unknown := set(args.groups) - set(GROUPS):
        parser.error(f"no group {', '.join(sorted(unknown))}")
    measured = {group: _measured(group) for group in args.groups or GROUPS}
    if args.write:
        PAGE.write_text(page(measured), encoding="utf-8")
    missed = [figure for figures in measured.values() for figure in figures if not figure.reached]
    print(f"\n{len(missed)} missed" if missed else "\nall reached")
    return 1 if missed else 0


def _measured(group: str) -> list[Figure]:
    """Measure a group, printing each figure as soon as it is known."""
    print(f"\n{GROUPS[group]}")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for figure in import_module(group).figures(Path(folder)):
            found.append(figure)
            print(
                f"  {'ok  ' if figure.reached else 'MISS'}  {figure.what:<48}  {figure.measured}; {figure.goal}",
                flush=True,
            )
    return found


def page(measured: dict[str, list[Figure]]) -> str:
    """Return the page: the machine, and a table for each group."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    parts = [HEAD, f"Last written on: {machine}.\n"]
    for group, figures in measured.items():
        parts.append(f"## {GROUPS[group]}\n\n| figure | goal | measured | |\n|---|---|---|---|")
        for figure in figures:
            mark = "✓" if figure.reached else "missed"
            parts.append(f"| {figure.what} | {figure.goal} | {figure.measured} | {mark} |")
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
