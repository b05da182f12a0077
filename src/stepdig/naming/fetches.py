"""The variables of the machine that hold what tasks stored, as a reader at some place reaches them."""

from __future__ import annotations

from stepdig.naming.draft import Frame
from stepdig.naming.scopes import Scope, Store


def fetched(scope: Scope, store: Store, name: str, *, earlier: bool) -> list[str]:
    """Return the variables that hold a task's stores for a reader here, weakest first, and note the reading."""
    draft = scope.draft
    fetch = draft.fetch(store.task, store.frame)
    fetch.names.add(name)
    kinds = [fetch.variable + "e"] if earlier else [fetch.variable]
    if store.counted and not earlier:
        kinds.insert(0, fetch.variable + "e")
    return [_reachable(scope, kind, store.frame) for kind in kinds]


def _reachable(scope: Scope, variable: str, owner: Frame) -> str:
    """Return the reference of a variable of this scope, an enclosing one, or one inside that has ended."""
    draft, frame = scope.draft, owner
    while scope.frame.up_to(frame) is None:
        outer = frame.outer
        assert outer is not None
        outside = f"{variable.partition('_')[0]}_{outer.number}"
        draft.gathers.setdefault(frame.number, {})[variable] = outside
        variable, frame = outside, outer
    return scope.variable(variable, frame)
