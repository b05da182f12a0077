"""What a run gives its container: the environment by which the runner finds its task, and sizes of its own.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html: Cpu and Memory are texts.
"""

from __future__ import annotations

from stepdig import plan
from stepdig.asl.place import State, constant
from stepdig.jsonata_text import literal


def overrides(step: plan.Command, task: str, *, zone: bool) -> object:
    """Return Overrides of the RunTask call; `task` is what STEPDIG_TASK holds, `zone` whether the run object has rows of a zone.

    A Catch hears of a wrong size, and of what a plain image cannot be given.
    """
    container = _container(step, task, zone=zone)
    plain: State = {"ContainerOverrides": [_fields(container)]}
    sizes = step.sizes
    if sizes is None:
        return plain
    named = [(name, value) for name, value in _named(sizes) if value is not None and value != plan.Constant("")]
    if not sizes.optional:
        return {**plain, **{name: _field(name, value) for name, value in named}}
    # A size may be empty, and an expression in a field cannot leave the field out: so the whole is one.
    whole = f"{{'ContainerOverrides':[{_code(container)}]}}"
    tests = "".join(f"$not({test})?$error({literal(words)}):" for test, words in sizes.guards)
    return f"{{% {tests}$merge([{','.join([whole, *(_object(name, value) for name, value in named)])}]) %}}"


def _container(step: plan.Command, task: str, *, zone: bool) -> State:
    """Return the override of the container, with `Computed` for what the machine computes."""
    own = plan.Constant(task)
    if step.plain is None:
        given: plan.Value = plan.Computed(_given(step, zone=zone))
        return {"Name": "task", "Environment": [_variable("STEPDIG_TASK", own), _variable("STEPDIG_RUN", given)]}
    environment = [_variable(name, value) for name, value in (("STEPDIG_TASK", own), *step.plain.environment)]
    command = {"Command": list(step.plain.command)} if step.plain.command else {}
    return {"Name": step.plain.container, **command, "Environment": environment}


def _variable(name: str, value: plan.Value) -> State:
    return {"Name": name, "Value": value}


def _fields(value: object) -> object:
    """Return a value as a field of a state takes it."""
    if isinstance(value, dict):
        return {name: _fields(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fields(inner) for inner in value]
    if isinstance(value, plan.Computed):
        return f"{{% {_tested(value)} %}}"
    return constant(value.value) if isinstance(value, plan.Constant) else value


def _code(value: object) -> str:
    """Return a value as JSONata."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{literal(name)}:{_code(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_code, value)) + "]"
    if isinstance(value, plan.Computed):
        return _tested(value)
    return literal(value.value if isinstance(value, plan.Constant) else value)


def _tested(value: plan.Computed) -> str:
    """Return JSONata that fails in our words where it cannot be computed; a Catch hears of it."""
    tests = "".join(f"$not({test})?$error({literal(words)}):" for test, words in value.guards)
    return f"({tests}{value.code})" if tests else value.code


def _given(step: plan.Command, *, zone: bool) -> str:
    """Return JSONata for `STEPDIG_RUN`: what the command is given of the run, without what only states need.

    Where an element of a list that only the run knows is too long for an override, the runner takes it from S3.
    """
    rows = ",function($v,$k){$k!='tz'}"
    text = f"$string($sift({step.given}{rows}))" if zone else f"$string({step.given})"
    if step.room is None:
        return text
    fits = f"$length($string([$t]))<={step.room}"
    if not step.lists:
        words = f"the values of {step.name} are too long for the override of a container, {step.room} characters as JSON in JSON"
        return f"($t:={text};{fits}?$t:$error({literal(words)}))"
    left = literal([key for _, _, keys in step.lists for key in keys])
    where = ",".join(f"{literal(number)}:{place}" for number, place, _ in step.lists)
    brief = f"$merge([$g,{{'loop':$sift($g.loop,function($v,$k){{$not($k in {left})}}),'lists':{{{where}}}}}])"
    given = text.removeprefix("$string(").removesuffix(")")
    return f"($g:={given};$t:=$string($g);{fits}?$t:$string({brief}))"


def _named(sizes: plan.Sizes) -> tuple[tuple[str, plan.Value | None], ...]:
    return (("Cpu", sizes.cpu), ("Memory", sizes.memory), ("EphemeralStorage", sizes.storage))


def _field(name: str, value: plan.Value) -> object:
    """Return a size as a field takes it."""
    storage = name == "EphemeralStorage"
    if isinstance(value, plan.Constant):
        return {"SizeInGiB": value.value} if storage else str(value.value)
    return {"SizeInGiB": f"{{% $number({value.code}) %}}"} if storage else f"{{% {value.code} %}}"


def _object(name: str, value: plan.Value) -> str:
    """Return JSONata for an object with a size, without it where it is empty."""
    if isinstance(value, plan.Constant):
        return literal({name: _field(name, value)})
    made = "{'SizeInGiB':$number($s)}" if name == "EphemeralStorage" else "$s"
    return f"($s:={value.code};$s=''?{{}}:{{'{name}':{made}}})"
