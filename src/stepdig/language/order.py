"""In which order the tasks of a group run: what goes one after the other, what side by side. Pure graph work.

`_background` starts with its group, `_after` names siblings that come first; Step Functions has only sequences and
parallel branches. A graph that these cannot say (`_after` allows any) gets the fewest barriers that keep its order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepdig.language.model import Task

# A sequence of tasks and of parallel steps; each branch of such a step is a sequence again.
Arranged = list["Task | tuple[Arranged, ...]"]
_UNITED = 30  # so many different sets of predecessors are tried in pairs too
_Edges = dict[int, frozenset[int]]  # number of a task -> those that must end before it, near and far


def in_sequence(children: Sequence[Task]) -> Arranged:
    """Return the order of a group whose tasks run one after the other.

    A `_background` task starts with the group, beside all earlier siblings; the next child waits for it and for them.
    """
    done: Arranged = []
    waiting: list[Arranged] = []
    for child in children:
        if child.background:
            waiting.append([child])
            continue
        done = [*_joined(done, waiting), child]
        waiting = []
    return _joined(done, waiting)


def side_by_side(children: Sequence[Task]) -> Arranged:
    """Return the order of a group with `_parallel: true`: all at once, but for what `_after` says."""
    return _arranged(frozenset(range(len(children))), _edges(children), children)


def _edges(children: Sequence[Task]) -> _Edges:
    """Return what must end before each task; `_after` names earlier siblings only, so one pass finds all."""
    numbers = {child.name: number for number, child in enumerate(children)}
    edges: _Edges = {}
    for number, child in enumerate(children):
        near = [numbers[it.name] for it in child.after if numbers.get(it.name, number) < number]
        edges[number] = frozenset(near).union(*(edges[it] for it in near))
    return edges


def _arranged(nodes: frozenset[int], edges: _Edges, children: Sequence[Task]) -> Arranged:
    """Return the order of some tasks: branches where they fall apart, else a cut into what comes first and the rest."""
    if len(nodes) < 2:
        return [children[number] for number in nodes]
    parts = _components(nodes, edges)
    if len(parts) > 1:
        return [tuple(_arranged(part, edges, children) for part in parts)]
    first = min(_cuts(nodes, edges), key=lambda cut: (_added(cut, nodes - cut, edges), len(cut)))
    return [*_arranged(first, edges, children), *_arranged(nodes - first, edges, children)]


def _components(nodes: frozenset[int], edges: _Edges) -> list[frozenset[int]]:
    """Return the parts of a graph that have no edge between them, in the order of their first tasks."""
    parts: list[frozenset[int]] = []
    for number in sorted(nodes):
        touched = (edges[number] & nodes) | {number}
        apart = [part for part in parts if not part & touched]
        parts = [*apart, touched.union(*(part for part in parts if part & touched))]
    return sorted(parts, key=min)


def _cuts(nodes: frozenset[int], edges: _Edges) -> Iterable[frozenset[int]]:
    """Return the ways to cut a graph in two where nothing of the first part waits for the second.

    Those that can be best: what must end before some task (and before each that needs no more than it), and all but
    what waits for some task.
    """
    befores = {edges[number] & nodes for number in nodes}
    found = {nodes - {it for it in nodes if it == number or number in edges[it]} for number in nodes} | befores
    if len(befores) <= _UNITED:
        found |= {one | other for one in befores for other in befores}
    return sorted((cut for cut in found if cut and cut != nodes), key=sorted)


def _added(first: frozenset[int], second: frozenset[int], edges: _Edges) -> int:
    """Return how many pairs a cut orders that need no order."""
    return sum(len(first - edges[number]) for number in second)


def _joined(done: Arranged, waiting: list[Arranged]) -> Arranged:
    """Return the steps so far with those that run beside them."""
    beside = [part for part in (done, *waiting) if part]
    if not waiting or len(beside) < 2:
        return [step for part in beside for step in part]
    return [tuple(beside)]
