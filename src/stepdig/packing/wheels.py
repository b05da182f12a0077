"""The libraries of the task runner, fetched once by pip as wheels of known bytes: botocore and what it imports.

The versions are the last that run on Python 3.8, and have been seen to run on the newest: an image may have any between. All
are pure Python. A newer S3 asks for nothing that they lack: its API is versioned `2006-03-01`.
https://github.com/boto/botocore/blob/develop/CHANGELOG.rst
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from stepdig.problem import Position, Problem, ProblemsFound
from stepdig.project import typed

FOLDER = ".stepdig/wheels"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel of PyPI: the project, the version, the file, the SHA-256 of its bytes."""

    name: str
    version: str
    file: str
    sha256: str


WHEELS = (
    Wheel(
        "botocore",
        "1.37.38",  # 1.38 dropped Python 3.8
        "botocore-1.37.38-py3-none-any.whl",
        "23b4097780e156a4dcaadfc1ed156ce25cb95b6087d010c4bb7f7f5d9bc9d219",
    ),
    Wheel(
        "jmespath",
        "1.0.1",
        "jmespath-1.0.1-py3-none-any.whl",
        "02e2e4cc71b5bcab88332eebf907519190dd9e6e82107fa7f83b1003a6252980",
    ),
    Wheel(
        "python-dateutil",
        "2.9.0.post0",
        "python_dateutil-2.9.0.post0-py2.py3-none-any.whl",
        "a8b2bc7bffae282281c8140a97d3aa9c14da0b136dfe83f850eea9a5f7470427",
    ),
    Wheel(
        "six",
        "1.17.0",
        "six-1.17.0-py2.py3-none-any.whl",
        "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274",
    ),
    Wheel(
        "urllib3",
        "1.26.20",  # botocore takes 2.x from Python 3.10 on only
        "urllib3-1.26.20-py2.py3-none-any.whl",
        "0ed14ccfbf1c30a9072c7ca157e4319b70d65f623e91e7b32fadb2853431016e",
    ),
)


def fetched(root: Path) -> dict[str, bytes]:
    """Return the wheels by project, out of `.stepdig/wheels/` or first fetched there. Raises ProblemsFound."""
    folder = root / FOLDER
    missing = [wheel for wheel in WHEELS if _kept(folder, wheel) is None]
    try:
        if missing:
            folder.mkdir(parents=True, exist_ok=True)
            _fetch(folder, missing)
    except OSError as error:
        raise _refused(root, (error.strerror or str(error)).lower()) from error
    found = {wheel.name: _kept(folder, wheel) for wheel in WHEELS}
    wrong = [wheel.file for wheel in WHEELS if found[wheel.name] is None]
    if wrong:
        raise _refused(root, f"pip brought other bytes for {', '.join(wrong)}")
    return {name: content for name, content in found.items() if content is not None}


def _kept(folder: Path, wheel: Wheel) -> bytes | None:
    """Return a wheel of the folder, or None where it is missing or not what it should be."""
    try:
        content = (folder / wheel.file).read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == wheel.sha256 else None


def _fetch(folder: Path, wheels: list[Wheel]) -> None:
    """Let pip fetch wheels beside their place and move them there, so that a build beside this one sees whole files."""
    with TemporaryDirectory(dir=folder, prefix=".fetch-") as name:
        fetch = Path(name)
        pins = fetch / "pins.txt"
        pins.write_text("".join(f"{it.name}=={it.version} --hash=sha256:{it.sha256}\n" for it in wheels))
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
        exact = [
            "--no-deps",
            "--only-binary=:all:",
            "--require-hashes",
            "--dest",
            str(fetch),
            "--requirement",
            str(pins),
        ]
        done = subprocess.run([*pip, *exact], capture_output=True, text=True, check=False)
        if done.returncode:
            lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
            raise _refused(folder.parents[1], lines[-1].strip() if lines else f"pip ended with {done.returncode}")
        for wheel in wheels:
            if (fetch / wheel.file).is_file():
                (fetch / wheel.file).replace(folder / wheel.file)


def _refused(root: Path, why: str) -> ProblemsFound:
    text = f"the libraries of the task runner cannot be had: {why}"
    files = ", ".join(wheel.file for wheel in WHEELS)
    hint = f"pip must reach PyPI or a mirror of it; the wheels may also be put there by hand: {files}"
    return ProblemsFound([Problem(Position(typed(FOLDER, root), 1, 1), "SD675", text, hint)])
