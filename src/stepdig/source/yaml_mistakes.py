"""What a YAML parser says of a broken file -> what a person did, where, and what to do: a tab, a lost quote, an indent.

Parsers name what they expected. The lines around the place say more: each rule below looks for one slip of the pen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

WHOLE_CHARACTER = "write the character itself, or \\U with its eight digits"
# At the start of a line they are no indentation.
ODD_BLANKS = "\t\u00a0\u3000\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f"
_KEY = re.compile(r"\s*(?:- +)*(\"[^\"]*\"|'[^']*'|[^\s#:'\"][^:]*?):(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong: its first character in the text, its length, what to say, what to try."""

    index: int
    text: str
    hint: str = ""
    length: int = 1


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a parser stopped: what it says, the whole text, the line of that character, and the lines above it."""

    said: str
    text: str
    index: int
    opened: int

    @property
    def start(self) -> int:
        """The first character of the line."""
        return max(self.text.rfind(sign, 0, self.index) for sign in "\n\r\x85\u2028\u2029") + 1

    @property
    def line(self) -> str:
        """The line."""
        return re.split("[\n\r\x85\u2028\u2029]", self.text[self.start :], maxsplit=1)[0]

    @property
    def above(self) -> str:
        """The nearest line above that holds anything but a comment."""
        lines = self.text[: self.start].splitlines()
        return next((it for it in reversed(lines) if it.strip() and not it.lstrip().startswith("#")), "")

    @property
    def word(self) -> int:
        """The first character of the line that is no blank."""
        return self.start + len(self.line) - len(self.line.lstrip())


def explain(said: str, text: str, index: int, opened: int) -> Mistake:
    """Return the mistake behind what a parser said of a character; `opened` is where what it was reading began."""
    place = _Place(said, text, index, opened)
    found = (rule(place) for rule in _RULES)
    return next((it for it in found if it is not None), Mistake(index, said))


def oddly_indented(line: str) -> str:
    """Return the blank in the indentation of a line that is none for YAML, "" where there is none."""
    before = line[: len(line) - len(line.lstrip(f" {ODD_BLANKS}"))]
    return next((sign for sign in before if sign != " "), "")


def odd_indent(text: str, index: int, line: str) -> Mistake:
    """Return the mistake of a line, from `index` on, that a tab or a blank of another kind indents."""
    odd = oddly_indented(line)
    start = line.index(odd)
    kind = {"\t": "a tab", "\u3000": "a full-width blank (U+3000)"}.get(
        odd, f"a blank of another kind (U+{ord(odd):04X})"
    )
    count = sum(1 for it in text.splitlines() if it.strip() and oddly_indented(it) == odd)
    more = f" ({count} lines do)" if count > 1 else ""
    return Mistake(index + start, f"{kind} cannot indent{more}", "indent with blanks", 1)


def _odd_blank(place: _Place) -> Mistake | None:
    return odd_indent(place.text, place.start, place.line) if oddly_indented(place.line) else None


def _include(place: _Place) -> Mistake | None:
    at = place.line.find("!include:")
    if at < 0:
        return None
    hint = "write '!include : path', with a blank before the colon"
    return Mistake(place.start + at, "'!include:' needs a blank before its colon", hint, len("!include:"))


def _beginning(place: _Place) -> Mistake | None:
    """A text that begins with one of YAML's signs: `cron>: */5 * * * *`, `sh>: @x`."""
    char = place.text[place.index : place.index + 1]
    if "alphabetic or numeric" in place.said and place.text[place.opened : place.opened + 1] in ("*", "&"):
        place, char = _Place(place.said, place.text, place.opened, place.opened), place.text[place.opened]
    elif "cannot start any token" not in place.said or not char:
        return None
    rest = place.line[place.index - place.start :].rstrip()
    hint = (
        f'put the text in quotes: "{rest}"'
        if rest and '"' not in rest and "\\" not in rest
        else "put the text in quotes"
    )
    return Mistake(place.index, f"a text cannot begin with '{char}'", hint)


def _template(place: _Place) -> Mistake | None:
    """`${...}` without quotes inside of brackets, or with `: ` in it."""
    bracket = re.search(r"[\[{](?<!\$\{).*\$\{", place.line)
    opened = place.text[place.opened : place.opened + 1]
    if bracket and opened in ("{", "[") and "expected ',' or" in place.said:
        found = re.search(r"\$\{[^}]*\}?", place.line[bracket.start() + 1 :])
        at = place.start + bracket.start() + 1 + (found.start() if found else 0)
        shown = found[0] if found else "${...}"
        text = "a text with ${...} inside of [ ] or { } needs quotes"
        return Mistake(at, text, f'put it in quotes: "{shown}"' if '"' not in shown else "put it in quotes", len(shown))
    before = place.line[: place.index - place.start]
    if "mapping values" in place.said and before.rfind("${") > before.rfind("}"):
        start = _value_start(place.line)
        hint = "put the whole text in quotes: \"...\", with '...' for texts in it"
        return Mistake(
            place.start + start, "a text with ': ' in it needs quotes", hint, len(place.line.rstrip()) - start
        )
    return None


def _value_start(line: str) -> int:
    key = _KEY.match(line)
    rest = line[key.end() :] if key else line
    return len(line) - len(rest.lstrip())


