"""Expression text -> tokens, by ES5's rules.

Whether `/` divides or opens a regular expression is for the parser to say, so regular expressions are read on demand.
"""

import re
from typing import NamedTuple, Tuple

from stepdig.expressions.errors import ExpressionError


class Token(NamedTuple):
    """One token: `kind` is number, name, string, operator or end; `text` as written, between `start` and `end`."""

    kind: str
    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"""(?P<blank>(?:[\s\ufeff]|//[^\n\r\u2028\u2029]*|/\*(?s:.*?)\*/)+)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>(?:[^\W\d]|\$)[\w$]*)
    |(?P<string>"(?:[^"\\\n\r]|\\(?:\r\n|[\s\S]))*"|'(?:[^'\\\n\r]|\\(?:\r\n|[\s\S]))*')
    |(?P<operator>>>>=|===|!==|>>>|<<=|>>=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?![0-9])|\+\+|--|<<|>>|\*\*
        |\.\.\.|[-+*/%&|^]=|[-+*/%&|^!~?:=<>.,;()\[\]{}])""",
    re.X,
)
_REGEX = re.compile(
    r"/((?:[^/\\\[\n\r*]|\\.|\[(?:[^\]\\\n\r]|\\.)*\])(?:[^/\\\[\n\r]|\\.|\[(?:[^\]\\\n\r]|\\.)*\])*)/(\w*)"
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\s\S]))")
_BAD_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*(\\u(?![0-9a-fA-F]{4})|\\x(?![0-9a-fA-F]{2}))")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_LINE_ENDS = ("\n", "\r", "\r\n", "\u2028", "\u2029")


def token_at(source: str, position: int) -> Token:
    """Return the token at or after a position, blanks and comments skipped."""
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise _unreadable(source, position)
        if match.lastgroup == "string":
            _check_escapes(match.group(), position)
        if match.lastgroup != "blank":
            return Token(str(match.lastgroup), match.group(), match.start(), match.end())
        position = match.end()
        comment = source.rfind("//", source.rfind("\n", 0, position) + 1) if position == len(source) else -1
        if comment >= match.start():
            raise ExpressionError("a // comment must end before the }", comment, position, "use /* */")
    return Token("end", "", len(source), len(source))


def regex_at(source: str, position: int) -> Tuple[str, str, int]:
    """Return pattern, flags and end of the regular expression that starts at a position."""
    match = _REGEX.match(source, position)
    if match is None:
        raise ExpressionError("unterminated regular expression", position, len(source))
    return match.group(1), match.group(2), match.end()


def string_value(literal: str) -> str:
    """Return the text that a quoted literal stands for."""
    text = _ESCAPE.sub(_unescape, literal[1:-1])
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if "\\u" in literal else text


def number_value(literal: str) -> float:
    """Return the number that a literal stands for."""
    if literal[:2] in ("0x", "0X"):
        return float(int(literal, 16))
    if len(literal) > 1 and literal[0] == "0" and literal.isdigit():
        octal = all(digit in "01234567" for digit in literal)
        return float(int(literal, 8 if octal else 10))
    return float(literal)


def _check_escapes(literal: str, position: int) -> None:
    wrong = _BAD_ESCAPE.search(literal) if "\\" in literal else None
    if wrong:
        start = position + wrong.start(1)
        raise ExpressionError("an escape needs its digits: \\u0041 or \\x41", start, start + 2)


def _unescape(match: "re.Match[str]") -> str:
    code = match.group(1) or match.group(2)
    if code:
        return chr(int(code, 16))
    char = match.group(3)
    return "" if char in _LINE_ENDS else _ESCAPES.get(char, char)


def _unreadable(source: str, position: int) -> ExpressionError:
    char = source[position]
    if char in "'\"":
        hint = "a brace inside a text ends ${...} early: Digdag counts braces in texts too" if "{" in source else ""
        return ExpressionError("unterminated text", position, len(source), hint)
    if char == "`":
        return ExpressionError(
            "template literals (`...`) are ES6; Digdag evaluates ES5", position, position + 1, "use +"
        )
    return ExpressionError(f"unexpected character {char!r}", position, position + 1)
