"""Moments in JSONata are milliseconds: those since 1970, or those that the clock on the wall shows."""

from stepdig.expressions.values import Instant, number
from stepdig.expressions.variables import Variables


def utc(e: Variables, value: Instant) -> str:
    """Return code of the milliseconds since 1970 (an operand of +, - or a call's argument, not more)."""
    if not value.wall or value.utc:
        return plus(value.code, value.shift)
    if e.zone.fixed:
        return plus(value.code, value.shift - e.zone.base)
    e.needs_tz = True
    return f"$j_utc({plus(value.code, value.shift)})"


def wall(e: Variables, value: Instant) -> str:
    """Return code of the milliseconds that the moment's wall clock shows."""
    if value.utc:
        return utc(e, value)
    if e.zone.fixed:
        return plus(value.code, value.shift + (0 if value.wall else e.zone.base))
    e.needs_tz = True
    return f"$j_wall({utc(e, value)})"


def plus(code: str, shift: float) -> str:
    """Return code plus a constant."""
    if not shift:
        return code
    return f"{code} - {number(-shift)}" if shift < 0 else f"{code} + {number(shift)}"
