"""Methods that texts alone have -> JSONata."""

from typing import Any, Callable, Dict

from stepdig.expressions import conversions as convert
from stepdig.expressions import pattern_jsonata
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.nodes import Call, Constant
from stepdig.expressions.values import Any_, Value


def _form(form: str, least: int, kind: str) -> Callable[[Emitter, Call, Value], Any_]:
    """Return the emitter of a method by a form: {0} the text, {1} {2} its arguments as texts."""

    def emit(e: Emitter, node: Call, base: Value) -> Any_:
        texts = [convert.string(e, value) for value in e.arguments(node, least)]
        repeated = [e.variable(text) if form.count(f"{{{at}}}") > 1 else text for at, text in enumerate(texts, 1)]
        code = e.variable(base.code) if form.count("{0}") > 1 else base.code
        return Value(form.format(code, *repeated), kind, present=True)

    return emit


def _substr(e: Emitter, node: Call, base: Value) -> Any_:
    numbers = [convert.numeric(e, value).code for value in e.arguments(node, least=1)]
    return Value(f"$substring({base.code},{','.join(numbers)})", "str", present=True)


def _substring(e: Emitter, node: Call, base: Value) -> Any_:
    arguments = node.arguments
    if not arguments:
        return base
    if all(isinstance(argument, Constant) and isinstance(argument.value, (int, float)) for argument in arguments):
        ends = sorted(max(0, int(argument.value)) for argument in arguments if isinstance(argument, Constant))
        length = f",{ends[1] - ends[0]}" if len(ends) > 1 else ""
        return Value(f"$substring({base.code},{ends[0]}{length})", "str", present=True)
    numbers = [f"$max([0,{convert.numeric(e, value).code}])" for value in e.arguments(node)]
    if len(numbers) == 1:
        return Value(f"$substring({base.code},{numbers[0]})", "str", present=True)
    low, high = (e.variable(one) for one in numbers[:2])
    code = f"$substring({base.code},$min([{low},{high}]),$abs({high} - {low}))"
    return Value(code, "str", present=True)


def _char_at(e: Emitter, node: Call, base: Value) -> Any_:
    index = convert.numeric(e, e.arguments(node)[0]).code if node.arguments else "0"
    code = f"$substring({base.code},{index},1)" if index.isdigit() else f"$j_char({base.code},{index})"
    return Value(code, "str", present=True)


METHODS: Dict[str, Callable[[Emitter, Any, Value], Any_]] = {
    **pattern_jsonata.METHODS,
    "charAt": _char_at,
    "contains": _form("$contains({0},{1})", 1, "bool"),
    "endsWith": _form("($length({0})>=$length({1}) and $substring({0},$length({0})-$length({1}))={1})", 1, "bool"),
    "equals": _form("({0}={1})", 1, "bool"),
    "equalsIgnoreCase": _form("($lowercase({0})=$lowercase({1}))", 1, "bool"),
    "isEmpty": _form("({0}='')", 0, "bool"),
    "startsWith": _form("($substring({0},0,$length({1}))={1})", 1, "bool"),
    "substr": _substr,
    "substring": _substring,
    "toLowerCase": _form("$lowercase({0})", 0, "str"),
    "toUpperCase": _form("$uppercase({0})", 0, "str"),
    "trim": _form(r"$replace({0},/^\s+|\s+$/,'')", 0, "str"),
}
