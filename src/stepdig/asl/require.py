"""`require>`: start another state machine for a session and wait for it; when somebody has, look for how that ended.

The name of an execution is its session and the number of the attempt, `20261119T150000Z-1`, so a session runs once:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html. Waiting holds nothing.
"""

from __future__ import annotations

from stepdig import plan
from stepdig.asl.calls import code_of
from stepdig.asl.control import write_failing_end
from stepdig.asl.leaves import TIMED_OUT, done, number_of
from stepdig.asl.place import INPUT, Site, State, note, write_check
from stepdig.asl.tokens import machine_token
from stepdig.jsonata_text import literal

START = "arn:aws:states:::states:startExecution.sync:2"
DESCRIBE = "arn:aws:states:::aws-sdk:sfn:describeExecution"
EXISTS = ["StepFunctions.ExecutionAlreadyExistsException"]
UNKNOWN = ["Sfn.ExecutionDoesNotExistException"]
FAULTS: State = {
    "ErrorEquals": ["StepFunctions.AWSStepFunctionsException", "StepFunctions.SdkClientException"],
    "IntervalSeconds": 1,
    "MaxAttempts": 5,
    "BackoffRate": 2,
    "JitterStrategy": "FULL",
}
ATTEMPTS = 100  # of one session that are looked at


def write_required(step: plan.Required, site: Site) -> None:
    """Write the start of the other workflow, and the circle that waits for one which somebody else has started."""
    write_check(step, site)
    there = site.variable(f"required_{site.word(step.name)}")
    after = site if site.next is not None else site.to(f"{step.name} done")
    first: State = {there: {"attempt": 1, "pause": 1, "looks": 0}}
    _write_start(step, site, step.name, "1", first, after)
    _write_start(step, site, f"{step.name} again", f"${there}.attempt", {}, after)
    _write_look(step, site, there)
    _write_ended(step, site, there, after)
    _write_latest(step, site, there, after)
    if after.next != site.next:
        site.add(str(after.next), done(step, site))


def _write_start(step: plan.Required, site: Site, state_name: str, attempt: str, known: State, after: Site) -> None:
    """Write the state that starts an attempt and waits for its end; `known` is assigned when there is one already."""
    taken: State = {"ErrorEquals": EXISTS, **({"Assign": known} if known else {}), "Output": INPUT}
    excused: State = {"ErrorEquals": ["States.TaskFailed"], "Output": INPUT, "Next": after.next}
    cause = TIMED_OUT if step.timeout is not None else ""
    over = f"$states.errorOutput.Error='States.TaskFailed'?{{'Cause':{_message(step, attempt)}}}:{{}}"
    caught = site.catch(step.name, cause, over)
    state: State = {
        "Type": "Task",
        "Comment": step.comment,
        "Resource": START,
        "Arguments": {
            "StateMachineArn": f"${{{machine_token(step.workflow)}}}",
            "Name": f"{{% {_name(step, attempt)} %}}",
            "Input": {
                "session_time": f"{{% {_session(step)} %}}",
                "params": f"{{% {_params(step)} %}}",
                "attempt_id": int(attempt) if attempt.isdigit() else f"{{% {attempt} %}}",
            },
        },
        "Retry": [FAULTS],
        "Catch": [{**taken, "Next": f"{step.name} there"}, *([excused] if step.ignored else []), *caught],
        "Output": INPUT,
        "Next": after.next,
    }
    if step.timeout is not None:
        state["TimeoutSeconds"] = number_of(step.timeout)
    site.add(state_name, state)


def _write_look(step: plan.Required, site: Site, there: str) -> None:
    """Write the state that asks how an attempt is getting on."""
    machine = f"${{{machine_token(step.workflow)}}}"
    arn = f"$replace('{machine}',':stateMachine:',':execution:')&':'&{_name(step, f'${there}.attempt')}"
    state: State = {
        "Type": "Task",
        "Comment": step.comment,
        "Resource": DESCRIBE,
        "Arguments": {"ExecutionArn": f"{{% {arn} %}}"},
        "Retry": [
            {"ErrorEquals": UNKNOWN, "MaxAttempts": 0},
            {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 5, "BackoffRate": 2},
        ],
        "Assign": {there: f"{{% $merge([${there},{{'status':$states.result.Status,'looks':${there}.looks+1}}]) %}}"},
        "Catch": [
            {"ErrorEquals": UNKNOWN, "Output": INPUT, "Next": f"{step.name} latest?"},
            *site.catch(step.name),
        ],
        "Output": INPUT,
        "Next": f"{step.name} ended?",
    }
    site.add(f"{step.name} there", state)


