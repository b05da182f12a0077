from __future__ import annotations

import copy

from nights import BUNDLE, DEFINITION, History, bad_night, container, good_night

from stepdig.report.track import Tracker
from stepdig.report.view import spoken


def states(history, name):
    return [said for row, said in history.log if row == name]


def loads(tracker):
    """Return the names of the tables' tasks in the order they began."""
    return [name for name in tracker.rows if name.endswith("+load")]


def test_before_the_run_every_task_outside_loops_is_blocked(tracker):
    assert {name: row.state for name, row in tracker.rows.items()} == {
        "+wf": "blocked",
        "+wf+prep": "blocked",
        "+wf+sync": "blocked",
        "+wf+verify": "blocked",
        "+wf+tell": "blocked",
    }
    assert tracker.rows["+wf+verify"].source == "wf.dig:20"


def test_a_called_file_has_its_place_among_the_tasks_before_it_runs():
    states = {
        "+a": {"Type": "Pass", "Comment": "wf.dig:1 +wf+a", "Next": "+call+x"},
        "+call+x": {"Type": "Pass", "Comment": "other.dig:1 +wf+call^sub+x", "Next": "+b"},
        "+b": {"Type": "Pass", "Comment": "wf.dig:5 +wf+b", "End": True},
    }
    tracker = Tracker({"StartAt": "+a", "States": states}, {"loops": {}, "tasks": {}})
    assert list(tracker.rows) == ["+wf", "+wf+a", "+wf+call", "+wf+b"]


def test_tasks_and_groups_go_through_digdags_states(history, tracker):
    good_night(history)
    users, items = loads(tracker)
    assert states(history, "+wf+prep") == ["running", "12 tables", "success"]
    assert states(history, users) == ["running", "success"]
    assert states(history, items) == ["running", "cannot connect", "retry_waiting", "running", "success"]
    assert states(history, "+wf+sync") == ["running", "success"]
    assert states(history, "+wf+tell") == ["running", "all", "done", "success"]
    assert {row.state for row in tracker.rows.values()} == {"success"}


def test_a_group_ends_after_what_is_inside_and_before_what_follows(history):
    good_night(history)
    at = {said: number for number, said in enumerate(history.log)}
    order = ["+wf+verify^sub+count", "+wf+verify^sub", "+wf+verify", "+wf+tell", "+wf"]
    places = [at[name, "success"] for name in order]
    assert places == sorted(places)
    assert at["+wf+verify", "success"] < at["+wf+tell", "running"]
    assert states(history, "+wf+verify") == ["running", "success"]


def test_figures_count_tasks_tries_and_billed_transitions(history, tracker):
    good_night(history)
    leaves = list(tracker.tasks.leaves())
    assert len(leaves) == 5
    assert sum(row.tries for row in leaves) == 6
    assert tracker.transitions == 8 + 1  # every state entered, and the retry
    assert (tracker.status, tracker.result, tracker.tasks.failures()) == ("SUCCEEDED", {"rows": 3}, [])


def test_a_failed_list_names_the_failed_item_and_no_group(history, tracker):
    bad_night(history)
    users, items = loads(tracker)
    assert states(history, items)[-3:] == ["running", "Traceback: no such column", "error"]
    assert [row.name for row in tracker.tasks.failures()] == [items]
    row = tracker.rows[items]
    assert (row.cause, row.tries, list(row.tail)) == (container(137), 2, ["Traceback: no such column"])
    assert row.at == ("+sync+load", '{"t": "order_items"}')
    assert tracker.rows[users].state == "success"
    assert tracker.rows["+wf+sync"].state == tracker.rows["+wf"].state == "group_error"
    assert tracker.rows["+wf+verify"].state == "blocked"


def test_an_iteration_is_called_by_its_whole_value(history, tracker):
    bad_night(history)
    assert [spoken(tracker.rows[name]) for name in loads(tracker)] == ["+sync users +load", "+sync order_items +load"]


def test_what_runs_when_the_run_is_stopped_is_canceled(history, tracker):
    at = history.task("+prep", 0)
    started = history.event("MapStateStarted", history.enter("Map", "+sync", at))
    at = history.launch(
        history.enter("Task", "+sync+load", history.event("MapIterationStarted", started), {"t": "users"})
    )
    history.event("ExecutionAborted", at, executionAbortedEventDetails={})
    assert tracker.status == "ABORTED"
    (load,) = loads(tracker)
    assert {name: tracker.rows[name].state for name in ("+wf", "+wf+prep", "+wf+sync", load, "+wf+tell")} == {
        "+wf": "canceled",
        "+wf+prep": "success",
        "+wf+sync": "canceled",
        load: "canceled",
        "+wf+tell": "blocked",
    }


