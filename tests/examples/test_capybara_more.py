"""The rest of examples/capybara: views into git, the report in Ruby, real Embulk."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from capybara_servers import Capybara, capybara, market
from example_project import Example

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
    assert "1 views in" in capybara.run("backup_views").text
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
