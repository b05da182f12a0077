"""What breaks YAML is told as what a person did: the place, plain words, what to write; in the words of neither parser."""

from __future__ import annotations

import pytest
import yaml

from stepdig.problem import Problems
from stepdig.source import tree

CASES = {
    "+a:\n  sh>: ls\n\t_retry: 3\n": ("3:1", 1, "a tab cannot indent", "indent with blanks"),
    "+a:\n\tsh>: ls\n+b:\n\tsh>: ls\n": ("2:1", 1, "a tab cannot indent (2 lines do)", "indent with blanks"),
    "+a:\n  sh>: ls\n   _retry: 3\n": ("3:4", 6, "'_retry' is indented deeper than the line above", "indent"),
    "+a:\n  sh>: ls\n _retry: 3\n": ("3:2", 6, "'_retry' is not indented like the keys above it", "indent the keys"),
    "+a:\n  sh>: echo note: x\n": ("2:8", 12, "a text with ': ' in it needs quotes", 'put it in quotes: "echo note: x"'),
    "+a:\n  sh>: ${x ? 1 : 2}\n": ("2:8", 12, "a text with ': ' in it needs quotes", "put the whole text in quotes: "),
    "+a:\n  for_each>: {t: ${x}}\n": ("2:18", 4, "a text with ${...} inside of [ ] or { } needs", 'put it in quotes: "${x}"'),
    "+a:\n  for_each>: {t: [a, b}\n": ("2:23", 1, "a ',' or ']' is missing before this; '[' is open", "close each"),
    "+a:\n\u3000\u3000sh>: ls\n\u3000\u3000_retry: 3\n": ("2:1", 1, "a full-width blank (U+3000) cannot indent (2 l", ""),
    "+a:\n  sh>: ls\n \u00a0_retry: 3\n": ("3:2", 1, "a blank of another kind (U+00A0) cannot indent", "indent with blanks"),
    "+a\uff1a\n  sh>: ls\n": ("1:3", 1, "a full-width colon is no colon", "write : and a blank"),
    "cpu:1024\nmemory: 2048\n": ("1:4", 1, "a blank is missing behind 'cpu:'", "write cpu: 1024"),
    "schedule:\n  cron>: * 4 * * *\n": ("2:10", 1, "a text cannot begin with '*'", 'put the text in quotes: "* 4 * * *"'),
    "schedule:\n  cron>: */5 * * * *\n": ("2:10", 1, "a text cannot begin with '*'", 'put the text in quotes: "*/5'),
    "+a:\n  sh>: `ls`\n": ("2:8", 1, "a text cannot begin with '`'", 'put the text in quotes: "`ls`"'),
    "+a:\n  sh>: \"ls\" -l\n": ("2:13", 2, "the text goes on behind its quotes", "put the whole text in quotes: '\"ls\" -l'"),
    "+a:\n  sh>: 'ls\n+b:\n  sh>: 'pwd'\n": ("2:8", 1, "the quote that opens here closes only where", "add the missing quote"),
    "+a:\n  sh>: 'ls\n+b:\n  sh>: pwd\n": ("2:8", 1, "what opens here is not closed", "add the missing"),
    "+a:\n  sh>: |\n  ls\n  pwd\n": ("4:3", 3, "this line is not indented like the text above it", "indent every line"),
    "+a:\n  sh>: |\n    ls\n   pwd\n": ("4:4", 3, "this line is not indented like the text above it", "indent every line"),
    "_export:\n  a: 1\n  !include: common.dig\n": ("3:3", 9, "'!include:' needs a blank before its colon", "write '!inc"),
}  # fmt: skip


@pytest.mark.parametrize("libyaml", [True, False])
@pytest.mark.parametrize("text", CASES)
def test_a_broken_file_is_told_in_plain_words(monkeypatch: pytest.MonkeyPatch, text: str, libyaml: bool) -> None:
    if libyaml and not yaml.__with_libyaml__:
        pytest.skip("PyYAML without libyaml: pip install --force-reinstall pyyaml")
    monkeypatch.setattr(yaml, "__with_libyaml__", libyaml)
    problems = Problems()
    tree.load(text, "w.dig", lambda _: None, problems)
    place, length, said, hint = CASES[text]

    [found] = problems.found
    assert (found.code, f"{found.at.line}:{found.at.column}", found.length) == ("SD102", place, length)
    assert found.text.startswith(f"not YAML: {said}")
    assert found.hint.startswith(hint)


BROKEN = """\
_export:
  a: 1
+a:
  sh>: echo note: x
+b:
  ehco>: hi
+c:
  _parallel: true
  +x:
    sh>: "ls
  +y:
    sh>: pwd
+d:
  sh>: 'ls' -l
\"+e\":
  sh>: ls
   _retry: 3
+f:
\u3000\u3000sh>: pwd
\u3000\u3000_retyr: 3
+g:
\tsh>: pwd
\t_retyr: 3
\t +h: {}
"""


def test_what_is_wrong_in_other_tasks_is_told_too() -> None:
    """Each task that is no YAML is told once, and left out; the rest is read."""
    problems = Problems()
    found = tree.load(BROKEN, "w.dig", lambda _: None, problems)

    assert [(it.at.line, it.at.column, it.text.partition(": ")[2][:25]) for it in problems.found] == [
        (4, 8, "a text with ': ' in it ne"),
        (10, 10, "the quote that opens here"),
        (14, 13, "the text goes on behind i"),
        (17, 4, "'_retry' is indented deep"),
        (19, 1, "a full-width blank (U+300"),
        (22, 1, "a tab cannot indent (3 li"),
    ]
    assert found is not None
    assert [key.value for key, _ in found] == ["_export", "+a", "+b", "+c", "+d", "+e", "+f", "+g"]
    assert tree.plain(found.get("+f")) == {"sh>": "pwd", "_retyr": 3}
    assert tree.plain(found.get("+a")) == tree.plain(found.get("+g")) == {}


@pytest.mark.parametrize(
    "text", ["_export:\n  a: b: c\n+a:\n  ehco>: x\n", "a: [\n", "params: {a: ${x}}\n+a: {sh>: ls}\n"]
)
def test_what_other_tasks_depend_on_cannot_be_left_out(text: str) -> None:
    problems = Problems()
    assert tree.load(text, "w.dig", lambda _: None, problems) is None
    assert [it.code for it in problems.found] == ["SD102"]
