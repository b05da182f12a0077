"""Methods of texts, arrays, objects and numbers -> JSONata."""

import re
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Tuple

from stepdig.expressions import conversions as convert
from stepdig.expressions import strings
from stepdig.expressions.calls import pattern_code, simple_pattern
from stepdig.expressions.emit import chosen
from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsregex import RegExp
from stepdig.expressions.nodes import Call, Constant, Declare, Function, If, Node, Regex, Return, Statement
from stepdig.expressions.values import NOTHING, TEXTS, Any_, Instant, Value, quoted

if TYPE_CHECKING:
    from stepdig.expressions.emit import Emitter

_LOOPS = frozenset(("map", "filter", "some", "every"))
_MAX_BRANCHES = 4  # what follows an `if` is written out in both of its branches
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")


def method(e: "Emitter", node: Call, base: Value, name: str) -> Any_:
    """Return the value of a method call."""
    if base.type == "function":
        e.refuse(node, f"{base.code}.{name}() is not supported in a state of the machine")
    if base.type in ("undef", "null"):
        e.refuse(node, f"TypeError: Cannot read property '{name}' of {'null' if base.type == 'null' else 'undefined'}")
    emit = _METHODS.get(name)
    if emit is None or (name in _TEXT_ONLY and base.type in ("arr", "obj", "num", "bool")):
        hint = strings.hint_for(name) or ""
        note = " (ES6)" if hint else ""
        e.refuse(node, f"method .{name}() is not supported{note}", hint)
    if name in _TEXT_ONLY and base.type not in TEXTS:
        base = base._replace(type="any")
    return emit(e, node, base)


def _args(e: "Emitter", node: Call, least: int = 0) -> List[Value]:
    if len(node.arguments) < least:
        e.refuse(node, "an argument is missing")
    return [e.plain(argument) for argument in node.arguments]


def _regex(e: "Emitter", node: Node) -> "RegExp | None":
    """Return the regular expression an argument is, checked for what JSONata's engines understand alike."""
    if isinstance(node, Regex):
        try:
            found = RegExp(node.pattern, node.flags)
        except EvaluationError as error:
            e.refuse(node, str(error))
    elif isinstance(node, Constant) and isinstance(node.value, RegExp):
        found = node.value
    else:
        return None
    if not simple_pattern(found.pattern):
        e.refuse(node, "look-ahead and back references are not supported in a state of the machine")
    return found


# --- texts


def _to_string(e: "Emitter", node: Call, base: Value) -> Any_:
    if node.arguments:
        e.refuse(node, "toString with a radix is not supported in a state of the machine")
    return Value(convert.string(e, base), "str", present=True)


def _replace(e: "Emitter", node: Call, base: Value) -> Any_:
    if len(node.arguments) < 2:
        e.refuse(node, "replace needs a text and its replacement")
    if isinstance(node.arguments[1], Function):
        e.refuse(node.arguments[1], "replace with a function is not supported in a state of the machine")
    regex = _regex(e, node.arguments[0])
    new = node.arguments[1]
    if regex is not None:
        if not (isinstance(new, Constant) and isinstance(new.value, str)):
            e.refuse(new, "the replacement of a regular expression must be a constant text")
        if re.search(r"\$[`']", new.value):
            e.refuse(new, "$` and $' in a replacement are not supported in a state of the machine")
        times = "" if "g" in regex.flags else ",1"
        with_match = quoted(_references(new.value, regex.compiled.groups))
        return Value(
            f"$replace({base.code},{pattern_code(regex.pattern, regex.flags)},{with_match}{times})", "str", present=True
        )
    sought, put = _args(e, node)
    if isinstance(new, Constant) and isinstance(new.value, str) and re.search(r"\$[$&`']", new.value):
        e.refuse(new, "$$, $&, $` and $' in a replacement are not supported in a state of the machine")
    if isinstance(node.arguments[0], Constant) and node.arguments[0].value == "":
        return Value(f"({convert.string(e, put)} & {base.code})", "str", present=True)
    code = f"$replace({base.code},{convert.string(e, sought)},{convert.string(e, put)},1)"
    return Value(code, "str", present=True)


