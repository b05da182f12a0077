"""Date texts -> moments, as `moment(text)`, `moment(text, format)` and `new Date(text)` read them.

Pages: https://momentjs.com/docs/#/parsing/. What only a browser's own reading would accept is limited to the forms
people write: `2016/1/31`, `Jan 31, 2016`, `31 January 2016`, with a time.
"""

import re
from typing import Any, Callable, Dict, List, Optional, Tuple

from stepdig.expressions import clock
from stepdig.expressions.clock import Offsets
from stepdig.expressions.jsvalues import NAN
from stepdig.expressions.moment_format import MONTHS, WEEKDAYS, tokens

_DATE = r"([+-]\d{6}|\d{4})"
_ISO = re.compile(
    rf"\s*{_DATE}(?:-(\d\d)-(\d\d)|-W(\d\d)(?:-(\d))?|-(\d\d\d)|-(\d\d))"
    r"(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?([+-]\d\d(?::?\d\d)?|\s*Z)?)?\Z"
)
_BASIC = re.compile(
    rf"\s*{_DATE}(?:(\d\d)(\d\d)|W(\d\d)(\d)?|(\d\d\d)|(?!)())"
    r"(?:[T ](\d\d)(?:(\d\d)(?:(\d\d)(?:[.,](\d+))?)?)?([+-]\d\d(?::?\d\d)?|\s*Z)?)?\Z"
)
_RFC = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s)?(\d{1,2})\s(\w{3})\s(\d{2,4})\s(\d\d):(\d\d)(?::(\d\d))?\s"
    r"(UT|GMT|[ECMP][SD]T|[Zz]|[+-]\d{4})\Z"
)
_RFC_ZONES = {"EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8}
_TIME = r"(?:[\sT]+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*(?:([AaPp])[Mm])?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?\Z"
_LOOSE = (
    (re.compile(r"(?P<y>\d{4})[/-](?P<m>\d{1,2})[/-](?P<d>\d{1,2})" + _TIME), 4),
    (re.compile(r"(?P<m>\d{1,2})[/-](?P<d>\d{1,2})[/-](?P<y>\d{4})" + _TIME), 4),
    (re.compile(r"(?:[A-Za-z]{3,},?\s+)?(?P<m>[A-Za-z]{3,9})\.?\s+(?P<d>\d{1,2}),?\s+(?P<y>\d{4})" + _TIME), 4),
    (re.compile(r"(?:[A-Za-z]{3,},?\s+)?(?P<d>\d{1,2})\s+(?P<m>[A-Za-z]{3,9})\.?,?\s+(?P<y>\d{4})" + _TIME), 4),
)


def iso(text: str, zone: Optional[Offsets]) -> Optional[float]:
    """Return the instant of an ISO 8601 text, NaN for an impossible date, None when the text is of another form.

    Without an offset in the text it is local time of the zone; zone None stands for UTC.
    """
    match = _ISO.match(text) or _BASIC.match(text)
    if match is None:
        return None
    year, month, day, week, weekday, day_of_year, month_only, hour, minute, second, fraction, offset = match.groups()
    if (month_only or (week and not weekday)) and hour:
        return None
    date = _iso_days(int(year), month or month_only, day, week, weekday, day_of_year)
    if date is None or not _is_time(hour, minute, second, fraction):
        return NAN
    milli = int(float(f"0.{fraction or 0}") * 1000 + 1e-9)
    wall = date * clock.DAY + clock.wall(1970, 0, 1, int(hour or 0), int(minute or 0), int(second or 0), milli)
    return placed(wall, offset, zone)


def placed(wall: float, offset: Optional[str], zone: Optional[Offsets]) -> float:
    """Return the instant of a wall clock that has an offset text, or is local to the zone (None: UTC)."""
    if offset:
        return wall - offset_minutes(offset) * 60_000
    return wall if zone is None else zone.to_utc(wall)


def offset_minutes(text: str) -> int:
    """Return the minutes of `Z`, `+09`, `+0900` or `+09:00`."""
    digits = re.sub(r"\D", "", text)
    if not digits:
        return 0
    minutes = int(digits[:2]) * 60 + int(digits[2:4] or 0)
    return -minutes if "-" in text else minutes


def date_text(text: str, zone: Offsets) -> float:
    """Return the instant of a text that is not ISO 8601, as RFC 2822 or a browser reads it; NaN for none."""
    text = re.sub(r"\s\s+", " ", re.sub(r"\([^)]*\)|[\n\t]", " ", text)).strip()
    match = _RFC.match(text)
    if match and _month(match.group(2)) is not None:
        day, month, year, hour, minute, second, where = match.groups()
        full = int(year) + (2000 if int(year) <= 49 else 1900 if int(year) <= 999 else 0)
        wall = clock.wall(full, _month(month) or 0, int(day), int(hour), int(minute), int(second or 0))
        hours = _RFC_ZONES.get(where)
        return wall - (hours * 60 if hours is not None else offset_minutes(where)) * 60_000
    for pattern, _ in _LOOSE:
        found = pattern.match(text)
        if found:
            return _loose(found, zone)
    return NAN


def by_format(text: str, form: str, zone: Offsets, today: Callable[[], Tuple[int, int, int]], utc: bool) -> float:
    """Return the instant of a text read by a moment format; `today` gives year, month, day for missing parts."""
    found: Dict[str, Any] = {}
    for token in tokens(form):
        pattern, reader = _READERS.get(token.text, (None, None)) if not token.literal else (None, None)
        if pattern is None or reader is None:
            at = text.find(token.text)
            text = text[at + len(token.text) :] if at >= 0 else text
            continue
        match = re.search(pattern, text)
        if match is None:
            continue
        found["any"] = True
        reader(found, match.group())
        text = text[match.end() :]
    if not found.get("any"):
        return NAN
    return _assembled(found, zone, today, utc)


def _iso_days(
    year: int,
    month: Optional[str],
    day: Optional[str],
    week: Optional[str],
    weekday: Optional[str],
    of_year: Optional[str],
) -> Optional[int]:
    """Return the day number of an ISO date, or None when there is no such day."""
    if week:
        number, on = int(week), int(weekday or 1)
        if not (1 <= number <= clock.weeks_in_year(year, 1, 4) and 1 <= on <= 7):
            return None
        return clock.day_of_week_year(year, number, on % 7, 1, 4)
    if of_year:
        days = clock.day_number(year + 1, 0, 1) - clock.day_number(year, 0, 1)
        return clock.day_number(year, 0, int(of_year)) if 1 <= int(of_year) <= days else None
    index, date = int(month or 1) - 1, int(day or 1)
    if not 0 <= index <= 11 or not 1 <= date <= clock.days_in_month(year, index):
        return None
    return clock.day_number(year, index, date)


def _is_time(hour: Optional[str], minute: Optional[str], second: Optional[str], fraction: Optional[str]) -> bool:
    if int(hour or 0) == 24:
        return not (int(minute or 0) or int(second or 0) or int(fraction or 0))
    return int(hour or 0) < 24 and int(minute or 0) < 60 and int(second or 0) < 60


def _loose(match: "re.Match[str]", zone: Offsets) -> float:
    month = int(match["m"]) - 1 if match["m"].isdigit() else _month(match["m"])
    hour, minute, second, fraction, half, where = match.groups()[-6:]
    if month is None or not 0 <= month <= 11 or not 1 <= int(match["d"]) <= 31 or int(hour or 0) > 24:
        return NAN
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half in "Pp" else 0)
    milli = int((fraction or "0").ljust(3, "0")[:3])
    wall = clock.wall(int(match["y"]), month, int(match["d"]), hours, int(minute or 0), int(second or 0), milli)
    return placed(wall, where, zone)


