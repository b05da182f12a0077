"""A Parallel whose first branch decides: `sla:` waits in the second one.

Nothing in ASL ends a branch from outside but the failure of another one. So the first branch, when it is done, fails
with an error of its own, which the Parallel catches: https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html.
"""

from __future__ import annotations

from stepdig import plan
from stepdig.asl.joins import inside, scope_of
from stepdig.asl.leaves import done
from stepdig.asl.place import INPUT, Site, State, entry
from stepdig.asl.tries import write_tries

ENDED = "SessionEnded"


def write_decided(step: plan.Branches, site: Site) -> None:
    """Write branches of which the first decides; what fails in the other ones leaves them ended."""
    body, *others = step.steps
    end = f"{step.name} ended"
    inner = inside(site, (step.frames[0],), end, INPUT, None, f"{step.name} ")
    start = entry(body, inner)
    site.write(body, inner)
    write_tries(inner, step.comment)
    inner.add(end, {"Type": "Fail", "Comment": step.comment, "Error": ENDED, "Cause": "all tasks are done"})
    branches: list[State] = [{"StartAt": start, "States": inner.states}]
    for number, (other, frame) in enumerate(zip(others, step.frames[1:], strict=True)):
        branches.append(
            scope_of(other, step, site, frame, f"{step.name} part {number + 1} failed", f"part {number + 1}")
        )
    after = site if site.next is not None else site.to(f"{step.name} done")
    state: State = {
        "Type": "Parallel",
        "Comment": step.comment,
        "Branches": branches,
        "Catch": [{"ErrorEquals": [ENDED], "Output": INPUT, "Next": after.next}, *site.catch(step.name)],
    }
    site.add(step.name, after.ending({**state, "Output": INPUT}))
    if after.next != site.next:
        site.add(str(after.next), done(step, site))
