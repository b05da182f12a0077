"""Sequences, choices, and what follows a failure: `_retry` of a group, `_error`, the failing end."""

from __future__ import annotations

from dataclasses import replace

from stepdig import limits, plan
from stepdig.asl.failing import failing_task
from stepdig.asl.leaves import GET_OBJECT, done, number_of
from stepdig.asl.place import INPUT, Failure, Site, State, Tries, cause_of, checked, entry, note, write_check
from stepdig.asl.tries import fresh, is_pool, write_tries
from stepdig.jsonata_text import literal


def write_sequence(step: plan.Sequence, site: Site) -> None:
    """Write steps one after the other."""
    steps = [inner for inner in step.steps if not plan.is_empty(inner)]
    for index, inner in enumerate(steps):
        after = steps[index + 1] if index + 1 < len(steps) else None
        site.write(inner, site if after is None else site.to(entry(after, site)))


def write_choose(step: plan.Choose, site: Site) -> None:
    """Write `if>`: a Choice; a value that is neither true nor false fails the task."""
    write_check(step, site)
    after = site
    if site.next is None and (plan.is_empty(step.then) or plan.is_empty(step.otherwise)):
        after = site.to(f"{step.name} done")
    first = checked(step.condition.true, step.condition.guards, site)
    then, otherwise = entry(step.then, after), entry(step.otherwise, after)
    state: State = {
        "Type": "Choice",
        "Comment": step.comment,
        "Choices": [{"Condition": f"{{% {first} %}}", "Next": then}],
    }
    if step.condition.false is None:
        site.add(step.name, {**state, "Default": otherwise})
    else:
        second = {"Condition": f"{{% {step.condition.false} %}}", "Next": otherwise}
        state["Choices"] = [{"Condition": f"{{% {first} %}}", "Next": then}, second]
        _write_neither(step, state, site)
    for inner in (step.then, step.otherwise):
        if inner is not None and not plan.is_empty(inner):
            site.write(inner, after if after.next == site.next else site)
    if after.next != site.next:
        site.add(str(after.next), done(step, site))


def write_switch(step: plan.Switch, site: Site) -> None:
    """Write a choice among several steps: one Choice with a rule for each."""
    write_check(step, site)
    inner = [it for _, it in step.cases] + ([step.otherwise] if step.otherwise is not None else [])
    after = site if site.next is not None or not any(map(plan.is_empty, inner)) else site.to(f"{step.name} done")
    first = checked("true", step.guards, site)
    rules = [
        {
            "Condition": f"{{% {test if number or first == 'true' else f'{first} and {test}'} %}}",
            "Next": entry(it, after),
        }
        for number, (test, it) in enumerate(step.cases)
    ]
    state: State = {
        "Type": "Choice",
        "Comment": step.comment,
        "Choices": rules,
        "Default": entry(step.otherwise, after),
    }
    site.add(step.name, state)
    for it in inner:
        site.write(it, after if after.next == site.next else site)
    if after.next != site.next:
        site.add(str(after.next), done(step, site))


def _write_neither(step: plan.Choose, state: State, site: Site) -> None:
    """Add the Choice, and the way of a value that is neither true nor false."""
    failure = site.on_failure
    if failure is None:
        site.add(step.name, {**state, "Default": f"{step.name} neither"})
        fail: State = {
            "Type": "Fail",
            "Comment": step.comment,
            "Error": "Config",
            "Cause": f"{{% {step.condition.message} %}}",
        }
        site.add(f"{step.name} neither", fail)
        return
    if failure.note:
        failure.noted.append(step.name)
        error = f"{{'Error':'Config','Cause':{step.condition.message}}}"
        state["Assign"] = {site.variable("failure"): note(error, step.name, site)}
    site.add(step.name, {**state, "Default": failure.state})


