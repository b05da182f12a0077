#!/usr/bin/env python3
"""Start the market's database and the warehouse, run a command beside them, stop them.

    python3 here.py                                         a shell: type what the README says
    python3 here.py stepdig run workflows/warehouse/nightly_sync.dig -P var/here.yml

MariaDB with 120 tables (seed.py) and an empty PostgreSQL, on free ports of this machine. Both live as long as the command;
var/here.yml tells workflows where they are, the environment has their password. `mariadb --no-defaults -u root shop` and `psql`
reach them, too. Where there is no PostgreSQL, the warehouse is var/warehouse.duckdb. var/logs gets yesterday's access log.

    apt-get install mariadb-server-core mariadb-client-core postgresql
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import databases  # noqa: E402 - shared by the examples
import seed  # noqa: E402

VAR = HERE / "var"
FILE = VAR / "here.yml"


def parameters(market: databases.Database, warehouse: databases.Database | None) -> dict[str, str]:
    """Return the workflows' parameters that lead to these servers; without a warehouse to a file."""
    file = f"duckdb:{VAR / 'warehouse.duckdb'}"
    return {
        "source": f"mysql://sync@127.0.0.1:{market.port}/shop",
        "warehouse": f"postgresql://sync@127.0.0.1:{warehouse.port}/shop" if warehouse else file,
    }


def secrets() -> dict[str, str]:
    """Return what the jobs' `secrets` name, for servers that live as long as the command."""
    return {"SOURCE_PASSWORD": databases.PASSWORD, "WAREHOUSE_PASSWORD": databases.PASSWORD}


def clients(market: databases.Database, warehouse: databases.Database | None) -> dict[str, str]:
    """Return what lets `mariadb --no-defaults` and `psql` reach them without more words."""
    there = {"MYSQL_UNIX_PORT": str(market.socket)}  # a file below /etc would win over it, hence --no-defaults
    if warehouse is not None:
        port, password = str(warehouse.port), databases.PASSWORD
        there |= {"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": "sync", "PGDATABASE": "shop", "PGPASSWORD": password}
    return there


def lay_log() -> None:
    """Write the access log of the day before today's session."""
    day = (datetime.now(ZoneInfo("Asia/Tokyo")) - timedelta(days=1)).date()
    (VAR / "logs").mkdir(parents=True, exist_ok=True)
    (VAR / "logs" / f"access-{day}.log").write_text(seed.access_log(day), encoding="utf-8")


def main(command: list[str]) -> int:
    """Run the command; return its exit code."""
    with contextlib.ExitStack() as servers:
        folder = Path(servers.enter_context(tempfile.TemporaryDirectory()))
        market = servers.enter_context(databases.mariadb(folder))
        try:
            warehouse = servers.enter_context(databases.postgres(folder))
        except databases.Absent as absent:
            warehouse = None
            print(f"{absent}; until then the warehouse is {VAR / 'warehouse.duckdb'}", file=sys.stderr)
        market.mariadb(seed.sql())
        lay_log()
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
