#!/usr/bin/env python3
"""Start the ads' database, lay a day's events into a bucket, run a command beside them: python3 here.py COMMAND...

MariaDB with ads.sql on a free port, for as long as the command runs. Buckets are folders here: .stepdig/s3/ads-events and
ads-results; events of the first three hours of 2026-11-21. WITHOUT=slots drops a table first. In the shell
`mariadb --no-defaults -u root shop` reaches the database.

    apt-get install mariadb-server-core mariadb-client-core; pip install 'stepdig[athena]'
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent)]

import databases  # noqa: E402 - shared by the examples
import events  # noqa: E402

DAY, HOURS = "2026-11-21", 3


def environ(database: databases.Database) -> dict[str, str]:
    """Return what leads the jobs to the database."""
    return {**database.variables, "STEPDIG_SECRET_MYSQL_PASSWORD": databases.PASSWORD}


def lay(folder: Path) -> None:
    """Make the buckets of a project."""
    buckets = folder / ".stepdig/s3"
    (buckets / "ads-results").mkdir(parents=True, exist_ok=True)
    events.make(buckets / "ads-events", DAY, HOURS)


def main(command: list[str]) -> int:
    """Run the command; return its exit code."""
    with tempfile.TemporaryDirectory() as folder, databases.mariadb(Path(folder)) as database:
        database.mariadb((HERE / "ads.sql").read_text(encoding="utf-8"))
        if os.environ.get("WITHOUT"):
            database.mariadb(f"drop table {os.environ['WITHOUT']}")
        lay(Path.cwd())
        more = {"MYSQL_UNIX_PORT": str(database.socket)}  # for `mariadb --no-defaults -u root shop` in a shell
        return subprocess.run(command, env={**os.environ, **environ(database), **more}, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:] or [os.environ.get("SHELL", "sh")]))
    except databases.Absent as absent:
        sys.exit(str(absent))
