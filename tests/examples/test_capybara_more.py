"""The rest of examples/capybara: views into git, the report in Ruby, real Embulk."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from capybara_servers import NIGHT, Capybara, capybara, market, seed
from example_project import ROOT, Example

__all__ = ["capybara", "market"]  # fixtures

PARTNERS = "id,name,fee,since\n1,ノート,1.5,2026-11-20 10:00:00\n"
LOG = """\
203.0.113.9 - 2 [20/Nov/2026:09:00:00 +0900] "GET /work/detail/9 HTTP/1.1" 200 512 "-" "Mozilla/5.0"
203.0.113.9 - - [20/Nov/2026:09:30:00 +0900] "GET / HTTP/1.1" 200 512 "-" "Mozilla/5.0"
203.0.113.9 - 2 [20/Nov/2026:08:00:00 +0900] "GET /work/detail/9 HTTP/1.1" 200 512 "-" "Mozilla/5.0"
203.0.113.9 - 99999999 [20/Nov/2026:10:00:00 +0900] "GET / HTTP/1.1" 200 512 "-" "Mozilla/5.0"
"""


@pytest.mark.skipif(not shutil.which("git"), reason="no git: apt-get install git")
def test_views_are_kept_in_git(capybara: Capybara) -> None:
    capybara.asked("create schema market")
    capybara.asked("create view market.one as select 1 as n")
    assert "1 view in" in capybara.run("backup_views").text
    capybara.asked("drop view market.one")

    done = capybara.run("backup_views")

    folder = capybara.folder / ".stepdig/workspace/views"
    assert done.code == 1
    assert "there are none, but 1 are kept: nothing was changed" in done.text
    capybara.asked((folder / "market/one.sql").read_text())
    assert capybara.asked("select n from market.one") == [["1"]]
    log = subprocess.run(["git", "log", "--format=%s"], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert log == "Views of 2026-11-21\n"


@pytest.mark.skipif(not shutil.which("ruby"), reason="no Ruby: apt-get install ruby")
def test_the_report_in_ruby(capybara: Capybara, tmp_path: Path) -> None:
    (tmp_path / "access-2026-11-20.log").write_text(LOG)
    done = capybara.run("access_report", "-p", f"logs={tmp_path}")

    assert done.code == 0, done.text
    assert "1 users came on 2026-11-20" in done.text
    report = (capybara.folder / ".stepdig/workspace/access/2026-11-20.csv").read_text(encoding="utf-8")
    assert report.splitlines()[1] == "2,𠮷野 弥生,東京都,2,08:00:00,09:00:00"

    (tmp_path / "access-2026-11-20.log").unlink()
    missing = capybara.run("access_report", "-p", f"logs={tmp_path}")
    assert missing.code == 1
    assert (
        f"there is no access log {tmp_path}/access-2026-11-20.log. Next: look at the parameter `logs`" in missing.text
    )
    assert "> warehouse: access_report failed" in missing.text


@pytest.mark.skipif(not shutil.which("ruby"), reason="no Ruby: apt-get install ruby")
def test_the_report_of_the_log_that_here_py_lays(capybara: Capybara, tmp_path: Path) -> None:
    """As many users as the log has, of those that the database knows, and as many requests."""
    log = seed.access_log(date(2026, 11, 20))
    (tmp_path / "access-2026-11-20.log").write_text(log)
    known = {line.split()[2] for line in log.splitlines()} - {"-"}
    done = capybara.run("access_report", "-p", f"logs={tmp_path}")

    assert f"{len(known)} users came on 2026-11-20" in done.text
    report = (capybara.folder / ".stepdig/workspace/access/2026-11-20.csv").read_text(encoding="utf-8")
    requests = sum(int(row["requests"]) for row in csv.DictReader(report.splitlines()))
    assert requests == len(log.splitlines()) - log.count(" - - [")


@pytest.mark.skipif(
    not (shutil.which("java") and shutil.which("mvn")), reason="apt-get install openjdk-17-jre-headless maven"
)
def test_embulk_file_to_file(example: Callable[..., Example]) -> None:
    """Each session takes the new files alone; a line that is no record fails the task with Embulk's words."""
    copied = example("capybara")
    partners, taken = (copied.folder / ".stepdig/workspace" / name for name in ("partners", "taken"))
    partners.mkdir(parents=True)
    (partners / "a.csv").write_text(PARTNERS)
    run = ("run", "workflows/warehouse/partner_files.dig", "--plain", "--session")
    first = copied.stepdig(*run, "2026-11-20")
    if "cannot be had from Maven Central" in first.text:
        pytest.skip("Embulk cannot be had from Maven Central")
    assert first.code == 0, first.text
    assert "1,ノート,1.5,2026-11-20 10:00:00.000000 +0900" in (taken / "2026-11-20.000.csv").read_text(encoding="utf-8")

    (partners / "b.csv").write_text(PARTNERS.replace("1.5", "many"))
    done = copied.stepdig(*run, "2026-11-21")
    assert done.code == 1
    assert "many" in done.text
    (partners / "b.csv").write_text(PARTNERS.replace("1.5", "2.5"))
    assert copied.stepdig("run", run[1], "--resume", "--plain").code == 0
    assert "2.5" in (taken / "2026-11-21.000.csv").read_text(encoding="utf-8")