def _month(name: str) -> Optional[int]:
    low = name.lower()[:3]
    return next((index for index, month in enumerate(MONTHS) if month.lower()[:3] == low), None)


def _set(name: str, shift: int = 0) -> Callable[[Dict[str, Any], str], None]:
    def setter(found: Dict[str, Any], text: str) -> None:
        found[name] = int(re.sub(r"[^0-9+-]", "", text) or 0) + shift

    return setter


def _set_year(found: Dict[str, Any], text: str) -> None:
    year = int(text)
    found["year"] = year + (1900 if year > 68 else 2000) if len(text) == 2 else year


def _set_packed(parts: int) -> Callable[[Dict[str, Any], str], None]:
    def setter(found: Dict[str, Any], text: str) -> None:
        tail = 2 * (parts - 1)
        found["hour"], found["minute"] = int(text[:-tail]), int(text[-tail:][:2])
        if parts > 2:
            found["second"] = int(text[-2:])

    return setter


def _set_month_name(found: Dict[str, Any], text: str) -> None:
    month = _month(text)
    found["month" if month is not None else "bad"] = month if month is not None else True


def _set_weekday_name(found: Dict[str, Any], text: str) -> None:
    known = [index for index, day in enumerate(WEEKDAYS) if day.lower()[:2] == text.lower()[:2]]
    found["weekday" if known else "bad"] = known[0] if known else True


def _set_fraction(found: Dict[str, Any], text: str) -> None:
    found["milli"] = int(float("0." + text) * 1000 + 1e-9)


def _set_text(name: str) -> Callable[[Dict[str, Any], str], None]:
    return lambda found, text: found.update({name: text})


