"""The first state: who this run is. It fills the session variables and gives every variable its empty value."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from stepdig import plan
from stepdig.asl.given import checked_params, narrowed_lists
from stepdig.asl.place import State
from stepdig.jsonata_text import literal
from stepdig.limits import START_CHARS

NAME = "start session"
_TIME = (
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}([.][0-9]+)?"
    "(Z|[+-][0-9]{2}:?[0-9]{2})?$"
)
_OFFSET = "/T.*[Z+-]/"  # of what `_TIME` lets pass
_LOCAL = "'[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]'"


def start_state(
    machine: plan.Machine, variables: dict[str, object], after: str | None, whole: Collection[str]
) -> State:
    """Return the Pass that assigns `$run` from the execution's input, `{}` included, and empties the given variables."""
    run = (
        "($in:=$states.context.Execution.Input;$in:=$type($in)='object'?$in:{};"
        "$x:=$keys($in)[$not($contains($,/^((last_|next_|last_executed_)?session_time|session_uuid|attempt_id|params|AWS_.*"
        "|[Cc]omment)$/))];$p:=$in.params!=null?$in.params:{};"
        "$exists($x)?$error('the input of a run has no '&$x[0]&'; it has session_time and params')"
        ":$type($p)!='object'?$error('params must be an object, not '&$substring($string($p),0,60)):"
        f"$length($string([$string($in)]))>{START_CHARS}?$error('the input of a run may have {START_CHARS} characters "
        "as JSON inside JSON, where a quote counts as two')"
        f":({checked_params(machine.inputs, exempt=_exempt(machine))}{_environment(machine)}{_session_time(machine.offsets)}"
        f"{{'prefix':{literal(machine.prefix)}&$states.context.Execution.Name,'archive':'${{Archive}}','session_time':$st,'params':$p,"
        "'attempt_id':$exists($in.attempt_id)?$in.attempt_id:1,"
        "'session_uuid':$exists($in.session_uuid)?$in.session_uuid:$uuid()"
        f"{_sessions(machine)}{_zone(machine)}{_ENVIRONMENT if machine.environments else ''}}}))"
    )
    assign: State = {"run": f"{{% {run} %}}", **variables}
    if machine.lists:
        assign["only"] = f"{{% {narrowed_lists(machine.lists, whole)} %}}"
    state: State = {"Type": "Pass", "Comment": machine.comment, "Assign": assign, "Output": {}}
    return {**state, "Next": after} if after is not None else {**state, "End": True}


def _sessions(machine: plan.Machine) -> str:
    """Return the fields of `$run` that a schedule's starter gives; what it does not give is left out."""
    names = ("last_session_time", "next_session_time", "last_executed_session_time") if machine.scheduled else ()
    return "".join(f",'{name}':$in.{name}" for name in names)


_ENVIRONMENT = ",'env':$env"


def _exempt(machine: plan.Machine) -> tuple[str, ...]:
    """Return the parameters that may be given though the workflow declares none of the name."""
    return (*(("only",) if machine.lists else ()), *(("env",) if machine.environments else ()))


def _environment(machine: plan.Machine) -> str:
    """Return JSONata that binds `$env`: the environment given at the start, else that of the deployment; it raises."""
    if not machine.environments:
        return ""
    known = literal(f" is no environment of this workflow; there are {', '.join(machine.environments)}")
    return (
        "$env:=$exists($p.env)?$p.env:'${Environment}';"
        f"$env:=$env in {literal(list(machine.environments))}?$env:$error($string($env)&{known});"
    )


def _session_time(offsets: tuple[tuple[int | None, int], ...]) -> str:
    """Return JSONata that binds `$st`, the session time with the workflow's offset.

    A given time without offset is a time of the workflow's zone; without any it is the start of the execution, to the second.
    What is none raises.
    """
    given = (
        "$g:=$in.session_time!=null?$replace($string($in.session_time),' ','T'):'';"
        "$g:=$length($g)=10?$g&'T00:00:00':$replace($g,/^(.{16})(|Z|[+-].*)$/,'$1:00$2');"
        f"$g=''?$g:$contains($g,/{_TIME}/)?"
        # A month's days: not every engine refuses the 30th of February.
        "($fromMillis($toMillis($substring($g,0,8)&'01T00:00:00Z')+($number($substring($g,8,2))-1)*86400000,'[D01]')"
        "!=$substring($g,8,2)?$error('session_time '&$g&': no such day'))"
        ":$error('session_time '&$substring($g,0,60)&': give 2026-11-20, 2026-11-20 07:00:00 or 2026-11-20T07:00:00+09:00');"
        "$u:=$g=''?$floor($toMillis($states.context.Execution.StartTime)/1000)*1000:"
    )
    first = offsets[0][1]
    if len(offsets) == 1:
        hours, minutes = divmod(abs(first) // 60, 60)
        offset = f"'{'-' if first < 0 else '+'}{hours:02}:{minutes:02}'"
        there = f"$toMillis($g&($contains($g,{_OFFSET})?'':{offset}));"
        return f"{given}{there}$st:=$fromMillis($u{first * 1000:+},{_LOCAL})&{offset};"
    steps = [{"u": at, "d": offset - before} for (_, before), (at, offset) in pairwise(offsets)]
    # Before a transition beside it, so that a time that comes twice is the earlier and one that is skipped moves on.
    most = max(offset for _, offset in offsets) * 1000
    return (
        f"$z:={literal(steps)};$at:=function($t){{{first}+$sum($append([0],$z[u<=$t/1000].d))}};{given}"
        f"$contains($g,{_OFFSET})?$toMillis($g):($l:=$toMillis($g&'Z');$l-$at($l-{most})*1000);"
        f"$o:=$at($u);$m:=$floor($abs($o)/60);$st:=$fromMillis($u+$o*1000,{_LOCAL})"
        "&($o<0?'-':'+')&$pad($string($floor($m/60)),-2,'0')&':'&$pad($string($m%60),-2,'0');"
    )


def _zone(machine: plan.Machine) -> str:
    """Return the zone's rows for the expressions that need them, as a field of the run object."""
    if not machine.needs_zone:
        return ""
    first = machine.offsets[0][1] * 1000
    rows: list[dict[str, float]] = [{"u": -1e15, "l": -1e15, "d": first}]
    for (_, before), (at, offset) in pairwise(machine.offsets):
        assert at is not None
        rows.append({"u": at * 1000, "l": (at + max(before, offset)) * 1000, "d": (offset - before) * 1000})
    return f",'tz':{literal(rows)}"
