"""Commands as processes: output line by line, exit codes, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from machines import alive, gone

from stepdig.local.guard import MARK, Guard
from stepdig.local.processes import LINE_BYTES, spawn


class Lines(list[tuple[str, str]]):
    def __call__(self, stream: str, text: str) -> None:
        self.append((stream, text))


@contextlib.contextmanager
def guarded():
    guard = Guard()
    try:
        yield guard
    finally:
        guard.close()


async def sh(script: str, guard: Guard, lines: Lines | None = None, grace: float = 2.0) -> int:
    return await spawn(
        ["sh", "-c", script], dict(os.environ), None, guard, lines if lines is not None else Lines(), grace
    )


def test_output_comes_line_by_line_with_its_stream() -> None:
    lines = Lines()
    with guarded() as guard:
        code = asyncio.run(sh("echo a; echo b >&2; printf 'no end'; printf 'é\\r\\n' >&2; exit 3", guard, lines))

    assert code == 3
    assert sorted(lines) == [("stderr", "b"), ("stderr", "é"), ("stdout", "a"), ("stdout", "no end")]


def test_lines_arrive_while_the_command_runs(tmp_path: Path) -> None:
    """The command waits for a file that only its first line makes appear."""
    flag = tmp_path / "flag"

    async def go(guard: Guard) -> int:
        argv = ["sh", "-c", f"echo ready; while [ ! -e {flag} ]; do sleep 0.01; done"]
        return await spawn(argv, dict(os.environ), None, guard, lambda _, text: flag.write_text(text) and None)

    with guarded() as guard:
        assert asyncio.run(asyncio.wait_for(go(guard), 30)) == 0


def test_a_very_long_line_comes_in_pieces() -> None:
    lines = Lines()
    with guarded() as guard:
        asyncio.run(sh(f"head -c {LINE_BYTES * 3 + 5} /dev/zero | tr '\\0' x; echo; echo end", guard, lines))

    assert "".join(text for _, text in lines) == "x" * (LINE_BYTES * 3 + 5) + "end"
    assert max(len(text) for _, text in lines) <= LINE_BYTES * 2


def test_bytes_that_are_no_utf8_do_no_harm() -> None:
    lines = Lines()
    with guarded() as guard:
        asyncio.run(sh("printf '\\377\\n'", guard, lines))

    assert lines == [("stdout", "\ufffd")]


def test_a_signal_is_told_as_128_plus_its_number() -> None:
    with guarded() as guard:
        assert asyncio.run(sh("kill -KILL $$", guard)) == 137


def test_a_command_that_is_not_there_is_an_oserror() -> None:
    with guarded() as guard, pytest.raises(FileNotFoundError):
        asyncio.run(spawn(["/no/such/command"], {}, None, guard, Lines()))


def test_what_the_command_left_running_ends_with_it() -> None:
    """A background process holding the pipes neither survives nor delays the task."""
    lines = Lines()
    with guarded() as guard:
        code = asyncio.run(asyncio.wait_for(sh("sleep 1000 & echo $!", guard, lines), 30))

    assert code == 0
    assert gone([int(lines[0][1])])


def test_a_daemon_holding_the_pipes_delays_nothing_and_ends_with_the_engine() -> None:
    """It left the process group, so only the guard's mark finds it."""
    lines = Lines()
    with guarded() as guard:
        code = asyncio.run(asyncio.wait_for(sh("setsid sleep 1000 & echo $!; sleep 0.1", guard, lines), 30))
        daemon = int(lines[0][1])
        assert code == 0
        assert alive(daemon)

    assert gone([daemon])


def test_cancelling_ends_the_whole_group_gently_first() -> None:
    lines = Lines()
    script = "trap 'echo bye; exit 0' TERM; sleep 1000 & echo $!; echo ready; wait"

    async def go(guard: Guard) -> None:
        task = asyncio.ensure_future(sh(script, guard, lines))
        while ("stdout", "ready") not in lines:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with guarded() as guard:
        asyncio.run(go(guard))

    assert lines[-1] == ("stdout", "bye")
    assert gone([int(lines[0][1])])


