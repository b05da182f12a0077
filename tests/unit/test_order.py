"""The order of a group: a law over random graphs of `_after`, and the known shapes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stepdig.language.model import After, Task
from stepdig.language.order import Arranged, in_sequence, side_by_side
from stepdig.problem import Position

AT = Position("w.dig", 1, 1)


def _task(name: str, after: tuple[str, ...] = (), *, background: bool = False) -> Task:
    return Task(name, AT, after=tuple(After(it, AT) for it in after), background=background)


def _shape(order: Arranged) -> object:
    """Return an order as nested lists (one after the other) and tuples (side by side) of names."""
    return [step.name if isinstance(step, Task) else tuple(map(_shape, step)) for step in order]


def _before(order: Arranged, earlier: frozenset[str] = frozenset()) -> dict[str, frozenset[str]]:
    """Return for each task which tasks have ended when it begins."""
    found: dict[str, frozenset[str]] = {}
    for step in order:
        inner = {step.name: earlier} if isinstance(step, Task) else {}
        for branch in () if isinstance(step, Task) else step:
            inner.update(_before(branch, earlier))
        found.update(inner)
        earlier |= frozenset(inner)
    return found


@st.composite
def _graphs(draw: st.DrawFn) -> list[Task]:
    names = [f"+{number}" for number in range(draw(st.integers(1, 9)))]
    pick = [st.sets(st.sampled_from(names[:number])) if number else st.just(set[str]()) for number in range(len(names))]
    return [_task(name, tuple(sorted(draw(pick[number])))) for number, name in enumerate(names)]


@settings(max_examples=300, deadline=None)
@given(_graphs())
def test_whatever_after_asks_for_holds(tasks: list[Task]) -> None:
    """Each task runs once, after all that it waits for."""
    before = _before(side_by_side(tasks))

    assert sorted(before) == sorted(task.name for task in tasks)
    for task in tasks:
        assert {it.name for it in task.after} <= before[task.name]


@st.composite
def _series_parallel(draw: st.DrawFn, depth: int = 3) -> Arranged:
    """A random nesting of sequences and branches; names are given later."""
    steps: Arranged = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            steps.append(tuple(draw(_series_parallel(depth - 1)) for _ in range(draw(st.integers(2, 3)))))
        else:
            steps.append(_task(""))
    return steps


def _named(order: Arranged, earlier: tuple[str, ...], done: list[Task]) -> tuple[str, ...]:
    """Fill `done` with the tasks of an order, each naming all that ended before it; return the names inside."""
    inside: tuple[str, ...] = ()
    for step in order:
        if isinstance(step, Task):
            names: tuple[str, ...] = (f"+{len(done)}",)
            done.append(_task(names[0], earlier + inside))
        else:
            names = tuple(name for branch in step for name in _named(branch, earlier + inside, done))
        inside += names
    return inside


@settings(max_examples=200, deadline=None)
@given(_series_parallel())
def test_a_series_parallel_graph_gets_no_barrier(order: Arranged) -> None:
    """What sequences and branches can say is said exactly: nothing waits without need."""
    tasks: list[Task] = []
    _named(order, (), tasks)

    before = _before(side_by_side(tasks))

    assert before == {task.name: frozenset(it.name for it in task.after) for task in tasks}


def test_an_n_gets_one_barrier() -> None:
    """+c waits for +a, +d for both: one pair more than asked for is ordered, no more."""
    tasks = [_task("+a"), _task("+b"), _task("+c", ("+a",)), _task("+d", ("+a", "+b"))]

    order = side_by_side(tasks)

    extra = sum(len(names) for names in _before(order).values()) - sum(len(task.after) for task in tasks)
    assert extra == 1


def test_background_tasks_start_with_the_group() -> None:
    """They run beside all earlier siblings; the next task waits for both."""
    tasks = [_task("+a"), _task("+b"), _task("+c", background=True), _task("+d")]

    assert _shape(in_sequence(tasks)) == [((["+a", "+b"]), ["+c"]), "+d"]
