"""Parameters are layers: what a name means at one place of a workflow.

For a task, weakest first: attempt parameters; then for each scope from the root down its `_export` and the stores visible
there, the variables of a loop, `error` inside `_error`; the task's own `_export`; built-ins. A state of the machine
resolves a name while compiling, from the strongest layer down (`Names`); a command task is given the layers by name
(`bundle_layers`).
Digdag's rules: docs.digdag.io/workflow_definition.html#using-variables.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace

from stepdig.expressions import translate
from stepdig.language.model import Input
from stepdig.naming.draft import Draft, Frame
from stepdig.source.tree import Mapping, Node, plain


@dataclass(frozen=True, slots=True)
class Store:
    """A task upstream that may store; `loops` are the loops around it, `counted` whether a counted loop went over it.

    `names` are the paths that it stores at most, each replaced as a whole: `http.last_status`; None: any. `recorded` is what
    it stored in an earlier run, where it does not run in this one; `task` is then its name in the bundle's `recorded`.
    """

    task: str
    loops: tuple[str, ...]
    frame: Frame
    counted: bool = False
    names: frozenset[str] | None = None
    recorded: MappingOf[str, object] | None = None

    def may_hold(self, name: str) -> bool:
        """Return whether the task may store something under a name."""
        return self.names is None or any(path.partition(".")[0] == name for path in self.names)

    def replaces(self, path: str) -> bool:
        """Return whether what the task stores there stands in place of what others stored, and is not merged with it."""
        return self.names is not None and any(path == it or path.startswith(f"{it}.") for it in self.names)


def scope_in(key: str, environment: str) -> str:
    """Return the bundle's name of an `_export` as it is in one environment; no task's name holds a colon."""
    return f"{key}:{environment}"


@dataclass(frozen=True, slots=True)
class ExportLayer:
    """An `_export`, under the name it has in the bundle; where its mapping has variants, under one for each of them."""

    key: str
    mapping: Mapping


@dataclass(frozen=True, slots=True)
class StoresLayer:
    """What tasks upstream stored, later ones stronger; `earlier`: only in earlier iterations of the loop around."""

    stores: tuple[Store, ...]
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class RecordedLayer:
    """What tasks stored in an earlier run, which do not run in this one, under the name it has in the bundle."""

    key: str
    values: MappingOf[str, object]


@dataclass(frozen=True, slots=True)
class LoopLayer:
    """The variables of a loop."""

    loop: str


@dataclass(frozen=True, slots=True)
class ErrorLayer:
    """`error` inside `_error`, held by a variable of the machine."""

    variable: str
    frame: Frame


@dataclass(frozen=True, slots=True)
class Defaults:
    """The declared inputs of a file; their defaults lie under the attempt parameters, by `key` in the bundle.

    checked  they are the workflow's own: the first state has converted what was given, and refused anything else
    """

    key: str
    inputs: tuple[Input, ...]
    checked: bool


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time limit of a group: the variable of the machine that holds its end, and the seconds it had."""

    variable: str
    frame: Frame
    seconds: int