def test_a_command_deaf_to_sigterm_is_killed_after_the_grace() -> None:
    lines = Lines()

    async def go(guard: Guard) -> None:
        task = asyncio.ensure_future(sh("trap '' TERM; echo $$; while :; do sleep 0.05; done", guard, lines, grace=0.2))
        while not lines:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with guarded() as guard:
        asyncio.run(go(guard))

    assert gone([int(lines[0][1])])


def test_the_command_runs_in_its_folder_with_exactly_its_environment(tmp_path: Path) -> None:
    lines = Lines()
    with guarded() as guard:
        argv = [sys.executable, "-c", "import os; print(os.getcwd()); print(sorted(os.environ))"]
        asyncio.run(spawn(argv, {"A": "1", "LC_CTYPE": "C.UTF-8"}, tmp_path, guard, lines))

    assert lines == [("stdout", str(tmp_path)), ("stdout", str(["A", "LC_CTYPE", MARK]))]


def test_no_zombies_and_no_descriptors_are_left() -> None:
    async def many(guard: Guard) -> None:
        await asyncio.gather(*(sh("echo x; true", guard) for _ in range(50)))
        before = len(list(Path("/proc/self/fd").iterdir()))
        await asyncio.gather(*(sh("echo x; true", guard) for _ in range(50)))
        assert len(list(Path("/proc/self/fd").iterdir())) <= before

    others = set(_children(os.getpid()))
    with guarded() as guard:
        asyncio.run(many(guard))
        children = set(_children(os.getpid())) - others

    assert len(children) == 1  # the guard


ENGINE = """
import asyncio, sys
sys.path.insert(0, {tests!r})
from machines import command, engine, machine, map_

async def main():
    script = "echo $$; setsid sleep 1000 & echo $!; sleep 1000 & echo $!; trap '' TERM; wait; sleep 1000"
    definition = machine("M", M=map_({{"T": command("sh", "-c", script)}}))
    class Shout:
        def on_event(self, *_): pass
        def on_output(self, execution, state, entered, stream, text): print(text, flush=True)
    execution = engine(listener=Shout()).start(definition, [1, 2, 3], "x", "m")
    await execution.wait()

asyncio.run(main())
"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_kill_9_of_the_engine_leaves_no_process() -> None:
    """Neither the tasks, nor their background processes, nor daemons, nor the guard."""
    code = ENGINE.format(tests=str(Path(__file__).parent))
    engine = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    pids = [int(engine.stdout.readline()) for _ in range(9)]
    guards = [int(pid) for pid in _children(engine.pid)]
    assert all(map(alive, pids))

    engine.kill()
    engine.wait()
    engine.stdout.close()

    assert gone(pids)
    assert gone(guards)


def _children(parent: int) -> list[int]:
    """The processes whose parent is this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                    found.append(int(entry.name))
    return found


def test_what_a_command_leaves_running_lingers_until_it_is_cancelled(tmp_path: Path) -> None:
    """It says that it goes on once the command has ended, which its end of the pipe tells."""
    script = "mkfifo p; (cat < p; echo sent) & exec 9> p; echo done"
    said: list[str] = []

    async def go(guard: Guard) -> None:
        heard = asyncio.Event()

        def on_output(_stream: str, text: str) -> None:
            said.append(text)
            if text == "sent":
                heard.set()

        argv = ["sh", "-c", script]
        running = asyncio.ensure_future(spawn(argv, dict(os.environ), tmp_path, guard, on_output, linger=600))
        await heard.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    with guarded() as guard:
        asyncio.run(asyncio.wait_for(go(guard), 60))
    assert said == ["done", "sent"]


def test_what_lingers_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    lines = Lines()
    argv = ["sh", "-c", "sleep 600 & echo $!; exit 4"]
    with guarded() as guard:
        code = asyncio.run(spawn(argv, dict(os.environ), tmp_path, guard, lines, linger=0.1))

    assert code == 4
    assert gone([int(lines[0][1])])
