"""Parameters: Digdag's precedence, deep merging, templates read where they are used."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_bundles import CONTEXT, PREFIX, at, bundle, for_each, task, variable

from stepdig.expressions.errors import EvaluationError
from stepdig.runner import outputs, parameters, templates
from stepdig.runner.storage import FolderStorage

NAMES = st.sampled_from("abcd")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("xy$ {}", max_size=4).filter(lambda it: "$" not in it),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


def evaluated(*layers, local=None):
    made = [templates.Layer(layer, is_template=True) for layer in layers]
    return templates.evaluated(made, local or {}, CONTEXT)


def task_parameters(task_run, storage):
    """Every parameter of a compiled task, as its process is made from them."""
    return templates.evaluated(parameters.layers(task_run, storage), task_run.task["local"], CONTEXT)


def paths(value, path=()):
    """Every leaf of an object with its path; an empty object is a leaf of its own."""
    if isinstance(value, dict) and value:
        return {leaf: it for name, inner in value.items() for leaf, it in paths(inner, (*path, name)).items()}
    return {path: value}


def naive(layers):
    """The strongest layer that has a path has its say; what stands above or below a path of it is gone."""
    leaves = {}
    for layer in layers:
        for path, value in paths(layer).items():
            if not path or (value == {} and any(known[: len(path)] == path for known in leaves if known != path)):
                continue
            for known in [known for known in leaves if known[: len(path)] == path or path[: len(known)] == known]:
                del leaves[known]
            leaves[path] = value
    merged = {}
    for path, value in leaves.items():
        holder = merged
        for name in path[:-1]:
            holder = holder.setdefault(name, {})
        holder[path[-1]] = value
    return merged


@given(st.lists(OBJECTS, max_size=5))
def test_merging_layers_equals_a_naive_model(layers):
    given_layers = json.dumps(layers)
    assert templates.evaluated([templates.Layer(it) for it in layers], {}, CONTEXT) == naive(layers)
    assert json.dumps(layers) == given_layers, "the layers themselves are left as they were"


def compiled(layers, local, *, scopes=None, others=(), loops=None, in_loops=()):
    tasks = {"+t": task(local, layers=layers, loops=in_loops)}
    tasks.update({key: task({"py>": "m.f"}, loops=in_loops if key == "+near" else ()) for key in others})
    return bundle(tasks, scopes=scopes, loops=loops)


def store(storage, key, values, *index):
    body = {"subtask_config": {}, "export_params": {}, "store_params": values}
    outputs.write_output(storage, "/".join([PREFIX, key, *index]) + "/", body)


STRENGTHS = ["attempt", "root export", "store before", "group export", "store inside", "loop", "own export", "local"]


@pytest.mark.parametrize("strongest", range(len(STRENGTHS)))
def test_the_nearest_of_the_layers_wins(tmp_path, strongest):
    """Digdag's order, https://docs.digdag.io/workflow_definition.html: -p, root to leaf export under stores, own, local."""
    named = dict.fromkeys(STRENGTHS[: strongest + 1])
    scopes = {
        key: {"x": name} if name in named else {}
        for key, name in (("r", "root export"), ("g", "group export"), ("o", "own export"))
    }
    layers = [
        ["export", "r"],
        ["stores", [{"task": "+s"}]],
        ["export", "g"],
        ["stores", [{"task": "+u"}]],
        ["loop", "+l"],
        ["export", "o"],
    ]
    loop_name = "x" if "loop" in named else "other"
    one = compiled(
        layers,
        {"sh>": "", **({"x": "local"} if "local" in named else {})},
        scopes=scopes,
        others=["+s", "+u"],
        loops={"+l": for_each(variable(loop_name, ["loop"]))},
    )
    storage = FolderStorage(tmp_path)
    store(storage, "+s", {"x": "store before"} if "store before" in named else {})
    store(storage, "+u", {"x": "store inside"} if "store inside" in named else {})
    found = task_parameters(at(one, params={"x": "attempt"}, loop={loop_name: "loop"}), storage)

    assert found["x"] == STRENGTHS[strongest]


def test_built_ins_beat_all_but_local_keys(tmp_path):
    everywhere = {"session_date": "no", "task_name": "no", "timezone": "no"}
    one = compiled(
        [["export", "r"], ["stores", [{"task": "+s"}]]],
        {"sh>": "", "timezone": "mine"},
        scopes={"r": everywhere},
        others=["+s"],
    )
    storage = FolderStorage(tmp_path)
    store(storage, "+s", everywhere)
    found = task_parameters(at(one, params=everywhere), storage)

    assert (found["session_date"], found["task_name"], found["timezone"]) == ("2026-11-20", "+wf+t", "mine")
    assert (found["session_uuid"], found["attempt_id"]) == ("u-1", 1)


def test_session_variables_are_those_of_the_session_time(tmp_path):
    found = task_parameters(at(compiled([], {"sh>": ""})), FolderStorage(tmp_path))
    assert {name: found[name] for name in found if name.startswith("session_")} == {
        "session_uuid": "u-1",
        "session_id": 1795100400,
        "session_time": "2026-11-20T00:00:00+09:00",
        "session_date": "2026-11-20",
        "session_date_compact": "20261120",
        "session_local_time": "2026-11-20 00:00:00",
        "session_tz_offset": "+0900",
        "session_unixtime": 1795100400,
    }


def test_a_handler_sees_the_error(tmp_path):
    one = compiled([["error"]], {"sh>": "echo ${error.message}"})
    found = task_parameters(at(one, error={"message": "no ${room}"}), FolderStorage(tmp_path))
    assert found["sh>"] == "echo no ${room}"