Layer = ExportLayer | StoresLayer | RecordedLayer | LoopLayer | ErrorLayer


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a task stands.

    layers     weakest first
    path       path of the task without the workflow, for names of states
    full       Digdag's full name, `[+loop]` where the iteration goes
    loops      the loops around, outermost first
    directory  sub-directory of the project (of a called file), "" at the top
    env        `_env` of the groups around, outermost first
    deadlines  `_timeout` of the groups around: the machine's variable, its scope, the seconds
    defaults   of declared inputs, weakest first: those of called files, then the workflow's own
    environment  the one in which names are looked at; None: in each of those that exports tell apart
    """

    draft: Draft
    frame: Frame
    layers: tuple[Layer, ...] = ()
    path: str = ""
    full: str = ""
    loops: tuple[str, ...] = ()
    directory: str = ""
    env: tuple[Mapping, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    defaults: tuple[Defaults, ...] = ()
    environment: str | None = None

    def inside(self, name: str, generated: str = "") -> Scope:
        """Return the scope of a child: its path and full name, the latter with what Digdag puts in between."""
        return replace(self, path=self.path + name, full=self.full + generated + name)

    def exporting(self, mapping: Mapping | None) -> Scope:
        """Return this scope with an `_export` over it."""
        if mapping is None or not mapping.entries:
            return self
        for name, _ in mapping:
            if str(name.value).endswith(">"):
                text = f"_export cannot hold '{name.value}'"
                hint = "Digdag would run it in place of every task's operator here"
                self.draft.problems.add(name.at, "SD408", text, hint, name.length)
        taken = self.full in self.draft.scopes or any(
            scope_in(self.full, it) in self.draft.scopes for it in self.draft.environments
        )
        key = self.full + (f"^{len(self.draft.scopes)}" if taken else "")
        self.draft.scopes[key] = plain(mapping)
        if mapping.variants:
            self._chosen(key, mapping)
        return replace(self, layers=(*self.layers, ExportLayer(key, mapping)))

    def _chosen(self, key: str, mapping: Mapping) -> None:
        """Keep an `_export` as it is in each environment; all of a workflow have the same."""
        del self.draft.scopes[key]
        for it in (it for defaults in self.defaults for it in defaults.inputs if it.name == "env"):
            text, hint = "`env` is the environment here", "call the parameter by another name"
            self.draft.problems.add(it.at, "SD694", text, hint)
        names = tuple(name for name, _ in mapping.variants)
        self.draft.environments = self.draft.environments or names
        if names != self.draft.environments:
            missing = ", ".join(sorted({*names} ^ {*self.draft.environments}))
            text = f"another `_export` of the workflow has other environments: {missing}"
            self.draft.problems.add(mapping.at, "SD692", text, "each `${env}` stands for the same names")
        for name, variant in mapping.variants:
            self.draft.scopes[scope_in(key, name)] = plain(variant)

    def declaring(self, inputs: tuple[Input, ...] | None, *, checked: bool) -> Scope:
        """Return this scope with the inputs that a file declares; those of a called one are the weakest."""
        if inputs is None:
            return self
        key = f"{self.full}^params" + ("" if not self.defaults else f"^{len(self.draft.scopes)}")
        self.draft.scopes[key] = {it.name: plain(it.default) for it in inputs if not it.required}
        return replace(self, defaults=(Defaults(key, inputs, checked), *self.defaults))

    def after(self, stores: tuple[Store, ...], *, earlier: bool = False) -> Scope:
        """Return this scope with stores of tasks upstream over it."""
        layers = list(self.layers)
        running: list[Store] = []
        for store in stores:
            if store.recorded is None:
                running.append(store)
                continue
            layers += [StoresLayer(tuple(running), earlier)] if running else []
            layers.append(RecordedLayer(store.task, store.recorded))
            running = []
        layers += [StoresLayer(tuple(running), earlier)] if running else []
        return replace(self, layers=tuple(layers)) if stores else self

    @property
    def written(self) -> str:
        """The path of the task as those know it who tell of runs: with `^sub`, without the workflow."""
        return self.full.removeprefix(f"+{self.draft.workflow}")

    def recorded(self, path: str) -> tuple[Store, ...]:
        """Return what a task that does not run stored in an earlier run."""
        values = self.draft.parts.done.get(path)
        if not values:
            return ()
        self.draft.recorded[path] = values
        return (Store(path, (), self.frame, recorded=values),)

    @property
    def run(self) -> str:
        """The JSONata reference of the run object here."""
        frame: Frame | None = self.frame
        while frame is not None:
            if frame.distributed:
                return "$states.input.run"
            frame = frame.outer
        return "$run"

    def remaining(self, own: int | None = None) -> list[str]:
        """Return JSONata for the seconds left of each time limit that counts here; a task's own is the first.

        The innermost group's ends with those around it at the latest. A redrive begins with the whole time again.
        """
        left = [] if own is None else [str(own)]
        if self.deadlines:
            it = self.deadlines[-1]
            d = self.variable(it.variable, it.frame)
            same = f"{d}.redrives=$states.context.Execution.RedriveCount"
            left.append(f"({same}?$max([1,$ceil(({d}.at-$millis())/1000)]):{it.seconds})")
        return left

    @property
    def zone(self) -> translate.Zone:
        """The zone of the workflow, as expressions need it."""
        return translate.Zone([list(row) for row in self.draft.offsets], self.run)

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments that the exports in sight tell apart; none where they are the same in all."""
        layers = (it for it in self.layers if isinstance(it, ExportLayer))
        return next((tuple(name for name, _ in it.mapping.variants) for it in layers if it.mapping.variants), ())

    def variable(self, name: str, owner: Frame) -> str:
        """Return the JSONata reference of a variable that belongs to this or an enclosing scope of variables."""
        crossed = self.frame.up_to(owner) or ()
        passed = [frame for frame in crossed if frame.distributed]
        for frame in passed:
            self.draft.passes.setdefault(frame.number, set()).add(name)
        return f"$states.input.vars.{name}" if passed else f"${name}"


def names_before(layers: Iterable[Layer], path: tuple[str, ...], environment: str | None = None) -> frozenset[str]:
    """Return the names that stand before the last one of `path` in its object, exports merged; none at the top.

    A text in an object sees these before all others: `o: {base: s3, full: "${base}/x"}`.
    """
    found: dict[str, None] = {}
    for layer in layers if len(path) > 1 else ():
        node: Node | None = layer.mapping.of(environment) if isinstance(layer, ExportLayer) else None
        for name in path[:-1]:
            inner = node.get(name) if isinstance(node, Mapping) else None
            if inner is not None and not isinstance(inner, Mapping):
                found.clear()  # what is no object stands in place of one
            node = inner
        if isinstance(node, Mapping):
            found.update({str(name.value): None for name, _ in node})
    names = list(found)
    return frozenset(names[: names.index(path[-1])] if path[-1] in found else ())


def bundle_layers(scope: Scope) -> list[list[object]]:
    """Return a scope's layers as the bundle lists them, weakest first."""
    rows: list[list[object]] = []
    for layer in scope.layers:
        if isinstance(layer, ExportLayer) and layer.mapping.variants:
            rows.append(["chosen", {name: scope_in(layer.key, name) for name, _ in layer.mapping.variants}])
        elif isinstance(layer, ExportLayer):
            rows.append(["export", layer.key])
        elif isinstance(layer, RecordedLayer):
            rows.append(["recorded", layer.key])
        elif isinstance(layer, LoopLayer):
            rows.append(["loop", layer.loop])
        elif isinstance(layer, ErrorLayer):
            rows.append(["error"])
        else:
            rows.append(["stores", [_bundle_store(store, scope, layer) for store in layer.stores]])
    return rows


def _bundle_store(store: Store, scope: Scope, layer: StoresLayer) -> dict[str, object]:
    shared = next(
        (n for n, (a, b) in enumerate(zip(store.loops, scope.loops, strict=False)) if a != b),
        min(len(store.loops), len(scope.loops)),
    )
    return {"task": store.task, "shared": shared, "when": "earlier" if layer.earlier else "all"}