@pytest.mark.skipif(
    not (shutil.which("java") and shutil.which("mvn")), reason="apt-get install openjdk-17-jre-headless maven"
)
def test_a_plug_in_that_cannot_be_had_is_told_in_a_sentence(example: Callable[..., Example], tmp_path: Path) -> None:
    """Maven's own settings send it to a mirror where nobody listens."""
    job = example("capybara").folder / "jobs/embulk"
    mirror = "<mirror><id>m</id><url>http://127.0.0.1:9/</url><mirrorOf>*</mirrorOf></mirror>"
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2/settings.xml").write_text(f"<settings><mirrors>{mirror}</mirrors></settings>")
    environ = {**os.environ, "EMBULK_CACHE": str(tmp_path / "cache"), "MAVEN_OPTS": f"-Duser.home={tmp_path}"}
    done = subprocess.run(
        [sys.executable, job / "bin/embulk", "--fetch"], env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith("embulk: Embulk cannot be had from Maven Central: Could not transfer artifact ")
    assert "127.0.0.1:9" in done.stderr
    assert done.stderr.count("\n") == 1


WITHOUT = (
    "import sys; sys.path[:0] = ['.', '..']; import databases, here; databases._postgres_programs = lambda: None; "
)


@pytest.mark.skipif(not shutil.which("mariadb"), reason="apt-get install mariadb-server-core mariadb-client-core")
def test_here_py_without_postgresql(example: Callable[..., Example]) -> None:
    """The README's commands in its shell: the client reaches the database, the warehouse is a file."""
    copied = example("capybara")
    shutil.copy(ROOT / "examples/databases.py", copied.folder.parent)
    command = f"""mariadb --no-defaults -u root shop -e 'select count(*) as works from works'
        {sys.executable} -m stepdig run {NIGHT} -P var/here.yml -p only=skills --plain; ls var/logs"""
    argv = [sys.executable, "-c", f"{WITHOUT}sys.exit(here.main(['sh', '-c', {command!r}]))"]
    done = subprocess.run(argv, cwd=copied.folder, env=copied.environ, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no PostgreSQL: apt-get install postgresql; until then the warehouse is" in done.stderr
    assert "works\n8705\n" in done.stdout
    assert "2,861 rows into market.skills" in done.stdout
    assert "access-20" in done.stdout
    assert (copied.folder / "var/warehouse.duckdb").exists()
    assert not (copied.folder / "var/here.yml").exists()
