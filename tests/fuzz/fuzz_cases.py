"""One fuzzed project by its number, what compiling it may not do, and a process that runs a range of them.

    python tests/fuzz/fuzz_cases.py SEED FIRST LAST     writes a line of JSON for each failure

A case may find problems; it fails by any other exception, by more than a second of CPU time, by more than 200 MB, or by a
problem that cannot be shown. A line is `[number, signature, details]`; `{"at": n}` lines say how far it has come.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

import yaml
from fuzz_mutations import mutate, mutate_bytes

from stepdig.language.job import named
from stepdig.pipeline import compile_workflow
from stepdig.problem import ProblemsFound, show

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 1.0
MEGABYTES = 200
HUNG_SECONDS = 60  # wall clock: something in C that no signal interrupts
JOBS = named(("default", "load", "load-small"))
EXPECTED = (".asl.json", ".problems.txt", ".pyc")


@dataclass(frozen=True)
class Case:
    """A project in memory: `files` by path, the workflow `entry` among them."""

    files: dict[str, bytes]
    entry: str


class TooSlowError(BaseException):
    """The time is over; no handler of the compiler may catch it."""


def corpus() -> list[Case]:
    """Return the projects that are mutated: golden cases, the repository's workflows, what the real Digdag ran."""
    found = []
    folders = [*sorted((ROOT / "tests/golden").iterdir()), *sorted((ROOT / "workflows").iterdir())]
    for folder in folders:
        if folder.is_dir():
            paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith(EXPECTED))
            files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
            found += [Case(files, name) for name in files if name.endswith(".dig") and "/" not in name]
    for run in json.loads((ROOT / "tests/digdag/recordings.json").read_text(encoding="utf-8")):
        files = {name: text.encode() for name, text in run["files"].items()}
        entry = run["workflow"] or "main.dig"
        found.append(Case({**files, entry: (run["dig"] or "").encode()}, entry))
    return found


def case(seed: int, number: int, projects: list[Case]) -> Case:
    """Return case `number` of a seed: always the same one while the corpus is."""
    chance = Random(f"{seed}:{number}")
    base = chance.choice(projects)
    files = {**base.files, "included.dig": _text_of(chance.choice(projects)).encode()}
    others = [name for name in files if name != base.entry and not name.endswith(".py")]
    target = base.entry if chance.random() < 0.8 else chance.choice(others)
    text = files[target].decode(errors="replace")
    if chance.random() < 0.15:
        text += "\n" + _text_of(chance.choice(projects))
    data = _mutated(chance, text).encode(errors="replace") if chance.random() < 0.9 else text.encode()
    if data == files[target] or chance.random() < 0.05:
        data = mutate_bytes(chance, data)
    return Case({**files, target: data}, base.entry)


def _mutated(chance: Random, text: str) -> str:
    """Return the text mutated; what is no YAML any more gets, mostly, another chance to come further."""
    for _ in range(3):
        new = mutate(chance, text)
        if chance.random() < 0.2 or _is_yaml(new):
            break
    return new


def _is_yaml(text: str) -> bool:
    try:
        return len(text) > 100_000 or sum(1 for _ in yaml.parse(text, Loader=yaml.CSafeLoader)) > 0
    except (yaml.YAMLError, ValueError):
        return False


def _text_of(project: Case) -> str:
    return project.files[project.entry].decode(errors="replace")


def failure(project: Case) -> tuple[str, str] | None:
    """Compile a project; return signature and details of what it did that it may not do, or None."""
    _forget_peak()
    start = time.process_time()
    try:
        with _time_limit(SECONDS):
            _compile(project)
    except (Exception, TooSlowError) as error:
        return _signature(error), traceback.format_exc(limit=-12)
    seconds, peak = time.process_time() - start, _peak()
    if seconds > SECONDS:
        return "slow", f"{seconds:.1f} s"
    if peak > MEGABYTES:
        return "large", f"{peak:.0f} MB"
    return None


def _compile(project: Case) -> None:
    names = [name for name in project.files if name.endswith((".dig", ".dig.yml"))]
    found: ProblemsFound | None = None
    try:
        compile_workflow(
            project.files.get,
            project.entry,
            display=lambda path: path,
            project="fuzz",
            workflow="main",
            jobs=JOBS,
            files=lambda: names,
        )
    except ProblemsFound as problems:
        found = problems
    if found is not None:
        _shown(found, project)


def _shown(found: ProblemsFound, project: Case) -> None:
    """Show the problems as a terminal would; each is at a place."""
    assert found.problems, "ProblemsFound without a problem"
    for problem in found.problems[:50]:
        assert problem.at.line > 0, problem
        assert problem.at.column > 0, problem
        source = project.files.get(problem.at.path)
        show(problem, source.decode(errors="replace") if source is not None else None).encode()


def _signature(error: BaseException) -> str:
    """Return the kind of the error and the line of ours that is nearest to it: alike for alike mistakes."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "stepdig" in frame.filename and "fuzz" not in frame.filename]
    kind = "slow" if isinstance(error, TooSlowError) else type(error).__name__
    if isinstance(error, RecursionError | TooSlowError):  # which line it is caught at is chance
        return f"{kind} in {Path(ours[-1].filename).name}" if ours else kind
    return f"{kind} at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else f"{kind}: {error}"


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def over(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _forget_peak() -> None:
    """Start measuring memory anew, where the system can (Linux); elsewhere the peak is the process's."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        gc.collect()


def _peak() -> float:
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1024 / (1024 if sys.platform == "darwin" else 1)


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(seed: int, first: int, last: int) -> None:
    """Run cases `first` to `last`, the last one not included."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
    projects = corpus()
    for number in range(first, last):
        faulthandler.dump_traceback_later(HUNG_SECONDS, exit=True)
        _say({"at": number})
        wrong = failure(case(seed, number, projects))
        if wrong:
            _say([number, *wrong])
    faulthandler.cancel_dump_traceback_later()
    _say({"at": last})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
