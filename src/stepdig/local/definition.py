"""Definition (Amazon States Language, JSONata) -> machine; refuses what CreateStateMachine refuses.

Checked here: JSON size, query language, state types, dangling Next, unknown fields of JSONPath, expressions that do
not compile. Everything else of AWS's validation belongs to whoever wrote the definition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepdig.limits import DEFINITION_BYTES, RETRY_MAX_DELAY_SECONDS, STATE_NAME_CHARS
from stepdig.local.errors import InvalidDefinition
from stepdig.local.machine import Batcher, Catcher, MapWork, Program, Reader, Retrier, Rule, State, Way
from stepdig.local.payload import Json, encode, size
from stepdig.local.template import Template

TYPES = frozenset({"Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"})
_JSONPATH = ("InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "ItemsPath", "SecondsPath")


def machine_of(definition: dict[str, Json]) -> Program:
    """Return the program of a definition; raises InvalidDefinition with everything that is wrong in it."""
    problems: list[str] = []
    if size(encode(definition)) > DEFINITION_BYTES:
        problems.append(f"The definition is larger than {DEFINITION_BYTES} bytes")
    jsonata = definition.get("QueryLanguage") == "JSONata"
    problems += [
        f"State '{name}' is not in JSONata: this engine does not evaluate JSONPath"
        for name in _others(definition, jsonata)
    ]
    program = _program(definition, problems, frozenset())
    if problems:
        raise InvalidDefinition(problems)
    return program


def _others(program: Json, jsonata: bool) -> list[str]:
    """Return the states in JSONPath, AWS's default, that would behave otherwise in JSONata."""
    found: list[str] = []
    for name, state in (program.get("States") or {}).items():
        if not isinstance(state, dict):
            continue
        own = state.get("QueryLanguage", "JSONata" if jsonata else "JSONPath") == "JSONata"
        if not own and not _same_in_both(state):
            found.append(name)
        for inner in (state.get("ItemProcessor") or {}, *state.get("Branches", ())):
            found += _others(inner, jsonata)
    return found


def _same_in_both(state: dict[str, Json]) -> bool:
    """Tell whether a state means the same in JSONPath: it has nothing but its type and where it leads."""
    return set(state) <= {"Type", "Next", "End", "Comment", "QueryLanguage"} and state.get("Type") != "Map"


def _program(raw: Json, problems: list[str], outer: frozenset[str]) -> Program:
    states = raw.get("States") if isinstance(raw, dict) else None
    if not isinstance(states, dict) or not states:
        problems.append("A machine, branch or ItemProcessor needs States")
        return Program("")
    known = outer | _assigned_in(states)
    ready = {name: _state(name, state, problems, outer, known) for name, state in states.items()}
    for target, where in _targets(raw, states):
        if target not in states:
            problems.append(f"{where} leads to '{target}', which is no state beside it")
    timeout = raw.get("TimeoutSeconds")
    return Program(raw.get("StartAt", ""), ready, float(timeout) if isinstance(timeout, int | float) else None)


def _targets(raw: dict[str, Json], states: dict[str, Json]) -> list[tuple[Any, str]]:
    """Return every state name that something leads to, with the place that names it."""
    found: list[tuple[Any, str]] = [(raw.get("StartAt"), "StartAt")]
    for name, state in states.items():
        if not isinstance(state, dict):
            continue
        found += [(state[key], f"'{name}' {key}") for key in ("Next", "Default") if key in state]
        for key in ("Choices", "Catch"):
            found += [(entry.get("Next"), f"'{name}' {key}") for entry in state.get(key, ())]
    return found


def _assigned_in(states: dict[str, Json]) -> frozenset[str]:
    """Return the variables that the states themselves assign."""
    names: set[str] = set()
    for state in states.values():
        if isinstance(state, dict):
            for holder in (state, *state.get("Choices", ()), *state.get("Catch", ())):
                names.update(holder.get("Assign") or {})
    return frozenset(names)


