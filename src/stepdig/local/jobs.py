"""Jobs on a laptop: a cached virtual environment in place of the image that `jobs/<name>/Dockerfile` builds.

`jobs/<name>/requirements.txt` is installed once into `.stepdig/jobs/<name>-<hash>/`; a job without one is the host's own
PATH. Programs in `jobs/<name>/bin/`, which an image would copy, come before both. What `job.yml` says comes as `Settings`;
sizes, capacity and rights mean nothing here. An environment is made in its place, since its scripts hold their path, under
a lock, and counts once its last file is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from stepdig.local.guard import Guard
from stepdig.local.processes import spawn
from stepdig.runner.shapes import no_secret

DONE = ".stepdig-complete"
LAST_LINES = 12
LOCK_SECONDS = 0.1  # between looks at a lock that another run holds

Report = Callable[[str], None]


class JobError(Exception):
    """A job's environment cannot be made; the text says why, with the installer's last lines."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a laptop does of a job.yml.

    python       a version (`3.12`: the program `python3.12`), a program or a path; "": what there is
    environment  variables of its commands
    secrets      variables that are given a secret, by their own names as keys
    files        variables that are given the path of a file with a secret
    workspace    a folder that all tasks share; None: it asks for none
    grace        seconds between SIGTERM and SIGKILL; None: as for all
    linger       seconds that what a command leaves running may go on
    unused       the image that a task names itself, which is not used here; "": none
    """

    python: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    files: Sequence[str] = ()
    workspace: Path | None = None
    grace: float | None = None
    linger: float = 0
    unused: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a job gives a command: variables over the host's, the Python of py>, secrets in files, its `grace`, its `linger`.

    `missing` are the secrets that job.yml names and this machine has not: many are for the cloud alone.
    """

    variables: Mapping[str, str]
    python: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    grace: float | None = None
    linger: float = 0
    missing: tuple[str, ...] = ()


