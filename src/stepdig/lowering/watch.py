"""`sla:`: beside the tasks of a workflow, a wait for the time by which they should have ended, and what happens then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stepdig import plan
from stepdig.jsonata_text import literal
from stepdig.language.model import Sla, Task, Workflow
from stepdig.naming.draft import TOP, Draft
from stepdig.naming.scopes import ExportLayer, Scope, Store

DAY = 86_400_000
_EXECUTION = "$states.context.Execution"
# Where a run begins, for Digdag an attempt: a redrive begins anew.
_START = f"$toMillis($exists({_EXECUTION}.RedriveTime)?{_EXECUTION}.RedriveTime:{_EXECUTION}.StartTime)"

Lower = Callable[[Task, Scope, str], tuple[plan.Step, tuple[Store, ...]]]


def watched(workflow: Workflow, sla: Sla, scope: Scope, lower: Lower) -> plan.Step:
    """Return the plan of a workflow's tasks with its `sla:` beside them."""
    draft, root = scope.draft, workflow.root
    frames = (draft.new_frame(TOP), draft.new_frame(TOP))
    body, _ = lower(root, replace(scope, frame=frames[0]), "")
    if plan.is_empty(body):
        return body
    name = draft.state_name(f"+{workflow.name} sla")
    comment = f"{draft.display(sla.at.path)}:{sla.at.line} {root.name}"
    beside = replace(scope, frame=frames[1], full=root.name)
    if root.export is not None and root.export.entries:
        beside = replace(beside, layers=(ExportLayer(root.name, root.export),))
    end = _end(sla, draft)
    watch = plan.Sequence(f"{name} watch", comment, _watch(workflow, sla, end, beside, lower, name, comment))
    both = plan.Branches(name, comment, (body, watch), None, tuple(it.number for it in frames), decided=True)
    if not sla.fail:
        return both
    broken = plan.Fail(f"{name} violated", comment, plan.Constant(_words(sla)))
    late = plan.Choose(f"{name} kept?", comment, plan.Condition(f"$millis()>={end}", None), broken, None)
    return plan.Sequence(name, comment, (both, late))


def _watch(
    workflow: Workflow, sla: Sla, end: str, scope: Scope, lower: Lower, name: str, comment: str
) -> tuple[plan.Step, ...]:
    """Return the wait and what follows it: the message to Slack, the tasks of `sla:`."""
    steps: list[plan.Step] = [
        plan.Wait(f"{name} wait", comment, plan.Computed(f"$max([0,$ceil(({end}-$millis())/1000)])"))
    ]
    if sla.alert:
        who = literal(f"{_words(sla)}: +{workflow.name} of {scope.draft.project}, session ")
        said = plan.Computed(f"{who}&$run.session_time&' ('&{_EXECUTION}.Name&') still runs'")
        steps.append(plan.Notify(f"{name} alert", comment, {"text": said}))
    if sla.body is not None:
        steps.append(lower(sla.body, scope, "^sla")[0])
    return tuple(steps)


def _end(sla: Sla, draft: Draft) -> str:
    """Return JSONata for the end in milliseconds since 1970: so long after the start, or the next such time of day."""
    if not sla.clock:
        return f"({_START}+{sla.seconds * 1000})"
    offset = f"{draft.offsets[0][1] * 1000}"
    shift, back = offset, f"$d-{offset}"
    zone = ""
    if len(draft.offsets) > 1:
        draft.needs_zone = True
        zone = "$at:=function($x){$sum($run.tz[u<=$x].d)};"
        # A time that a change of clocks skips comes an hour later.
        shift, back = "$at($t)", "$u:=$d-$at($t);$v:=$d-$at($u);$at($v)=$at($u)?$v:$u"
    day = f"$d:=$floor($l/{DAY})*{DAY}+{sla.seconds * 1000};$d:=$d<=$l?$d+{DAY}:$d;"
    return f"($t:={_START};{zone}$l:=$t+{shift};{day}{back})"


def _words(sla: Sla) -> str:
    hours, rest = divmod(sla.seconds, 3600)
    written = f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    return f"SLA violation: not done by {written}" if sla.clock else f"SLA violation: not done after {written}"
