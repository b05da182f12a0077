"""Outputs: keys, what a reader sees of them and in what order, files beside output.json."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_bundles import PREFIX, at, bundle, for_each, task, variable

from stepdig.runner import outputs
from stepdig.runner.storage import FolderStorage

LOOPS = {
    "+a": for_each(variable("t", ["x", "y", "z"])),
    "+b": {"operator": "loop", "variables": [variable("i")]},
}


@pytest.fixture
def storage(tmp_path):
    return FolderStorage(tmp_path / "bucket")


def one(writer_loops, reader_loops):
    return bundle(
        {"+w": task({"py>": "m.f"}, loops=writer_loops), "+t": task({"sh>": ""}, loops=reader_loops)}, loops=LOOPS
    )


def put(storage, *index, **stores):
    outputs.write_output(storage, "/".join([PREFIX, "+w", *map(str, index)]) + "/", {"store_params": stores})


def seen(storage, one_bundle, entry, **loop):
    place = at(one_bundle, loop=loop)
    return [it["v"] for it in outputs.visible_stores(place, [{"task": "+w", **entry}], storage)]


def test_the_key_of_an_output_holds_the_number_of_each_iteration():
    place = at(one([], ["+a", "+b"]), loop={"t": "y", "i": 12})
    assert outputs.task_prefix(place) == f"{PREFIX}/+t/1/12/"
    assert outputs.task_prefix(at(one([], []))) == f"{PREFIX}/+t/"


def test_a_task_outside_of_loops_is_seen_once_and_one_that_left_nothing_is_passed_over(storage):
    assert seen(storage, one([], []), {}) == []
    put(storage, v=1)
    assert seen(storage, one([], []), {}) == [1]


def test_iterations_are_seen_in_the_order_of_the_loop_not_of_their_texts(storage):
    for number in (10, 9, 2, 0):
        put(storage, number, v=number)
    assert seen(storage, one(["+b"], []), {"shared": 0}) == [0, 2, 9, 10]


def test_a_reader_in_the_same_loop_sees_its_own_iteration(storage):
    for number in range(3):
        put(storage, number, v=number)
    assert seen(storage, one(["+a"], ["+a"]), {"shared": 1}, t="y") == [1]


def test_earlier_iterations_are_those_before_the_readers_own(storage):
    for number in range(4):
        put(storage, number, v=number)
    entry = {"shared": 1, "when": "earlier"}
    assert seen(storage, one(["+b"], ["+b"]), entry, i=2) == [0, 1]
    assert seen(storage, one(["+b"], ["+b"]), entry, i=0) == []


def test_inner_loops_of_the_writer_are_all_seen_within_the_shared_one(storage):
    for outer in range(2):
        for inner in range(2):
            put(storage, outer, inner, v=f"{outer}{inner}")
    nested = one(["+a", "+b"], ["+a"])
    assert seen(storage, nested, {"shared": 1}, t="y") == ["10", "11"]
    assert seen(storage, nested, {"shared": 1, "when": "earlier"}, t="y") == ["00", "01"]
    assert seen(storage, one(["+a", "+b"], []), {"shared": 0}) == ["00", "01", "10", "11"]


def test_an_object_of_another_make_is_told_by_its_key(storage):
    storage.put(f"{PREFIX}/+w/output.json", b"[1]")
    with pytest.raises(outputs.OutputError, match=r"runs/wf/20261119T150000Z-1/\+w/output.json is not"):
        seen(storage, one([], []), {})


def test_the_machine_is_left_just_the_names_it_reads(storage):
    outputs.write_output(storage, "p/", {"store_params": {"a": "é", "b": 2}}, fetch=["a", "missing"])
    assert json.loads(storage.get("p/stores.json")) == {"a": "é"}
    assert json.loads(storage.get("p/output.json"))["store_params"] == {"a": "é", "b": 2}


def test_more_than_the_machine_can_hold_is_refused_and_nothing_is_written(storage):
    with pytest.raises(
        outputs.OutputError, match=r"big: the state machine itself reads .* 200,000 bytes, not for 200,0"
    ):
        outputs.write_output(storage, "p/", {"store_params": {"big": "x" * 200_000}}, fetch=["big"])
    assert storage.list("p/") == []
    outputs.write_output(storage, "p/", {"store_params": {"big": "x" * 200_000}})
    assert storage.list("p/") == ["p/output.json"]


def test_a_failure_takes_the_place_of_what_an_earlier_try_stored(storage):
    outputs.write_output(storage, "p/", {"store_params": {"a": 1}})
    outputs.write_error(storage, "p/", {}, "m" * 9_000, "trace")
    assert json.loads(storage.get("p/output.json"))["store_params"] == {}
    error = json.loads(storage.get("p/error.json"))
    assert (len(error["message"]), error["stacktrace"]) == (8_000, "trace")


@given(st.text(min_size=0, max_size=300), st.integers(60, 120))
def test_a_shortened_text_keeps_its_beginning_and_its_end(text, limit):
    short = outputs.shorten(text, limit)
    assert len(short) <= limit
    assert short == text or (len(text) > limit and short[0] == text[0] and short[-1] == text[-1])