def _second_colon(place: _Place) -> Mistake | None:
    """`sh>: echo note: this`; a line that is indented below a value; a key above it without its colon."""
    if "mapping values" not in place.said:
        return None
    before = place.line[: place.index - place.start]
    key = _KEY.match(place.line)
    if key and key.end() < len(before):
        start = _value_start(place.line)
        rest = place.line[start:].rstrip()
        hint = f'put it in quotes: "{rest}"' if '"' not in rest and "\\" not in rest else "put it in quotes"
        return Mistake(place.start + start, "a text with ': ' in it needs quotes", hint, len(rest))
    above = place.above
    name = before.strip()
    if "\uff1a" in above:
        return Mistake(
            _line_above(place) + above.index("\uff1a"), "a full-width colon is no colon", "write : and a blank"
        )
    if lost := re.match(r"\s*(?:- +)*([^\s:]+>?):(\S.*)", above):
        at = _line_above(place) + lost.start(2) - 1
        return Mistake(at, f"a blank is missing behind '{lost[1]}:'", f"write {lost[1]}: {lost[2][:30].rstrip()}")
    if _KEY.match(above) and len(above) - len(above.lstrip()) < place.word - place.start:
        hint = "indent the keys of a task alike; a longer text goes in quotes, or below key: |"
        return Mistake(
            place.word, f"'{name}' is indented deeper than the line above, which has its value", hint, len(name)
        )
    if ":" not in above and (bare := _bare_key(place)) is not None:
        return bare
    return Mistake(
        place.index,
        "a second ': ' in one text",
        "put a text with ': ' in quotes, and indent the keys of a mapping alike",
    )


def _bare_key(place: _Place) -> Mistake | None:
    """Return the mistake of a line above that is a task's name, or an operator, without its colon."""
    bare = place.above.strip()
    if not re.fullmatch(r"\+\S+|[a-z_.]+>|_\w+", bare):
        return None
    at = _line_above(place) + place.above.index(bare)
    return Mistake(at, f"'{bare}' needs a ':' behind it", f"write {bare}:", len(bare))


def _line_above(place: _Place) -> int:
    return place.text.rindex(place.above, 0, place.start)


def _ends_a_mapping(place: _Place) -> bool:
    return "expected key" in place.said or "expected <block end>" in place.said  # libyaml's words, PyYAML's


def _behind_quotes(place: _Place) -> Mistake | None:
    """`sh>: "ls" -l`: more stands behind the quotes."""
    before = place.line[: place.index - place.start].rstrip()
    if not _ends_a_mapping(place) or before[-1:] not in ("'", '"'):
        return None
    start, quote = _value_start(place.line), before[-1]
    if quote in (before.strip(), before[start:].strip()) and (at := _open_quote(place, quote)) is not None:
        text = "the quote that opens here closes only where the next one stands"
        return Mistake(at, text, "add the missing quote")
    if place.line[start : start + 1] != quote:
        return Mistake(place.index, "a quote ends here, and a text goes on", "is a quote above this line not closed?")
    rest = place.line[start:].rstrip()
    other = "'" if quote == '"' else '"'
    hint = (
        f"put the whole text in quotes: {other}{rest}{other}" if other not in rest else "put the whole text in quotes"
    )
    return Mistake(
        place.index, "the text goes on behind its quotes", hint, len(place.line.rstrip()) - (place.index - place.start)
    )


def _open_quote(place: _Place, quote: str) -> int | None:
    """Return where a value above begins with a quote that its line does not close."""
    end = place.start
    for line in reversed(place.text[: place.start].splitlines(keepends=True)):
        end -= len(line)
        start = _value_start(line)
        if line[start : start + 1] == quote and line.count(quote, start) % 2:
            return end + start
    return None


def _indent(place: _Place) -> Mistake | None:
    """A key that is not indented like those beside it; a text below `|` that is not indented deeper."""
    if not _ends_a_mapping(place) and "expected ':'" not in place.said:
        return None
    lines = place.text[: place.start].splitlines()
    block = next((it for it in reversed(lines[-12:]) if re.search(r":\s*[|>][-+0-9]*\s*$", it)), "")
    if block:
        key = (_KEY.match(block) or [""])[0].strip() or "key:"
        hint = f"indent every line of the text below '{key} |' alike, deeper than the key"
        return Mistake(
            place.word, "this line is not indented like the text above it", hint, max(1, len(place.line.strip()))
        )
    if (bare := _bare_key(place)) is not None:
        return bare
    if "expected ':'" in place.said and ":" not in place.line:
        hint = "a text of several lines goes below key: |, or in quotes"
        return Mistake(place.word, "this line is no key with a value", hint, max(1, len(place.line.strip())))
    name = (_KEY.match(place.line) or ["", ""])[1]
    text = f"'{name}' is not indented like the keys above it" if name else "this is not indented like the lines above"
    return Mistake(place.word, text, "indent the keys of a mapping alike", max(1, len(name)))


def _closing(place: _Place) -> Mistake | None:
    found = re.search(r"expected ',' or '([\]}])'", place.said)
    if found is None:
        return None
    opened = place.text[place.opened : place.opened + 1]
    sign = opened if opened in "[{" and opened else "bracket"
    return Mistake(
        place.index,
        f"a ',' or '{found[1]}' is missing before this; '{sign}' is open",
        "close each bracket with its own",
    )


def _texts(place: _Place) -> Mistake | None:
    for words, hint in _HINTS.items():
        if words in place.said:
            text = "there is no such escape" if words == "unknown escape" else place.said
            return Mistake(place.index, text, hint)
    return None


_HINTS = {
    "Unicode": WHOLE_CHARACTER,
    "unknown escape": "in double quotes a backslash is written \\\\; in single quotes it stands for itself",
    "escape": "in double quotes a backslash is written \\\\; in single quotes it stands for itself",
    "not closed": "add the missing bracket or quote",
}
_RULES: tuple[Callable[[_Place], Mistake | None], ...] = (
    _odd_blank, _include, _beginning, _template, _second_colon, _behind_quotes, _indent, _closing, _texts,
)  # fmt: skip