def write_guarded(step: plan.Guarded, site: Site) -> None:
    """Write a step with its `_retry` and `_error`: its failures lead to the counter, the handler, the failing end."""
    assert step.body is not None
    handled = step.handler if step.handler is not None and not plan.is_empty(step.handler) else None
    error_state = f"{step.name} error" if handled is not None else None
    end = f"{step.name} failed" if site.on_failure is None else site.on_failure.state
    if step.ignored:
        end = f"{step.name} ignored"
    last = error_state or end
    first = f"{step.name} retry" if step.retry is not None and step.retry.limit != 0 else last
    failure = Failure(first, resumes=site.resumes)
    if first != last:
        site.read(_counter(step, site), "0")  # of this step, not of what is inside, which a new try begins without
    before = set(site.variables)
    inner = replace(site, on_failure=failure, tries=Tries(f"{step.name} "))
    launched = len(site.launched)
    site.write(step.body, inner)
    write_tries(inner, step.comment)
    if not failure.noted:  # nothing in it can fail
        return
    made = {name: empty for name, empty in site.variables.items() if name not in before and not is_pool(name)}
    anew = fresh(site) if len(site.launched) > launched else {}
    counters = {**failure.counters, **(fresh(site, redriven=True) if anew else {})}
    if first != last and step.retry is not None:
        counters.update(_write_retry(step, step.retry, inner, last, {**made, **anew}))
    if handled is not None and error_state is not None:
        _write_error(step, site, error_state, entry(handled, site.to(end)) or end)
        # Whatever fails in the handler changes nothing any more: the first failure is the one that counts.
        unnoted = Failure(end, note=False, resumes=False)
        inner = replace(site.to(end), on_failure=unnoted, tries=Tries(f"{step.name} error "))
        site.write(handled, inner)
        write_tries(inner, step.comment)
    if step.ignored:
        site.add(end, site.ending({"Type": "Pass", "Comment": step.comment}))
    elif site.on_failure is None:
        write_failing_end(step, site, end, failure.noted, counters)
    else:
        site.on_failure.noted.extend(failure.noted)
        site.on_failure.counters.update(counters)


def _write_retry(step: plan.Guarded, retry: plan.Retry, site: Site, exhausted: str, resets: State) -> State:
    """Write the counter of a group's `_retry`: all its children run again, without what they stored.

    Returns the counter's first value, for a redrive.
    """
    count = _counter(step, site)
    tries = site.read(count, "0")
    body = entry(step.body, site)
    pauses = retry.interval != 0
    wait = f"{step.name} retry wait" if pauses else body
    resets = {**resets, **{name: {} for name in fetched_variables(step.stores, site)}}
    state: State = {
        "Type": "Choice",
        "Comment": step.comment,
        "Choices": [
            {
                "Condition": f"{{% {_fewer(tries, retry.limit)} %}}",
                "Assign": {count: f"{{% {tries} + 1 %}}", **resets},
                "Next": wait,
            }
        ],
        "Default": exhausted,
    }
    site.add(f"{step.name} retry", state)
    if pauses:
        site.add(str(wait), {"Type": "Wait", "Comment": step.comment, "Seconds": _delay(retry, count), "Next": body})
    return {count: 0}


def _counter(step: plan.Step, site: Site) -> str:
    """Return the variable that counts the tries of a step."""
    return site.variable(f"tries_{site.word(step.name)}")


def _delay(retry: plan.Retry, count: str) -> object:
    """Return the seconds before the next try, as Digdag counts them."""
    if not retry.exponential:
        return number_of(retry.interval)
    interval, most = _code(retry.interval), _code(retry.max_interval or limits.WAIT_SECONDS)
    return f"{{% $min([{interval} * $power(2, ${count} - 1), {most}]) %}}"


def _code(number: plan.Number) -> str:
    return str(number) if isinstance(number, int) else number.code


def _fewer(tries: str, limit: plan.Number) -> str:
    """Return JSONata for whether there is a try left; a limit that cannot be evaluated allows none.

    One that only the run knows is cut, so that the events of all tries are known when compiling.
    """
    if isinstance(limit, int):
        return f"{tries} < {limit}"
    return " and ".join(
        (*(f"({test})" for test, _ in limit.guards), f"{tries} < $min([{limit.code},{plan.UNKNOWN_TRIES}])")
    )


