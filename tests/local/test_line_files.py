"""Files that grow by lines: whole lines or none, also after a kill and on a disk that is full."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stepdig.local.line_files import LineFiles


def test_a_line_that_was_written_half_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "folder/log"
    path.parent.mkdir()
    path.write_text("whole\nha")

    async def go() -> None:
        files = LineFiles()
        files.append(path, "next")
        await asyncio.sleep(0)
        assert path.read_text() == "whole\nha\nnext\n", "written as the loop turns"
        files.append(path, "last")
        files.close()

    asyncio.run(go())
    assert path.read_text() == "whole\nha\nnext\nlast\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's /dev/full stands for a full disk")
def test_a_full_disk_is_told_once_and_ends_the_writing(tmp_path: Path) -> None:
    told: list[OSError] = []

    async def go() -> None:
        files = LineFiles()
        files.on_error = told.append
        for path in (Path("/dev/full"), tmp_path / "log", Path("/dev/full")):
            files.append(path, "x")
            files.flush()
        files.close()
        assert files.error is told[0]

    asyncio.run(go())
    assert [error.strerror for error in told] == ["No space left on device"]
    assert not (tmp_path / "log").exists()


def test_many_files_are_written_with_few_of_them_open(tmp_path: Path) -> None:
    async def go() -> None:
        files = LineFiles()
        for turn in range(2):
            for number in range(200):
                files.append(tmp_path / f"{number}/log", f"{turn} {number}")
            await asyncio.sleep(0)
        files.close()

    asyncio.run(go())
    assert {it.read_text() for it in tmp_path.glob("*/log")} == {f"0 {n}\n1 {n}\n" for n in range(200)}
