"""Loops: names as Digdag's recorded runs show them, rows by label and by number, indexes for keys."""

import json
from pathlib import Path

import pytest
from runner_bundles import bundle, for_each, task, variable

from stepdig.runner import loops

RECORDINGS = Path(__file__).resolve().parents[2] / "../shared/data/digdag-recordings.json"
TABLES = [{"table": "users", "where": "a"}, {"table": "orders"}]


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("users", "users"),
        ("a value/x", "a%20value%2F"),
        ("日本語テキスト123", "%E6%97%A5%E6%9C%AC%E8%AA%9E%E3%83%86%E3%82%AD%E3%82%B9%E3%83%881"),
        ("", ""),
        (1.5, "1.5"),
        ({"k": 1}, "%7B%22k%22%3A1%7D"),
        ([2], "%5B2%5D"),
        (None, "null"),
        (True, "true"),
        ("a~b", "a%7Eb"),
        ("1234567\N{GRINNING FACE}", "1234567%3F"),
    ],
)
def test_a_value_is_cut_to_eight_units_and_encoded_as_java_does(value, tag):
    one = for_each(variable("longkeyname", [value]))
    assert loops.iteration_name(one, {"longkeyname#": 0}) == f"for-0=longkeyn=0={tag}"


def test_names_are_those_that_digdag_gave_in_recorded_runs():
    """The product of two lists, first key outermost: the names of the recorded run `foreach_order_types`."""
    if not RECORDINGS.exists():
        pytest.skip("no recordings of Digdag here")
    recorded = next(it for it in json.loads(RECORDINGS.read_text()) if it["name"] == "foreach_order_types")
    names = [it["name"].rpartition("+")[2] for it in recorded["tasks"] if "+for-" in it["name"]]
    one = for_each(variable("b", [1, "x", True, None]), variable("a", [1.5, {"k": 1}, [2]]))

    assert [loops.iteration_name(one, {"b#": number}) for number in range(12)] == list(dict.fromkeys(names))


def test_the_last_list_of_a_product_runs_fastest():
    one = for_each(variable("a", ["x", "y"]), variable("b", [1, 2, 3]))
    found = [tuple(loops.values(one, {"a#": number}).values()) for number in range(6)]
    assert found == [("x", 1), ("x", 2), ("x", 3), ("y", 1), ("y", 2), ("y", 3)]


def test_a_row_is_found_by_its_label_by_an_object_with_the_label_and_by_its_number():
    one = for_each(variable("t", TABLES, "table"))
    for loop_input in ({"t": "orders"}, {"t": {"table": "orders", "other": 1}}, {"t#": 1}, {"t": "orders", "t#": 1}):
        assert loops.values(one, loop_input) == {"t": {"table": "orders"}}
        assert loops.index(one, loop_input) == 1


def test_a_value_known_only_at_run_time_comes_from_the_input():
    one = for_each(variable("t"))
    loop_input = {"t": {"table": "new"}, "t#": 3}
    assert loops.values(one, loop_input) == {"t": {"table": "new"}}
    assert loops.index(one, loop_input) == 3
    assert loops.iteration_name(one, loop_input) == "for-0=t=3=%7B%22table%22"


def test_loop_and_for_range_give_their_variables_and_names():
    counter = {"operator": "loop", "variables": [variable("i")]}
    limits = {"from": -2, "to": 8, "index": 0}
    ranged = {"operator": "for_range", "variables": [variable("range")]}
    assert (loops.values(counter, {"i": 3}), loops.index(counter, {"i": 3})) == ({"i": 3}, 3)
    assert loops.iteration_name(counter, {"i": 3}) == "loop-3"
    assert loops.values(ranged, {"range": limits}) == {"range": limits}
    assert loops.iteration_name(ranged, {"range": limits}) == "range-from=-2&to=8"


@pytest.mark.parametrize("loop_input", [{}, {"t": "gone"}, {"t#": 2}, {"t": {"table": "gone"}}])
def test_an_input_that_is_no_iteration_of_the_loop_is_refused(loop_input):
    with pytest.raises(loops.LoopError):
        loops.values(for_each(variable("t", TABLES, "table")), loop_input)


def test_nested_loops_fill_their_places_and_others_stay():
    inner = task({"sh>": "x"}, name="+wf+a^sub+[+a]+b^sub+[+a+b]+c")
    one = bundle(
        {"+c": inner},
        loops={
            "+a": for_each(variable("t", TABLES, "table")),
            "+a+b": {"operator": "loop", "variables": [variable("i")]},
        },
    )
    assert loops.full_name(inner, one, {"t": "users", "i": 2}) == "+wf+a^sub+for-0=t=0=users+b^sub+loop-2+c"
    assert loops.full_name(inner, one, {"t": "users"}) == "+wf+a^sub+for-0=t=0=users+b^sub+[+a+b]+c"
    assert loops.fill_name("+wf+[x]", one, {}) == "+wf+[x]"


def test_ten_thousand_rows_are_looked_up_without_walking_the_list():
    """Every lookup after the first is one look into a table, so 10,000 of them do not take 10,000 walks."""
    rows = [{"table": f"t{n}"} for n in range(10_000)]
    one = for_each(variable("t", rows, "table"))
    assert [loops.index(one, {"t": row["table"]}) for row in rows] == list(range(10_000))