def _references(new: str, groups: int) -> str:
    """Return a replacement in JSONata's spelling: `$&` is `$0`, and `$1` stays text where there is no such group."""
    new = new.replace("$&", "$0")
    return new if groups else re.sub(r"\$([1-9])", r"$$\1", new)


def _replace_all(e: "Emitter", node: Call, base: Value) -> Any_:
    if len(node.arguments) != 2 or not isinstance(node.arguments[0], Constant):
        e.refuse(node, "replaceAll needs a constant text and its replacement")
    sought = node.arguments[0].value
    pattern = sought.pattern if isinstance(sought, RegExp) else str(sought)
    new = convert.string(e, e.plain(node.arguments[1]))
    if not _SPECIAL.search(pattern):
        return Value(f"$replace({base.code},{quoted(pattern)},{new})", "str", present=True)
    if not simple_pattern(pattern) or not pattern:
        e.refuse(node.arguments[0], "this pattern is not supported in a state of the machine")
    return Value(
        f"$replace({base.code},{pattern_code(pattern.replace('/', chr(92) + '/'), '')},{new})", "str", present=True
    )


def _split(e: "Emitter", node: Call, base: Value) -> Any_:
    if not node.arguments:
        e.refuse(node, "split needs a separator")
    regex = _regex(e, node.arguments[0])
    if regex is not None and regex.compiled.groups:
        e.refuse(node.arguments[0], "split with a group is not supported in a state of the machine")
    by = pattern_code(regex.pattern, regex.flags) if regex else convert.string(e, e.plain(node.arguments[0]))
    limit = f",{convert.numeric(e, e.plain(node.arguments[1])).code}" if len(node.arguments) > 1 else ""
    return Value(f"$split({base.code},{by}{limit})", "arr", present=True)


def _match(e: "Emitter", node: Call, base: Value) -> Any_:
    regex = _regex(e, node.arguments[0]) if node.arguments else None
    if regex is None:
        e.refuse(node, "match needs a regular expression")
    pattern = pattern_code(regex.pattern, regex.flags)
    variable = e.fresh()
    if "g" in regex.flags:
        return Value(f"({variable}:=[$match({base.code},{pattern}).match];$count({variable})=0?null:{variable})", "any")
    found = f"$exists({variable})?$append([{variable}.match],{variable}.groups):null"
    return Value(f"({variable}:=$match({base.code},{pattern},1)[0];{found})", "any")


def _search(e: "Emitter", node: Call, base: Value) -> Any_:
    regex = _regex(e, node.arguments[0]) if node.arguments else None
    if regex is None:
        e.refuse(node, "search needs a regular expression")
    variable = e.fresh()
    pattern = pattern_code(regex.pattern, regex.flags)
    code = f"({variable}:=$match({base.code},{pattern},1)[0].index;$exists({variable})?{variable}:-1)"
    return Value(code, "num", present=True)


def tested(e: "Emitter", node: Call, pattern: Node) -> Any_:
    """Return the value of `/pattern/.test(text)`."""
    regex = _regex(e, pattern)
    if regex is None:
        e.refuse(node, "test is a method of regular expressions")
    text = convert.string(e, _args(e, node)[0])
    return Value(f"$contains({text},{pattern_code(regex.pattern, regex.flags)})", "bool", present=True)


def _matches(e: "Emitter", node: Call, base: Value) -> Any_:
    """Return Java's matches: the whole text must match."""
    argument = node.arguments[0] if node.arguments else node
    if not (isinstance(argument, Constant) and isinstance(argument.value, str) and simple_pattern(argument.value)):
        e.refuse(argument, "matches needs a constant pattern")
    pattern = "^(" + argument.value.replace("/", "\\/") + ")$"
    return Value(f"$contains({base.code},{pattern_code(pattern, '')})", "bool", present=True)


