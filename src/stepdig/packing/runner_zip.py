"""`stepdig-runner.pyz`: the task runner, `${...}` and botocore cut down to S3, in one file that Python 3.8 or newer runs.

Images carry it by one line, `COPY stepdig-runner.pyz /opt/stepdig/runner.pyz`. It is stored without compression: Python starts
it sooner, an image's layer is compressed anyway, and its bytes are the same on every machine that makes it.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from stepdig.packing import wheels
from stepdig.packing.contents import File, Files, write

NAME = "stepdig-runner.pyz"
PLACE = "/opt/stepdig/runner.pyz"
SOURCE = Path(__file__).resolve().parents[1]  # the package `stepdig`
PACKAGES = ("runner", "expressions")
_S3 = "botocore/data/s3/2006-03-01/"
_DATA = {
    *("botocore/data/_retry.json", "botocore/data/partitions.json", "botocore/data/sdk-default-configuration.json"),
    *(f"{_S3}{name}" for name in ("endpoint-rule-set-1.json.gz", "service-2.json.gz", "paginators-1.json")),
    *(f"{_S3}{name}" for name in ("service-2.sdk-extras.json", "paginators-1.sdk-extras.json")),
    "botocore/cacert.pem",
}
_ENDPOINTS = "botocore/data/endpoints.json"
_LICENCE = re.compile(r"[^/]+\.dist-info/(licenses/)?(LICEN[CS]E|NOTICE|AUTHORS)[^/]*")
_START = """\
import sys

if sys.version_info < (3, 8):
    sys.stderr.write("stepdig: the task runner needs Python 3.8 or newer, and this image has %d.%d\\n" % sys.version_info[:2])
    sys.exit(126)

import os

from stepdig.runner.container import main

sys.exit(main(os.environ))
"""


def runner_zip(root: Path) -> bytes:
    """Return the runner as a zip, its libraries kept below a root. Raises ProblemsFound."""
    out = io.BytesIO()
    write({**_ours(), **_libraries(wheels.fetched(root))}, out, dense=False)
    return out.getvalue()


def _ours() -> Files:
    """Return the runner and the expressions, with the few lines that start them."""
    files = {"__main__.py": File(_START.encode()), "stepdig/__init__.py": File(SOURCE / "__init__.py")}
    for package in PACKAGES:
        paths = (path for path in (SOURCE / package).rglob("*") if path.suffix in {".py", ".rb"})
        files |= {f"stepdig/{path.relative_to(SOURCE).as_posix()}": File(path) for path in paths}
    return files


def _libraries(found: dict[str, bytes]) -> Files:
    return {name: File(content) for wheel in found.values() for name, content in _carried(wheel)}


def _carried(wheel: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what is carried of a wheel: its modules, its licence, of botocore's data what S3 takes."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for name in archive.namelist():
            if name == _ENDPOINTS:
                yield name, _of_s3(archive.read(name))
            elif name.endswith(".py") or name in _DATA or _LICENCE.fullmatch(name):
                yield name, archive.read(name)


def _of_s3(endpoints: bytes) -> bytes:
    """Return the table of endpoints with those of S3 alone: 15 kB of 1.2 MB, which each start of a container would read."""
    table = json.loads(endpoints)
    for partition in table["partitions"]:
        partition["services"] = {name: it for name, it in partition["services"].items() if name == "s3"}
    return json.dumps(table, separators=(",", ":"), sort_keys=True).encode()
