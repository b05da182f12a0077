"""The run in a terminal: a live tree of tasks, and above it what tasks outside loops print."""

from __future__ import annotations

import contextlib
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from stepdig.report import failure
from stepdig.report.clean import clean
from stepdig.report.layout import Entry, entries
from stepdig.report.names import ITERATION
from stepdig.report.rows import (
    BLOCKED,
    CANCELED,
    ERROR,
    FAILURES,
    GROUP_ERROR,
    IGNORED,
    RETRY_WAITING,
    RUNNING,
    SUCCESS,
    Change,
    Line,
    Message,
    Row,
)
from stepdig.report.track import Tracker
from stepdig.report.view import NEXT, End, Run, closing, duration

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
LOOKS = {
    BLOCKED: (" ", "dim"),
    RUNNING: ("", "cyan"),
    RETRY_WAITING: ("↻", "yellow"),
    SUCCESS: ("✓", "green"),
    ERROR: ("✗", "bold red"),
    GROUP_ERROR: ("✗", "red"),
    IGNORED: ("✗", "yellow"),
    CANCELED: ("⊘", "yellow"),
}
STYLES = {"bad": "bold red", "dim": "dim", "": ""}
LINES_AT_ONCE = 500  # more than a person reads between two frames; all of them are in the task's log
BREATH = 0.1  # seconds between frames


class Tree:
    """A view that redraws the tree a few times a second; `explain` gives the reason of a failure."""

    def __init__(self, console: Console, explain: Callable[[Row], str], clock: Callable[[], float] = time.time) -> None:
        self._console = console
        self._clock = clock
        self._restore = contextlib.ExitStack()
        self._explain = explain
        self._printed: list[Line] = []
        self._speaker = ""
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stderr=False)

    def start(self, run: Run, tracker: Tracker) -> None:
        """Draw the tree for the first time."""
        self._run, self._tracker = run, tracker
        self._restore.enter_context(_no_echo_of_keys(self._console.file))
        self._live.start()
        self.tick()

    def changed(self, changes: Sequence[Change]) -> None:
        """Keep the lines of tasks outside loops for the next frame; rows are read from the tracker then."""
        for change in changes:
            if isinstance(change, Message):
                self._message(change)
            elif isinstance(change, Line) and not ITERATION.search(change.task):
                self._printed.append(change)

    def note(self, text: str) -> None:
        """Print a sentence about the run itself."""
        self._flush()
        self._console.print(Text(text, "dim"))

    def tick(self) -> None:
        """Draw the next frame."""
        self._flush()
        self._live.update(self._draw(self._console.size.height - 1), refresh=True)

    def end(self, end: End) -> None:
        """Leave the tree as it ended, then why it failed, if it did, and the closing line."""
        self._flush()
        self.close()
        self._console.print(self._draw(max(self._console.size.height - 4, 20)))
        self._console.print()
        if end.status != "SUCCEEDED":
            for style, text in failure.lines(self._tracker, self._explain, self._run.base):
                self._console.print(Text(clean(text), STYLES[style]), soft_wrap=True)
            self._console.print(Text.assemble(f"{NEXT[end.status]}: ", (self._run.again, "bold")), soft_wrap=True)
        style = "bold green" if end.status == "SUCCEEDED" else "bold red"
        status, _, rest = closing(end).partition(" ")
        self._console.print(Text(f"kept in {self._run.directory}", "dim"), soft_wrap=True)
        self._console.print(Text.assemble((status, style), " ", rest), soft_wrap=True)

    def close(self) -> None:
        """Take the tree away and let the terminal print keys again."""
        self._live.stop()
        self._restore.close()

    def _message(self, message: Message) -> None:
        """Draw a message as a box."""
        self._flush()
        title = " ".join(filter(None, ("sent" if message.sent else "would be sent", "to", message.channel or "Slack")))
        box = Panel(Text(clean(message.text)), title=title, title_align="left", border_style="magenta", expand=False)
        self._console.print(box)

    def _flush(self) -> None:
        """Print the lines that came since the last frame, under the name of the task that printed them."""
        lines, self._printed = self._printed, []
        shown: list[Text] = []
        if len(lines) > LINES_AT_ONCE:
            shown.append(Text(f"  ... {len(lines) - LINES_AT_ONCE:,} lines, all in the tasks' logs", "dim"))
        for line in lines[-LINES_AT_ONCE:]:
            if line.task != self._speaker:
                shown.append(Text(line.task, "bold dim"))
                self._speaker = line.task
            shown.append(Text(f"  {clean(line.text)}"))
        if shown:
            self._console.print(*shown, sep="\n", soft_wrap=True)  # at once, for each print draws the tree anew

    def _draw(self, height: int) -> Group:
        shown, missing = entries(self._tracker, height)
        width = self._console.size.width
        now = self._clock()
        lines = [self._line(entry, width, now) for entry in shown]
        if missing:
            lines.append(Text(f"  ... {missing:,} more", "dim"))
        return Group(*lines)

    def _line(self, entry: Entry, width: int, now: float) -> Text:
        row = entry.row
        glyph, style = LOOKS[row.state]
        glyph = glyph or SPINNER[int(now / BREATH) % len(SPINNER)]
        text = entry.text
        if row.state in (ERROR, RETRY_WAITING):
            text = self._explain(row).split("\n")[0]
        if entry.depth == 0 and not row.label:  # that of a required workflow is in its label
            text = f"session {self._run.session_time}"
        tries = f"  try {row.tries}" if row.tries > 1 else ""
        took = duration((row.ended or now) - row.started) if row.started is not None and row.state != BLOCKED else ""
        head = Text.assemble("  " * entry.depth, (glyph, style), " ", (entry.name, _name_style(row)), (tries, "yellow"))
        room = width - head.cell_len - cell_len(took) - 4
        if room < 0:
            head.truncate(max(width - cell_len(took) - 4, 8), overflow="ellipsis")
        shown = fit(clean(text), max(room, 0))
        gap = width - head.cell_len - cell_len(shown) - cell_len(took) - 3
        head.append(f"  {shown}", "red" if row.state == ERROR else "dim")
        return head.append(" " * max(gap, 0) + took, "dim")


@contextlib.contextmanager
def _no_echo_of_keys(out: IO[str]) -> Iterator[None]:
    """Keep the terminal from printing `^C` into the tree."""
    try:
        number = out.fileno()
        before = termios.tcgetattr(number)
    except (OSError, ValueError, termios.error):
        yield
        return
    quiet = [*before[:3], before[3] & ~termios.ECHOCTL, *before[4:]]
    termios.tcsetattr(number, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSANOW, before)


def fit(text: str, cells: int) -> str:
    """Cut a text to a number of terminal columns; wide characters take two."""
    return text if cell_len(text) <= cells else set_cell_size(text, max(cells - 1, 0)).rstrip() + "…" * (cells > 0)


def _name_style(row: Row) -> str:
    if row.state in FAILURES:
        return "red"
    return "dim" if row.state == BLOCKED else "bold" if row.parent is None else ""