def fetched_variables(stores: tuple[str, ...], site: Site) -> list[str]:
    """Return the variables of this scope that hold stores of the given tasks."""
    found = [site.machine.fetches[key] for key in stores if key in site.machine.fetches]
    return [it.variable for it in found if it.frame in site.frames]


def _write_error(step: plan.Guarded, site: Site, name: str, handler: str) -> None:
    """Write the state that tells the handler what went wrong, as `error.message`."""
    failure = f"${site.variable('failure')}"
    most = plan.ERROR_TEXT_CHARS
    message = (
        f'($c:={failure}.Cause;$x:=$match($c,/"ExitCode": ?([0-9]+)/)[0].groups[0];'
        '$r:=$match($c,/"StoppedReason": ?"([^"]*)"/)[0].groups[0];'
        f"$exists($x)?'Command failed with code '&$x&' (runtime)':$exists($r)?$r:$exists($c)?$substring($c,0,{most}):'')"
    )
    plain: State = {
        "Type": "Pass",
        "Comment": step.comment,
        "Assign": {step.error_variable: {"message": f"{{% {message} %}}"}},
        "Next": handler,
    }
    if not _reports(step.body):
        site.add(name, plain)
        return
    where = "".join(f"&$string({code})&'/'" for code in step.index)
    fetch: State = {
        "Type": "Task",
        "Comment": step.comment,
        "Resource": GET_OBJECT,
        "Arguments": {
            "Bucket": "${Bucket}",
            "Key": f"{{% {step.run}.prefix&'/'&{failure}.at&'/'{where}&'error.json' %}}",
        },
        "Assign": {step.error_variable: "{% $parse($states.result.Body) %}"},
        "Output": INPUT,
        "Catch": [{"ErrorEquals": ["States.ALL"], "Output": INPUT, "Next": f"{name} plain"}],
        "Next": handler,
    }
    site.add(name, fetch)
    site.add(f"{name} plain", plain)


def _reports(step: plan.Step | None) -> bool:
    """Return whether a task inside leaves its error's message in S3."""
    if isinstance(step, plan.Command):
        return step.reports
    inner: tuple[plan.Step | None, ...] = ()
    if isinstance(step, plan.Sequence | plan.Branches):
        inner = step.steps
    elif isinstance(step, plan.Choose):
        inner = (step.then, step.otherwise)
    elif isinstance(step, plan.ForEach):
        inner = (step.body,) if step.mode == "counted" else ()
    elif isinstance(step, plan.Guarded):
        inner = (step.body,)
    return any(map(_reports, inner))


def write_failing_end(step: plan.Step, site: Site, name: str, noted: list[str], resets: State) -> None:
    """Write the end that fails the execution under the first error's name, and on a redrive leads back to what failed.

    A Fail state would only fail again when redriven; the function fails once and then lets the way back open
    (docs/design.md, "fail_run"). `resets` are counters that start anew then.
    """
    failure = f"${site.variable('failure')}"
    back = [at for at in dict.fromkeys(noted) if site.states.get(at, {}).get("Type") != "Pass"]
    final = len(back) < len(set(noted))  # a `fail>` only fails again
    resume = f"{step.name} resume"
    following = back[0] if len(back) == 1 and not final else resume if back else f"{step.name} failed again"
    state: State = {**failing_task(step.comment, failure, resets), "Next": following}
    site.add(name, state)
    if back and state["Next"] == resume:
        others = back if final else back[1:]
        rules = [{"Condition": f"{{% {failure}.at = {literal(at)} %}}", "Next": at} for at in others]
        default = f"{step.name} failed again" if final else back[0]
        site.add(resume, {"Type": "Choice", "Comment": step.comment, "Choices": rules, "Default": default})
    if final:
        error, cause = f"{{% {failure}.Error %}}", f"{{% {cause_of(failure)} %}}"
        site.add(f"{step.name} failed again", {"Type": "Fail", "Comment": step.comment, "Error": error, "Cause": cause})
