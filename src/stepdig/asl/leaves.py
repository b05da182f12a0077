"""Steps that are one state: command tasks, texts, waits, messages, failures."""

from __future__ import annotations

from stepdig import limits, plan
from stepdig.asl.failing import INVOKE, LAMBDA_RETRY
from stepdig.asl.overrides import overrides
from stepdig.asl.place import INPUT, Site, State, constant, note, value_of, write_check
from stepdig.asl.tokens import job_token, output_key
from stepdig.asl.tries import caught, provider
from stepdig.jsonata_text import literal

RUN_TASK = "arn:aws:states:::ecs:runTask.sync"
GET_OBJECT = "arn:aws:states:::aws-sdk:s3:getObject"
PUT_OBJECT = "arn:aws:states:::aws-sdk:s3:putObject"

# Where containers run: the same for all tasks, so it is one variable of the machine.
NETWORK: State = {
    "AwsvpcConfiguration": {
        "Subnets": "{% $split('${SubnetIds}', ',') %}",
        "SecurityGroups": "{% $split('${SecurityGroupIds}', ',') %}",
        "AssignPublicIp": "DISABLED",
    }
}

TIMED_OUT = "it took longer than its _timeout"
GET_RETRY: State = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2}


def write_command(step: plan.Command, site: Site) -> None:
    """Write a command task: one `ecs:runTask.sync`, and the state that fetches what the machine reads of its stores."""
    fetched = site.machine.fetches.get(step.name)
    after = site.to(f"{step.name} stores") if fetched else site
    workflow = site.machine.prefix.removeprefix("runs/").rstrip("/")
    state: State = {
        "Type": "Task",
        "Comment": step.comment,
        "Resource": RUN_TASK,
        "Arguments": {
            "Cluster": "${Cluster}",
            "TaskDefinition": f"${{{job_token(step.job)}}}",
            **provider(step, site),
            "NetworkConfiguration": f"{{% {step.network} %}}",
            "Overrides": overrides(step, f"{workflow} {step.name}", zone=site.machine.needs_zone),
        },
    }
    if step.timeout is not None:
        state["TimeoutSeconds"] = number_of(step.timeout)
    late = f"it took longer than the timeout of job {step.job}" if step.limited else TIMED_OUT
    state["Catch"] = caught(step, site, late if step.timeout is not None else "")
    site.add(step.name, after.ending({**state, "Output": INPUT}))
    if fetched:
        _write_fetch(step, fetched, site)


def number_of(number: plan.Number) -> object:
    """Return a number as a field takes it."""
    return number if isinstance(number, int) else f"{{% {number.code} %}}"


def own_retry(step: plan.Call) -> list[State]:
    """Return `_retry` of a call. Step Functions waits a second at least, Digdag not at all by default.

    Each try has the whole of the task's `_timeout`, so one that took too long is tried again; the time of a group is
    over for all tries.
    """
    retry = step.retry
    if retry is None:
        return []
    limit, interval, most = retry.limit, retry.interval, retry.max_interval
    assert isinstance(limit, int)
    assert isinstance(interval, int)
    assert not isinstance(most, plan.Computed)
    if limit < 1:
        return []
    interval = max(limits.RETRY_MIN_INTERVAL_SECONDS, interval)
    errors = ["States.TaskFailed", *(["States.Timeout"] if isinstance(step.timeout, int) else [])]
    state: State = {"ErrorEquals": errors, "IntervalSeconds": interval, "MaxAttempts": limit}
    if not retry.exponential:
        return [{**state, "BackoffRate": 1}]
    if most is None:
        return [{**state, "BackoffRate": 2}]
    if most <= interval:  # the first wait is cut already; ASL's MaxDelaySeconds must be larger than it
        return [{**state, "IntervalSeconds": max(limits.RETRY_MIN_INTERVAL_SECONDS, most), "BackoffRate": 1}]
    return [{**state, "BackoffRate": 2, "MaxDelaySeconds": most}]


