"""Pack what `sam deploy` carries beside the templates: an archive for each project, a build context for each image.

FOLDER is filled with archives/<project>.zip and images/<job>.zip, each beside a .json with its hash. `sam build` calls this
for the function `publish`, which puts them into the stack's bucket and has the images built.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stepdig import limits
from stepdig.commands._compile import compile_all
from stepdig.packing import archives, images, runner_zip
from stepdig.packing.contents import Files, digest, write
from stepdig.pipeline import Compiled
from stepdig.problem import Position, Problem, Problems, ProblemsFound
from stepdig.project import FOLDER as WORKFLOWS
from stepdig.project import Project, Workflow, all_of, find, root_of, typed, unreadable, unwritable
from stepdig.report.problems import count

HELP = "pack projects and images, as sam build does"
STATE_MACHINES = "statemachines"
OWN_BYTES = 20_000_000  # of Lambda's package: the function itself and its libraries


@dataclass(frozen=True, slots=True)
class _Packed:
    """Files that become one zip, and what its .json says."""

    files: Files
    told: Mapping[str, object]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare FOLDER and PATH."""
    parser.add_argument("folder", help="where to write archives/ and images/; made if it is not there")
    parser.add_argument(
        "path", nargs="?", default=".", help="the folder that holds workflows/ (default: where you stand)"
    )


def run(args: Namespace) -> int:
    """Write all or, where anything is wrong, nothing; raises ProblemsFound."""
    root = root_of(args.path)
    workflows = all_of(root) if (root / WORKFLOWS).is_dir() else find(args.path)
    compiled = compile_all(workflows)
    out = Path.cwd() / args.folder
    problems = Problems()
    _compare(root, compiled, problems)
    try:
        packed = {**_archives(compiled, out, problems), **_images(root, compiled, problems)}
        problems.raise_if_any()
    except OSError as error:
        raise ProblemsFound([unreadable(error, typed(error.filename or ".", root))]) from error
    try:
        sizes = _write(out, packed)
    except OSError as error:
        raise ProblemsFound([unwritable(error, str(out))]) from error
    _weigh(out, sizes)
    for name, size in sizes.items():
        sys.stdout.write(f"{-(-size // 1000):>10,} kB  {typed(str(out / name), root)}\n")
    kinds = [name.partition("/")[0] for name in packed]
    total = f"{count(kinds.count('archives'), 'archive')}, {count(kinds.count('images'), 'build context')}"
    sys.stdout.write(
        f"{total}, {sum(sizes.values()) / 1000:,.0f} kB of Lambda's {limits.LAMBDA_PACKAGE_BYTES // 1000:,}\n"
    )
    return 0


def _compare(root: Path, compiled: Mapping[Workflow, Compiled], problems: Problems) -> None:
    """Note definitions that are not what compiles now: a bundle must never part from the definition that names its tasks."""
    for workflow, made in compiled.items():
        path = root / STATE_MACHINES / f"{workflow.machine}.asl.json"
        if path.is_file() and path.read_bytes() == made.definition_text.encode():
            continue
        what = "stale: its workflow compiles to something else now" if path.is_file() else "missing"
        at = Position(typed(str(path), root), 1, 1)
        problems.add(at, "SD670", f"this definition is {what}", "`stepdig build` brings it up to date, then commit it")


def _archives(compiled: Mapping[Workflow, Compiled], out: Path, problems: Problems) -> dict[str, _Packed]:
    bundles: dict[Project, dict[str, object]] = {}
    for workflow, made in compiled.items():
        bundles.setdefault(workflow.project, {})[workflow.machine] = made.bundle
    packed = {}
    for project, own in bundles.items():
        files = archives.archive(project, own, out, problems)
        size = sum(len(it.read()) for it in files.values())
        told = {"hash": digest(files), "files": len(files), "bytes": size}
        packed[f"archives/{project.name}"] = _Packed(files, told)
    return packed


def _images(root: Path, compiled: Mapping[Workflow, Compiled], problems: Problems) -> dict[str, _Packed]:
    jobs = {name: job for made in compiled.values() for name, job in sorted(made.jobs.items())}
    needed = any(not job.task_definition and not job.plain for job in jobs.values())
    runner = runner_zip.runner_zip(root) if needed else b""
    packed = {}
    for name, job in sorted(jobs.items()):
        context = images.context(job, root, runner, problems)
        if context is not None:
            told = {
                "hash": digest(context.files, job.architecture, context.image),
                "image": context.image,
                "architecture": job.architecture,
            }
            packed[f"images/{name}"] = _Packed(context.files, told)
    return packed


def _write(out: Path, packed: Mapping[str, _Packed]) -> dict[str, int]:
    """Write the zips with their .json and remove those of before; return the size of each zip."""
    for kind in ("archives", "images"):
        (out / kind).mkdir(parents=True, exist_ok=True)
        for old in (out / kind).glob("*.zip"):
            told = old.with_suffix(".json")
            if f"{kind}/{old.stem}" not in packed and told.is_file():
                old.unlink()
                told.unlink()
    sizes = {}
    for name, one in packed.items():
        with (out / f"{name}.zip").open("wb") as file:
            write(one.files, file)
        (out / f"{name}.json").write_text(json.dumps(one.told) + "\n")
        sizes[f"{name}.zip"] = (out / f"{name}.zip").stat().st_size
    return sizes


def _weigh(out: Path, sizes: Mapping[str, int]) -> None:
    """Refuse what Lambda's package has no room for, naming the largest."""
    total, most = sum(sizes.values()), limits.LAMBDA_PACKAGE_BYTES - OWN_BYTES
    if total <= most:
        return
    largest = max(sizes, key=lambda name: sizes[name])
    text = f"{sizes[largest]:,} bytes of {total:,}, where all archives and build contexts together may have {most:,}"
    hint = "keep data in S3, not beside the workflows; name what is no source in .gitignore"
    raise ProblemsFound([Problem(Position(str(out / largest), 1, 1), "SD677", text, hint)])
