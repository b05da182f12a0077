"""What a definition need not say: the path of its own file in each Comment, and the input of states where that is empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepdig.asl.place import INPUT, State
from stepdig.definitions import machines_in, own_file, shortened


def make_smaller(definition: Mapping[str, Any]) -> None:
    """Shorten a definition where it stands, without changing what it does."""
    _shorten_comments(definition, own_file(definition))
    states: dict[str, State] = definition["States"]
    # The first state outputs {}. As long as each state hands that on, saying so is shorter than an expression.
    if all(_hands_on(state) for state in states.values()):
        for each in _outputs(states):
            if each.get("Output") == INPUT:
                each["Output"] = {}


def _shorten_comments(machine: Mapping[str, Any], own: str) -> None:
    for state in machine["States"].values():
        state["Comment"] = shortened(str(state["Comment"]), own)
        for inner in machines_in(state):
            _shorten_comments(inner, own)


def _hands_on(state: State) -> bool:
    """Tell whether a state outputs its input, or {}; without Output a Task outputs its result, a Catch the error."""
    kept = state["Type"] not in {"Task", "Map", "Parallel"} or "Output" in state
    catches: Any = state.get("Catch", ())
    caught = all("Output" in it for it in catches)
    return kept and caught and all(it["Output"] in (INPUT, {}) for it in _outputs({"": state}) if "Output" in it)


def _outputs(states: Mapping[str, State]) -> Iterator[State]:
    """Yield what may have an Output: the states themselves, their Catches and Choices."""
    for state in states.values():
        yield state
        for name in ("Catch", "Choices"):
            inner: Any = state.get(name, ())
            yield from inner
