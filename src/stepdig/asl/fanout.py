"""Loops and parallel branches: Map, Parallel, states in a circle; the join that fails with the list of what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stepdig import plan
from stepdig.asl.control import fetched_variables, write_failing_end
from stepdig.asl.leaves import done
from stepdig.asl.place import INPUT, Failure, Site, State, cause_of, checked, entry, note, value_of, write_check
from stepdig.jsonata_text import MERGE, field, literal
from stepdig.limits import INLINE_MAP_CONCURRENCY

ITEM = "$states.context.Map.Item.Value"
# Child executions of an unlimited list at once: each begins with a launch, and Fargate launches 20 tasks a second.
CHILDREN_AT_ONCE = 1000
NAMED_FAILURES = 50  # of a list in the cause; all of them are in the history


def write_for_each(step: plan.ForEach, site: Site) -> None:
    """Write a loop."""
    write_check(step, site)
    if step.mode == "counted":
        _write_counted(step, site)
    else:
        _write_map(step, site)


def _write_map(step: plan.ForEach, site: Site) -> None:
    """Write a loop as a Map: in parallel with a join after it, or one iteration after another."""
    assert step.body is not None
    redo = f"redo_{site.word(step.name)}" if step.parallel is not None and site.resumes else ""
    state: State = {"Type": "Map", "Comment": step.comment, "Items": _items(step, site, redo)}
    state["MaxConcurrency"] = _at_once(step, INLINE_MAP_CONCURRENCY, site)
    state["ItemSelector"] = _selector(step)
    processor: State = {}
    if step.mode == "distributed":
        processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        state["MaxConcurrency"] = _at_once(step, CHILDREN_AT_ONCE, site)
    failed_end = f"{step.name} item failed" if step.parallel is not None else None
    processor.update(_scope(step.body, step, site, step.frame, failed_end))
    state["ItemProcessor"] = processor
    _finish_fan_out(step, site, state, redo, failed_end, step.back, step.label)


def _at_once(step: plan.ForEach, most: int, site: Site) -> object:
    """Return how many iterations run at once; of an inline Map never more than 40, whatever a template gives."""
    if step.parallel is None:
        return 1
    if isinstance(step.parallel, int):
        return step.parallel or most
    code = checked(step.parallel.code, step.parallel.guards, site)
    return f"{{% ($n:={code};$n>0 and $n<{most}?$n:{most}) %}}"


def _items(step: plan.ForEach, site: Site, redo: str) -> object:
    """Return the Items of a Map: its entries, or after a redrive only those that failed."""
    value = step.entries
    if not redo:
        return value_of(value, site)
    again = site.read(site.variable(redo), "[]")
    entries = checked(value.code, value.guards, site) if isinstance(value, plan.Computed) else literal(value.value)
    return f"{{% $count({again}) > 0 ? {again} : {entries} %}}"


def _selector(step: plan.ForEach, item: str = ITEM) -> State:
    """Return the state input of an iteration: the loop variables around, its own, for child executions the run object."""
    fields: State = {key: f"{{% $states.input.{field(key)} %}}" for key in step.around}
    fields.update({key: f"{{% {code.replace('$item', item)} %}}" for key, code in step.selector})
    if step.mode == "distributed":
        fields["run"] = f"{{% {step.run} %}}"
        fields["vars"] = {name: f"{{% {code} %}}" for name, code in step.passes}
    return fields


def _scope(body: plan.Step, step: plan.Step, site: Site, frame: int, failed_end: str | None) -> State:
    """Write the states of an iteration or a branch and return them with their start.

    With a `failed_end` a failure is noted and becomes the result, so that siblings run on; else it fails the whole.
    """
    gathered = site.machine.gathers.get(frame, ())
    result = _returned(gathered)
    failure = Failure(failed_end, resumes=False) if failed_end is not None else None
    last = f"{step.name} stores {frame}" if gathered else None
    inner = _inside(site, (frame,), last, result, failure)
    start = entry(body, inner)
    site.write(body, inner)
    if last is not None:
        inner.add(last, {"Type": "Pass", "Comment": step.comment, "Output": result, "End": True})
    if failure is not None and failure.noted:
        inner.add(failure.state, _failed_item(step, inner))
    return {"StartAt": start, "States": inner.states}


def _inside(site: Site, frames: tuple[int, ...], last: str | None, result: object, failure: Failure | None) -> Site:
    """Return the site of an iteration or a branch: states and variables of its own, nothing of it run before."""
    return replace(
        site,
        states={},
        frame=frames[0],
        frames=frames,
        next=last,
        result=result,
        on_failure=failure,
        variables={},
        repeated=False,
    )


def _returned(gathered: Sequence[tuple[str, str]]) -> object:
    """Return what an iteration or branch outputs: the stores that states outside read, or next to nothing."""
    if not gathered:
        return "{% 0 %}"
    return {inner: f"{{% $exists(${inner})?${inner}:{{}} %}}" for inner, _ in gathered}


def _failed_item(step: plan.Step, site: Site) -> State:
    """Return the end of a failed iteration or branch: its result is tiny, the details are in the history."""
    failure = f"${site.variable('failure')}"
    code = '$match($c,/"ExitCode": ?([0-9]+)/)[0].groups[0]'
    brief = f"($c:={cause_of(failure)};$x:={code};$exists($x)?'exit code '&$x:$substring($c,0,80))"
    output: State = {"failed": "{% $states.input %}", "error": f"{{% {failure}.Error %}}", "reason": f"{{% {brief} %}}"}
    return {"Type": "Pass", "Comment": step.comment, "Output": output, "End": True}


def _finish_fan_out(
    step: plan.Step, site: Site, state: State, redo: str, failed_end: str | None, again: str, label: str
) -> None:
    """Add a Map or Parallel and, when all its parts run whatever fails, the join behind it."""
    frames = step.frames if isinstance(step, plan.Branches) else (step.frame,) if isinstance(step, plan.ForEach) else ()
    assigned: State = {}
    for frame in frames:
        for inner, outer in site.machine.gathers.get(frame, ()):
            merged = f"[$states.result.{inner}]"
            assigned[outer] = f"{{% ({MERGE}$reduce({merged},$m,{{}})) %}}"
            site.variables.setdefault(outer, {})
    caught = site.catch(step.name)
    if caught:
        state["Catch"] = caught
    if failed_end is None or failed_end not in _all_states(state):
        if assigned:
            state["Assign"] = assigned
        site.add(step.name, site.ending({**state, "Output": INPUT}))
        return
    failed = site.variable(f"failed_{site.word(step.name)}")
    state["Assign"] = {failed: "{% [$states.result[$exists(failed)]] %}", **assigned}
    join = f"{step.name} failures?"
    site.add(step.name, {**state, "Output": INPUT, "Next": join})
    _write_join(step, site, join, failed, redo, again, label)


def _all_states(state: State) -> set[str]:
    """Return the names of the states directly inside a Map or Parallel."""
    scopes: Any = [state["ItemProcessor"]] if "ItemProcessor" in state else state["Branches"]
    return {name for scope in scopes for name in scope["States"]}


def _write_join(step: plan.Step, site: Site, join: str, failed: str, redo: str, again: str, label: str) -> None:
    """Write the Choice behind a fan-out: on, or fail with the list of what failed."""
    after = site if site.next is not None else site.to(f"{step.name} done")
    shown = f"$filter(${failed},function($v,$i){{$i<{NAMED_FAILURES}}})"
    named = f"$join($map({shown},function($f){{($input:=$f.failed;{label}&' ('&$f.reason&')')}}),', ')"
    error = f"{{'Error':'ItemsFailed','Cause':$string($count(${failed}))&' failed: '&{named}}}"
    clean: State = {"Condition": f"{{% $count(${failed}) = 0 %}}", "Next": after.next}
    state: State = {"Type": "Choice", "Comment": step.comment, "Choices": [clean]}
    failure = site.on_failure
    assigned: State = {}
    if redo:
        assigned[site.variable(redo)] = f"{{% [$map(${failed}.failed,function($input){{{again}}})] %}}"
        clean["Assign"] = {site.variable(redo): []}
    if failure is None or failure.note:
        assigned[site.variable("failure")] = note(error, step.name, site)
    site.add(join, {**state, "Assign": assigned, "Default": failure.state if failure else f"{step.name} failed"})
    if failure is None:
        write_failing_end(step, site, f"{step.name} failed", [step.name], {})
    elif failure.note:
        failure.noted.append(step.name)
    if after.next != site.next:
        site.add(str(after.next), done(step, site))


def _write_counted(step: plan.ForEach, site: Site) -> None:
    """Write a loop as states in a circle: its iterations see the stores of earlier ones."""
    assert step.body is not None
    word = site.word(step.name)
    items, position = site.variable(f"items_{word}"), site.variable(f"position_{word}")
    fetched = fetched_variables(step.stores, site)
    carried: State = {
        f"{name}e": f"{{% ({MERGE}$m({site.read(name + 'e', '{}')},{site.read(name, '{}')})) %}}" for name in fetched
    }
    emptied: State = {name: {} for name in fetched}
    # Stores of an earlier run of this loop are there only when a loop around comes here again.
    stored: State = carried if site.repeated else {name: {} for name in carried}
    each = f"{step.name} each"
    init: State = {items: value_of(step.entries, site), position: 0, **stored, **emptied}
    site.add(step.name, {"Type": "Pass", "Comment": step.comment, "Assign": init, "Next": each})
    before = set(site.variables)
    after = site if site.next is not None else site.to(f"{step.name} done")
    rule: State = {
        "Condition": f"{{% ${position} < $count(${items}) %}}",
        "Assign": {},
        "Output": _selector(step, f"${items}[${position}]"),
        "Next": entry(step.body, site.to(each)),
    }
    kept: State = {key: f"{{% $states.input.{field(key)} %}}" for key in step.around}
    state: State = {"Type": "Choice", "Comment": step.comment, "Choices": [rule], "Output": kept, "Default": after.next}
    site.add(each, state)
    site.write(step.body, replace(site, next=each, repeated=True))
    made = {name: empty for name, empty in site.variables.items() if name not in before and name not in carried}
    rule["Assign"] = {position: f"{{% ${position} + 1 %}}", **carried, **made, **emptied}
    if after.next != site.next:
        site.add(str(after.next), done(step, site))


def write_branches(step: plan.Branches, site: Site) -> None:
    """Write steps that run at the same time: a Parallel, or under a limit a Map whose iterations pick their step."""
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
        branch = _scope(inner, step, site, frame, end)
        if _number_failure(branch, end, number):
            ends.append(end)
        branches.append(_with_again(inner, site, branch, redo, number, frame) if redo else branch)
    state: State = {"Type": "Parallel", "Comment": step.comment, "Branches": branches}
    _finish_fan_out(step, site, state, redo, ends[0] if ends else None, "$input.`#`", _part_label(step))


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
    result: object = _returned(gathered)
    last = f"{step.name} stores" if gathered else None
    inner = _inside(site, step.frames, last, result, failure)
    first = f"{step.name} which?"
    rules = [
        {"Condition": f"{{% $states.input.`#` = {number} %}}", "Next": entry(part, inner)}
        for number, part in enumerate(step.steps)
    ]
    dispatch: State = {"Type": "Choice", "Comment": step.comment, "Choices": rules[1:], "Default": rules[0]["Next"]}
    inner.add(first, dispatch)
    for part in step.steps:
        site.write(part, inner)
    if last is not None:
        inner.add(last, {"Type": "Pass", "Comment": step.comment, "Output": result, "End": True})
    if failure.noted:
        inner.add(failed_end, _failed_item(step, inner))
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
    _finish_fan_out(step, site, state, redo, failed_end, "$input.`#`", _part_label(step))
