"""Loops: a Map with a join behind it, or states in a circle."""

from __future__ import annotations

from dataclasses import replace

from stepdig import plan
from stepdig.asl.control import fetched_variables
from stepdig.asl.given import narrowed
from stepdig.asl.joins import finish, scope_of
from stepdig.asl.leaves import done, put_object
from stepdig.asl.place import Site, State, checked, entry, value_of, write_check
from stepdig.asl.tries import fresh, is_pool
from stepdig.jsonata_text import MERGE, field, literal
from stepdig.limits import INLINE_MAP_CONCURRENCY

ITEM = "$states.context.Map.Item.Value"
# Child executions of an unlimited list at once: each begins with a launch, and Fargate launches 20 tasks a second.
CHILDREN_AT_ONCE = 1000
# Rows with a label alone: as texts they are ten characters shorter each, and the function costs sixty.
WORTH_A_FUNCTION = 20


def write_for_each(step: plan.ForEach, site: Site) -> None:
    """Write a loop."""
    write_check(step, site)
    if step.listed:
        _write_list(step, site)
    if step.mode == "counted":
        _write_counted(step, site)
    else:
        _write_map(step, site)


def _write_list(step: plan.ForEach, site: Site) -> None:
    """Write the state that leaves a list in S3, for commands whose override has no room for an element of it."""
    name = f"{step.name} list"
    state = put_object(step.comment, step.listed, {"entries": f"{{% {_entries(step, site)} %}}"})
    state["Next"] = step.name
    caught = site.catch(name)
    if caught:
        state["Catch"] = caught
    site.add(name, state)


def _write_map(step: plan.ForEach, site: Site) -> None:
    """Write a loop as a Map: in parallel with a join after it, or one iteration after another."""
    assert step.body is not None
    redo = f"redo_{site.word(step.name)}" if step.parallel is not None and site.resumes else ""
    state: State = {"Type": "Map", "Comment": step.comment, "Items": _items(step, site, redo)}
    state["MaxConcurrency"] = _at_once(step, INLINE_MAP_CONCURRENCY, site)
    state["ItemSelector"] = _selector(step)
    processor: State = {}
    if step.mode == "distributed":
        processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        state["MaxConcurrency"] = _at_once(step, CHILDREN_AT_ONCE, site)
    failed_end = f"{step.name} item failed" if step.parallel is not None else None
    processor.update(scope_of(step.body, step, site, step.frame, failed_end))
    state["ItemProcessor"] = processor
    finish(step, site, state, redo, failed_end, step.back, step.label)


def _at_once(step: plan.ForEach, most: int, site: Site) -> object:
    """Return how many iterations run at once; of an inline Map never more than 40, whatever a template gives."""
    if step.parallel is None:
        return 1
    if isinstance(step.parallel, int):
        return step.parallel or most
    code = checked(step.parallel.code, step.parallel.guards, site)
    return f"{{% ($n:={code};$n>0 and $n<{most}?$n:{most}) %}}"


def _items(step: plan.ForEach, site: Site, redo: str) -> object:
    """Return the Items of a Map: its entries, or after a redrive only those that failed."""
    if not redo:
        return f"{{% {_entries(step, site)} %}}" if step.narrow else value_of(step.entries, site)
    again = site.read(site.variable(redo), "[]")
    return f"{{% $count({again}) > 0 ? {again} : {_entries(step, site)} %}}"


def _entries(step: plan.ForEach, site: Site) -> str:
    """Return JSONata for the entries, of a list that `only` narrows those asked for."""
    value = step.entries
    whole = _whole(step, site)
    if whole:
        return whole
    code = checked(value.code, value.guards, site) if isinstance(value, plan.Computed) else _listed(value.value)
    return narrowed(code, step.narrow) if step.narrow else code


def _listed(rows: object) -> str:
    """Return a list as JSONata; of a long list of objects, most of which have a label alone, those as bare texts."""
    if not isinstance(rows, list | tuple) or not rows or not all(isinstance(row, dict) and row for row in rows):
        return literal(rows)
    label = next(iter(rows[0]))
    bare = [row[label] if list(row) == [label] and isinstance(row[label], str) else row for row in rows]
    if sum(isinstance(row, str) for row in bare) < WORTH_A_FUNCTION:
        return literal(rows)
    return f"$map({literal(bare)},function($v){{$type($v)='string'?{{{literal(label)}:$v}}:$v}})"


def _whole(step: plan.ForEach, site: Site) -> str:
    """Return the variable that holds the names to run, where these are the entries: the list is written only once then."""
    if not isinstance(step.entries, plan.Constant) or len(step.narrow) != 1 or step.narrow[0][1] != "$":
        return ""
    ref, names = step.narrow[0][0], step.entries.value
    for it in site.machine.lists:
        if ref.endswith(f".{field(it.path)}") and names == list(it.names):
            site.whole.add(it.path)
            return ref
    return ""


def _selector(step: plan.ForEach, item: str = ITEM) -> State:
    """Return the state input of an iteration: the loop variables around, its own, for child executions the run object."""
    fields: State = {key: f"{{% $states.input.{field(key)} %}}" for key in step.around}
    fields.update({key: f"{{% {code.replace('$item', item)} %}}" for key, code in step.selector})
    if step.mode == "distributed":
        fields["run"] = f"{{% {step.run} %}}"
        fields["vars"] = {name: f"{{% {code} %}}" for name, code in step.passes}
    return fields


def _write_counted(step: plan.ForEach, site: Site) -> None:
    """Write a loop as states in a circle: its iterations see the stores of earlier ones."""
    assert step.body is not None
    word = site.word(step.name)
    items, position = site.variable(f"items_{word}"), site.variable(f"position_{word}")
    fetched = fetched_variables(step.stores, site)
    carried: State = {
        f"{name}e": f"{{% ({MERGE}$m({site.read(name + 'e', '{}')},{site.read(name, '{}')})) %}}" for name in fetched
    }
    emptied: State = {name: {} for name in fetched}
    # Stores of an earlier run of this loop are there only when a loop around comes here again.
    stored: State = carried if site.repeated else {name: {} for name in carried}
    each = f"{step.name} each"
    init: State = {items: _items(step, site, ""), position: 0, **stored, **emptied}
    site.add(step.name, {"Type": "Pass", "Comment": step.comment, "Assign": init, "Next": each})
    before, launched = set(site.variables), len(site.launched)
    after = site if site.next is not None else site.to(f"{step.name} done")
    rule: State = {
        "Condition": f"{{% ${position} < $count(${items}) %}}",
        "Assign": {},
        "Output": _selector(step, f"${items}[${position}]"),
        "Next": entry(step.body, site.to(each)),
    }
    kept: State = {key: f"{{% $states.input.{field(key)} %}}" for key in step.around}
    state: State = {"Type": "Choice", "Comment": step.comment, "Choices": [rule], "Output": kept, "Default": after.next}
    site.add(each, state)
    site.write(step.body, replace(site, next=each, repeated=True))
    made = {
        name: empty for name, empty in site.variables.items() if not ({name} & {*before, *carried} or is_pool(name))
    }
    anew = fresh(site) if len(site.launched) > launched else {}
    rule["Assign"] = {position: f"{{% ${position} + 1 %}}", **carried, **made, **emptied, **anew}
    if after.next != site.next:
        site.add(str(after.next), done(step, site))
