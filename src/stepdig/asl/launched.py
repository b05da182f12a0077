"""What follows the failures of a scope's containers: one Choice that tells them apart, a Wait, and the way back.

A container that never started, or that Spot took, starts again after a while; the user's `_retry` does not count it.
StopCode: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html; reasons:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html. The Cause may be no JSON, or cut.
"""

from __future__ import annotations

from stepdig import limits, plan
from stepdig.asl.control import write_failing_end
from stepdig.asl.launch import ASKED, FAULTS, counted, names
from stepdig.asl.place import Site, State, cause_of
from stepdig.jsonata_text import literal

_TAKEN = '/"StopCode": ?"(SpotInterruption|TerminationNotice)"|Spot Task was interrupted/'
_NOT_STARTED = '/"StopCode": ?"TaskFailedToStart"/'
# What no waiting mends: the image or the secret is not there, or not for us.
_HOPELESS = "/not found|manifest unknown|does not exist|[Aa]ccess ?[Dd]enied|not authorized|[Ii]nvalid ?[Pp]arameter/"
_FIRST_SECONDS, _MOST_SECONDS = 30, 300  # a random part of it, doubled each time


def write_launches(site: Site, comment: str) -> None:
    """Write these states for a scope whose tasks have been written, once for each place that failures lead to."""
    for target, steps in site.launches.items():
        asked, waits, back = names(site, target)
        failure, launches = f"${site.variable('failure')}", site.variable("launches")
        failed = target or _end(asked.removesuffix(ASKED), site)
        told = f"{{% {_told(steps, failure, site.read(launches, '{}'))} %}}"
        site.add(asked, {"Type": "Pass", "Comment": comment, "Assign": {launches: told}, "Next": waits})
        seconds = f"{{% ${launches}.wait %}}"
        site.add(waits, {"Type": "Wait", "Comment": comment, "Seconds": seconds, "Next": back})
        rules = [_rule(it.name, f"${launches}", failure if len(steps) > 1 else "") for it in steps]
        site.add(back, {"Type": "Choice", "Comment": comment, "Choices": rules, "Default": failed})
        if not target:
            end = plan.Step(asked.removesuffix(ASKED), comment)
            write_failing_end(end, site, failed, [back], {launches: {"go": True}})


def _end(base: str, site: Site) -> str:
    """Return the name of the end; a group that is called as its workflow has one of that name, too."""
    return f"{base} run failed" if f"{base} failed" in site.states else f"{base} failed"


def _rule(name: str, launches: str, failure: str) -> State:
    where = f" and {failure}.at={literal(name)}" if failure else ""
    return {"Condition": f"{{% {launches}.go{where} %}}", "Next": name}


def _told(steps: list[plan.Command], failure: str, known: str) -> str:
    """Return JSONata of what is known of a task's failures, by task and iteration, and whether it runs again (`go`)."""
    kinds = [f"$contains($c,{_NOT_STARTED}) and $not($contains($c,{_HOPELESS}))"]
    spot = ""
    if any(it.capacity != "on_demand" for it in steps):
        taken = f"$contains($c,{_TAKEN})"
        if any(it.capacity == "spot_then_on_demand" for it in steps):
            taken += f" or {failure}.Error in {literal(FAULTS)}"
        spot, kinds = f"$t:={taken};", ["$t", *kinds]
    start = f"$l.n<{plan.AGAIN}?{{'go':true,'n':$l.n+1{_SPOT if spot else ''},'wait':{_WAIT}}}"
    return (
        f"($c:={cause_of(failure)};$k:={failure}.at&$string($states.input);$l:={known};"
        f"$l:=$l.of=$k?$l:{{'of':$k,'n':0,'spot':0,'user':0}};{spot}"
        f"$merge([$l,({' or '.join(kinds)})?({start}:{_NO}):{_user(steps, failure)}]))"
    )


_NO = "{'go':false,'wait':0}"
_SPOT = ",'spot':$l.spot+($t?1:0)"
_WAIT = f"$ceil($random()*$min([{_MOST_SECONDS},{_FIRST_SECONDS}*$power(2,$l.n)]))"


def _user(steps: list[plan.Command], failure: str) -> str:
    """Return JSONata for a failure of the user's command: `_retry` counts it where no Retry does."""
    retried = {it.name: _numbers(it.retry) for it in steps if it.retry is not None and counted(it)}
    if not retried:
        return _NO
    wait = "$min([$u[1]*$power($u[2],$l.user),$u[3]])"
    table = f"$u:=$lookup({literal(retried)},{failure}.at)"
    return f"({table};$exists($u) and $l.user<$u[0]?{{'go':true,'user':$l.user+1,'wait':{wait}}}:{_NO})"


def _numbers(retry: plan.Retry) -> list[int]:
    """Return limit, first interval, growth and longest interval of `_retry`."""
    assert isinstance(retry.limit, int)
    assert isinstance(retry.interval, int)
    assert not isinstance(retry.max_interval, plan.Computed)
    interval = max(limits.RETRY_MIN_INTERVAL_SECONDS, retry.interval)
    most = limits.WAIT_SECONDS if retry.max_interval is None else max(1, retry.max_interval)
    return [retry.limit, interval, 2 if retry.exponential else 1, most]
