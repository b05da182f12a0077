"""`for_range>: {from, to, step}` runs `_do` for each part of a range of numbers."""

from stepdig.language.declared import WHOLE, Option, mapping
from stepdig.language.keys import LOOP
from stepdig.language.model import Task
from stepdig.naming.draft import LoopDraft
from stepdig.operators._registry import Entries, Place, nothing, operator
from stepdig.plan import Computed, Constant, Step, Value
from stepdig.source.tree import Mapping, Node

_RANGE = {
    **mapping(
        Option("from", WHOLE, "where it starts", required=True),
        Option("to", WHOLE, "where it ends, itself not in it", required=True),
        Option("step", WHOLE, "how long a part is; step or slices"),
        Option("slices", WHOLE, "how many parts there are"),
        others=True,
    ),
    "anyOf": [{"required": ["step"]}, {"required": ["slices"]}],
}


@operator("for_range", argument=_RANGE, options=LOOP, children=True)
def for_range(task: Task, place: Place) -> Step:
    """Run `_do` for each part of a range, with `range.from`, `range.to`, `range.index`: `{from: 0, to: 100, step: 10}`."""
    argument = place.required(task)
    if not isinstance(argument, Mapping):
        if argument is not None:
            text = "for_range> needs a mapping with from, to and step or slices"
            place.problem(argument.at, "SD461", text, "write it like {from: 0, to: 100, step: 10}")
        return nothing(place)
    start, stop, step = _bounds(argument, place)
    if start is None or stop is None or step is None:
        return nothing(place)
    guards = tuple(guard for it in (start, stop, step) if isinstance(it, Computed) for guard in it.guards)
    first, end, width = _code(start), _code(stop), _code(step)
    known = None
    if isinstance(start, Constant) and isinstance(stop, Constant) and isinstance(step, Constant):
        low, high, size = (int(str(it.value)) for it in (start, stop, step))
        known = max(0, -(-(high - low) // size))
    value: Value = Computed(f"[0..$ceil(({end}-{first})/{width})-1]", guards)
    if known is not None:
        value = Computed(f"[0..{known - 1}]") if known else Constant([])
    selected = f"{{'from':{first}+$item*{width},'to':$min([{first}+($item+1)*{width},{end}]),'index':$item}}"
    draft = LoopDraft("for_range", [{"name": "range", "input": "range", "rows": None, "label": None}])

    def entries(at: LoopDraft) -> Entries:
        key = str(at.variables[0]["input"])
        label = f"$string($input.{key}.from)&'-'&$string($input.{key}.to)"
        return Entries(value, ((key, selected),), f"$input.{key}.index", label)

    return place.repeat(draft, entries, known)


def _bounds(argument: Mapping, place: Place) -> tuple[Value | None, Value | None, Value | None]:
    """Return from, to and the step; None for what is missing or wrong, after noting it."""
    found: dict[str, Node] = {str(key.value): node for key, node in argument}
    for name in ("from", "to"):
        if name not in found:
            place.problem(argument.at, "SD462", f"for_range> has no '{name}'", f"add {name}: and a number")
    if "step" in found and "slices" in found:
        place.problem(found["slices"].at, "SD463", "for_range> has both step and slices", "keep one of them")
        return None, None, None
    if "step" not in found and "slices" not in found:
        place.problem(argument.at, "SD464", "for_range> needs step or slices", "add step: and a number of at least 1")
        return None, None, None
    if "from" not in found or "to" not in found:
        return None, None, None
    start, stop = place.integer(found["from"]), place.integer(found["to"])
    name = "step" if "step" in found else "slices"
    part = place.integer(found[name])
    if isinstance(part, Constant) and isinstance(part.value, int) and part.value < 1:
        node = found[name]
        place.problem(node.at, "SD465", f"{name} must be at least 1, not {part.value}", "", node.length)
        return None, None, None
    if isinstance(part, Computed):
        part = Computed(part.code, (*part.guards, (f"({part.code})>=1", f"{name} of for_range> must be at least 1")))
    return start, stop, part if name == "step" else _slice(start, stop, part)


def _slice(start: Value, stop: Value, slices: Value) -> Value:
    """Return the step that cuts the range into that many parts, rounded up as Digdag does."""
    if isinstance(start, Constant) and isinstance(stop, Constant) and isinstance(slices, Constant):
        low, high, parts = (int(str(it.value)) for it in (start, stop, slices))
        return Constant(max(1, -(-(high - low) // parts)))
    return Computed(f"$ceil(({_code(stop)}-{_code(start)})/{_code(slices)})")


def _code(value: Value) -> str:
    return f"({value.code})" if isinstance(value, Computed) else f"({value.value})"
