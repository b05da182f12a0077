"""moment's format texts: their tokens, and what a clock prints for them (English locale).

Page: https://momentjs.com/docs/#/displaying/format/ (moment 2.21).
"""

import re
from functools import lru_cache
from typing import Callable, Dict, List, NamedTuple, Tuple

from stepdig.expressions.clock import Reading, read, week_of

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
DEFAULT = "YYYY-MM-DDTHH:mm:ssZ"
DEFAULT_UTC = "YYYY-MM-DDTHH:mm:ss[Z]"
TO_STRING = "ddd MMM DD YYYY HH:mm:ss [GMT]ZZ"
_TOKEN = re.compile(
    r"(\[[^\[]*\])|(\\)?([Hh]mm(?:ss)?|Mo|MM?M?M?|Do|DDDo|DD?D?D?|ddd?d?|do?|w[o|w]?|W[o|W]?|Qo?|YYYYYY|YYYYY|YYYY|YY"
    r"|gg(?:ggg?)?|GG(?:GGG?)?|e|E|a|A|hh?|HH?|kk?|mm?|ss?|S{1,9}|x|X|zz?|ZZ?|.)"
)
_LONG = re.compile(r"(\[[^\[]*\])|(\\)?(LTS|LT|LL?L?L?|l{1,4})")
_LONG_FORMS = {
    "LTS": "h:mm:ss A",
    "LT": "h:mm A",
    "L": "MM/DD/YYYY",
    "LL": "MMMM D, YYYY",
    "LLL": "MMMM D, YYYY h:mm A",
    "LLLL": "dddd, MMMM D, YYYY h:mm A",
    "l": "M/D/YYYY",
    "ll": "MMM D, YYYY",
    "lll": "MMM D, YYYY h:mm A",
    "llll": "ddd, MMM D, YYYY h:mm A",
}


class Token(NamedTuple):
    """A token of a format; `literal` when it prints itself."""

    text: str
    literal: bool


class Shown(NamedTuple):
    """A moment to print: the wall clock, its offset in minutes (None: unknown zone name), the instant, UTC mode."""

    clock: Reading
    offset: int
    utc_ms: float
    utc: bool


@lru_cache(maxsize=512)
def tokens(text: str) -> Tuple[Token, ...]:
    """Return the tokens of a format, long forms (`LL`) written out."""
    for _ in range(5):
        expanded = _LONG.sub(_long_form, text)
        if expanded == text:
            break
        text = expanded
    return tuple(_token(match) for match in _TOKEN.finditer(text))


def names(text: str) -> List[str]:
    """Return the tokens of a format that print something of the date."""
    return [token.text for token in tokens(text) if not token.literal]


def format_text(text: str, shown: Shown) -> str:
    """Print a moment by a format text."""
    return "".join(token.text if token.literal else _PRINTERS[token.text](shown) for token in tokens(text))


