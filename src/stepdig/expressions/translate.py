"""`${...}` -> JSONata for the states of the machine.

The text of a template is Digdag's: always a text. Emitted code never gives undefined, never holds `${`, and means the same
to the jsonata of npm 2.0.6 (which Step Functions runs) and to jsonata-python.
"""

from typing import List, Tuple, Union

from stepdig.expressions import conversions as convert
from stepdig.expressions import emit, template
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.fold import folding
from stepdig.expressions.folder import Folder
from stepdig.expressions.jsdate import Date
from stepdig.expressions.jsjson import plain, to_text
from stepdig.expressions.jsvalues import Js, Object
from stepdig.expressions.moments import Moment
from stepdig.expressions.nodes import Constant, Index, Member, Node, Stored
from stepdig.expressions.parse import parse
from stepdig.expressions.shapes import NOT_CONSTANT, Binding, Code, Known, Names, Translated, Zone
from stepdig.expressions.values import Any_, Instant, Value, literal, quoted

MAX_DEPTH = 28  # of operations; JSONata's tree is at most twice as deep, and Step Functions was seen to fail at 200
MAX_CODE = 8192  # characters; Step Functions bounds an expression's evaluation, and people must be able to read it


def expression(source: Union[str, Node], names: Names, zone: Zone) -> Translated:
    """Translate one expression (the text between `${` and `}`), keeping its type.

    Undefined becomes null, a moment its ISO text. Raise ExpressionError with offsets in the source.
    """
    node = folding(names, zone).fold(parse(source) if isinstance(source, str) else source)
    if isinstance(node, Constant):
        return constant(_json(node))
    emitter = emit.emitter(zone)
    value = convert.plain(emitter, emitter.value(shallow(node)))
    return finished(emitter, defined(emitter, value), value.type if value.type != "undef" else "null")


def text(source: str, names: Names, zone: Zone) -> Translated:
    """Translate a text with `${...}` to code of the text that Digdag would make of it.

    Raise ExpressionError with offsets in the whole text.
    """
    parts = text_parts(source, names, zone)
    if all(isinstance(part, str) for part, _ in parts):
        return constant("".join(str(part) for part, _ in parts))
    emitter = emit.emitter(zone)
    codes = [quoted(part) if isinstance(part, str) else _emitted(emitter, part, at) for part, at in parts]
    if len(codes) == 1:
        return finished(emitter, codes[0], "str")
    joined = f"$join([{','.join(codes)}],'')" if len(codes) > 3 else f"({' & '.join(codes)})"
    return finished(emitter, joined, "str")


def text_parts(source: str, names: Names, zone: Zone) -> List[Tuple[Union[str, Node], int]]:
    """Return the parts of a text in order: known texts (joined), and folded trees with their offset in the text."""
    folder = folding(names, zone)
    parts: List[Tuple[Union[str, Node], int]] = []
    for part in template.split(source):
        if isinstance(part, template.Expression):
            found, at = _known_text(_folded(folder, part)), part.start
        else:
            found, at = part.text, 0
        if isinstance(found, str) and parts and isinstance(parts[-1][0], str):
            parts[-1] = (parts[-1][0] + found, 0)
        elif found != "":
            parts.append((found, at))
    return parts


def constant(value: Js) -> Translated:
    """Return the translation of a known JSON value."""
    code = literal(value)
    return Translated(code.code, code.type, value)


def finished(emitter: Emitter, code: str, kind: str) -> Translated:
    """Return the translation once all of its code is there; raise ExpressionError when it has grown too long."""
    done = emitter.finish(code)
    if len(done) > MAX_CODE:
        raise ExpressionError(
            f"the translation has {len(done)} characters, more than {MAX_CODE}", 0, 1, "split it in two"
        )
    guards = tuple((emitter.finish(test), message) for test, message in emitter.guards.items())
    return Translated(done, kind, NOT_CONSTANT, guards, f"{emitter.zone.run}.tz[" in done)


def shallow(node: Node) -> Node:
    """Return a folded tree; raise ExpressionError when it is too deep for a state of the machine."""
    levels = _levels(node)
    if levels > MAX_DEPTH:
        what = f"the expression is nested too deeply for a state of the machine: {levels} levels, not {MAX_DEPTH}"
        hint = "split it in two; a long sum of texts is better one text with several ${...}"
        raise ExpressionError(what, 0, 1, hint)
    return node


def _levels(part: Js) -> int:
    """Return how deep operations lie within each other; a chain of members is none, a value that is known is one."""
    inner = max((_levels(item) for item in part if isinstance(item, tuple)), default=0) if part else 0
    return inner + (hasattr(part, "start") and not isinstance(part, (Member, Index, Constant, Stored)))


def defined(emitter: Emitter, value: Value) -> str:
    """Return code of a value that gives null instead of nothing."""
    if value.type in ("undef",):
        return "null"
    if value.type == "any" or value.nan:
        code = emitter.variable(value.code)
        return f"($exists({code})?{code}:null)"
    return value.code


def _known_text(node: Node) -> Union[str, Node]:
    return to_text(node.value) if isinstance(node, Constant) else node


def _folded(folder: Folder, part: template.Expression) -> Node:
    try:
        return folder.fold(parse(part.source))
    except ExpressionError as error:
        raise error.moved(part.start) from None


def _emitted(emitter: Emitter, node: Js, at: int) -> str:
    try:
        return convert.text(emitter, emitter.value(shallow(node)))
    except ExpressionError as error:
        raise error.moved(at) from None


def _json(node: Constant) -> Js:
    if isinstance(node.value, Object) and not isinstance(node.value, (Moment, Date)):
        raise ExpressionError("this is not a value", node.start, node.end)
    return plain(node.value)


__all__ = [
    "NOT_CONSTANT",
    "Any_",
    "Binding",
    "Code",
    "Instant",
    "Known",
    "Names",
    "Translated",
    "Zone",
    "expression",
    "text",
]