def _form(form: str, least: int, kind: str) -> Callable[["Emitter", Call, Value], Any_]:
    """Return the emitter of a method by a form: {0} the text, {1} {2} its arguments as texts."""

    def emit(e: "Emitter", node: Call, base: Value) -> Any_:
        texts = [convert.string(e, value) for value in _args(e, node, least)]
        repeated = [e.variable(text) if form.count(f"{{{at}}}") > 1 else text for at, text in enumerate(texts, 1)]
        code = e.variable(base.code) if form.count("{0}") > 1 else base.code
        return Value(form.format(code, *repeated), kind, present=True)

    return emit


def _substr(e: "Emitter", node: Call, base: Value) -> Any_:
    numbers = [convert.numeric(e, value).code for value in _args(e, node, 1)]
    return Value(f"$substring({base.code},{','.join(numbers)})", "str", present=True)


def _substring(e: "Emitter", node: Call, base: Value) -> Any_:
    arguments = node.arguments
    if not arguments:
        return base
    if all(isinstance(argument, Constant) and isinstance(argument.value, (int, float)) for argument in arguments):
        ends = sorted(max(0, int(argument.value)) for argument in arguments if isinstance(argument, Constant))
        length = f",{ends[1] - ends[0]}" if len(ends) > 1 else ""
        return Value(f"$substring({base.code},{ends[0]}{length})", "str", present=True)
    numbers = [f"$max([0,{convert.numeric(e, value).code}])" for value in _args(e, node)]
    if len(numbers) == 1:
        return Value(f"$substring({base.code},{numbers[0]})", "str", present=True)
    low, high = (e.variable(one) for one in numbers[:2])
    code = f"$substring({base.code},$min([{low},{high}]),$abs({high} - {low}))"
    return Value(code, "str", present=True)


def _slice(e: "Emitter", node: Call, base: Value) -> Any_:
    numbers = [convert.numeric(e, value).code for value in _args(e, node)] or ["0"]
    kind = base.type if base.type == "arr" else "str" if base.type in TEXTS else "any"
    return Value(f"$j_slice({','.join([base.code, *numbers])})", kind, present=True)


def _index_of(e: "Emitter", node: Call, base: Value) -> Any_:
    if len(node.arguments) != 1:
        e.refuse(node, "indexOf takes one argument in a state of the machine")
    return Value(f"$j_index({base.code},{_args(e, node)[0].code})", "num", present=True)


def _concat(e: "Emitter", node: Call, base: Value) -> Any_:
    values = _args(e, node)
    if base.type in TEXTS:
        return Value(
            f"({' & '.join([base.code, *(convert.string(e, value) for value in values)])})", "str", present=True
        )
    code = base.code
    for value in values:
        code = f"$append({code},{value.code})" if base.type == "arr" else f"$j_cat({code},{value.code})"
    return Value(code, "arr" if base.type == "arr" else "any", present=True)


def _char_at(e: "Emitter", node: Call, base: Value) -> Any_:
    index = convert.numeric(e, _args(e, node)[0]).code if node.arguments else "0"
    code = f"$substring({base.code},{index},1)" if index.isdigit() else f"$j_char({base.code},{index})"
    return Value(code, "str", present=True)


def _fixed(e: "Emitter", node: Call, base: Value) -> Any_:
    places = node.arguments[0].value if node.arguments and isinstance(node.arguments[0], Constant) else 0
    if (node.arguments and not isinstance(node.arguments[0], Constant)) or not isinstance(places, (int, float)):
        e.refuse(node, "the number of digits must be constant")
    if not 0 <= places <= 15:
        e.refuse(node, "toFixed takes 0 to 15 digits in a state of the machine")
    number = convert.numeric(e, base)
    picture = "0" + ("." + "0" * int(places) if places else "")
    scale = 10 ** int(places)
    code = e.variable(number.code)
    rounded = f"$floor($abs({code})*{scale} + 0.5)/{scale}" if places else f"$floor($abs({code}) + 0.5)"
    text = f"(({code}<0?'-':'') & $formatNumber({rounded},'{picture}'))"
    return Value(f"($exists({code})?{text}:'NaN')" if number.nan else text, "str", present=True)


# --- arrays


