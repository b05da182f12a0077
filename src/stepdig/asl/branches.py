"""Parallel branches: a Parallel, or under a limit a Map over their numbers."""

from __future__ import annotations

from stepdig import plan
from stepdig.asl.fanout import ITEM
from stepdig.asl.joins import failed_item, finish, inside, returned, scope_of
from stepdig.asl.place import Failure, Site, State, entry
from stepdig.asl.tries import write_tries
from stepdig.asl.watch import write_decided
from stepdig.jsonata_text import field, literal
from stepdig.limits import INLINE_MAP_CONCURRENCY


def write_branches(step: plan.Branches, site: Site) -> None:
    """Write steps that run at the same time: a Parallel, or under a limit a Map whose iterations pick their step."""
    if step.decided:
        write_decided(step, site)
        return
    redo = f"redo_{site.word(step.name)}" if site.resumes else ""
    if (step.limit is not None and step.limit < len(step.steps)) or (
        site.dense and len(step.steps) <= INLINE_MAP_CONCURRENCY
    ):
        _write_window(step, site, redo)
        return
    failed_end = f"{step.name} part failed"
    branches: list[State] = []
    ends: list[str] = []
    for number, (inner, frame) in enumerate(zip(step.steps, step.frames, strict=True)):
        end = f"{failed_end} {number + 1}"
        branch = scope_of(inner, step, site, frame, end, f"part {number + 1}")
        if _number_failure(branch, end, number):
            ends.append(end)
        branches.append(_with_again(inner, site, branch, redo, number, frame) if redo else branch)
    state: State = {"Type": "Parallel", "Comment": step.comment, "Branches": branches}
    finish(step, site, state, redo, ends[0] if ends else None, "$input.`#`", _part_label(step))


def _number_failure(branch: State, end: str, number: int) -> bool:
    """Let the failed end of a branch say which branch it was; return whether it has one."""
    states = branch["States"]
    assert isinstance(states, dict)
    if end in states:
        states[end]["Output"]["failed"] = {"#": number}
    return end in states


def _with_again(inner: plan.Step, site: Site, branch: State, redo: str, number: int, frame: int) -> State:
    """Return a branch with the Choice before it that lets a redrive pass over it when it had succeeded."""
    variable = site.read(site.variable(redo), "[]")
    again, skipped = f"{inner.name} again?", f"{inner.name} skipped"
    choice: State = {
        "Type": "Choice",
        "Comment": inner.comment,
        "Choices": [
            {"Condition": f"{{% $count({variable}) = 0 or {number} in {variable} %}}", "Next": branch["StartAt"]}
        ],
        "Default": skipped,
    }
    gathered = site.machine.gathers.get(frame, ())
    result: object = {name: {} for name, _ in gathered} if gathered else "{% 0 %}"
    states = branch["States"]
    assert isinstance(states, dict)
    passed = {"Type": "Succeed", "Comment": inner.comment, "Output": result}
    return {"StartAt": again, "States": {again: choice, **states, skipped: passed}}


def _part_label(step: plan.Branches) -> str:
    names = ",".join(literal(inner.name) for inner in step.steps)
    return f"[{names}][$input.`#`]"


def _write_window(step: plan.Branches, site: Site, redo: str) -> None:
    """Write branches under a limit: a Map over their numbers, whose first state leads to the branch of that number."""
    failed_end = f"{step.name} part failed"
    failure = Failure(failed_end, resumes=False)
    gathered = [pair for number in step.frames for pair in site.machine.gathers.get(number, ())]
    result: object = returned(gathered)
    last = f"{step.name} stores" if gathered else None
    inner = inside(site, step.frames, last, result, failure, f"{step.name} part ")
    first = f"{step.name} which?"
    rules = [
        {"Condition": f"{{% $states.input.`#` = {number} %}}", "Next": entry(part, inner)}
        for number, part in enumerate(step.steps)
    ]
    dispatch: State = {"Type": "Choice", "Comment": step.comment, "Choices": rules[1:], "Default": rules[0]["Next"]}
    inner.add(first, dispatch)
    for part in step.steps:
        site.write(part, inner)
    write_tries(inner, step.comment)
    if last is not None:
        inner.add(last, {"Type": "Pass", "Comment": step.comment, "Output": result, "End": True})
    if failure.noted:
        inner.add(failed_end, failed_item(step, inner))
    numbers = list(range(len(step.steps)))
    items: object = numbers
    if redo:
        again = site.read(site.variable(redo), "[]")
        items = f"{{% $count({again}) > 0 ? {again} : {numbers} %}}"
    state: State = {
        "Type": "Map",
        "Comment": step.comment,
        "Items": items,
        "MaxConcurrency": step.limit or INLINE_MAP_CONCURRENCY,
        "ItemSelector": {**{key: f"{{% $states.input.{field(key)} %}}" for key in step.around}, "#": f"{{% {ITEM} %}}"},
        "ItemProcessor": {"StartAt": first, "States": inner.states},
    }
    finish(step, site, state, redo, failed_end, "$input.`#`", _part_label(step))
