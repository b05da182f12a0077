"""What a definition says of its states: whose task each is, where that stands, and what surrounds it.

Every state carries `Comment: :line +full+task+name` with `[+loop]` where the name of an iteration belongs
(docs/design.md); a state whose name holds a blank is one of ours and stands beside the task its Comment names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stepdig.definitions import machines_in, own_file, whole
from stepdig.runner import loops

SEGMENT = re.compile(r"[+^][^+^]*")
ITERATION = re.compile(r"\+(for-\d|loop-\d|range-from=)")
AFTER_FAILURE = re.compile(
    r"(^| )(retry( wait)?|error( plain)?|((item|part) )?failed( \d+)?|ignored|try (again\?|wait|task))$"
)  # where our states begin


TRIES = re.compile(r"(^| )try (again\?|wait|task)$")  # between a command that failed and its next try


@dataclass(frozen=True, slots=True)
class Place:
    """A state: `task` is the full name of its task with `[+loop]` in it, `source` is `path:line`.

    ours      it is no task but one of our states; `failing` one that only a failure leads to
    opens     what follows it belongs to it (`if>`, a loop of states), so that leaving the state does not finish the task
    fails     leaving it is a failure that nobody notes (`fail>` in `_error`)
    invokes   it calls a function and takes the answer
    within    the task whose state runs this one in an iteration or a branch; "" at the top
    last      nothing follows it there
    ignores   it notes that the failure of its task does not matter
    between   it stands between a command that failed and its next try
    retry     its Retry field
    catch     its Catch: which errors, and whether they are failures of its task (those of `slack>` are not)
    error     of a Fail state, and its `cause`, where they are no expressions
    """

    state: str
    type: str
    task: str
    source: str
    ours: bool = False
    failing: bool = False
    opens: bool = False
    fails: bool = False
    invokes: bool = False
    within: str = ""
    last: bool = False
    ignores: bool = False
    between: bool = False
    retry: tuple[Mapping[str, Any], ...] = ()
    catch: tuple[tuple[list[str], bool], ...] = ()
    error: str | None = None
    cause: str | None = None


def places(definition: Mapping[str, Any]) -> dict[str, Place]:
    """Return every state of a definition by its name, those inside maps and branches too, in the order written."""
    return {place.state: place for place in _places(definition, "", own_file(definition))}


def fill(task: str, bundle: Mapping[str, Any], state_input: str) -> str:
    """Return a task's name in the iteration that a state's input (JSON text) tells of."""
    if "[" not in task:
        return task
    try:
        values = json.loads(state_input)
        return loops.fill_name(task, bundle, values) if isinstance(values, dict) else task
    except (ValueError, LookupError):  # the input is cut, or not of this loop: the name stays general
        return task


def label(place: Place, bundle: Mapping[str, Any], state_input: str) -> str:
    """Return what a person calls the innermost iteration a state is in: `users`, `3`, `0-10`, `apple eat`."""
    loop = bundle["loops"].get(place.task[place.task.rfind("[") + 1 : place.task.rfind("]")], {})
    try:
        given = json.loads(state_input)
        return " ".join(_shown(given[variable["input"]], variable.get("label")) for variable in loop["variables"])
    except (ValueError, LookupError, TypeError):
        return ""


def of_execution(task: str, execution: str) -> str:
    """Return the name of a task of a required workflow, `+wf+a`, in one of its executions: `+wf EXECUTION+a`."""
    end = _root_ends(task)
    return f"{task[:end]} {execution}{task[end:]}" if end and execution else task


def execution_of(name: str) -> tuple[str, str]:
    """Return what `of_execution` put together: the full name as Digdag has it, and the execution, "" of the run's own."""
    end = _root_ends(name)
    root, _, execution = name[:end].partition(" ")
    return root + name[end:], execution


def in_execution(place: Place, execution: str) -> Place:
    """Return a state of a required workflow in one of its executions."""
    task, within = of_execution(place.task, execution), of_execution(place.within, execution)
    return replace(place, task=task, within=within) if execution else place