def test_a_failure_nothing_catches_is_final_at_once(history, tracker):
    at = history.launch(history.enter("Task", "+prep", 0))
    history.fail(at, "States.Timeout", None)
    assert states(history, "+wf+prep") == ["running", "error"]


GUARDED = {
    "StartAt": "+g+a",
    "States": {
        "+g+a": {"Type": "Pass", "Comment": "wf.dig:3 +wf+g+a", "Next": "+g+b"},
        "+g+b": {"Type": "Task", "Comment": "wf.dig:4 +wf+g+b", "Catch": [{"Next": "+g retry"}], "Next": "+c"},
        "+g retry": {
            "Type": "Choice",
            "Comment": "wf.dig:2 +wf+g",
            "Choices": [{"Next": "+g retry wait"}],
            "Default": "+g error",
        },
        "+g retry wait": {"Type": "Wait", "Comment": "wf.dig:2 +wf+g", "Next": "+g+a"},
        "+g error": {"Type": "Pass", "Comment": "wf.dig:2 +wf+g", "Next": "+g^error+tell"},
        "+g^error+tell": {
            "Type": "Task",
            "Comment": "wf.dig:7 +wf+g^error+tell",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "+c"}],
            "Next": "+g failed",
        },
        "+g failed": {"Type": "Task", "Comment": "wf.dig:2 +wf+g", "Next": "+g+b"},
        "+c": {"Type": "Pass", "Comment": "wf.dig:9 +wf+c", "Next": "+d"},
        "+d": {"Type": "Pass", "Comment": "wf.dig:10 +wf+d", "Next": "+wf failed"},
        "+wf failed": {"Type": "Task", "Comment": "wf.dig:1 +wf", "End": True},
    },
}


def guarded():
    return History(Tracker(GUARDED, {"loops": {}, "tasks": {}}))


def fail_once(history, previous, cause):
    entered = history.enter("Task", "+g+b", history.step("Pass", "+g+a", previous))
    return history.exit("Task", "+g+b", history.fail(history.launch(entered), cause=cause))


def test_a_group_runs_again_and_fails_after_its_error_handler():
    history = guarded()
    at = history.step("Choice", "+g retry", fail_once(history, 0, "first"))
    at = history.step("Wait", "+g retry wait", at)
    at = history.step("Choice", "+g retry", fail_once(history, at, "second"))
    at = history.task("+g^error+tell", history.step("Pass", "+g error", at))
    at = history.fail(history.launch(history.enter("Task", "+g failed", at)), cause="second")
    history.event("ExecutionFailed", at, executionFailedEventDetails={"error": "E", "cause": "second"})
    assert states(history, "+wf+g+a") == ["running", "success", "running", "success"]
    assert states(history, "+wf+g+b") == ["running", "error", "running", "error"]
    assert states(history, "+wf+g") == ["running", "retry_waiting", "running", "group_error"]
    assert states(history, "+wf+g^error+tell") == ["running", "success"]
    (row,) = history.tracker.tasks.failures()
    assert (row.name, row.tries, row.cause) == ("+wf+g+b", 2, "second")


def test_a_task_stays_failed_while_its_error_handler_runs():
    states_ = {
        "+a": {"Type": "Task", "Comment": "wf.dig:2 +wf+a", "Catch": [{"Next": "+a error"}], "End": True},
        "+a error": {"Type": "Pass", "Comment": "wf.dig:2 +wf+a", "Next": "+a^error+x"},
        "+a^error+x": {
            "Type": "Pass",
            "Comment": "wf.dig:4 +wf+a^error+x",
            "Assign": {"echo": "x"},
            "Next": "+wf failed",
        },
        "+wf failed": {"Type": "Task", "Comment": "wf.dig:1 +wf", "End": True},
    }
    history = History(Tracker({"StartAt": "+a", "States": states_}, {"loops": {}, "tasks": {}}))
    at = history.exit("Task", "+a", history.fail(history.launch(history.enter("Task", "+a", 0))))
    at = history.step("Pass", "+a^error+x", history.step("Pass", "+a error", at), echo="x")
    history.enter("Task", "+wf failed", at)
    assert states(history, "+wf+a") == ["running", "error"]
    assert states(history, "+wf+a^error") == ["running", "success"]
    assert states(history, "+wf") == ["running", "group_error"]


