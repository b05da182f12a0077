"""Run the demo in a terminal of its own and draw what it leaves on the screen: docs/picture/demo.svg.

    .venv/bin/python docs/picture/make_picture.py

Nothing is put together by hand: the command runs under a pseudo-terminal, and the screen is kept as a terminal keeps it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
PICTURE = Path(__file__).with_name("demo.svg")
COLUMNS, ROWS = 96, 60
TITLE = "make demo"
COMMAND = ["run", "workflows/nightly_sync/nightly_sync.dig", "--session", "2026-11-20"]
CONTROL = re.compile(r"\x1b\[(?P<number>\d*)(?P<what>[AK])|\x1b\[\?\d+[hl]|(?P<style>\x1b\[[\d;]*m)|(?P<line>[\r\n])")
# Readable on the dark card, and for people who see red and green alike.
COLOURS = """484f58 ff7b72 56d364 e3b341 79c0ff d2a8ff 56d4dd b1bac4
6e7681 ffa198 7ee787 f2cc60 a5d6ff e2c5ff b3f0ff f0f6fc"""
PALETTE = [(int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)) for colour in COLOURS.split()]
THEME = TerminalTheme((22, 27, 34), (201, 209, 217), PALETTE[:8], PALETTE[8:])
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', 'Noto Sans Mono CJK JP', monospace"


def main() -> None:
    """Run the demo once for its caches and once for the picture."""
    command = [str(Path(sys.executable).with_name("stepdig")), *COMMAND]
    recorded(command)
    lines = screen(recorded(command))
    console = Console(record=True, width=COLUMNS, file=Path(os.devnull).open("w"), force_terminal=True)  # noqa: SIM115 - for the whole life of the process
    console.print(Text.assemble(("$ ", "bold green"), TITLE))
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=True)
    PICTURE.write_text(own_font(console.export_svg(title=TITLE, theme=THEME, unique_id="demo")), encoding="utf-8")
    print(f"{PICTURE.relative_to(ROOT)}: {len(lines)} lines, {PICTURE.stat().st_size:,} bytes")  # noqa: T201 - a script


def recorded(command: list[str]) -> str:
    """Run a command in a pseudo-terminal of a fixed size and return everything it wrote."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(COLUMNS), LINES=str(ROWS))
        os.execv(command[0], command)  # noqa: S606 - the very command, no shell
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    written = b""
    while chunk := _read(terminal):
        written += chunk
    _, status = os.waitpid(process, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{written.decode()}")
    return written.decode()


def _read(terminal: int) -> bytes:
    """Read what is there; the end of a pseudo-terminal is an error on Linux."""
    try:
        return os.read(terminal, 65536)
    except OSError as error:
        if error.errno == errno.EIO:
            return b""
        raise


def screen(written: str) -> list[str]:
    """Return the lines that stay on the screen, styles kept; knows the few commands that a live display uses."""
    lines, at, position = [""], 0, 0
    for control in CONTROL.finditer(written):
        lines[at] += written[position : control.start()]
        position = control.end()
        if control["style"]:
            lines[at] += control["style"]
        elif control["what"] == "A":
            at = max(0, at - int(control["number"] or 1))
        elif control["what"] == "K":
            lines[at] = ""
        elif control["line"] == "\n":
            at += 1
            lines += [""] * (at == len(lines))
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def own_font(svg: str) -> str:
    """Return the picture without fonts from elsewhere, which a README may not load."""
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return re.sub(r"font-family: [^;]+;", f"font-family: {FONT};", svg)


if __name__ == "__main__":
    main()