def _state(name: str, raw: Json, problems: list[str], outer: frozenset[str], known: frozenset[str]) -> State:
    if not isinstance(raw, dict) or raw.get("Type") not in TYPES:
        problems.append(f"State '{name}' has no Type of the Amazon States Language")
        return State(name, "Pass", Way(None))
    if len(name) > STATE_NAME_CHARS:
        problems.append(f"The name of state '{name}' is longer than {STATE_NAME_CHARS} characters")
    problems += [f"State '{name}' has {key}, which JSONata states do not have" for key in _JSONPATH if key in raw]
    problems += [
        f"State '{name}' assigns ${variable}, which belongs to an outer scope"
        for variable in sorted(_assigned_in({name: raw}) & outer)
    ]
    kind = raw["Type"]
    if kind not in ("Succeed", "Fail", "Choice") and ("Next" in raw) == bool(raw.get("End")):
        problems.append(f"State '{name}' needs either Next or End")
    field = _fields(raw, problems)
    return State(
        name=name,
        type=kind,
        way=_way(raw, problems, "Default" if kind == "Choice" else "Next"),
        arguments=field("Arguments"),
        resource=str(raw.get("Resource", "")),
        timeout=field("TimeoutSeconds"),
        heartbeat=field("HeartbeatSeconds"),
        retry=tuple(_retrier(entry) for entry in raw.get("Retry", ())),
        catch=tuple(Catcher(tuple(entry["ErrorEquals"]), _way(entry, problems)) for entry in raw.get("Catch", ())),
        rules=tuple(
            Rule(Template(entry.get("Condition"), "Condition", problems), _way(entry, problems))
            for entry in raw.get("Choices", ())
        ),
        seconds=field("Seconds"),
        timestamp=field("Timestamp"),
        error=field("Error"),
        cause=field("Cause"),
        branches=tuple(_program(branch, problems, known) for branch in raw.get("Branches", ())),
        map=_map_work(raw, problems, known, name) if kind == "Map" else None,
    )


def _fields(raw: dict[str, Json], problems: list[str]) -> Callable[[str], Template | None]:
    """Return a function that makes a field of a state ready, None when the state has no such field."""
    return lambda name: Template(raw[name], name, problems) if name in raw else None


def _way(raw: dict[str, Json], problems: list[str], key: str = "Next") -> Way:
    field = _fields(raw, problems)
    return Way(raw.get(key), field("Assign") if raw.get("Assign") else None, field("Output"))


def _retrier(raw: dict[str, Json]) -> Retrier:
    return Retrier(
        errors=tuple(raw["ErrorEquals"]),
        interval=float(raw.get("IntervalSeconds", 1)),
        attempts=int(raw.get("MaxAttempts", 3)),
        rate=float(raw.get("BackoffRate", 2.0)),
        longest=float(raw.get("MaxDelaySeconds", RETRY_MAX_DELAY_SECONDS)),
        jitter=raw.get("JitterStrategy") == "FULL",
    )


def _map_work(raw: dict[str, Json], problems: list[str], known: frozenset[str], name: str) -> MapWork:
    processor = raw.get("ItemProcessor") or {}
    distributed = (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED"
    field = _fields(raw, problems)
    writer = raw.get("ResultWriter") or {}
    return MapWork(
        processor=_program(processor, problems, frozenset() if distributed else known),
        distributed=distributed,
        label=raw.get("Label", name),
        items=field("Items"),
        selector=field("ItemSelector"),
        concurrency=field("MaxConcurrency"),
        reader=_reader(raw["ItemReader"], problems) if "ItemReader" in raw else None,
        batcher=_batcher(raw["ItemBatcher"], problems) if "ItemBatcher" in raw else None,
        writer=Template(writer["Arguments"], "ResultWriter/Arguments", problems) if "Arguments" in writer else None,
        transformation=(writer.get("WriterConfig") or {}).get("Transformation", "NONE"),
        tolerated_count=field("ToleratedFailureCount"),
        tolerated_percentage=field("ToleratedFailurePercentage"),
    )


def _reader(raw: dict[str, Json], problems: list[str]) -> Reader:
    config = raw.get("ReaderConfig") or {}
    limit = config.get("MaxItems")
    return Reader(
        resource=str(raw.get("Resource", "")).partition(":::")[2],
        arguments=Template(raw.get("Arguments", {}), "ItemReader/Arguments", problems),
        kind=config.get("InputType", "JSON"),
        header=config.get("CSVHeaderLocation", ""),
        columns=tuple(config.get("CSVHeaders", ())),
        delimiter=config.get("CSVDelimiter", "COMMA"),
        limit=Template(limit, "ItemReader/ReaderConfig/MaxItems", problems) if limit is not None else None,
    )


def _batcher(raw: dict[str, Json], problems: list[str]) -> Batcher:
    def field(name: str) -> Template | None:
        return Template(raw[name], f"ItemBatcher/{name}", problems) if name in raw else None

    return Batcher(field("MaxItemsPerBatch"), field("MaxInputBytesPerBatch"), field("BatchInput"))


def uses(definition: Json, prefix: str) -> bool:
    """Tell whether any Resource of a definition starts with `prefix`."""
    if isinstance(definition, dict):
        resource = definition.get("Resource")
        if isinstance(resource, str) and resource.startswith(prefix):
            return True
        return any(uses(value, prefix) for value in definition.values())
    return isinstance(definition, list) and any(uses(value, prefix) for value in definition)