def _join(e: "Emitter", node: Call, base: Value) -> Any_:
    by = convert.string(e, _args(e, node)[0]) if node.arguments else "','"
    return Value(f"$j_join({base.code},{by})", "str", present=True)


def _sort(e: "Emitter", node: Call, base: Value) -> Any_:
    if node.arguments:
        e.refuse(node, "sort with a function is not supported in a state of the machine")
    return Value(f"[$sort({base.code},function($l,$r){{$j_s($l)>$j_s($r)}})]", "arr", present=True)


def _reverse(e: "Emitter", node: Call, base: Value) -> Any_:
    return Value(f"$reverse({base.code})", "arr", present=True)


def _loop(name: str) -> Callable[["Emitter", Call, Value], Any_]:
    def emit(e: "Emitter", node: Call, base: Value) -> Any_:
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


def _map(e: "Emitter", base: str, parameters: str, body: Any_) -> Any_:
    if isinstance(body, Instant):
        body = convert.plain(e, body)
    if body.type in ("arr", "obj"):
        json = f"('[' & $join($map({base},function({parameters}){{{convert.as_json(e, body)}}}),',') & ']')"
        return Value(f"$parse({json})", "arr", present=True, json=json)
    code = body.code
    if body.type in ("any", "undef") or body.nan:
        code = f"($j_r:={body.code};$exists($j_r)?$j_r:null)"
    return Value(f"[$map({base},function({parameters}){{{code}}})]", "arr", present=True)


def _function(e: "Emitter", node: Call) -> Tuple[str, Any_]:
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


def _body(e: "Emitter", function: Function, statements: Tuple[Statement, ...]) -> Any_:
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


def _if(e: "Emitter", function: Function, statement: If, rest: Tuple[Statement, ...]) -> Any_:
    test = convert.boolean(e, e.value(statement.test))
    yes = e.within(lambda: _body(e, function, (*statement.yes, *rest)), set())
    return chosen(e, function, test, yes, e.within(lambda: _body(e, function, (*statement.no, *rest)), set()))


def _has_own(e: "Emitter", node: Call, base: Value) -> Any_:
    return Value(f"$exists($lookup({base.code},{convert.string(e, _args(e, node, 1)[0])}))", "bool", present=True)


_METHODS: Dict[str, Callable[["Emitter", Any, Value], Any_]] = {
    **{name: _loop(name) for name in _LOOPS},
    "charAt": _char_at,
    "concat": _concat,
    "contains": _form("$contains({0},{1})", 1, "bool"),
    "endsWith": _form("($length({0})>=$length({1}) and $substring({0},$length({0})-$length({1}))={1})", 1, "bool"),
    "equals": _form("({0}={1})", 1, "bool"),
    "equalsIgnoreCase": _form("($lowercase({0})=$lowercase({1}))", 1, "bool"),
    "hasOwnProperty": _has_own,
    "indexOf": _index_of,
    "isEmpty": _form("({0}='')", 0, "bool"),
    "join": _join,
    "match": _match,
    "matches": _matches,
    "replace": _replace,
    "replaceAll": _replace_all,
    "reverse": _reverse,
    "search": _search,
    "slice": _slice,
    "sort": _sort,
    "split": _split,
    "startsWith": _form("($substring({0},0,$length({1}))={1})", 1, "bool"),
    "substr": _substr,
    "substring": _substring,
    "toFixed": _fixed,
    "toLowerCase": _form("$lowercase({0})", 0, "str"),
    "toString": _to_string,
    "toUpperCase": _form("$uppercase({0})", 0, "str"),
    "trim": _form(r"$replace({0},/^\s+|\s+$/,'')", 0, "str"),
    "valueOf": lambda e, node, base: base,
}
_TEXT_ONLY = frozenset(
    [
        "charAt",
        "contains",
        "endsWith",
        "equals",
        "equalsIgnoreCase",
        "isEmpty",
        "match",
        "matches",
        "replace",
        "replaceAll",
        "search",
        "split",
        "startsWith",
        "substr",
        "substring",
        "toLowerCase",
        "toUpperCase",
        "trim",
    ]
)