def test_objects_merge_deeply_and_lists_are_replaced(tmp_path):
    """The recorded run `export_nested_scopes`, with a list beside."""
    scopes = {
        "r": {"m": {"r": 1, "k": "root"}, "l": [1, 2]},
        "g": {"m": {"g": 1, "k": "group"}},
        "o": {"m": {"t": 1, "k": "task"}, "l": [3]},
    }
    one = compiled([["export", "r"], ["export", "g"], ["export", "o"]], {"sh>": ""}, scopes=scopes)
    found = task_parameters(at(one), FolderStorage(tmp_path))
    assert (found["m"], found["l"]) == ({"r": 1, "k": "task", "g": 1, "t": 1}, [3])


def test_stored_and_passed_values_are_data(tmp_path):
    """A deliberate difference: Digdag evaluates them again in every task that sees them."""
    one = compiled([["stores", [{"task": "+s"}]]], {"sh>": "echo ${s} ${p}"}, others=["+s"])
    storage = FolderStorage(tmp_path)
    store(storage, "+s", {"s": "${1+1} $$5", "o": {"k": ["${nope}"]}})
    found = task_parameters(at(one, params={"p": "${2+2}"}), storage)
    assert (found["s"], found["p"], found["o"]) == ("${1+1} $$5", "${2+2}", {"k": ["${nope}"]})
    assert found["sh>"] == "echo ${1+1} $$5 ${2+2}"


def test_exports_may_name_each_other_in_any_order_and_depth():
    found = evaluated(
        {
            "late": "${m.url}",
            "m": {"url": "${m.scheme}://${m.host}", "host": "${env}.db", "scheme": "pg"},
            "env": "${short}-1",
        },
        {"short": "p"},
    )
    assert found["late"] == "pg://p-1.db"
    assert found["m"] == {"url": "pg://p-1.db", "host": "p-1.db", "scheme": "pg"}


def test_a_name_stronger_for_one_task_changes_the_exports_built_on_it():
    layers = {"base": "1", "chain": "${base}-x", "deep": {"k": ["${chain}"]}}
    assert evaluated(layers, local={"base": "2"})["deep"] == {"k": ["2-x"]}
    assert evaluated(layers, {"base": "3"})["deep"] == {"k": ["3-x"]}
    assert evaluated(layers)["deep"] == {"k": ["1-x"]}


def test_its_own_name_means_that_of_a_weaker_layer():
    assert evaluated({"t": "users"}, {"t": "${t}_tmp"})["t"] == "users_tmp"
    assert evaluated({"t": "users"}, {"t": "${t}_tmp"}, local={"t": "${t}!"})["t"] == "users_tmp!"
    assert evaluated({"m": {"u": "a", "v": 1}}, {"m": {"u": "${m.u}/b"}})["m"] == {"u": "a/b", "v": 1}


def test_a_local_key_sees_the_local_keys_before_it_and_not_those_after():
    found = evaluated({"b": "export"}, local={"x": "1", "y": "${x}2", "z": "${y}3"})
    assert (found["y"], found["z"]) == ("12", "123")
    with pytest.raises(EvaluationError, match="later is not defined"):
        evaluated(local={"sh>": "${later}", "later": "1"})


def test_a_nested_key_sees_those_before_it_in_its_own_object():
    assert evaluated(local={"o": {"a": "1", "b": "${a}2", "c": {"a": "3", "d": "${a}"}}})["o"] == {
        "a": "1",
        "b": "12",
        "c": {"a": "3", "d": "3"},
    }


def test_results_are_texts_and_not_evaluated_again():
    found = evaluated(
        {"n": 3, "l": [1]}, local={"a": "${n+1}", "b": "${l}", "c": "${'$'}{n}", "d": "$$HOME", "e": "${secret:x}"}
    )
    assert (found["a"], found["b"], found["c"], found["d"], found["e"]) == ("4", "[1]", "${n}", "$HOME", "${secret:x}")
    assert found["n"] == 3


def test_bodies_of_generated_tasks_are_not_evaluated():
    assert evaluated(local={"_do": {"sh>": "${i}"}})["_do"] == {"sh>": "${i}"}


@pytest.mark.parametrize(
    ("layer", "text", "reason"),
    [
        ({"unused": "a ${nope} b"}, "a ${nope} b", "ReferenceError: nope is not defined"),
        ({"a": "1 ${b}", "b": "2 ${nope.deep}"}, "2 ${nope.deep}", "ReferenceError: nope is not defined"),
        ({"a": "${b}", "b": "${a}"}, "${a}", "ReferenceError: a is not defined"),
        ({"o": {}, "l": [["${o.x.y}"]]}, "${o.x.y}", "TypeError: Cannot read property 'y' of undefined"),
    ],
)
def test_an_export_that_cannot_be_evaluated_fails_the_task_in_digdags_words(layer, text, reason):
    with pytest.raises(EvaluationError) as error:
        evaluated(layer)
    assert str(error.value) == f"Failed to evaluate a variable {text} ({reason})"


def test_a_text_that_sorts_a_list_leaves_the_list_as_it_was_for_others():
    found = evaluated({"sorted": "${l.sort().join()}", "l": [3, "${two}"], "two": "2", "uses": "${sorted} ${this.two}"})
    assert (found["sorted"], found["l"], found["uses"]) == ("2,3", [3, "2"], "2,3 2")
