"""The commands that the READMEs of examples print: each is one, and what it names is there."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from stepdig import cli

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_COMMAND = re.compile(r"^\$ (.+)$", re.MULTILINE)
_VERB = re.compile(r"\bstepdig (?=[a-z]+)")
PRINTED = [
    pytest.param(page.parent, match[1], id=f"{page.parent.name}:{page.read_text()[: match.start()].count(chr(10)) + 1}")
    for page in sorted(EXAMPLES.glob("*/README.md"))
    for match in _COMMAND.finditer(page.read_text())
]


@pytest.mark.parametrize(("folder", "line"), PRINTED)
def test_a_command_names_what_there_is(folder: Path, line: str) -> None:
    words = shlex.split(line, comments=True)

    for word in words:
        if re.fullmatch(r"[\w./-]+\.(py|dig|sql)", word):
            assert (folder / word).is_file(), word
    if _VERB.search(line):
        verb, *rest = words[words.index("stepdig") + 1 :]
        parser = cli._parser(verb, import_module(f"stepdig.commands.{verb}"))
        parser.parse_intermixed_args([word for word in rest if word not in ("--help", "-h")])


def test_every_example_prints_a_run_and_a_way_on() -> None:
    for folder in sorted(EXAMPLES.glob("*/")):
        if (folder / "workflows").is_dir():
            text = (folder / "README.md").read_text()
            assert "stepdig run" in text, folder.name
            assert "--resume" in text, folder.name
            for part in ("## Run it here", "## Deploy", "## What it costs"):
                assert part in text, f"{folder.name}: {part}"