_ONE_OR_TWO = r"\d\d?"
_WORD = r"[0-9]{0,256}['a-z\u00a0-\u05ff\u0700-\ud7ff]{1,256}"
_READERS: Dict[str, Tuple[str, Callable[[Dict[str, Any], str], None]]] = {
    "YYYY": (r"\d{1,4}", _set_year),
    "YY": (_ONE_OR_TWO, lambda found, text: _set_year(found, text.zfill(2))),
    "Y": (r"[+-]?\d+", _set("year")),
    "YYYYY": (r"[+-]?\d{1,6}", _set("year")),
    "YYYYYY": (r"[+-]?\d{1,6}", _set("year")),
    **dict.fromkeys(("M", "MM"), (_ONE_OR_TWO, _set("month", -1))),
    **dict.fromkeys(("MMM", "MMMM"), ("(?i)" + _WORD, _set_month_name)),
    **dict.fromkeys(("D", "DD"), (_ONE_OR_TWO, _set("day"))),
    "Do": (r"\d{1,2}(?:th|st|nd|rd)|\d{1,2}", _set("day")),
    "DDD": (r"\d{1,3}", _set("day_of_year")),
    "DDDD": (r"\d{3}", _set("day_of_year")),
    **dict.fromkeys(("dd", "ddd", "dddd"), ("(?i)" + _WORD, _set_weekday_name)),
    **dict.fromkeys(("H", "HH"), (_ONE_OR_TWO, _set("hour"))),
    **dict.fromkeys(("h", "hh"), (_ONE_OR_TWO, _set("half_hour"))),
    **dict.fromkeys(("k", "kk"), (_ONE_OR_TWO, lambda found, text: found.update(hour=int(text) % 24))),
    "Hmm": (r"\d\d\d\d?", _set_packed(2)),
    "Hmmss": (r"\d\d\d\d\d\d?", _set_packed(3)),
    **dict.fromkeys(("m", "mm"), (_ONE_OR_TWO, _set("minute"))),
    **dict.fromkeys(("s", "ss"), (_ONE_OR_TWO, _set("second"))),
    **{"S" * n: (r"\d{1,3}" if n < 4 else r"\d+", _set_fraction) for n in range(1, 10)},
    **dict.fromkeys(("a", "A"), (r"(?i)[ap]\.?m?\.?", _set_text("meridiem"))),
    "x": (r"[+-]?\d+", _set_text("x")),
    "X": (r"[+-]?\d+(?:\.\d{1,3})?", _set_text("X")),
    **dict.fromkeys(("Z", "ZZ"), (r"Z|[+-]\d\d(?::?\d\d)?", _set_text("offset"))),
    "Q": (r"\d", lambda found, text: found.update(month=(int(text) - 1) * 3)),
    **dict.fromkeys(("W", "WW"), (_ONE_OR_TWO, _set("iso_week"))),
    "GGGG": (r"\d{1,4}", _set("iso_year")),
    "E": (_ONE_OR_TWO, _set("iso_weekday")),
}


def _assembled(found: Dict[str, Any], zone: Offsets, today: Callable[[], Tuple[int, int, int]], utc: bool) -> float:
    if "x" in found or "X" in found:
        return int(found["x"]) if "x" in found else int(float(found["X"]) * 1000)
    hour = _hour(found)
    minute, second, milli = (found.get(name, 0) for name in ("minute", "second", "milli"))
    late = hour == 24 and not (minute or second or milli)
    if found.get("bad") or hour is None or not (0 <= hour < 24 or late) or minute > 59 or second > 59:
        return NAN
    days = _date(found, today)
    if days is None or (found.get("weekday") not in (None, (days + 4) % 7) and "day" in found):
        return NAN
    wall = days * clock.DAY + clock.wall(1970, 0, 1, hour, minute, second, milli)
    return placed(wall, found.get("offset"), None if utc else zone)


def _hour(found: Dict[str, Any]) -> Optional[int]:
    hour: int = found.get("hour", found.get("half_hour", 0))
    if "half_hour" in found and found["half_hour"] > 12:
        return None
    if "meridiem" in found:
        evening = found["meridiem"].lower().startswith("p")
        hour = hour + 12 if evening and hour < 12 else 0 if not evening and hour == 12 else hour
    return hour


def _date(found: Dict[str, Any], today: Callable[[], Tuple[int, int, int]]) -> Optional[int]:
    if "iso_week" in found or "iso_year" in found:
        year = found.get("iso_year", found.get("year")) or today()[0]
        return _iso_days(year, None, None, str(found.get("iso_week", 1)), str(found.get("iso_weekday", 1)), None)
    if "day_of_year" in found:
        year = found["year"] if "year" in found else today()[0]
        return _iso_days(year, None, None, None, None, str(found["day_of_year"]))
    now: List[int] = list(today()) if "year" not in found else [0, 0, 1]
    missing = "year" not in found and "month" not in found
    year = found.get("year", now[0])
    month = found.get("month", now[1] if missing else 0)
    day = found.get("day", now[2] if missing else 1)
    if not 0 <= month <= 11 or not 1 <= day <= clock.days_in_month(year, month):
        return None
    return clock.day_number(year, month, day)
