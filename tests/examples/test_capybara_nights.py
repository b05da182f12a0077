"""Bad nights of examples/capybara: what the person reads; nothing loaded before is lost; only what failed runs again."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from capybara_servers import NIGHT, Capybara, capybara, market, tiny_disk
from example_project import Done, databases

__all__ = ["capybara", "market"]  # fixtures

ONLY = ("-p", "only=users,works,skills")
TRIES = 3


@pytest.fixture
def loaded(capybara: Capybara) -> Capybara:
    """The example after a good night of three tables; tries follow faster."""
    dig = capybara.folder / NIGHT
    dig.write_text(dig.read_text().replace("interval: 3", "interval: 1"))
    assert capybara.run("nightly_sync", *ONLY).code == 0
    return capybara


def _lost_nothing(capybara: Capybara) -> None:
    assert [capybara.rows(table) for table in ("users", "works", "skills")] == [18660, 8705, 2861]


def _ran(done: Done) -> set[str]:
    """Return the tables whose loader ran."""
    return set(re.findall(r"running +\+sync (\w+) \+load", done.text))


def _told(done: Done, cause: str, *tables: str) -> None:
    """The end of the report: each table with the cause in words and what to do, and the command that goes on."""
    end = done.text[done.text.index("\n\n+sync ") :]
    assert done.code == 1
    assert all(f"| {table}: " in end for table in tables), end
    assert cause in end
    assert "Next: " in end
    assert f"Once that is put right: stepdig run {NIGHT} --resume" in end
    assert f"{len(tables)} failed: {tables[0]} (exit code" in done.text
    assert databases.PASSWORD not in done.text


def test_a_table_that_was_dropped(loaded: Capybara) -> None:
    loaded.market.mariadb("rename table works to works_gone")
    try:
        done = loaded.run("nightly_sync", *ONLY)
        _told(done, "there is no such table at 127.0.0.1", "works")
        assert "rows into market.users" in done.text
        _lost_nothing(loaded)
    finally:
        loaded.market.mariadb("rename table works_gone to works")

    again = loaded.resume()
    assert again.code == 0, again.text
    assert _ran(again) == {"works"}


def test_a_wrong_password(loaded: Capybara) -> None:
    done = loaded.run("nightly_sync", *ONLY, SOURCE_PASSWORD="not-the-one")

    _told(done, "refuses the user sync: the password is wrong or was changed", "users", "works", "skills")
    assert "not-the-one" not in done.text
    _lost_nothing(loaded)
    assert loaded.resume().code == 0


def test_a_warehouse_whose_disk_is_full(loaded: Capybara, tmp_path: Path) -> None:
    """New rows go to a file system of 1 MB; the table of last night stays, and what was halfway is gone with the next try."""
    with tiny_disk(_reachable(tmp_path) / "tiny", "1m") as disk:
        if os.geteuid() == 0:
            shutil.chown(disk, "nobody", "nogroup")
        loaded.asked(f"create tablespace tiny location '{disk}'")
        loaded.asked("alter database shop set default_tablespace = tiny")
        try:
            done = loaded.run("nightly_sync", "-p", "only=users")
            _told(done, "the disk of the warehouse 127.0.0.1", "users")
            assert "No space left on device" in done.text
            _lost_nothing(loaded)
        finally:
            loaded.asked("alter database shop reset default_tablespace")
        again = loaded.resume()
        loaded.asked("drop tablespace tiny")

    assert again.code == 0, again.text
    _lost_nothing(loaded)


def test_a_container_whose_disk_is_full(loaded: Capybara, tmp_path: Path) -> None:
    """A DuckDB file is loaded by way of a file below TMPDIR."""
    warehouse = ("-p", f"warehouse=duckdb:{loaded.folder}/var/warehouse.duckdb", "-p", "only=users,skills")
    with tiny_disk(tmp_path / "tiny", "600k") as disk:
        done = loaded.run("nightly_sync", *warehouse, TMPDIR=str(disk))
        assert list(disk.glob("*.jsonl")) == [], "a failing try leaves nothing behind"

    _told(done, "this container's disk is full", "users")
    assert "rows into market.skills" in done.text
    again = loaded.resume()
    assert again.code == 0, again.text
    assert _ran(again) == {"users"}


def test_a_loader_that_is_killed(loaded: Capybara) -> None:
    """Each try is killed when all rows are in the staging table, just before they take the place of the old ones."""
    with _held(loaded, "market.works") as let_go:
        result: list[Done] = []
        night = threading.Thread(target=lambda: result.append(loaded.run("nightly_sync", *ONLY)))
        night.start()
        killed: set[int] = set()
        while len(killed) < TRIES:
            pid = _until(lambda: next(iter(_waiting(loaded) - killed), None))
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        night.join()
        let_go()

    (done,) = result
    assert done.code == 1
    assert "exit code 137 (killed; in a container mostly for want of memory)" in done.text
    assert "1 failed: works (exit code 137)" in done.text
    _lost_nothing(loaded)
    again = loaded.resume()
    assert again.code == 0, again.text
    assert _ran(again) == {"works"}
    assert loaded.asked("select tablename from pg_tables where tablename like '%loading'") == []


def test_slack_is_down(loaded: Capybara) -> None:
    """A night is none the worse for it, and says so."""
    nobody = f"http://127.0.0.1:{databases.free_port()}/services/x"
    done = loaded.run("nightly_sync", *ONLY, STEPDIG_SLACK_WEBHOOK=nobody)

    assert done.code == 0, done.text
    assert "SlackUnavailable: Slack could not be reached" in done.text


def _waiting(capybara: Capybara) -> set[int]:
    """Return the loaders that wait for a lock of the warehouse."""
    sql = "select application_name from pg_stat_activity where wait_event_type = 'Lock'"
    return {int(name.split()[1]) for (name,) in capybara.asked(sql) if name.startswith("capybara ")}


def _until(found: Callable[[], int | None]) -> int:
    end = time.monotonic() + 120
    while (value := found()) is None:
        assert time.monotonic() < end
        time.sleep(0.05)  # looks at another process, which tells nobody
    return value


class _held:  # noqa: N801 - a context manager, used as one
    """Hold a table of the warehouse against writers, until `let_go` is called."""

    def __init__(self, capybara: Capybara, table: str) -> None:
        self.argv = ["psql", "-h", "127.0.0.1", "-p", str(capybara.warehouse.port), "-U", "sync", "-d", "shop", "-q"]
        self.environ = {**capybara.example.environ, "PGPASSWORD": databases.PASSWORD}
        self.statement = f"begin; lock table {table} in share mode; select 'held';\n"

    def __enter__(self) -> Callable[[], None]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([*self.argv, "-A", "-t"], env=self.environ, text=True, **pipes)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(self.statement)
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "held\n"
        return self._let_go

    def _let_go(self) -> None:
        self.process.communicate("rollback;\n")

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _reachable(folder: Path) -> Path:
    """Let PostgreSQL, which is nobody where the tests are root, into a folder of the test."""
    for path in [folder, *folder.parents][:-1]:
        if os.geteuid() == 0:
            path.chmod(path.stat().st_mode | 0o011)
    return folder