def groups(name: str) -> list[str]:
    """Return the tasks around a task and itself, outermost first: `+wf`, `+wf+a`, `+wf+a^sub`, ..."""
    found, end = [], 0
    for part in SEGMENT.findall(name):
        end += len(part)
        found.append(name[:end])
    return found


def is_below(name: str, group: str) -> bool:
    """Tell whether a task is the group itself or inside of it."""
    return name.startswith(group) and (len(name) == len(group) or name[len(group)] in "+^")


def boundary(task: str, within: str) -> str:
    """Return the innermost group that stays when an iteration or branch ends: `^sub` of a loop, the group itself."""
    sub = f"{within}^sub"
    return sub if within and is_below(task, sub) else within


def short(name: str) -> str:
    """Return the last part of a full name, `+load`."""
    return SEGMENT.findall(name)[-1] if name else name


def is_iteration(name: str) -> bool:
    """Tell whether a task is one iteration of a loop, `...^sub+for-0=t=0=users`."""
    return ITERATION.match(short(name)) is not None


def is_generated(name: str) -> bool:
    """Tell whether Digdag made the group up: `^sub`, an iteration."""
    return short(name) == "^sub" or is_iteration(name)


def _root_ends(name: str) -> int:
    """Return how long the first part of a full name is."""
    first = SEGMENT.match(name)
    return first.end() if first else 0


def _places(machine: Mapping[str, Any], within: str, own: str) -> Iterator[Place]:
    states: Mapping[str, Mapping[str, Any]] = machine["States"]
    for name, state in states.items():
        source, _, task = whole(str(state.get("Comment", "")), own).rpartition(" ")
        following = _following(state)
        yield Place(
            name,
            state["Type"],
            task,
            source,
            ours=" " in name,
            failing=_is_failing(name),
            opens=_opens(task, following, states),
            fails=state["Type"] == "Pass" and "Assign" not in state and any(map(_is_failing, following)),
            invokes=str(state.get("Resource", "")).endswith(":lambda:invoke"),
            within=within,
            between=TRIES.search(name) is not None,
            last=bool(state.get("End")) or state["Type"] == "Succeed",
            ignores=name.endswith(" ignored"),
            retry=tuple(state.get("Retry", ())),
            catch=tuple(map(_caught, state.get("Catch", ()))),
            error=_literal(state.get("Error")),
            cause=_literal(state.get("Cause")),
        )
        for inner in machines_in(state):
            yield from _places(inner, task, own)


def _caught(rule: Mapping[str, Any]) -> tuple[list[str], bool]:
    return rule.get("ErrorEquals", ["States.ALL"]), _is_failing(rule.get("Next", ""))


def _is_failing(state: str) -> bool:
    return AFTER_FAILURE.search(state) is not None


def _literal(value: object) -> str | None:
    return value if isinstance(value, str) and not value.startswith("{%") else None


def _following(state: Mapping[str, Any]) -> list[str]:
    """Return the states that may come next when nothing failed."""
    rules = [state, *state.get("Choices", ())]
    found = [rule["Next"] for rule in rules if "Next" in rule]
    return [*found, state["Default"]] if "Default" in state else found


def _opens(task: str, following: list[str], states: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a state of a task inside this one follows, perhaps after some of our own states."""
    seen: set[str] = set()
    queue = list(following)
    while queue:
        name = queue.pop()
        if name in seen or name not in states:
            continue
        seen.add(name)
        if " " in name:
            queue += _following(states[name])
        else:
            after = str(states[name].get("Comment", "")).rpartition(" ")[2]
            if task and after != task and is_below(after, task):
                return True
    return False


def _shown(value: object, column: str | None) -> str:
    if isinstance(value, dict):
        if column in value:
            return str(value[column])
        if "from" in value and "to" in value:
            return f"{value['from']}-{value['to']}"
        return _shown(next(iter(value.values()), ""), None)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
