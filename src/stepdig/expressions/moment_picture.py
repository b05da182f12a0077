"""moment's format texts -> JSONata: pictures of `$fromMillis` where it has them, arithmetic where it has not."""

import re
from typing import Callable, Dict, List

from stepdig.expressions import instants
from stepdig.expressions.moment_format import offset_text, tokens
from stepdig.expressions.values import Instant, Value, quoted
from stepdig.expressions.variables import Variables

_PICTURES = {
    **{"YYYY": "[Y0001]", "YY": "[Y01]", "Y": "[Y1]"},
    **{"M": "[M1]", "MM": "[M01]", "MMM": "[MNn,3-3]", "MMMM": "[MNn]", "Mo": "[M1o]"},
    **{"D": "[D1]", "DD": "[D01]", "Do": "[D1o]", "DDD": "[d1]", "DDDD": "[d001]", "DDDo": "[d1o]"},
    **{"dddd": "[FNn]", "ddd": "[FNn,3-3]", "dd": "[FNn,2-2]", "E": "[F1]"},
    **{"H": "[H1]", "HH": "[H01]", "h": "[h1]", "hh": "[h01]", "m": "[m1]", "mm": "[m01]", "s": "[s1]", "ss": "[s01]"},
    **{"SSS": "[f001]", "A": "[PN]", "a": "[Pn]", "GGGG": "[X0001]", "W": "[W1]", "WW": "[W01]", "Wo": "[W1o]"},
    **{"Hmm": "[H1][m01]", "Hmmss": "[H1][m01][s01]", "hmm": "[h1][m01]", "hmmss": "[h1][m01][s01]"},
}

_NEED_UTC = ("Z", "ZZ", "X", "x")


def formatted(e: Variables, moment: Instant, form: str) -> Value:
    """Return the text of a moment by a format text."""
    if any(token.text in _NEED_UTC and not token.literal for token in tokens(form)) and not e.zone.fixed:
        utc = e.variable(instants.utc(e, moment))
        moment = Instant(utc, utc=moment.utc, doubtful=moment.doubtful)
    wall = instants.wall(e, moment)
    if moment.doubtful:
        wall = e.variable(wall)
    parts = _Parts(wall)
    for token in tokens(form):
        if token.literal:
            parts.picture += token.text.replace("[", "[[").replace("]", "]]")
        elif token.text in _PICTURES:
            parts.picture += _PICTURES[token.text]
        elif token.text in ("Z", "ZZ") and (moment.utc or e.zone.fixed):
            parts.picture += offset_text(0 if moment.utc else e.zone.base // 60_000, ":" if token.text == "Z" else "")
        elif token.text in ("z", "zz"):
            parts.picture += {"z": "UTC", "zz": "Coordinated Universal Time"}[token.text] if moment.utc else ""
        else:
            parts.add(_computed(e, moment, token.text, parts.wall))
    code = parts.code()
    if moment.doubtful:
        code = f"($exists({wall})?{code}:'Invalid date')"
    return Value(code, "str", present=True)


class _Parts:
    """What a format has become so far: finished parts, and the picture being collected."""

    def __init__(self, wall: str) -> None:
        self.wall = wall
        self.done: List[str] = []
        self.picture = ""

    def add(self, code: str) -> None:
        """Finish the picture and add a part that is code."""
        self.flush()
        self.done.append(code)

    def flush(self) -> None:
        """Turn the picture into code: a plain text when it shows nothing of the date."""
        if not self.picture:
            return
        if re.search(r"\[[A-Za-z]", self.picture.replace("[[", "")):
            self.done.append(f"$fromMillis({self.wall},{quoted(self.picture)})")
        else:
            self.done.append(quoted(self.picture.replace("[[", "[").replace("]]", "]")))
        self.picture = ""

    def code(self) -> str:
        """Return the whole as one piece of code."""
        self.flush()
        return f"({' & '.join(self.done)})" if len(self.done) > 1 else (self.done or ["''"])[0]


def _computed(e: Variables, moment: Instant, mark: str, wall: str) -> str:
    """Return code of a mark that has no picture."""
    if mark in ("Z", "ZZ"):
        wall = e.variable(wall)
        return f"$j_ofs({wall} - ({instants.utc(e, moment)}),{quoted(':' if mark == 'Z' else '')})"
    if mark in ("X", "x"):
        return f"$string($floor(({instants.utc(e, moment)}) / {1000 if mark == 'X' else 1}))"
    if set(mark) == {"S"}:
        return f"$substring($fromMillis({wall},'[f001]')&'000000',0,{len(mark)})"
    return _COMPUTED[mark](wall)


def number_of(wall: str, picture: str) -> str:
    """Return code of a number that the clock shows."""
    return f"$number($fromMillis({wall},'{picture}'))"


def _filled(code: str, width: int) -> str:
    return f"$pad($string({code}),-{width},'0')"


def _saturday(wall: str) -> str:
    """Return the wall clock of the Saturday of the same week, whose year moment's English week year is."""
    return f"{wall} + 86400000*(6 - {number_of(wall, '[F1]')} % 7)"


def week(wall: str) -> str:
    """Return code of moment's English week: weeks begin on Sunday, the first holds January 1."""
    return f"$ceil({number_of(_saturday(wall), '[d1]')}/7)"


def _ordinal(code: str, wall: str) -> str:
    """Return code of `1st`: the picture of a day with that number."""
    return f"$fromMillis(86400000*({code} - 1),'[D1o]')"


def quarter(wall: str) -> str:
    """Return code of the quarter of the year."""
    return f"$ceil({number_of(wall, '[M1]')}/3)"


def weekday(wall: str) -> str:
    """Return code of the day of the week, 0 for Sunday."""
    return f"({number_of(wall, '[F1]')} % 7)"


def _hour(wall: str) -> str:
    return f"(({number_of(wall, '[H1]')} + 23) % 24 + 1)"


_COMPUTED: Dict[str, Callable[[str], str]] = {
    "d": lambda wall: f"$string({weekday(wall)})",
    "e": lambda wall: f"$string({weekday(wall)})",
    "do": lambda wall: (
        f"($string({weekday(wall)}) & ({weekday(wall)} in [1,2,3]?['','st','nd','rd'][{weekday(wall)}]:'th'))"
    ),
    "Q": lambda wall: f"$string({quarter(wall)})",
    "Qo": lambda wall: _ordinal(quarter(wall), wall),
    "k": lambda wall: f"$string({_hour(wall)})",
    "kk": lambda wall: _filled(_hour(wall), 2),
    "w": lambda wall: f"$string({week(wall)})",
    "ww": lambda wall: _filled(week(wall), 2),
    "wo": lambda wall: f"$fromMillis(86400000*({week(wall)} - 1),'[d1o]')",
    "gg": lambda wall: f"$fromMillis({_saturday(wall)},'[Y01]')",
    "gggg": lambda wall: f"$fromMillis({_saturday(wall)},'[Y0001]')",
    "ggggg": lambda wall: f"('0' & $fromMillis({_saturday(wall)},'[Y0001]'))",
    "GG": lambda wall: f"$substring($fromMillis({wall},'[X0001]'),2)",
    "GGGGG": lambda wall: f"('0' & $fromMillis({wall},'[X0001]'))",
    "YYYYY": lambda wall: f"('0' & $fromMillis({wall},'[Y0001]'))",
    "YYYYYY": lambda wall: f"('+00' & $fromMillis({wall},'[Y0001]'))",
}
