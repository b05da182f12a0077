"""Calls of AWS services and functions: one Task each, and where command tasks read what it stores, one more to leave it."""

from __future__ import annotations

from stepdig import plan
from stepdig.asl.failing import INVOKE, LAMBDA_RETRY
from stepdig.asl.leaves import (
    GET_RETRY,
    TIMED_OUT,
    done,
    number_of,
    own_retry,
    put_object,
)
from stepdig.asl.place import INPUT, Site, State, constant, value_of, write_check
from stepdig.asl.tokens import output_key
from stepdig.jsonata_text import literal

RESOURCE = "arn:aws:states:::"

# A failing function's cause is JSON, unless it was cut; its message alone is what a person reads.
# https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
SAID = (
    "($c:=$states.errorOutput.Cause;"
    "$substring($c,0,7)='{\"error' and $substring($c,-1)='}'?{'Cause':$parse($c).errorMessage}:{})"
)


def write_call(step: plan.Call, site: Site) -> None:
    """Write a call; its answer goes to a variable where states or command tasks read what it stores."""
    write_check(step, site)
    fetched = site.machine.fetches.get(step.name)
    left = step.name in site.machine.outputs
    after = site.to(f"{step.name} output") if left else site
    if after.next is None and step.excused:
        after = site.to(f"{step.name} done")
    state: State = {
        "Type": "Task",
        "Comment": step.comment,
        "Resource": INVOKE if step.function else RESOURCE + step.service,
        "Arguments": _arguments(step, site),
        "Retry": _retries(step),
    }
    if step.timeout is not None and not step.polls:
        state["TimeoutSeconds"] = number_of(step.timeout)
    caught = [*_excused(step, fetched, after), *_failed(step, site)]
    if caught:
        state["Catch"] = caught
    if fetched:
        state["Assign"] = {fetched.variable: f"{{% {step.stores} %}}"}
    site.add(step.name, after.ending({**state, "Output": INPUT}))
    if left and fetched:
        _write_output(step, fetched, site)
    elif after.next != site.next:
        site.add(str(after.next), done(step, site))


def _arguments(step: plan.Call, site: Site) -> object:
    given = _filled(step.arguments, site)
    return {"FunctionName": f"${{{step.function}}}", "Payload": given} if step.function else given


def _retries(step: plan.Call) -> list[State]:
    """Return the Retry of a call: its own rules, the service's faults, the task's `_retry`. The first that fits counts."""
    own: list[State] = [
        {
            "ErrorEquals": list(it.errors),
            "IntervalSeconds": it.interval,
            "MaxAttempts": it.limit,
            **({"BackoffRate": it.rate, "MaxDelaySeconds": it.most} if it.most > it.interval else {"BackoffRate": 1}),
        }
        for it in step.again
    ]
    waits = step.service.endswith(".sync")  # its failure is that of the work, which nobody asked to do again
    faults = [LAMBDA_RETRY] if step.function else [] if step.retry is not None or waits else [GET_RETRY]
    return [*own, *faults, *own_retry(step)]


def _failed(step: plan.Call, site: Site) -> list[State]:
    """Return the Catch for what fails the task."""
    cause = TIMED_OUT if step.timeout is not None else ""
    over = SAID if step.function else step.said
    if step.late:
        names = literal([name for it in step.again for name in it.errors])
        over = f"$states.errorOutput.Error in {names}?{{'Cause':{step.late}}}:{{}}"
    return site.catch(step.name, cause, over)


def _excused(step: plan.Call, fetched: plan.Fetched | None, after: Site) -> list[State]:
    """Return the Catch for errors that do not fail the task."""
    if not step.excused:
        return []
    state: State = {"ErrorEquals": list(step.excused)}
    if fetched:
        state["Assign"] = {fetched.variable: f"{{% {step.instead} %}}"}
    return [{**state, "Output": INPUT, "Next": after.next}]


def _write_output(step: plan.Call, fetched: plan.Fetched, site: Site) -> None:
    """Write the state that leaves what a call stores where command tasks look (docs/design.md, "Outputs of tasks")."""
    key = output_key(step.name, step.run, step.index, "output.json")
    stores = f"{{% ${fetched.variable} %}}"
    state = put_object(step.comment, key, {"subtask_config": {}, "export_params": {}, "store_params": stores})
    caught = site.catch(f"{step.name} output")
    if caught:
        state["Catch"] = caught
    site.add(f"{step.name} output", site.ending(state))


def _filled(value: object, site: Site) -> object:
    """Return arguments as the state takes them."""
    if isinstance(value, plan.Computed | plan.Constant):
        return value_of(value, site)
    if isinstance(value, dict):
        if any("${" in key for key in value):  # as a key of the definition it would be substituted
            return f"{{% {code_of(value)} %}}"
        return {key: _filled(inner, site) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, site) for inner in value]
    return constant(value)


def code_of(value: object) -> str:
    """Return arguments as JSONata."""
    if isinstance(value, plan.Computed):
        return f"({value.code})"
    if isinstance(value, dict):
        return "{" + ",".join(f"{literal(key)}:{code_of(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(code_of, value))}]"
    return literal(value.value if isinstance(value, plan.Constant) else value)