def put_object(comment: str, key: str, body: State) -> State:
    """Return a state that leaves JSON in the bucket of the runs; `key` is JSONata."""
    return {
        "Type": "Task",
        "Comment": comment,
        "Resource": PUT_OBJECT,
        "Arguments": {"Bucket": "${Bucket}", "Key": f"{{% {key} %}}", "Body": body},
        "Retry": [GET_RETRY],
        "Output": INPUT,
    }


def _write_fetch(step: plan.Command, fetched: plan.Fetched, site: Site) -> None:
    """Write the state that reads the stored names which states of this machine use."""
    state: State = {
        "Type": "Task",
        "Comment": step.comment,
        "Resource": GET_OBJECT,
        "Arguments": {
            "Bucket": "${Bucket}",
            "Key": f"{{% {output_key(step.name, step.run, step.index, 'stores.json')} %}}",
        },
        "Retry": [GET_RETRY],
        "Assign": {fetched.variable: "{% $parse($states.result.Body) %}"},
        "Output": INPUT,
    }
    handled = site.catch(step.name)
    if handled:
        state["Catch"] = handled
    site.add(f"{step.name} stores", site.ending(state))


def write_log(step: plan.Log, site: Site) -> None:
    """Write `echo>`: a Pass that assigns the text to a variable, which the console and the history show."""
    write_check(step, site)
    state: State = {
        "Type": "Pass",
        "Comment": step.comment,
        "Assign": {site.variable("echo"): value_of(step.text, site)},
    }
    site.add(step.name, site.ending(state))


def write_wait(step: plan.Wait, site: Site) -> None:
    """Write `wait>`."""
    site.add(step.name, site.ending({"Type": "Wait", "Comment": step.comment, "Seconds": value_of(step.seconds, site)}))


def write_deadline(step: plan.Deadline, site: Site) -> None:
    """Write the beginning of a group's time limit; a redrive is told by its count."""
    redrives = "$states.context.Execution.RedriveCount"
    end = f"$millis()+{step.seconds * 1000}"
    if step.around:
        end = f"({step.around}.redrives={redrives}?$min([{end},{step.around}.at]):{end})"
    value = f"{{% {{'at':{end},'redrives':{redrives}}} %}}"
    site.add(step.name, site.ending({"Type": "Pass", "Comment": step.comment, "Assign": {step.variable: value}}))


def write_fail(step: plan.Fail, site: Site) -> None:
    """Write `fail>`: a Fail state, or where something runs after the failure, a Pass that notes it."""
    write_check(step, site)
    failure = site.on_failure
    if failure is None:
        state = {"Type": "Fail", "Comment": step.comment, "Error": "Fail", "Cause": value_of(step.message, site)}
        site.add(step.name, state)
        return
    cause = step.message.code if isinstance(step.message, plan.Computed) else literal(str(step.message.value))
    passed: State = {"Type": "Pass", "Comment": step.comment}
    if failure.note:
        failure.noted.append(step.name)
        passed["Assign"] = {site.variable("failure"): note(f"{{'Error':'Fail','Cause':{cause}}}", step.name, site)}
    site.add(step.name, {**passed, "Next": failure.state})


def write_notify(step: plan.Notify, site: Site) -> None:
    """Write `slack>`: the function renders and sends; Slack being down never fails the run."""
    write_check(step, site)
    after = site if site.next is not None else site.to(f"{step.name} done")
    state: State = {
        "Type": "Task",
        "Comment": step.comment,
        "Resource": INVOKE,
        "Arguments": {"FunctionName": "${NotifySlackFunction}", "Payload": {"message": _message(step.message)}},
        "Retry": [LAMBDA_RETRY],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Output": INPUT, "Next": after.next}],
        "Output": INPUT,
    }
    site.add(step.name, site.ending(state))
    if after.next != site.next:
        site.add(str(after.next), done(step, site))


def _message(value: object) -> object:
    """Return a message as the Payload takes it."""
    if isinstance(value, plan.Computed):
        return f"{{% {value.code} %}}"
    if isinstance(value, dict):
        return {key: _message(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_message(inner) for inner in value]
    return constant(value)


def done(step: plan.Step, site: Site) -> State:
    """Return the state that ends a scope where a Choice or a Catch has nowhere else to go."""
    return {"Type": "Succeed", "Comment": step.comment, "Output": site.result}
