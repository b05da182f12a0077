"""The global `moment`: calling it, and the functions that hang on it."""

from typing import TYPE_CHECKING, Any, Dict, List

from stepdig.expressions import clock
from stepdig.expressions.jsdate import Date
from stepdig.expressions.jsvalues import (
    NAN,
    UNDEFINED,
    Function,
    Js,
    to_number,
    to_string,
    whole,
)
from stepdig.expressions.moment_methods import as_moment, from_fields
from stepdig.expressions.moment_parse import by_format
from stepdig.expressions.moments import Moment, unit
from stepdig.expressions.natives import Call, at, function, functions

if TYPE_CHECKING:
    from stepdig.expressions.scope import Context


def _moment(context: "Context", utc: bool) -> Call:
    def make(args: List[Any]) -> Moment:
        fixed = 0 if utc else None
        value, form = at(args, 0), at(args, 1)
        if value is UNDEFINED or value in ([], {}):
            return Moment(context.now(), context.zone, fixed)
        if isinstance(value, (Moment, Date)):
            source = value if isinstance(value, Moment) else value.moment
            return Moment(source.ms, context.zone, 0 if utc else source.fixed)
        if value is None or (value == "" and form is UNDEFINED):
            return Moment(NAN, context.zone, fixed)
        if isinstance(form, (str, list)) and form:
            return _by_formats(to_string(value), form, context, utc)
        zone = clock.Offsets([[None, 0]]) if utc else context.zone
        if isinstance(value, dict):
            return Moment(from_fields(_named_fields(value, context), zone), context.zone, fixed)
        return Moment(as_moment(value, Moment(0, zone)).ms, context.zone, fixed)

    return make


def _named_fields(value: Dict[str, Any], context: "Context") -> List[float]:
    """Return year, month, day and so on of `{year: 2016, month: 0}`; what comes before the first given is today's."""
    named = {unit(key): to_number(amount) for key, amount in value.items()}
    named.setdefault("day", named.get("date", NAN))
    fields = [named.get(name, NAN) for name in ("year", "month", "day", "hour", "minute", "second", "millisecond")]
    known = [number == number for number in fields]  # noqa: PLR0124  # not NaN
    first = known.index(True) if True in known else 3
    today = _today(context) if first else (0, 0, 0)
    least = [0, 0, 1, 0, 0, 0, 0]
    return [
        n if there else today[i] if i < min(first, 3) else least[i] for i, (n, there) in enumerate(zip(fields, known))
    ]


def _by_formats(text: str, form: Js, context: "Context", utc: bool) -> Moment:
    for one in form if isinstance(form, list) else [form]:
        ms = by_format(text, to_string(one), context.zone, lambda: _today(context), utc)
        if ms == ms:  # noqa: PLR0124  # not NaN
            return Moment(ms, context.zone, 0 if utc else None)
    return Moment(NAN, context.zone, 0 if utc else None)


def _today(context: "Context") -> "tuple[int, int, int]":
    now = clock.read(context.now() + context.zone.at(context.now()))
    return now.year, now.month, now.day


def moment_function(context: "Context") -> Function:
    """The global `moment`, in the zone and at the time of a context."""
    make = _moment(context, False)

    def extreme(args: List[Any], sign: int) -> Js:
        moments = args[0] if len(args) == 1 and isinstance(args[0], list) else args
        return max(moments, key=lambda moment: sign * to_number(moment)) if moments else make([])

    members = {
        "utc": _moment(context, True),
        "unix": lambda args: make([whole(to_number(at(args, 0)) * 1000)]),
        "isMoment": lambda args: isinstance(at(args, 0), Moment),
        "now": lambda args: context.now(),
        "min": lambda args: extreme(args, -1),
        "max": lambda args: extreme(args, 1),
    }
    return function("moment", make, {**functions(members), "version": "2.21.0"})
