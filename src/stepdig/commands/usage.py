"""Tell what a run took: its containers, how long each waited to start and ran, its transitions, and about what that costs.

RUN is the folder that a run on this machine was kept in, or a history as AWS gives it (a file, or - for standard input):
aws stepfunctions get-execution-history --include-execution-data --execution-arn ARN | stepdig usage -
"""

from __future__ import annotations

import json
import statistics
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stepdig.problem import Position, Problem, ProblemsFound
from stepdig.project import unreadable
from stepdig.report import prices, usage
from stepdig.report.problems import count
from stepdig.report.usage import Container, Usage
from stepdig.report.view import duration

HELP = "tell what a run took: start-up and size of its containers, transitions, about what it costs"
LEFT_OUT = "Spot and ARM cost less; free allowances, logs, S3, Lambda and network are not in it"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare RUN, --region and --json."""
    parser.add_argument("run", metavar="RUN", help="a run's folder, a file with a history, or -")
    parser.add_argument(
        "--region", choices=sorted(prices.RATES), help="whose prices (default: where it ran, if these are known)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def run(args: Namespace) -> int:
    """Read the history and print what it tells; raises ProblemsFound where there is none."""
    path = Path(args.run)
    if path.is_dir():
        history = _events(path / "history.jsonl", args.run)
        if (path / "children.jsonl").exists():
            history += _events(path / "children.jsonl", args.run)
        found = usage.read(history, _sizes(path))
    else:
        found = usage.read(_events(path, args.run))
    region = args.region or next((it.region for it in found.containers), "")
    sys.stdout.write(_json(found, region) if args.json else _text(found, region))
    return 0


def _events(path: Path, given: str) -> list[dict[str, Any]]:
    """Return the events of a file: a line each, or what the command line of AWS prints. Raises ProblemsFound."""
    try:
        text = sys.stdin.read() if given == "-" else path.read_text("utf-8")
    except OSError as error:
        raise ProblemsFound([unreadable(error, str(path))]) from None
    except UnicodeDecodeError:
        text = "?"
    try:
        whole = json.loads(text)
        found = whole.get("events", [whole])
    except (ValueError, AttributeError):
        try:
            found = [json.loads(line) for line in text.splitlines()]
        except ValueError:
            found = []
    if not found or not all(isinstance(it, dict) and {"type", "id", "timestamp"} <= it.keys() for it in found):
        what = "this is no history of an execution"
        hint = "give the folder of a run, or what aws stepfunctions get-execution-history prints"
        raise ProblemsFound([Problem(Position(given, 1, 1), "SD630", what, hint)])
    return list(found)


def _sizes(folder: Path) -> Callable[[str], prices.Size]:
    """Return what knows the size of a task's job: a laptop's history does not tell it."""
    from stepdig.problem import Problems  # only for runs on this machine
    from stepdig.project import Project

    try:
        bundle: Mapping[str, Any] = json.loads((folder / "bundle.json").read_text("utf-8"))
        root = folder.resolve().parents[3]  # <root>/.stepdig/runs/<machine>/<execution>
    except (OSError, ValueError, IndexError):
        return lambda _: prices.Size()
    jobs = Project("", root, root).jobs(Problems()) or {}

    def size_of(state: str) -> prices.Size:
        job = jobs.get(bundle["tasks"].get(state, {}).get("job", ""))
        if job is None:
            return prices.Size()
        return prices.Size(job.cpu, job.memory, job.ephemeral_storage or prices.FREE_GIB)

    return size_of


def _text(found: Usage, region: str) -> str:
    lines = [("task", "containers", "size", "start-up", "ran")] if found.containers else []
    lines += [_row(state, size, group) for (state, size), group in _groups(found).items()]
    widths = [max(len(line[column]) for line in lines) for column in range(5)] if lines else []
    rows = ["  ".join(it.ljust(width) for it, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    rows.append(f"{count(len(found.containers), 'container')}, {count(found.transitions, 'billed transition')}")
    rates = prices.RATES.get(region)
    if rates is not None:
        of_transitions = found.transitions * prices.TRANSITION
        rows.append(
            f"about ${found.dollars(rates):.4f}: ${found.dollars(rates) - of_transitions:.4f} for containers, "
            f"${of_transitions:.4f} for transitions"
        )
        rows.append(f"an estimate by list prices on demand of {region}, {rates.as_of}; {LEFT_OUT}")
    elif region:
        known = " or ".join(sorted(prices.RATES))
        rows.append(f"no estimate: the prices of {region} are not known here; --region takes {known}")
    return "\n".join(rows) + "\n"


def _row(state: str, size: prices.Size, group: list[Container]) -> tuple[str, str, str, str, str]:
    waits = [it.start_up for it in group if it.start_up is not None]
    spot = sum(it.spot for it in group)
    disk = f", {size.disk} GB disk" if size.disk > prices.FREE_GIB else ""
    return (
        state,
        f"{len(group)}" + (f" ({spot} on Spot)" if spot else ""),
        f"{size.cpu / 1024:g} vCPU, {size.memory / 1024:g} GB{disk}",
        _span(waits) if waits else "-",
        _span([it.seconds for it in group]),
    )


def _span(seconds: list[float]) -> str:
    """Return the median and the longest."""
    if len(seconds) == 1:
        return duration(seconds[0])
    return f"{duration(statistics.median(seconds))}, longest {duration(max(seconds))}"


def _groups(found: Usage) -> dict[tuple[str, prices.Size], list[Container]]:
    groups: dict[tuple[str, prices.Size], list[Container]] = {}
    for it in found.containers:
        groups.setdefault((it.state, it.size), []).append(it)
    return groups


def _json(found: Usage, region: str) -> str:
    rates = prices.RATES.get(region)
    told = {
        "event": "usage",
        "containers": [
            {
                "task": it.state,
                "cpu": it.size.cpu,
                "memory": it.size.memory,
                "ephemeral_storage": it.size.disk,
                "spot": it.spot,
                "start_up": None if it.start_up is None else round(it.start_up, 3),
                "seconds": round(it.seconds, 3),
            }
            for it in found.containers
        ],
        "transitions": found.transitions,
        "region": region or None,
        "dollars": None if rates is None else round(found.dollars(rates), 6),
        "prices_as_of": None if rates is None else rates.as_of,
    }
    return json.dumps(told, ensure_ascii=False) + "\n"
