"""What loops and parallel branches share: a scope of states of their own, its failed end, the join that tells what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stepdig import plan
from stepdig.asl.control import write_failing_end
from stepdig.asl.leaves import done
from stepdig.asl.place import INPUT, Failure, Site, State, Tries, cause_of, entry, note
from stepdig.asl.tries import write_tries
from stepdig.definitions import machines_in
from stepdig.jsonata_text import MERGE, field

NAMED_FAILURES = 50  # of a list in the cause; all of them are in the history


def scope_of(
    body: plan.Step, step: plan.Step, site: Site, frame: int, failed_end: str | None, part: str = "item"
) -> State:
    """Write the states of an iteration or a branch and return them with their start; `part` is a word for it.

    With a `failed_end` a failure is noted and becomes the result, so that siblings run on; else it fails the whole.
    """
    gathered = site.machine.gathers.get(frame, ())
    result = returned(gathered)
    failure = Failure(failed_end, resumes=False) if failed_end is not None else None
    last = f"{step.name} stores {frame}" if gathered else None
    inner = inside(site, (frame,), last, result, failure, f"{step.name} {part} ")
    start = entry(body, inner)
    site.write(body, inner)
    write_tries(inner, step.comment)
    if last is not None:
        inner.add(last, {"Type": "Pass", "Comment": step.comment, "Output": result, "End": True})
    if failure is not None and failure.noted:
        inner.add(failure.state, failed_item(step, inner))
    return {"StartAt": start, "States": inner.states}


def inside(
    site: Site, frames: tuple[int, ...], last: str | None, result: object, failure: Failure | None, prefix: str
) -> Site:
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
        tries=Tries(prefix),
        launched=[],
    )


def returned(gathered: Sequence[tuple[str, str]]) -> object:
    """Return what an iteration or branch outputs: the stores that states outside read, or next to nothing."""
    if not gathered:
        return "{% 0 %}"
    return {inner: f"{{% $exists(${inner})?${inner}:{{}} %}}" for inner, _ in gathered}


def failed_item(step: plan.Step, site: Site) -> State:
    """Return the end of a failed iteration or branch: its result is tiny, the details are in the history.

    Of many items there is room for less: all results together are one payload.
    """
    failure = f"${site.variable('failure')}"
    code = '$match($c,/"ExitCode": ?([0-9]+)/)[0].groups[0]'
    brief = f"($c:={cause_of(failure)};$x:={code};$exists($x)?'exit code '&$x:$substring($c,0,80))"
    output: State = {"failed": _item(step)}
    told = step.told if isinstance(step, plan.ForEach | plan.Branches) else None
    if told is None:
        output.update(error=f"{{% {failure}.Error %}}", reason=f"{{% {brief} %}}")
    elif told:  # without what takes two characters or more in JSON
        short = f"$replace({brief},/[\\x00-\\x1f\\x22\\x5c]/,' ')"
        output["reason"] = f"{{% $substring({short},0,{told}) %}}"
    return {"Type": "Pass", "Comment": step.comment, "Output": output, "End": True}


def _item(step: plan.Step) -> object:
    """Return what tells a failed item: its state input, of a child execution only the variables of the loop itself."""
    if isinstance(step, plan.ForEach) and step.mode == "distributed":
        return {key: f"{{% $states.input.{field(key)} %}}" for key, _ in step.selector}
    return "{% $states.input %}"


def finish(
    step: plan.Step, site: Site, state: State, redo: str, failed_end: str | None, again: str, label: str
) -> None:
    """Add a Map or Parallel and, when all its parts run whatever fails, the join behind it."""
    frames = step.frames if isinstance(step, plan.Branches) else (step.frame,) if isinstance(step, plan.ForEach) else ()
    assigned: State = {}
    for frame in frames:
        for inner, outer in site.machine.gathers.get(frame, ()):
            merged = f"[$states.result.{inner}]"
            if redo:  # only what failed runs again: what the others stored stays
                redone, stored = site.read(site.variable(redo), "[]"), site.read(outer, "{}")
                merged = f"$append([$count({redone})>0?{stored}:{{}}],{merged})"
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
    return {name for machine in machines_in(state) for name in machine["States"]}


def _write_join(step: plan.Step, site: Site, join: str, failed: str, redo: str, again: str, label: str) -> None:
    """Write the Choice behind a fan-out: on, or fail with the list of what failed."""
    after = site if site.next is not None else site.to(f"{step.name} done")
    shown = f"$filter(${failed},function($v,$i){{$i<{NAMED_FAILURES}}})"
    untold = isinstance(step, plan.ForEach | plan.Branches) and step.told == 0
    reason = "" if untold else "&' ('&$f.reason&')'"
    named = f"$join($map({shown},function($f){{($input:=$f.failed;{label}{reason})}}),', ')"
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
