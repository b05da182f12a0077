"""What a name is bound to: a constant that folds, or JSONata that reads it; and two of them, one over the other."""

from __future__ import annotations

import json
from collections.abc import Mapping

from stepdig.expressions import translate
from stepdig.jsonata_text import MERGE, literal
from stepdig.runner.templates import merge

Binding = translate.Known | translate.Code
_NOTHING = '$lookup({},"")'  # JSONata that has no value


def as_code(binding: Binding) -> str:
    """Return a binding as JSONata."""
    return binding.text if isinstance(binding, translate.Code) else literal(binding.value)


def as_object(fields: Mapping[str, Binding]) -> Binding:
    """Return an object of bindings: known, or JSONata."""
    if all(isinstance(it, translate.Known) for it in fields.values()):
        return translate.Known({name: it.value for name, it in fields.items() if isinstance(it, translate.Known)})
    code = ",".join(f"{literal(name)}:{as_code(it)}" for name, it in fields.items())
    return translate.Code(f"{{{code}}}", "obj", guards=guards(*fields.values()))


def guards(*bindings: Binding) -> tuple[tuple[str, str], ...]:
    """Return what must hold for the JSONata of some bindings not to fail: (test, message) pairs."""
    return tuple(it for binding in bindings if isinstance(binding, translate.Code) for it in binding.guards)


def type_of(values: list[object]) -> str:
    """Return the type that all values share, as `translate` names it, else "any"."""
    kinds = {bool: "bool", str: "str", int: "num", float: "num", list: "arr", dict: "obj"}
    found = {kinds.get(type(value), "any") for value in values}
    return found.pop() if len(found) == 1 else "any"


class Stored(translate.Code):
    """What tasks may have stored under a name, or else what weaker layers have."""

    __slots__ = ()


def either(stored: str, weaker: Binding | None, *, merges: bool = True) -> Stored:
    """Return what a store holds, else the weaker binding; objects of both merge, unless the store's is known to be none."""
    if weaker is None:
        return Stored(stored, "any", may_be_missing=True)
    missing = isinstance(weaker, translate.Code) and weaker.may_be_missing
    wanted = tuple((f"($exists({stored}) or ({test}))", message) for test, message in guards(weaker))
    known = weaker.value if isinstance(weaker, translate.Known) else None
    objects = isinstance(known, dict) or isinstance(weaker, Stored) or getattr(weaker, "type", "") == "obj"
    if merges and objects:
        return Stored(_merge_code(as_code(weaker), stored), "any", missing, wanted)
    return Stored(f"($exists({stored})?{stored}:{as_code(weaker)})", "any", missing, wanted)


def merged(weaker: Binding | None, own: Binding) -> Binding:
    """Return an exported object merged over what weaker layers have under the same path."""
    if isinstance(weaker, translate.Known) and isinstance(weaker.value, dict) and isinstance(own, translate.Known):
        return translate.Known(merge(weaker.value, own.value))
    if weaker is None or (isinstance(weaker, translate.Known) and not isinstance(weaker.value, dict)):
        return own
    return translate.Code(_merge_code(as_code(weaker), as_code(own)), "obj", guards=guards(weaker, own))


def by_environment(bindings: Mapping[str, Binding | None], environment: str) -> Binding | None:
    """Return what a name is bound to in each environment as one binding; `environment` is JSONata for that of the run.

    It is a constant where it is the same constant in all of them.
    """
    found = list(bindings.values())
    if all(_same(found[0], it) for it in found):
        return found[0]
    if all(isinstance(it, translate.Known) and it.value == name for name, it in bindings.items()):
        return translate.Code(environment, "str")  # `env` itself
    missing = any(it is None or (isinstance(it, translate.Code) and it.may_be_missing) for it in found)
    tests = [(f"{environment}={literal(name)}", it) for name, it in bindings.items()]
    wanted = tuple((f"({at}?{test}:true)", told) for at, it in tests if it is not None for test, told in guards(it))
    codes = [_NOTHING if it is None else as_code(it) for it in found]
    code = "".join(f"{at}?{value}:" for (at, _), value in zip(tests[:-1], codes[:-1], strict=True)) + codes[-1]
    kinds = {it.type if isinstance(it, translate.Code) else type_of([it.value]) for it in found if it is not None}
    return translate.Code(f"({code})", kinds.pop() if len(kinds) == 1 else "any", missing, wanted)


def _same(one: Binding | None, other: Binding | None) -> bool:
    """Return whether two bindings are the same, 1 and true and "1" told apart."""
    if isinstance(one, translate.Known) and isinstance(other, translate.Known):
        return json.dumps(one.value, sort_keys=False) == json.dumps(other.value, sort_keys=False)
    return type(one) is type(other) and one == other


def _merge_code(weak: str, strong: str) -> str:
    """Return JSONata for `merge`; a side that does not exist counts as nothing."""
    return f"({MERGE}$m({weak},{strong}))"