def _write_ended(step: plan.Required, site: Site, there: str, after: Site) -> None:
    """Write the choice after a look: wait, go on, or look for a later attempt."""
    pause, look = f"{step.name} pause", f"{step.name} there"
    looks, growth = step.pace
    running = f"{_runs(there)} and ${there}.looks<{looks}"
    longer = f"{{% $merge([${there},{{'pause':$ceil(${there}.pause*{growth})}}]) %}}"
    rules: list[State] = [{"Condition": f"{{% {running} %}}", "Next": pause, "Assign": {there: longer}}]
    if step.rerun != "all":
        rules.append({"Condition": f"{{% ${there}.status='SUCCEEDED' %}}", "Next": after.next})
    following = f"{{% $merge([${there},{{'attempt':${there}.attempt+1,'pause':1}}]) %}}"
    late: State = {"Condition": f"{{% {_runs(there)} %}}", "Next": f"{step.name} latest?", "Assign": {there: following}}
    rules.append(late)
    choice: State = {"Type": "Choice", "Comment": step.comment, "Choices": rules, "Assign": {there: following}}
    site.add(f"{step.name} ended?", {**choice, "Default": look})
    site.add(pause, {"Type": "Wait", "Comment": step.comment, "Seconds": f"{{% ${there}.pause %}}", "Next": look})


def _write_latest(step: plan.Required, site: Site, there: str, after: Site) -> None:
    """Write the choice when all attempts have ended: start the next, go on all the same, or fail."""
    wanted = ["true"] if step.rerun != "none" else ["$states.context.Execution.RedriveCount>0", f"${there}.attempt=1"]
    if step.retried and step.rerun == "none":
        tries = site.variable(f"tries_{site.word(step.name)}")
        wanted.append(f"{site.read(tries, '0')}>0")
    again = f"({' or '.join(wanted)}) and ${there}.attempt<{ATTEMPTS} and $not({_runs(there)})"
    state: State = {
        "Type": "Choice",
        "Comment": step.comment,
        "Choices": [{"Condition": f"{{% {again} %}}", "Next": f"{step.name} again"}],
    }
    failure, name = site.on_failure, f"{step.name} latest?"
    if step.ignored:
        site.add(name, {**state, "Default": after.next})
        return
    if failure is None or failure.note:
        last = _message(step, f"(${there}.attempt-1)")
        error = f"{{'Error':'RequiredFailed','Cause':({_runs(there)}?'Waited too long. ':'')&{last}}}"
        state["Assign"] = {site.variable("failure"): note(error, step.name, site)}
    site.add(name, {**state, "Default": f"{step.name} failed" if failure is None else failure.state})
    if failure is None:
        write_failing_end(step, site, f"{step.name} failed", [step.name], {})
    elif failure.note:
        failure.noted.append(step.name)


def _runs(there: str) -> str:
    return f"${there}.status in ['RUNNING','PENDING_REDRIVE']"


def _session(step: plan.Required) -> str:
    return step.session_time or f"{step.run}.session_time"


def _name(step: plan.Required, attempt: str) -> str:
    """Return JSONata of an execution's name."""
    utc = f"$fromMillis($toMillis({_session(step)}),'[Y0001][M01][D01]T[H01][m01][s01]Z')"
    return f"{utc}&'-{attempt}'" if attempt.isdigit() else f"{utc}&'-'&{attempt}"


def _params(step: plan.Required) -> str:
    """Return JSONata of the attempt parameters: this run's own, as far as they are taken, under the given ones."""
    own = f"{step.run}.params"
    if step.takes is not None:
        own = f"$merge([$sift({own},function($v,$k){{$k in {literal(list(step.takes))}}})])"
    return f"$merge([{own},{code_of(step.params)}])" if step.params else own


def _message(step: plan.Required, attempt: str) -> str:
    return f"'Dependent workflow failed: {step.workflow}, '&{_name(step, attempt)}"
