"""Pack what `sam deploy` carries beside the templates: an archive for each project, a build context for each image.

FOLDER is filled with archives/<project>.zip and images/<job>.zip, each beside a .json with its hash. `sam build` calls this
for the function `publish`, which puts them into the stack's bucket and has the images built.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stepdig import limits
from stepdig.commands import _staging
from stepdig.commands._compile import compile_all
from stepdig.packing import archives, images, runner_zip
from stepdig.packing.contents import Files, Unreadable, write
from stepdig.pipeline import Compiled
from stepdig.problem import Position, Problem, Problems, ProblemsFound
from stepdig.project import FOLDER as WORKFLOWS
from stepdig.project import Project, Workflow, all_of, find, root_of, typed, unreadable, unwritable
from stepdig.report.problems import count

HELP = "pack projects and images, as sam build does"
STATE_MACHINES = "statemachines"
KINDS = ("archives", "images")
OWN_BYTES = 20_000_000  # of Lambda's package: the function itself and its libraries


@dataclass(frozen=True, slots=True)
class _Packed:
    """Files that become one zip; what its .json says beside the hash, and which texts count into that."""

    files: Files
    told: Mapping[str, object]
    more: tuple[str, ...] = ()


def add_arguments(parser: ArgumentParser) -> None:
    """Declare FOLDER and PATH."""
    help_ = "where to write archives/ and images/; made if it is not there"
    parser.add_argument("folder", type=_folder, help=help_)
    parser.add_argument(
        "path", nargs="?", default=".", help="the folder that holds workflows/ (default: where you stand)"
    )


def _folder(text: str) -> str:
    if not text:  # a variable that is not set
        raise ArgumentTypeError("an empty name is no folder")
    return text


def run(args: Namespace) -> int:
    """Write all or, where anything is wrong, nothing; raises ProblemsFound."""
    root = root_of(args.path)
    out = Path(os.path.normpath(Path.cwd() / args.folder))
    try:
        packed = _packed(root, args.path, out)
        with _staging.alone(root) as alone:
            if alone:
                for kind in KINDS:
                    _staging.sweep(out / kind)
            sizes = _write(out, packed)
    except Unreadable as error:
        raise ProblemsFound([unreadable(error, typed(error.filename or ".", root))]) from error
    except OSError as error:
        raise ProblemsFound([unwritable(error, str(out))]) from error
    for name, size in sizes.items():
        sys.stdout.write(f"{-(-size // 1000):>10,} kB  {typed(str(out / name), root)}\n")
    kinds = [name.partition("/")[0] for name in packed]
    total = f"{count(kinds.count('archives'), 'archive')}, {count(kinds.count('images'), 'build context')}"
    sys.stdout.write(
        f"{total}, {sum(sizes.values()) / 1000:,.0f} kB of Lambda's {limits.LAMBDA_PACKAGE_BYTES // 1000:,}\n"
    )
    return 0


def _packed(root: Path, path: str, out: Path) -> dict[str, _Packed]:
    """Return what is to be packed, by the names of the zips. Raises ProblemsFound."""
    workflows = all_of(root) if (root / WORKFLOWS).is_dir() else find(path)
    compiled = compile_all(workflows)
    problems = Problems()
    try:
        _compare(root, compiled, problems)
        packed = {**_archives(compiled, out, problems), **_images(root, compiled, problems)}
    except OSError as error:
        raise ProblemsFound([*problems, unreadable(error, typed(error.filename or ".", root))]) from error
    problems.raise_if_any()
    return packed


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
        told = {"files": len(files), "bytes": sum(it.size() for it in files.values())}
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
            told = {"image": context.image, "architecture": job.architecture}
            packed[f"images/{name}"] = _Packed(context.files, told, (job.architecture, context.image))
    return packed


def _write(out: Path, packed: Mapping[str, _Packed]) -> dict[str, int]:
    """Write the zips with their .json and remove those of before, all or nothing; return the size of each zip."""
    sizes = {}
    with _staging.Staged(out) as staged:
        for name, one in packed.items():
            with staged.open(f"{name}.zip") as file:
                told = {"hash": write(one.files, file, *one.more), **one.told}
                sizes[f"{name}.zip"] = file.seek(0, os.SEEK_END)
            staged.write(f"{name}.json", f"{json.dumps(told)}\n".encode())
        _weigh(out, sizes, packed)
        staged.move(_gone(out, packed))
    return sizes


def _gone(out: Path, packed: Mapping[str, _Packed]) -> list[str]:
    """Return the files of before whose project or job is no more; a zip without its .json is none of ours."""
    zips = [path for kind in KINDS for path in sorted((out / kind).glob("*.zip"))]
    pairs = [(f"{path.parent.name}/{path.stem}", path.with_suffix(".json")) for path in zips]
    return [
        f"{name}.{kind}" for name, told in pairs if name not in packed and told.is_file() for kind in ("zip", "json")
    ]


def _weigh(out: Path, sizes: Mapping[str, int], packed: Mapping[str, _Packed]) -> None:
    """Refuse what Lambda's package has no room for, naming the largest."""
    total, most = sum(sizes.values()), limits.LAMBDA_PACKAGE_BYTES - OWN_BYTES
    if total <= most:
        return
    largest = max(sizes, key=lambda name: sizes[name])
    files = packed[largest.removesuffix(".zip")].files
    file = max(files, key=lambda name: files[name].size())
    text = (
        f"{total:,} bytes, where all archives and build contexts together may have {most:,}; "
        f"{largest} has {sizes[largest]:,}, most of them for {file}"
    )
    hint = "keep data in S3, not beside the workflows; name what is no source in .gitignore"
    raise ProblemsFound([Problem(Position(typed(str(out), out), 1, 1), "SD677", text, hint)])
