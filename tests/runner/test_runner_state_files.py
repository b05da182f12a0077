"""Where files of state: lie: by the label of a row, wherever the list has it, and never two rows in one place."""

from hypothesis import given
from hypothesis import strategies as st
from runner_bundles import at, bundle, for_each, task, variable

from stepdig.runner import state_files
from stepdig.runner.storage import FolderStorage


def place(folder, rows, row, label="table", state=("d",)):
    """Return the key of a task's file in the iteration of a row."""
    one = bundle(
        {"+t": {**task({"sh>": "x"}, loops=["+l"]), "state": list(state)}},
        loops={"+l": for_each(variable("t", rows, label))},
    )
    loop = {"t": {label: row[label]} if label else row}
    return state_files.fetch(at(one, loop=loop), FolderStorage(folder), folder)[0][0]


def test_a_row_is_found_again_when_its_list_changes(tmp_path):
    rows = [{"table": "users", "rows": 1}, {"table": "orders/eu", "rows": 2}]
    first = [place(tmp_path, rows, row) for row in rows]
    assert first == ["state/shop-wf/+t/t=users/d", "state/shop-wf/+t/t=orders%2Feu/d"]
    assert [place(tmp_path, rows[::-1], row) for row in rows] == first


def test_each_kind_of_loop_has_places_of_its_own(tmp_path):
    loops = {
        "+l": {"operator": "loop", "variables": [variable("i")]},
        "+r": {"operator": "for_range", "variables": [variable("range")]},
        "+e": for_each(variable("a", ["x", "y"]), variable("b", [{"n": 1}, {"n": 2}])),
    }
    one = bundle({"+t": {**task({"sh>": "x"}, loops=list(loops)), "state": ["d/e"]}}, loops=loops)
    loop = {"i": 3, "range": {"from": 0, "to": 10, "index": 0}, "a#": 1, "a": "x", "b": {"n": 2}}
    key, path = state_files.fetch(at(one, loop=loop), FolderStorage(tmp_path), tmp_path)[0]
    assert key == "state/shop-wf/+t/loop=3/from=0,to=10/a=x,b=%7B%22n%22%3A2%7D/d/e"
    assert path == tmp_path / "d/e"


@given(st.lists(st.text(max_size=200), min_size=2, max_size=2, unique=True))
def test_two_labels_never_share_a_place_that_a_file_system_takes(tmp_path_factory, labels):
    folder = tmp_path_factory.getbasetemp()
    keys = [place(folder, labels, label, label=None) for label in labels]
    assert len(set(keys)) == 2
    assert all(len(part.encode()) <= 255 for key in keys for part in key.split("/"))
    assert all(".." not in key.split("/") for key in keys)
