"""What follows the failure of a command's container: is it tried again, after which wait, or has the task failed?

Four things look alike to Retry, `States.TaskFailed` with the task as JSON in the Cause: a container that never started,
one that Spot took, and the user's command failing; and what RunTask itself refuses has names of its own. A Retry counts
them together and can read no Cause, so it has no part in this. A Catch leads to one Choice for all commands whose failures
lead to the same place; that tells the kinds apart and counts each, and a Wait and a second Choice lead back to the task.
Success passes none of these states.

Launches and Spot never use up `_retry`. What no waiting mends (no such image, no such secret) is tried `FEW` times only.
Stop codes: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html; stopped reasons:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html. A Cause may be cut, or no JSON.
"""

from __future__ import annotations

from stepdig import limits, plan
from stepdig.asl.failing import failing_task
from stepdig.asl.place import INPUT, Site, State
from stepdig.jsonata_text import literal

ASKED, WAITS, BACK = "try again?", "try wait", "try task"  # the ends of the names of these states
FEW = 2  # more tries of a launch that waiting seems not to mend: a right or a secret may be a minute old
POOL = "launched"  # the variable that counts all launches tried again in a scope, where they are limited together
SPOT = 2  # launches on Spot that fail, or end with an interruption, before one on demand
FIRST_SECONDS, MOST_SECONDS = 5, 120  # between launches: half of it to all, doubled each time

# What the Cause of a launch that failed holds, and what it holds when waiting will not mend that. One variable of the machine
# has both for all scopes. A quote begins the text they are looked for in; the error's name comes first, as
# `ECS.ThrottlingException` of RunTask itself. A quote inside of a text of the Cause has a backslash before it.
FAULTS: State = {
    "launch": [
        *(f'"{it}"' for it in ("TaskFailedToStart", "SpotInterruption", "TerminationNotice", "InfrastructureHealth")),
        *('"Your Spot Task was interrupted', '"ECS.', '"AmazonECS.'),
    ],
    "hopeless": [
        *("not found", "NotFound", "not exist", "manifest unknown", "no such", "no match", "exec format", "can't find"),
        *("denied", "Denied", "authorized", "nvalid", "inactive"),
    ],
}


def provider(step: plan.Command, site: Site) -> State:
    """Return what RunTask is told of where to launch: LaunchType or a capacity provider, of which it takes one.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
    """
    if step.capacity == "on_demand":
        return {"LaunchType": "FARGATE"}
    chosen = "FARGATE_SPOT"
    if step.capacity == "spot_then_on_demand":
        chosen = f"{{% ($g:={_counts(site)};$g.at={literal(step.name)} and $g.n>={SPOT}?'FARGATE':'FARGATE_SPOT') %}}"
    return {"CapacityProviderStrategy": [{"CapacityProvider": chosen}]}


def caught(step: plan.Command, site: Site, late: str) -> list[State]:
    """Return the Catch of a command, and note it for the states that follow; `late` stands in for the cause of a time-out."""
    site.tries.commands.append(step)
    site.launched.append(step.name)
    _counts(site)
    if site.on_failure is not None and site.on_failure.note:
        site.on_failure.noted.append(step.name)
    error = ["$states.errorOutput"]
    retry = _own(step)
    if late:
        said = f"{{'Cause':{literal(late)}}}"
        # The time of a group is over for all tries; each try has the whole of the task's own.
        whole = isinstance(step.timeout, int)
        error.append(f"$states.errorOutput.Error='States.Timeout'?{said}:{{}}" if whole or not retry else "")
        if retry and not whole:
            error[-1], retry = f"$states.errorOutput.Error='States.Timeout'?{said}:{retry}", ""
    parts = [it for it in (*error, retry) if it]
    code = parts[0] if len(parts) == 1 else f"$merge([{','.join(parts)}])"
    missed: State = {site.variable("missed"): f"{{% {code} %}}", site.variable("at"): step.name}
    return [{"ErrorEquals": ["States.ALL"], "Assign": missed, "Output": INPUT, "Next": site.tries.name(ASKED)}]