def test_a_group_that_succeeds_when_run_again_has_not_failed():
    history = guarded()
    at = history.step("Choice", "+g retry", fail_once(history, 0, "first"))
    at = history.task("+g+b", history.step("Pass", "+g+a", history.step("Wait", "+g retry wait", at)))
    history.step("Pass", "+c", at)
    assert states(history, "+wf+g")[-1] == "success"
    assert history.tracker.tasks.failures() == []


def test_a_state_that_only_notes_a_failure_is_a_failed_task():
    history = guarded()
    at = history.step("Pass", "+d", 0, failure={"Error": "Fail", "Cause": "no rows", "at": "+d"})
    history.enter("Task", "+wf failed", at)
    (row,) = history.tracker.tasks.failures()
    assert (row.name, row.state, row.error, row.cause) == ("+wf+d", "error", "Fail", "no rows")
    assert states(history, "+wf") == ["running", "group_error"]


def test_a_message_that_cannot_be_sent_fails_nothing():
    history = guarded()
    at = history.enter("Task", "+g^error+tell", 0)
    at = history.fail(history.launch(at), "Unreachable", "no route")
    history.step("Pass", "+c", history.exit("Task", "+g^error+tell", at))
    assert states(history, "+wf+g^error+tell") == ["running", "success"]
    assert history.tracker.rows["+wf+g^error+tell"].line == "Unreachable: no route"


def test_a_fail_state_is_a_failed_task_with_the_cause_of_the_run():
    definition = {
        "StartAt": "+a",
        "States": {"+a": {"Type": "Fail", "Comment": "wf.dig:2 +wf+a", "Error": "Fail", "Cause": "{% $x %}"}},
    }
    history = History(Tracker(definition, {"loops": {}, "tasks": {}}))
    details = {"error": "Fail", "cause": "no rows"}
    history.event("ExecutionFailed", history.enter("Fail", "+a", 0), executionFailedEventDetails=details)
    (row,) = history.tracker.tasks.failures()
    assert (row.name, row.error, row.cause) == ("+wf+a", "Fail", "no rows")


def test_the_children_of_a_distributed_map_report_into_the_same_rows(tracker):
    at = {"": 0, "child": 0}

    def event(execution, type_, previous, **details):
        at[execution] += 1
        tracker.event(
            {"timestamp": "2026-11-20T00:00:00.000Z", "type": type_, "id": at[execution], "previousEventId": previous}
            | details,
            execution,
        )
        return at[execution]

    entered = event("", "MapStateEntered", 0, stateEnteredEventDetails={"name": "+sync", "input": "{}"})
    run = event("", "MapRunStarted", event("", "MapStateStarted", entered))
    start = event("child", "ExecutionStarted", 0)
    inside = event(
        "child", "TaskStateEntered", start, stateEnteredEventDetails={"name": "+sync+load", "input": '{"t": "users"}'}
    )
    event("child", "TaskSucceeded", event("child", "TaskStarted", event("child", "TaskScheduled", inside)))
    assert [line.text for line in tracker.output(inside, "stdout", "loaded", "child")] == ["loaded"]
    assert tracker.output(inside, "stdout", "of nobody") == []
    event("child", "TaskStateExited", at["child"], stateExitedEventDetails={"name": "+sync+load", "output": "{}"})
    event("child", "ExecutionSucceeded", at["child"])
    assert tracker.status == ""
    event("", "MapRunSucceeded", run)
    event("", "MapStateExited", event("", "MapStateSucceeded", at[""]), stateExitedEventDetails={"name": "+sync"})
    (load,) = loads(tracker)
    assert tracker.rows[load].state == tracker.rows["+wf+sync"].state == "success"


def test_a_finished_run_keeps_no_threads(history, tracker):
    good_night(history)
    assert len(tracker._threads) <= 3
    assert tracker._running == {}


def test_a_definition_is_left_as_it_was():
    before = copy.deepcopy(DEFINITION)
    good_night(History(Tracker(DEFINITION, BUNDLE)))
    assert before == DEFINITION
