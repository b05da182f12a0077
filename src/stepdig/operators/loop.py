"""`loop>: N` runs `_do` N times with `i`."""

from stepdig.language.declared import WHOLE
from stepdig.language.keys import LOOP
from stepdig.language.model import Task
from stepdig.naming.draft import LoopDraft
from stepdig.operators._registry import Entries, Place, nothing, operator
from stepdig.plan import Computed, Constant, Step


@operator("loop", argument=WHOLE, options=LOOP, children=True)
def loop(task: Task, place: Place) -> Step:
    """Run `_do` as often as the number says, with `i` counting from 0: `loop>: 7`."""
    argument = place.required(task)
    count = None if argument is None else place.integer(argument)
    if count is None:
        return nothing(place)
    known = None
    code = count.code if isinstance(count, Computed) else ""
    guards = count.guards if isinstance(count, Computed) else ()
    if isinstance(count, Constant):
        known = max(0, count.value) if isinstance(count.value, int) else 0
        code = str(known)
    # A range that ends before it starts is empty, so 0 and negative counts run nothing, as in Digdag.
    last = str(known - 1) if known is not None else f"({code})-1"
    value = Computed(f"[0..{last}]", guards) if known != 0 else Constant([])
    draft = LoopDraft("loop", [{"name": "i", "input": "i", "rows": None, "label": None}])

    def entries(at: LoopDraft) -> Entries:
        key = str(at.variables[0]["input"])
        return Entries(value, ((key, "$item"),), f"$input.{key}", f"$string($input.{key})")

    return place.repeat(draft, entries, known)
