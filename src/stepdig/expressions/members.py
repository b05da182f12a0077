"""Names, constants and members -> JSONata."""

from typing import Any, Dict

from stepdig.expressions import conversions as convert
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.evaluate import source
from stepdig.expressions.jsdate import Date
from stepdig.expressions.jsregex import RegExp
from stepdig.expressions.moments import Moment
from stepdig.expressions.nodes import (
    Call,
    Constant,
    Failure,
    Index,
    Member,
    Name,
    Stored,
    This,
)
from stepdig.expressions.values import NOTHING, PATH, TEXTS, Any_, Instant, Value, field, literal, number, quoted


def stored(e: Emitter, node: Stored) -> Any_:
    """Return a value that the machine holds, guarded where it may be missing."""
    message = f"ReferenceError: {node.name} is not defined"
    code = e.variable(node.code)
    if e.branches and node.guards:
        failing = "".join(f"{test}?" for test, _ in node.guards)
        errors = "".join(f":$error({quoted(reason)})" for _, reason in reversed(node.guards))
        code = e.variable(f"({failing}{code}{errors})")
    for test, reason in () if e.branches else node.guards:
        e.guard(test, reason)
    present = node.type != "any" and not node.exists
    value = Value(code, node.type, nan=node.type == "num" and bool(node.exists), present=present)
    if not node.exists or node.exists in e.proven:
        return value
    if not e.branches:
        e.guard(node.exists, message)
        return value._replace(nan=False, present=node.type != "any")
    return Value(f"({node.exists}?{code}:$error({quoted(message)}))", node.type, present=node.type != "any")


def constant(e: Emitter, node: Constant) -> Any_:
    """Return a known value."""
    if isinstance(node.value, Moment):
        if not node.value.valid:
            e.refuse(node, "this date is invalid", "dates are written 2016-01-31 or 2016-01-31T00:00:00+09:00")
        return Instant(number(node.value.ms), utc=node.value.fixed == 0)
    if isinstance(node.value, Date):
        return Instant(number(node.value.moment.ms), is_date=True)
    if isinstance(node.value, RegExp):
        e.refuse(node, "a regular expression can only be an argument of replace, split, match, search or test")
    return literal(node.value)


def failure(e: Emitter, node: Failure) -> Any_:
    """Refuse what is bound to fail; in a branch that may not be taken, return code that fails."""
    if not e.branches:
        e.refuse(node, node.message, node.hint)
    return Value(f"$error({quoted(node.message)})", "any")


def name(e: Emitter, node: Name) -> Any_:
    """Return the parameter of a function, or a global."""
    if node.name in e.local:
        return e.local[node.name]
    return Value(node.name, "function")


def this(e: Emitter, node: This) -> Any_:
    """Refuse `this` by itself."""
    e.refuse(node, "'this' can only be used with a name, as in this.table")


def member(e: Emitter, node: Member) -> Any_:
    """Return `value.name`."""
    base = e.emit(node.object)
    if isinstance(base, Instant):
        e.refuse(
            node, f"property '{node.name}' of a moment is used without calling it", f"did you mean .{node.name}() ?"
        )
    if base.type == "function":
        e.refuse(node, f"{source(node)} is not supported here", "call it with ()" if node.name != "length" else "")
    if node.name == "length":
        return _length(base)
    if base.type in TEXTS or base.type in ("num", "bool", "arr"):
        if node.name in _methods():
            e.refuse(node, f"method '{node.name}' is used without calling it", f"did you mean .{node.name}() ?")
        return NOTHING
    if base.type in ("undef", "null"):
        words = f"TypeError: Cannot read property '{node.name}' of {'null' if base.type == 'null' else 'undefined'}"
        return failure(e, Failure(words, "", node.start, node.end))
    return _field(e, node, base)


def _methods() -> "Dict[str, Any]":
    from stepdig.expressions.strings import METHODS  # only asked for on the way to an error

    return METHODS


def _length(base: Value) -> Any_:
    if base.type in TEXTS:
        return Value(f"$length({base.code})", "num", present=True)
    if base.type == "arr":
        return Value(f"$count({base.code})", "num", present=True)
    return Value(f"$j_len({base.code})")


def _field(e: Emitter, node: Member, base: Value) -> Any_:
    if "`" in node.name:
        return Value(f"$j_get({base.code},{quoted(node.name)})")
    code = f"{base.code}.{field(node.name)}"
    known = base.present or f"$exists({base.code})" in e.proven
    if known or isinstance(node.object, (Stored, This)):
        return Value(code)
    message = f"TypeError: Cannot read property '{node.name}' of undefined"
    if not e.branches and PATH.match(base.code):
        e.guard(f"($exists({base.code}) and $type({base.code})!='null')", message)
        return Value(code)
    if isinstance(node.object, Call) and source(node.object.callee) == "JSON.parse":
        return Value(code)
    return Value(f"$j_get({base.code},{quoted(node.name)})")


def index(e: Emitter, node: Index) -> Any_:
    """Return `value[key]`."""
    base, key = e.value(node.object), e.value(node.key)
    if isinstance(base, Instant):
        e.refuse(node, "a moment has no items")
    if isinstance(key, Instant):
        key = Value(convert.string(e, key), "str")
    simple = isinstance(node.key, Constant) and isinstance(node.key.value, int) and node.key.value >= 0
    if simple and base.type == "arr":
        return Value(f"{base.code}[{key.code}]")
    return Value(f"$j_get({base.code},{key.code})")
