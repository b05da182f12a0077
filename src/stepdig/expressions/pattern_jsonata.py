"""Methods with patterns -> JSONata: replace, split, match, search, test; and the patterns themselves."""

import re
from typing import Any, Callable, Dict

from stepdig.expressions import conversions as convert
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.errors import EvaluationError
from stepdig.expressions.jsregex import RegExp
from stepdig.expressions.nodes import Call, Constant, Function, Node, Regex
from stepdig.expressions.values import Any_, Value, quoted

_PIECES = re.compile(r"\\[\s\S]|[\s\S]")
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")


def pattern_code(pattern: str, flags: str) -> str:
    """Return JSONata's regular expression.

    Its scanner counts brackets without knowing classes or escaped backslashes, and `${` would be taken for a
    substitution; so brackets inside classes are escaped, and a backslash is written by its code.
    """
    pieces = []
    inside = False
    for piece in _PIECES.findall(pattern):
        if piece == "\\\\":
            pieces.append("\\x5c")
        elif inside and piece in "()[{}":
            pieces.append(f"\\{piece}")
        else:
            pieces.append(piece)
            inside = piece == "[" or (inside and piece != "]")
    return f"/{''.join(pieces)}/{''.join(sorted(set(flags) - {'g'}))}"


def simple_pattern(pattern: str) -> bool:
    """Tell whether a pattern means the same to JavaScript and to every JSONata engine: no look-around, no references."""
    return not re.search(r"\(\?[=!<]|\\[1-9]", pattern)


def _regex(e: Emitter, node: Node) -> "RegExp | None":
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


def _replace(e: Emitter, node: Call, base: Value) -> Any_:
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
    sought, put = e.arguments(node)
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


def _replace_all(e: Emitter, node: Call, base: Value) -> Any_:
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


def _split(e: Emitter, node: Call, base: Value) -> Any_:
    if not node.arguments:
        e.refuse(node, "split needs a separator")
    regex = _regex(e, node.arguments[0])
    if regex is not None and regex.compiled.groups:
        e.refuse(node.arguments[0], "split with a group is not supported in a state of the machine")
    by = pattern_code(regex.pattern, regex.flags) if regex else convert.string(e, e.plain(node.arguments[0]))
    limit = f",{convert.numeric(e, e.plain(node.arguments[1])).code}" if len(node.arguments) > 1 else ""
    return Value(f"$split({base.code},{by}{limit})", "arr", present=True)


def _match(e: Emitter, node: Call, base: Value) -> Any_:
    regex = _regex(e, node.arguments[0]) if node.arguments else None
    if regex is None:
        e.refuse(node, "match needs a regular expression")
    pattern = pattern_code(regex.pattern, regex.flags)
    variable = e.fresh()
    if "g" in regex.flags:
        return Value(f"({variable}:=[$match({base.code},{pattern}).match];$count({variable})=0?null:{variable})", "any")
    found = f"$exists({variable})?$append([{variable}.match],{variable}.groups):null"
    return Value(f"({variable}:=$match({base.code},{pattern},1)[0];{found})", "any")


def _search(e: Emitter, node: Call, base: Value) -> Any_:
    regex = _regex(e, node.arguments[0]) if node.arguments else None
    if regex is None:
        e.refuse(node, "search needs a regular expression")
    variable = e.fresh()
    pattern = pattern_code(regex.pattern, regex.flags)
    code = f"({variable}:=$match({base.code},{pattern},1)[0].index;$exists({variable})?{variable}:-1)"
    return Value(code, "num", present=True)


def tested(e: Emitter, node: Call, pattern: Node) -> Any_:
    """Return the value of `/pattern/.test(text)`."""
    regex = _regex(e, pattern)
    if regex is None:
        e.refuse(node, "test is a method of regular expressions")
    text = convert.string(e, e.arguments(node)[0])
    return Value(f"$contains({text},{pattern_code(regex.pattern, regex.flags)})", "bool", present=True)


def _matches(e: Emitter, node: Call, base: Value) -> Any_:
    """Return Java's matches: the whole text must match."""
    argument = node.arguments[0] if node.arguments else node
    if not (isinstance(argument, Constant) and isinstance(argument.value, str) and simple_pattern(argument.value)):
        e.refuse(argument, "matches needs a constant pattern")
    pattern = "^(" + argument.value.replace("/", "\\/") + ")$"
    return Value(f"$contains({base.code},{pattern_code(pattern, '')})", "bool", present=True)


METHODS: Dict[str, Callable[[Emitter, Any, Value], Any_]] = {
    "match": _match,
    "matches": _matches,
    "replace": _replace,
    "replaceAll": _replace_all,
    "search": _search,
    "split": _split,
}
