"""MariaDB and PostgreSQL of Debian's packages on loopback: own data folder, a free port, gone when the test is.

apt-get install mariadb-server-core mariadb-client-core postgresql
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60  # a database that is not there by then will not be
PASSWORD = "made-for-this-run"  # of a server that lives as long as the command


class Absent(Exception):
    """A database is not installed here; says how to install it."""


@dataclass(frozen=True)
class Database:
    """A server with one user `sync`, its password, and an empty database `shop`."""

    port: int
    folder: Path
    socket: Path

    @property
    def variables(self) -> dict[str, str]:
        """Where it is, as environment variables."""
        return {"DB_HOST": "127.0.0.1", "DB_PORT": str(self.port), "DB_USER": "sync", "DB_NAME": "shop"}

    def mariadb(self, sql: str, database: str = "shop") -> str:
        """Run SQL as the server's owner; return what it prints."""
        argv = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "--batch", "--skip-column-names"]
        done = subprocess.run([*argv, database], input=sql, text=True, capture_output=True, check=True)
        return done.stdout


@contextlib.contextmanager
def mariadb(folder: Path) -> Iterator[Database]:
    """Run a MariaDB server. Raises Absent."""
    server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    if server is None or shutil.which("mariadb-install-db") is None or shutil.which("mariadb") is None:
        raise Absent("no MariaDB: apt-get install mariadb-server-core mariadb-client-core")
    data, place = folder / "mariadb", folder / "mariadb.sock"
    owner = [f"--user={getpass.getuser()}"]
    options = ["--no-defaults", f"--datadir={data}", "--skip-name-resolve", *owner]
    laid = ["mariadb-install-db", *options, "--auth-root-authentication-method=normal", "--skip-test-db"]
    # Of two that were laid out at the same time one was seen to fail without a reason.
    with Path(tempfile.gettempdir(), "stepdig-mariadb-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(laid, text=True, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    port = free_port()
    small = ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=16M"]
    log = (folder / "mariadb.log").open("wb")
    address = [
        "--bind-address=127.0.0.1",
        f"--port={port}",
        f"--socket={place}",
        f"--pid-file={folder / 'mariadb.pid'}",
    ]
    process = subprocess.Popen([server, *options, *address, *small], stdout=log, stderr=log)
    database = Database(port, folder, place)
    try:
        _until(process, lambda: database.mariadb("select 1", "mysql"), folder / "mariadb.log")
        rights = f"create database shop; create user sync identified by '{PASSWORD}'; grant all on shop.* to sync"
        database.mariadb(rights, "mysql")
        yield database
    finally:
        process.terminate()
        process.wait()
        log.close()


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Database]:
    """Run a PostgreSQL server; root becomes nobody for it. Raises Absent."""
    programs = _postgres_programs()
    if programs is None:
        raise Absent("no PostgreSQL: apt-get install postgresql")
    data = folder / "postgres"
    data.mkdir()
    become: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(data, "nobody", "nogroup")
        for path in [folder, *folder.parents][:-1]:
            path.chmod(path.stat().st_mode | 0o011)
    secret = data.parent / "postgres.password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    initdb = [*become, str(programs / "initdb"), "-D", str(data), "-U", "sync", f"--pwfile={secret}"]
    subprocess.run([*initdb, "--auth=scram-sha-256", "--no-sync"], check=True, capture_output=True, cwd=data)
    secret.unlink()
    port = free_port()
    log = (folder / "postgres.log").open("wb")
    where = ["-c", "listen_addresses=127.0.0.1", "-c", f"port={port}", "-c", f"unix_socket_directories={data}"]
    argv = [*become, str(programs / "postgres"), "-D", str(data), *where, "-c", "fsync=off"]
    process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=data)
    environ = {**os.environ, "PGPASSWORD": PASSWORD}

    def asked(sql: str, database: str) -> None:
        psql = [str(programs / "psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "sync", "-d", database, "-c", sql]
        subprocess.run(psql, check=True, capture_output=True, env=environ)

    try:
        _until(process, lambda: asked("select 1", "postgres"), folder / "postgres.log")
        asked("create database shop", "postgres")
        yield Database(port, folder, data)
    finally:
        process.terminate()
        process.wait()
        log.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _postgres_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    known = shutil.which("initdb")
    return found[-1].parent if found else Path(known).resolve().parent if known else None


def _until(process: subprocess.Popen[bytes], works: Callable[[], object], log: Path) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            works()
        except subprocess.CalledProcessError:
            assert time.monotonic() < end, log.read_text(errors="replace")[-2000:]
            time.sleep(0.05)  # a look at a server that is starting, not a wait for a time
        else:
            return


def main(script: Path, command: list[str]) -> int:
    """Run a command beside a MariaDB server that has run an SQL script."""
    with tempfile.TemporaryDirectory() as folder, mariadb(Path(folder)) as database:
        database.mariadb(script.read_text(encoding="utf-8"))
        secret = {"STEPDIG_SECRET_MYSQL_PASSWORD": PASSWORD}
        return subprocess.run(command, env={**os.environ, **database.variables, **secret}, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
    except (Absent, FileNotFoundError) as wrong:
        sys.exit(str(wrong))
