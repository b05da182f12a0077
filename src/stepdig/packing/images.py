"""A job -> the build context of its image: a Dockerfile that ends with the task runner, and the files of the job's folder.

A job that is `plain` is given no runner; one whose image is somebody else's, or whose task definition is, needs no context.
https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from stepdig.language.job import Job
from stepdig.packing import runner_zip
from stepdig.packing.contents import File, Files
from stepdig.packing.sources import sources
from stepdig.problem import Position, Problems
from stepdig.project import typed

# Docker's own image where AWS keeps it: pulls from inside AWS are not counted, and builds share no limit of Docker Hub's.
PYTHON = "public.ecr.aws/docker/library/python:3.13-slim"
_IGNORED = ".dockerignore"
_COPY = f"COPY {runner_zip.NAME} {runner_zip.PLACE}"
_COPIES = re.compile(rf"^\s*COPY\s.*\b{re.escape(runner_zip.NAME)}\s+{re.escape(runner_zip.PLACE)}\s*$", re.M | re.I)
_FROM = re.compile(r"^\s*FROM\s", re.M | re.I)
_SCRATCH = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*scratch\b", re.I)
FILLED = "ARG BASE\nFROM ${BASE}\n"  # of an image that only the stack knows: `publish` fills `${AWS::AccountId}` and its like in
REQUIREMENTS = f"""\
FROM {PYTHON}
COPY *.txt /opt/job/
RUN pip install --no-cache-dir --requirement /opt/job/requirements.txt
"""  # *.txt: it may name others by -r and -c


@dataclass(frozen=True, slots=True)
class Context:
    """What `docker build` takes for a job; `image` is what it is made from where the job says so, else empty."""

    files: Files
    image: str = ""


def context(job: Job, root: Path, runner: bytes, problems: Problems) -> Context | None:
    """Return the build context of a job's image, or None where none is to be built."""
    if job.task_definition or (job.plain and job.image):
        return None
    if job.image:
        return Context(_with_runner(f"FROM {job.image}\n" if "${" not in job.image else FILLED, {}, runner), job.image)
    folder = root / "jobs" / job.name
    files = sources(folder, root, problems) if folder.is_dir() else {}
    files.pop("job.yml", None)  # sizes and rights: they change no image
    if "Dockerfile" in files:
        text = _read(folder / "Dockerfile", root, job, problems)
        return Context(files if job.plain else _with_runner(text, files, runner))
    if job.plain:
        hint = "give it an image in job.yml, or a Dockerfile in its folder"
        problems.add(_at(folder / "job.yml", root), "SD673", f"the plain job {job.name} has no image to run", hint)
        return None
    if "requirements.txt" in files:
        texts = {name: it for name, it in files.items() if re.fullmatch(r"[^/]+\.txt", name)}
        return Context(_with_runner(REQUIREMENTS, texts, runner))
    return Context(_with_runner(f"FROM {PYTHON}\n", {}, runner), PYTHON)


def _with_runner(dockerfile: str, files: Files, runner: bytes) -> Files:
    """Return a context whose Dockerfile lays the runner into the image; one that does so itself stays as it is."""
    if not _COPIES.search(dockerfile):
        dockerfile = f"{dockerfile.rstrip()}\n{_COPY}\n"
    made = {**files, "Dockerfile": File(dockerfile.encode()), runner_zip.NAME: File(runner)}
    if (
        _IGNORED in files
    ):  # the last line that fits decides: https://docs.docker.com/build/concepts/context/#dockerignore-files
        made[_IGNORED] = File(files[_IGNORED].read().rstrip() + f"\n!{runner_zip.NAME}\n".encode())
    return made


def _read(path: Path, root: Path, job: Job, problems: Problems) -> str:
    """Return the text of a Dockerfile, with a note of what cannot take the runner."""
    text = path.read_text("utf-8-sig", errors="replace")  # Docker, too, takes the mark of Windows editors for nothing
    starts = [(number, line) for number, line in enumerate(text.splitlines(), 1) if _FROM.match(line)]
    if not starts:
        problems.add(_at(path, root), "SD674", "this Dockerfile has no FROM", f"such as FROM {PYTHON}")
    elif not job.plain and _SCRATCH.match(starts[-1][1]):
        place = Position(typed(str(path), root), starts[-1][0], 1)
        hint = f"start from an image with Python 3.8 or newer, such as {PYTHON}, or say plain: true in job.yml"
        problems.add(
            place, "SD674", "an image from scratch has no Python for the task runner", hint, len(starts[-1][1])
        )
    return text


def _at(path: Path, root: Path) -> Position:
    return Position(typed(str(path), root), 1, 1)