class Jobs:
    """The jobs of a project.

    folder   `jobs/`; may be missing
    cache    where environments are kept, `.stepdig/jobs`
    report   told in a sentence when an environment is being made, since that takes a while
    secret   gives a secret by its key, or None: what task definitions do in the cloud
    settings what job.yml files say, by the job's name
    """

    def __init__(
        self,
        folder: Path,
        cache: Path,
        guard: Guard,
        report: Report,
        secret: Callable[[str], str | None] = no_secret,
        settings: Mapping[str, Settings] = MappingProxyType({}),
    ) -> None:
        self.secret = secret
        self._settings = settings
        self._folder = folder
        self._cache = cache
        self._guard = guard
        self._report = report
        self._ready: dict[str, Environment] = {}
        self._making: dict[str, asyncio.Lock] = {}

    def ready(self, name: str) -> Environment | None:
        """Return a job's environment if `environment` has returned it before."""
        return self._ready.get(name)

    async def environment(self, name: str) -> Environment:
        """Return a job's environment, made if need be. Raises JobError."""
        async with self._making.setdefault(name, asyncio.Lock()):
            if name not in self._ready:
                self._ready[name] = await self._environment(name)
            return self._ready[name]

    async def _environment(self, name: str) -> Environment:
        """Return what the job's folder gives, with what its job.yml says over it."""
        settings = self._settings.get(name, Settings())
        if settings.unused:
            self._report(f"job {name}: {settings.unused} is not used on this machine, but what is installed here")
        made = await self._installed(name, _python(name, settings.python))
        given = {key: self.secret(key) for key in (*settings.secrets, *settings.files)}
        missing = tuple(sorted(key for key, text in given.items() if text is None and key not in os.environ))
        found = {key: text for key, text in given.items() if text is not None}
        variables = {**settings.environment, **{key: found[key] for key in settings.secrets if key in found}}
        if settings.workspace is not None:
            settings.workspace.mkdir(parents=True, exist_ok=True)
            variables["STEPDIG_WORKSPACE"] = str(settings.workspace)
        files = {key: found[key] for key in settings.files if key in found}
        around = {**made.variables, **variables}
        return Environment(around, made.python, files, settings.grace, settings.linger, missing)

    async def _installed(self, name: str, python: str) -> Environment:
        folder = self._folder / name
        requirements = folder / "requirements.txt"
        tools = [str(folder / "bin")] if (folder / "bin").is_dir() else []
        around = os.environ.get("PATH", os.defpath)
        if not requirements.is_file():
            found = {"PATH": os.pathsep.join([*tools, around])} if tools else {}
            return Environment(found, (python or shutil.which("python3") or sys.executable,))
        place = self._cache / f"{name}-{_hash(requirements, python)}"
        if not (place / DONE).exists():
            async with _locked(place.with_name(place.name + ".lock")):
                if not (place / DONE).exists():
                    await self._make(name, place, requirements, python or sys.executable)
        path = os.pathsep.join([*tools, str(place / "bin"), around])
        return Environment({"PATH": path, "VIRTUAL_ENV": str(place)}, (str(place / "bin" / "python"),))

    async def _make(self, name: str, place: Path, requirements: Path, python: str) -> None:
        self._report(f"job {name}: installing {_what(requirements)} (once)")
        begun = time.monotonic()
        shutil.rmtree(place, ignore_errors=True)  # half made by a run that was killed
        # The installer of this very Python can serve another one, which saves the copy that `venv` would unpack.
        shared = importlib.util.find_spec("pip") is not None
        await self._run(name, [python, "-m", "venv", *(["--without-pip"] if shared else []), str(place)])
        target = str(place / "bin" / "python")
        pip = [sys.executable, "-m", "pip", "--python", target] if shared else [target, "-m", "pip"]
        options = ["--disable-pip-version-check", "--no-input", "--quiet", "--requirement", str(requirements)]
        await self._run(name, [*pip, "install", *options])
        (place / DONE).touch()
        self._report(f"job {name}: installed in {time.monotonic() - begun:.0f} s")

    async def _run(self, name: str, argv: list[str]) -> None:
        """Run one step. Raises JobError with the last lines it printed."""
        lines: list[str] = []
        environ = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
        try:
            code = await spawn(argv, environ, None, self._guard, lambda _stream, line: lines.append(line))
        except OSError as error:
            raise JobError(f"job {name}: {argv[0]} cannot be started: {error.strerror}") from None
        if code:
            said = "\n".join(line for line in lines[-LAST_LINES:] if line.strip())
            raise JobError(f"job {name}: its environment cannot be made (`{' '.join(argv[1:4])}` failed)\n{said}")


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Hold a lock against other runs on this machine; it ends with the process at the latest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(LOCK_SECONDS)
        yield


def _python(job: str, given: str) -> str:
    """Return the `python:` of a job as a program, or an empty text. Raises JobError."""
    if not given:
        return ""
    name = f"python{given}" if given[0].isdigit() else given
    found = shutil.which(name)
    if found is None:
        raise JobError(f"job {job}: python: {given}: there is no {name} on this machine")
    return found


def _hash(requirements: Path, python: str) -> str:
    """Return what an environment depends on in twelve characters: its requirements, files they name, its Python."""
    digest = hashlib.sha256(f"{python or sys.executable} {sys.version_info[:2] if not python else ''}".encode())
    seen: set[Path] = set()
    queue = [requirements.resolve()]
    while queue:
        path = queue.pop()
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        content = path.read_bytes()
        digest.update(content)
        for line in content.decode("utf-8", "replace").splitlines():
            option, _, named = line.strip().partition(" ")
            if option in ("-r", "-c", "--requirement", "--constraint"):
                queue.append((path.parent / named.strip()).resolve())
    return digest.hexdigest()[:12]


def _what(requirements: Path) -> str:
    """Return the first few requirements, for a person."""
    text = requirements.read_text(encoding="utf-8", errors="replace")
    names = [line.partition("#")[0].strip() for line in text.splitlines()]
    named = [name for name in names if name and not name.startswith("-")]
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "") or requirements.name
