#!/usr/bin/env python3
"""Start the market's database and the warehouse, run a command beside them, stop them.

    python3 here.py                                         a shell: type what the README says
    python3 here.py stepdig run workflows/warehouse/nightly_sync.dig -P var/here.yml

MariaDB with 120 tables (seed.py) and an empty PostgreSQL, on free ports of this machine. Both live as long as the command;
var/here.yml tells workflows where they are, the environment has their password. `mariadb` and `psql` reach them, too.

    apt-get install mariadb-server-core mariadb-client-core postgresql
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import databases  # noqa: E402 - shared by the examples
import seed  # noqa: E402

FILE = HERE / "var" / "here.yml"


def parameters(market: databases.Database, warehouse: databases.Database) -> dict[str, str]:
    """Return the workflows' parameters that lead to these servers."""
    return {
        "source": f"mysql://sync@127.0.0.1:{market.port}/shop",
        "warehouse": f"postgresql://sync@127.0.0.1:{warehouse.port}/shop",
    }


def secrets() -> dict[str, str]:
    """Return what the jobs' `secrets` name, for servers that live as long as the command."""
    return {"SOURCE_PASSWORD": databases.PASSWORD, "WAREHOUSE_PASSWORD": databases.PASSWORD}


def clients(market: databases.Database, warehouse: databases.Database) -> dict[str, str]:
    """Return what lets `mariadb shop` and `psql` reach them without more words."""
    port, password = str(warehouse.port), databases.PASSWORD
    there = {"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": "sync", "PGDATABASE": "shop", "PGPASSWORD": password}
    return {"MYSQL_UNIX_PORT": str(market.socket), **there}


def main(command: list[str]) -> int:
    """Run the command; return its exit code."""
    with (
        tempfile.TemporaryDirectory() as folder,
        databases.mariadb(Path(folder)) as market,
        databases.postgres(Path(folder)) as warehouse,
    ):
        market.mariadb(seed.sql())
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text("".join(f"{name}: {value}\n" for name, value in parameters(market, warehouse).items()))
        try:
            environ = {**os.environ, **secrets(), **clients(market, warehouse)}
            return subprocess.run(command, env=environ, check=False).returncode
        finally:
            FILE.unlink()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:] or [os.environ.get("SHELL", "sh")]))
    except databases.Absent as absent:
        sys.exit(str(absent))
