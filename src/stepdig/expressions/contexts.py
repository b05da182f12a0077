"""Where a text is taken for something else: the condition of `if>`, the number of `loop>`, the lists of `for_each>`.

Digdag parses the text that a template gives. Here a text that is exactly one `${...}` stays typed where that gives the
same, so a stored array is used as an array.
"""

from typing import Any, NamedTuple, Tuple, Union

from stepdig.expressions import emit, translate
from stepdig.expressions.emitter import Emitter
from stepdig.expressions.errors import EvaluationError, ExpressionError
from stepdig.expressions.jsjson import parse_json
from stepdig.expressions.nodes import Constant
from stepdig.expressions.shapes import NOT_CONSTANT, Names, Translated, Zone
from stepdig.expressions.values import Instant, Value

_NUMBER = r"/^\s*[-+]?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?\s*$/"


class Boolean(NamedTuple):
    """A condition: two total JSONata booleans. Neither true: the value is none that `if>` takes.

    `const` is True, False, None for a known value that `if>` does not take, or NOT_CONSTANT; `text` is the code of the
    text for the message.
    """

    true: str
    false: str
    text: str
    const: Any = NOT_CONSTANT
    guards: Tuple[Tuple[str, str], ...] = ()
    needs_tz: bool = False


class Checked(NamedTuple):
    """A value and whether it is acceptable: `valid` is a total JSONata boolean; `code` may fail where it is false.

    `const` is the known value, None for a known one that is not acceptable, or NOT_CONSTANT.
    """

    code: str
    type: str
    valid: str
    text: str
    const: Any = NOT_CONSTANT
    guards: Tuple[Tuple[str, str], ...] = ()
    needs_tz: bool = False


def boolean(source: str, names: Names, zone: Zone) -> Boolean:
    """Translate the condition of `if>`: `true`, `True`, `false`, `False`, blanks around them, and "" for false."""
    known = translate.text(source, names, zone)
    if known.const is not NOT_CONSTANT:
        value = {"true": True, "True": True, "false": False, "False": False, "": False}.get(known.const.strip())
        return Boolean(_word(value is True), _word(value is False), known.code, value)
    emitter, value_or_code = _single(source, names, zone)
    if isinstance(value_or_code, Value) and value_or_code.type == "bool":
        code = value_or_code.code
        return Boolean(emitter.finish(code), emitter.finish(f"$not({code})"), known.code, *_facts(known))
    true, false = (
        "($j0:=$trim({0});$j0='true' or $j0='True')",
        "($j0:=$trim({0});$j0='false' or $j0='False' or $j0='')",
    )
    return Boolean(_asked(true, known), _asked(false, known), known.code, *_facts(known))


def integer(source: str, names: Names, zone: Zone) -> Checked:
    """Translate a count (`loop>`, `from`, `to`): a number or its text; fractions are cut."""
    known = translate.text(source, names, zone)
    if known.const is not NOT_CONSTANT:
        try:
            count: Any = int(float(known.const))
        except (ValueError, OverflowError):
            count = None
        return Checked(str(count or 0), "num", _word(count is not None), known.code, count)
    emitter, single = _single(source, names, zone)
    if isinstance(single, Value) and single.type == "num" and not single.nan:
        code = emitter.variable(single.code)
        cut = f"({code}<0?$ceil({code}):$floor({code}))"
        return Checked(emitter.finish(cut), "num", "true", known.code, *_facts(known))
    cut = "($j0:=$number($replace($trim({0}),/^[+]|[.]$/,''));$j0<0?$ceil($j0):$floor($j0))"
    return Checked(_asked(cut, known), "num", _asked(f"$contains({{0}},{_NUMBER})", known), known.code, *_facts(known))


def items(source: str, names: Names, zone: Zone) -> Checked:
    """Translate a list of `for_each>`: an array, or its JSON text."""
    known = translate.text(source, names, zone)
    if known.const is not NOT_CONSTANT:
        try:
            value = parse_json(known.const)
        except EvaluationError:
            value = None
        found = value if isinstance(value, list) else None
        return Checked(translate.constant(found or []).code, "arr", _word(found is not None), known.code, found)
    emitter, single = _single(source, names, zone)
    if isinstance(single, Value) and single.type == "arr":
        return Checked(emitter.finish(single.code), "arr", "true", known.code, *_facts(known))
    if isinstance(single, Value) and single.type == "any":
        code = emitter.variable(single.code)
        valid = f"($type({code})='array' or $type({code})='string' and $contains({code},/^\\s*\\[[\\s\\S]*\\]\\s*$/))"
        both = f"($type({code})='string'?$parse({code}):{code})"
        return Checked(emitter.finish(both), "arr", emitter.finish(valid), known.code, *_facts(known))
    valid = _asked(r"$contains({0},/^\s*\[[\s\S]*\]\s*$/)", known)
    return Checked(_asked("$parse({0})", known), "arr", valid, known.code, *_facts(known))


def _single(source: str, names: Names, zone: Zone) -> Tuple[Emitter, Union[Value, None]]:
    """Return the value of a text that is exactly one expression; the emitter belongs to it."""
    emitter = emit.emitter(zone)
    parts = translate.text_parts(source, names, zone)
    if len(parts) != 1 or isinstance(parts[0][0], (str, Constant)):
        return emitter, None
    try:
        value = emitter.value(translate.shallow(parts[0][0]))
    except ExpressionError as error:
        raise error.moved(parts[0][1]) from None
    return emitter, None if isinstance(value, Instant) else value


def _asked(form: str, known: Translated) -> str:
    return form.replace("{0}", known.code)


def _facts(known: Translated) -> Tuple[Any, Tuple[Tuple[str, str], ...], bool]:
    return NOT_CONSTANT, known.guards, known.needs_tz


def _word(truth: bool) -> str:
    return "true" if truth else "false"
