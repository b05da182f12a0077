"""Methods of arrays -> JSONata, and the functions they are given."""

from typing import Any, Callable, Dict, Tuple

from stepdig.expressions import conversions as convert
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.nodes import Call, Declare, Function, If, Return, Statement
from stepdig.expressions.values import NOTHING, Any_, Instant, Value

_MAX_BRANCHES = 4  # what follows an `if` is written out in both of its branches


def _join(e: Emitter, node: Call, base: Value) -> Any_:
    by = convert.string(e, e.arguments(node)[0]) if node.arguments else "','"
    return Value(f"$j_join({base.code},{by})", "str", present=True)


def _sort(e: Emitter, node: Call, base: Value) -> Any_:
    if node.arguments:
        e.refuse(node, "sort with a function is not supported in a state of the machine")
    return Value(f"[$sort({base.code},function($l,$r){{$j_s($l)>$j_s($r)}})]", "arr", present=True)


def _reverse(e: Emitter, node: Call, base: Value) -> Any_:
    return Value(f"$reverse({base.code})", "arr", present=True)


def _loop(name: str) -> Callable[[Emitter, Call, Value], Any_]:
    def emit(e: Emitter, node: Call, base: Value) -> Any_:
        parameters, body = _function(e, node)
        if name == "map":
            return _map(e, base.code, parameters, body)
        test = convert.boolean(e, body)
        if name == "filter":
            return Value(f"[$filter({base.code},function({parameters}){{{test}}})]", "arr", present=True)
        if name == "some":
            return Value(f"$exists($filter({base.code},function({parameters}){{{test}}}))", "bool", present=True)
        return Value(
            f"$not($exists($filter({base.code},function({parameters}){{$not({test})}})))", "bool", present=True
        )

    return emit


def _map(e: Emitter, base: str, parameters: str, body: Any_) -> Any_:
    if isinstance(body, Instant):
        body = convert.plain(e, body)
    if body.type in ("arr", "obj"):
        json = f"('[' & $join($map({base},function({parameters}){{{convert.as_json(e, body)}}}),',') & ']')"
        return Value(f"$parse({json})", "arr", present=True, json=json)
    code = body.code
    if body.type in ("any", "undef") or body.nan:
        code = f"($j_r:={body.code};$exists($j_r)?$j_r:null)"
    return Value(f"[$map({base},function({parameters}){{{code}}})]", "arr", present=True)


def _function(e: Emitter, node: Call) -> Tuple[str, Any_]:
    """Return parameters and body of the function that is the argument; its body must be a single return."""
    function = node.arguments[0] if node.arguments else node
    if not isinstance(function, Function):
        e.refuse(function, "expected function(x){ return ...; }")
    if _branches(function.body) > _MAX_BRANCHES:
        e.refuse(function, f"a function with more than {_MAX_BRANCHES} ifs is not supported in a state of the machine")
    if len(function.parameters) > 2:
        e.refuse(function, "only the item and its index are given to a function in a state of the machine")
    before = e.local
    kinds = ("any", "num")
    named = {name: Value(e.fresh(), kind, present=kind == "num") for name, kind in zip(function.parameters, kinds)}
    e.local = {**before, **named}
    value = e.within(lambda: _body(e, function, function.body), set())
    e.local = before
    return ",".join(value.code for value in named.values()) or e.fresh(), value


def _branches(statements: Tuple[Statement, ...]) -> int:
    return sum(1 + _branches(s.yes) + _branches(s.no) for s in statements if isinstance(s, If))


def _body(e: Emitter, function: Function, statements: Tuple[Statement, ...]) -> Any_:
    """Return the value of a function's statements: `var`, `if` and `return`."""
    for index, statement in enumerate(statements):
        if isinstance(statement, Declare) and statement.value is not None:
            value = e.plain(statement.value)
            e.local = {**e.local, statement.name: value._replace(code=e.variable(value.code), json="")}
        elif isinstance(statement, Return):
            return NOTHING if statement.value is None else e.value(statement.value)
        elif isinstance(statement, If):
            return _if(e, function, statement, statements[index + 1 :])
        else:
            e.refuse(function, "only functions of var, if and return are supported in a state of the machine")
    return NOTHING


def _if(e: Emitter, function: Function, statement: If, rest: Tuple[Statement, ...]) -> Any_:
    test = convert.boolean(e, e.value(statement.test))
    yes = e.within(lambda: _body(e, function, (*statement.yes, *rest)), set())
    return convert.chosen(e, function, test, yes, e.within(lambda: _body(e, function, (*statement.no, *rest)), set()))


METHODS: Dict[str, Callable[[Emitter, Any, Value], Any_]] = {
    **{name: _loop(name) for name in ("map", "filter", "some", "every")},
    "join": _join,
    "reverse": _reverse,
    "sort": _sort,
}