def offset_text(minutes: int, colon: str) -> str:
    """Return an offset as `+09:00` or `+0900`."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{colon}{rest:02d}"


def ordinal(number: int) -> str:
    """Return `1st`, `2nd`, `11th`."""
    if number % 100 // 10 == 1:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }".replace(" ", "")


def _long_form(match: "re.Match[str]") -> str:
    if match.group(1) or match.group(2):
        return match.group(0)
    return _LONG_FORMS.get(match.group(3), match.group(3))


def _token(match: "re.Match[str]") -> Token:
    quoted, escaped, word = match.groups()
    if quoted:
        inner = quoted[1:-1] if quoted.endswith("]") else quoted
        return Token(inner, True)
    if escaped:
        return Token(word, True)
    return Token(word, word not in _PRINTERS)


def _fill(number: int, width: int, sign: bool = False) -> str:
    return ("-" if number < 0 else "+" if sign else "") + str(abs(number)).rjust(width, "0")


def _week(shown: Shown) -> Tuple[int, int]:
    return week_of(shown.clock.year, shown.clock.day_of_year, 0, 6)


def _iso_week(shown: Shown) -> Tuple[int, int]:
    return week_of(shown.clock.year, shown.clock.day_of_year, 1, 4)


def _half(shown: Shown) -> int:
    return shown.clock.hour % 12 or 12


def _year(shown: Shown) -> str:
    return f"+{shown.clock.year}" if shown.clock.year > 9999 else str(shown.clock.year)


Printer = Callable[[Shown], str]


def _counted(mark: str, value: Callable[[Shown], int], width: int = 2, with_ordinal: bool = True) -> Dict[str, Printer]:
    """Return the printers of one counter: plain, filled with zeros, and (`o`) as an ordinal."""
    printers: Dict[str, Printer] = {mark: lambda shown: str(value(shown))}
    if width:
        printers[mark[0] * (width if mark != "DDD" else 4)] = lambda shown: _fill(value(shown), width)
    if with_ordinal:
        printers[mark + "o"] = lambda shown: ordinal(value(shown))
    return printers


def _fraction(digits: int) -> Printer:
    return lambda shown: f"{shown.clock.millisecond:03d}000000"[:digits]


_PRINTERS: Dict[str, Printer] = {
    **_counted("M", lambda s: s.clock.month + 1),
    "MMM": lambda s: MONTHS[s.clock.month][:3],
    "MMMM": lambda s: MONTHS[s.clock.month],
    **_counted("D", lambda s: s.clock.day),
    **_counted("DDD", lambda s: s.clock.day_of_year, 3),
    **_counted("d", lambda s: s.clock.weekday, 0),
    "dd": lambda s: WEEKDAYS[s.clock.weekday][:2],
    "ddd": lambda s: WEEKDAYS[s.clock.weekday][:3],
    "dddd": lambda s: WEEKDAYS[s.clock.weekday],
    "e": lambda s: str(s.clock.weekday),
    "E": lambda s: str(s.clock.weekday or 7),
    **_counted("w", lambda s: _week(s)[1]),
    **_counted("W", lambda s: _iso_week(s)[1]),
    **_counted("Q", lambda s: s.clock.month // 3 + 1, 0),
    "Y": _year,
    "YY": lambda s: _fill(s.clock.year % 100, 2),
    "YYYY": lambda s: _year(s) if s.clock.year > 9999 else _fill(s.clock.year, 4),
    "YYYYY": lambda s: _fill(s.clock.year, 5),
    "YYYYYY": lambda s: _fill(s.clock.year, 6, True),
    "gg": lambda s: _fill(_week(s)[0] % 100, 2),
    "gggg": lambda s: _fill(_week(s)[0], 4),
    "ggggg": lambda s: _fill(_week(s)[0], 5),
    "GG": lambda s: _fill(_iso_week(s)[0] % 100, 2),
    "GGGG": lambda s: _fill(_iso_week(s)[0], 4),
    "GGGGG": lambda s: _fill(_iso_week(s)[0], 5),
    "H": lambda s: str(s.clock.hour),
    "HH": lambda s: _fill(s.clock.hour, 2),
    "h": lambda s: str(_half(s)),
    "hh": lambda s: _fill(_half(s), 2),
    "k": lambda s: str(s.clock.hour or 24),
    "kk": lambda s: _fill(s.clock.hour or 24, 2),
    "Hmm": lambda s: f"{s.clock.hour}{s.clock.minute:02d}",
    "Hmmss": lambda s: f"{s.clock.hour}{s.clock.minute:02d}{s.clock.second:02d}",
    "hmm": lambda s: f"{_half(s)}{s.clock.minute:02d}",
    "hmmss": lambda s: f"{_half(s)}{s.clock.minute:02d}{s.clock.second:02d}",
    "a": lambda s: "pm" if s.clock.hour > 11 else "am",
    "A": lambda s: "PM" if s.clock.hour > 11 else "AM",
    "m": lambda s: str(s.clock.minute),
    "mm": lambda s: _fill(s.clock.minute, 2),
    "s": lambda s: str(s.clock.second),
    "ss": lambda s: _fill(s.clock.second, 2),
    **{"S" * digits: _fraction(digits) for digits in range(1, 10)},
    "x": lambda s: str(int(s.utc_ms)),
    "X": lambda s: str(int(s.utc_ms // 1000)),
    "z": lambda s: "UTC" if s.utc else "",
    "zz": lambda s: "Coordinated Universal Time" if s.utc else "",
    "Z": lambda s: offset_text(s.offset, ":"),
    "ZZ": lambda s: offset_text(s.offset, ""),
}


def shown_at(utc_ms: float, offset_ms: int, utc: bool) -> Shown:
    """Return what is to be printed for an instant at an offset."""
    return Shown(read(utc_ms + offset_ms), offset_ms // 60_000, utc_ms, utc)