def write_tries(site: Site, comment: str) -> None:
    """Write these states for the commands of a site, all of which have been written."""
    tries, failure = site.tries, site.on_failure
    if not tries.commands:
        return
    counts, at = site.variable("again"), site.variable("at")
    only = tries.commands[0].name if len(tries.commands) == 1 else None
    back = only or tries.name(BACK)
    choice: State = {"Type": "Choice", "Comment": comment, "Choices": _rules(site)}
    redrives = ",'redrives':$states.context.Execution.RedriveCount" if site.resumes else ""
    if failure is None or failure.note:
        noted = f"{{% $merge([${site.variable('missed')},{{'at':${at}{redrives}}}]) %}}"
        choice["Assign"] = {site.variable("failure"): noted}
    end = failure.state if failure is not None else tries.end
    site.add(tries.name(ASKED), {**choice, "Default": end})
    wait: State = {"Type": "Wait", "Comment": comment, "Seconds": f"{{% ${counts}.wait %}}", "Next": back}
    site.add(tries.name(WAITS), wait)
    if only is None:
        names = [it.name for it in tries.commands]
        rules = [{"Condition": f"{{% ${at}={literal(it)} %}}", "Next": it} for it in names[1:]]
        site.add(back, {"Type": "Choice", "Comment": comment, "Choices": rules, "Default": names[0]})
    if failure is None:
        site.add(
            end, {**failing_task(comment, f"${site.variable('failure')}", fresh(site, redriven=True)), "Next": back}
        )


def fresh(site: Site, *, redriven: bool = False) -> State:
    """Return what empties the counts of a site's scope: for a redrive, a new try of a group, a new round of a loop."""
    pool = site.variable(POOL)
    return {site.variable("again"): {}, **({pool: 0} if redriven and pool in site.variables else {})}


def is_pool(variable: str) -> bool:
    """Return whether a variable counts for a whole scope, whatever in it runs again."""
    return variable.partition("_")[0] == POOL


def _pool(site: Site) -> tuple[str, State]:
    """Return JSONata of whether the scope's own number of launches has one left, and what counts it."""
    pool = min((it.pool for it in site.tries.commands if it.pool is not None), default=None)
    if pool is None:
        return "", {}
    launched = site.read(site.variable(POOL), "0")
    return f" and {launched}<{pool}", {site.variable(POOL): f"{{% {launched}+1 %}}"}


def _counts(site: Site) -> str:
    """Return JSONata of the counts of the last task that failed: `at`, `n` launches, `u` tries of the user's, `wait`."""
    return site.read(site.variable("again"), "{}")


def _rules(site: Site) -> list[State]:
    """Return the rules to try again: after a launch that failed, and where any task has `_retry`, after the user's failure."""
    commands, waits = site.tries.commands, site.tries.name(WAITS)
    missed, at, again = (site.variable(it) for it in ("missed", "at", "again"))
    faults, most = commands[0].faults, max(it.launches for it in commands)
    retried = any(map(_own, commands))
    none = f"{{'at':${at},'n':0,'u':0}}" if retried else f"{{'at':${at},'n':0}}"
    counts = f"$g:={_counts(site)};$g:=$g.at=${at}?$g:{none};"
    told = f"$c:='\"'&${missed}.Error&${missed}.Cause;"
    launch = f"$exists({faults}.launch[$contains($c,$)])"
    hopeless = f"$exists({faults}.hopeless[$contains($substringAfter($c,'StoppedReason'),$)])"
    pooled, launched = _pool(site)
    wait = f"$ceil($min([{MOST_SECONDS},{FIRST_SECONDS}*$power(2,$g.n)])*(1+$random())/2)"
    first: State = {
        "Condition": f"{{% ({told}{counts}{launch} and $g.n<({hopeless}?{min(FEW, most)}:{most}){pooled}) %}}",
        "Assign": {again: f"{{% ({counts}$merge([$g,{{'n':$g.n+1,'wait':{wait}}}])) %}}", **launched},
        "Next": waits,
    }
    if not retried:
        return [first]
    wait = "$r.most?$min([$r.wait*$power(2,$g.u),$r.most]):$r.wait"
    second: State = {
        "Condition": f"{{% ({told}{counts}$exists(${missed}.retry) and $g.u<${missed}.retry.limit and $not({launch})) %}}",
        "Assign": {again: f"{{% ({counts}$r:=${missed}.retry;$merge([$g,{{'u':$g.u+1,'wait':{wait}}}])) %}}"},
        "Next": waits,
    }
    return [first, second]


def _own(step: plan.Command) -> str:
    """Return JSONata of `_retry` as the failure of a try remembers it; "" without. A second is waited at least, as by Retry."""
    retry = step.retry
    if retry is None:
        return ""
    limit, interval, most = retry.limit, retry.interval, retry.max_interval
    assert isinstance(limit, int)
    assert isinstance(interval, int)
    assert not isinstance(most, plan.Computed)
    if limit < 1:
        return ""
    wait = max(limits.RETRY_MIN_INTERVAL_SECONDS, interval)
    longest = limits.WAIT_SECONDS if most is None else max(limits.RETRY_MIN_INTERVAL_SECONDS, most)
    grows = f",'most':{longest}" if retry.exponential else ""
    return f"{{'retry':{{'limit':{limit},'wait':{wait}{grows}}}}}"
