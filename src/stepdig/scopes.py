"""Parameters are layers: what a name means at one place of a workflow.

For a task, weakest first: attempt parameters; then for each scope from the root down its `_export` and the stores visible
there, the variables of a loop, `error` inside `_error`; the task's own `_export`; built-ins. A state of the machine
resolves a name while compiling, from the strongest layer down (`Names`); a command task is given the layers by name
(`bundle_layers`).
Digdag's rules: docs.digdag.io/workflow_definition.html#using-variables.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from math import prod

from stepdig.draft import WHOLE, Draft, Frame, LoopDraft
from stepdig.expressions import builtins, jsglobals, translate
from stepdig.jsonata_text import MERGE, field, literal
from stepdig.tree import Mapping, Node, Scalar, Sequence, plain

Binding = translate.Known | translate.Code


@dataclass(frozen=True, slots=True)
class Store:
    """A task upstream that may store; `loops` are the loops around it, `counted` whether a counted loop went over it."""

    task: str
    loops: tuple[str, ...]
    frame: Frame
    counted: bool = False


@dataclass(frozen=True, slots=True)
class ExportLayer:
    """An `_export`, under the name it has in the bundle."""

    key: str
    mapping: Mapping


@dataclass(frozen=True, slots=True)
class StoresLayer:
    """What tasks upstream stored, later ones stronger; `earlier`: only in earlier iterations of the loop around."""

    stores: tuple[Store, ...]
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class LoopLayer:
    """The variables of a loop."""

    loop: str


@dataclass(frozen=True, slots=True)
class ErrorLayer:
    """`error` inside `_error`, held by a variable of the machine."""

    variable: str
    frame: Frame


Layer = ExportLayer | StoresLayer | LoopLayer | ErrorLayer


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a task stands.

    layers     weakest first
    path       path of the task without the workflow, for names of states
    full       Digdag's full name, `[+loop]` where the iteration goes
    loops      the loops around, outermost first
    directory  sub-directory of the project (of a called file), "" at the top
    """

    draft: Draft
    frame: Frame
    layers: tuple[Layer, ...] = ()
    path: str = ""
    full: str = ""
    loops: tuple[str, ...] = ()
    directory: str = ""

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
        key = self.full + ("" if self.full not in self.draft.scopes else f"^{len(self.draft.scopes)}")
        self.draft.scopes[key] = plain(mapping)
        return replace(self, layers=(*self.layers, ExportLayer(key, mapping)))

    def after(self, stores: tuple[Store, ...], *, earlier: bool = False) -> Scope:
        """Return this scope with stores of tasks upstream over it."""
        return replace(self, layers=(*self.layers, StoresLayer(stores, earlier))) if stores else self

    @property
    def run(self) -> str:
        """The JSONata reference of the run object here."""
        frame: Frame | None = self.frame
        while frame is not None:
            if frame.distributed:
                return "$states.input.run"
            frame = frame.outer
        return "$run"

    @property
    def zone(self) -> translate.Zone:
        """The zone of the workflow, as expressions need it."""
        return translate.Zone([list(row) for row in self.draft.offsets], self.run)

    def variable(self, name: str, owner: Frame) -> str:
        """Return the JSONata reference of a variable that belongs to this or an enclosing scope of variables."""
        crossed = self.frame.up_to(owner) or ()
        passed = [frame for frame in crossed if frame.distributed]
        for frame in passed:
            self.draft.passes.setdefault(frame.number, set()).add(name)
        return f"$states.input.vars.{name}" if passed else f"${name}"


class Names:
    """Resolves names for the expressions of one task's states (the `Names` protocol of `translate`)."""

    def __init__(self, scope: Scope, local: MappingOf[str, Node] | None = None) -> None:
        self.scope = scope
        self.local = local or {}  # keys of the task itself that come before what is evaluated
        self._open: list[tuple[int, str]] = []  # exports being expanded, by layer and path
        self._local_open: list[tuple[str, int]] = []

    def resolve(self, path: tuple[str, ...]) -> tuple[Binding | None, int]:
        """Return what the longest leading part of `path` is bound to, and how many segments that covers."""
        if path[0] in self.local and (path[0], -1) not in self._local_open:
            return self._locally(path)
        if path[0] == "task_name":
            return task_name(self.scope), 1
        if path[0] == "timezone":
            return translate.Known(self.scope.draft.timezone), 1
        builtin = builtins.session_variable(path[0], self.scope.zone)
        if builtin is not None:
            return builtin, 1
        known_length = path[: path.index("length")] if "length" in path[1:] else path
        return self._below(len(self.scope.layers), known_length)

    def exported(self, path: tuple[str, ...]) -> object:
        """Return what an `_export` has under a path, if that is known when compiling; None if not."""
        for layer in reversed(self.scope.layers):
            node: Node | None = layer.mapping if isinstance(layer, ExportLayer) else None
            for name in path:
                node = node.get(name) if isinstance(node, Mapping) else None
            if node is not None:
                value = self.value(node)
                return value.value if isinstance(value, translate.Known) else None
        return None

    def _below(self, level: int, path: tuple[str, ...]) -> tuple[Binding | None, int]:
        """Resolve among the layers under `level`; the attempt parameters lie under all of them."""
        rooted = False
        found: tuple[Binding | None, int] | None
        for index in range(level - 1, -1, -1):
            layer = self.scope.layers[index]
            if isinstance(layer, StoresLayer) and layer.stores:
                return self._stored(layer, index, path, rooted=rooted)
            if isinstance(layer, LoopLayer):
                found = self._looped(self.scope.draft.loops[layer.loop], path)
            elif isinstance(layer, ErrorLayer):
                name = self.scope.variable(layer.variable, layer.frame)
                found = (translate.Code(name, "obj"), 1) if path[0] == "error" else None
            elif isinstance(layer, ExportLayer):
                found, here = self._exported(layer, index, path)
                rooted = rooted or here
            else:
                continue
            if found is not None:
                return found
        if not rooted and jsglobals.is_global(path[0]):
            return None, 1
        code = f"{self.scope.run}.params.{'.'.join(map(field, path))}"
        return (translate.Code(code, "any"), len(path)) if rooted else (
            translate.Code(f"{self.scope.run}.params.{field(path[0])}", "any", may_be_missing=True), 1
        )  # fmt: skip

    def _exported(
        self, layer: ExportLayer, index: int, path: tuple[str, ...]
    ) -> tuple[tuple[Binding | None, int] | None, bool]:
        """Look a path up in an `_export`: what it is bound to, and whether at least its first name is there."""
        node: Node | None = layer.mapping
        for depth, name in enumerate(path):
            assert isinstance(node, Mapping)
            node = node.get(name)
            if node is None:
                return None, depth > 0
            if not isinstance(node, Mapping):
                key = (index, ".".join(path[: depth + 1]))
                if key in self._open:  # `x: ${x}` means the x of a weaker layer
                    return None, True
                self._open.append(key)
                try:
                    return (self.value(node), depth + 1), True
                finally:
                    self._open.pop()
        assert isinstance(node, Mapping)
        weaker, covered = self._below(index, path)
        own = self.value(node)
        return ((_merged(weaker, own) if covered == len(path) else own), len(path)), True

    def _locally(self, path: tuple[str, ...]) -> tuple[Binding, int]:
        """Return what a key of the task itself holds; inside it, its own name means that of a weaker layer."""
        node: Node | None = self.local[path[0]]
        depth = 1
        while isinstance(node, Mapping) and depth < len(path):
            node = node.get(path[depth])
            depth += 1
        if node is None:
            return translate.Known(None), depth
        self._local_open.append((path[0], -1))
        try:
            return self.value(node), depth
        finally:
            self._local_open.pop()

    def value(self, node: Node) -> Binding:
        """Return a node's value with its templates evaluated: known, or JSONata."""
        if isinstance(node, Scalar):
            if not isinstance(node.value, str) or "$" not in node.value:
                return translate.Known(node.value)
            done = translate.text(node.value, self, self.scope.zone)
            self.scope.draft.needs_zone |= done.needs_tz
            if done.const is not translate.NOT_CONSTANT:
                return translate.Known(done.const)
            return translate.Code(f"({done.code})", "str", guards=tuple(done.guards))
        if isinstance(node, Sequence):
            items = [self.value(item) for item in node.items]
            if all(isinstance(item, translate.Known) for item in items):
                return translate.Known([item.value for item in items if isinstance(item, translate.Known)])
            return translate.Code(f"[{','.join(map(as_code, items))}]", "arr")
        fields = {str(name.value): self.value(inner) for name, inner in node}
        if all(isinstance(it, translate.Known) for it in fields.values()):
            return translate.Known({name: it.value for name, it in fields.items() if isinstance(it, translate.Known)})
        return translate.Code("{" + ",".join(f"{literal(k)}:{as_code(v)}" for k, v in fields.items()) + "}", "obj")

    def _stored(
        self, layer: StoresLayer, index: int, path: tuple[str, ...], *, rooted: bool
    ) -> tuple[Binding | None, int]:
        """Resolve a name that tasks upstream may have stored: theirs if there, else the weaker layers'."""
        weaker, covered = self._below(index, path)
        binding: Binding | None = weaker
        whole = covered == len(path)
        used = path if whole else path[:covered]
        dotted = ".".join(map(field, used))
        for store in layer.stores:
            for variable in self._variables(store, used[0], earlier=layer.earlier):
                binding = _either(f"{variable}.{dotted}", binding)
        if rooted and isinstance(binding, translate.Code):
            binding = binding._replace(may_be_missing=False)
        return binding, len(used)

    def _variables(self, store: Store, name: str, *, earlier: bool) -> list[str]:
        """Return the variables that hold a task's stores for a reader here, weakest first, and note the reading."""
        draft = self.scope.draft
        fetch = draft.fetch(store.task, store.frame)
        fetch.names.add(name)
        kinds = [fetch.variable + "e"] if earlier else [fetch.variable]
        if store.counted and not earlier:
            kinds.insert(0, fetch.variable + "e")
        return [self._reachable(kind, store.frame) for kind in kinds]

    def _reachable(self, variable: str, owner: Frame) -> str:
        """Return the reference of a variable of this scope, an enclosing one, or one inside that has ended."""
        draft, frame = self.scope.draft, owner
        while self.scope.frame.up_to(frame) is None:
            outer = frame.outer
            assert outer is not None
            outside = f"{variable.partition('_')[0]}_{outer.number}"
            draft.gathers.setdefault(frame.number, {})[variable] = outside
            variable, frame = outside, outer
        return self.scope.variable(variable, frame)

    def _looped(self, loop: LoopDraft, path: tuple[str, ...]) -> tuple[Binding, int] | None:
        """Resolve a loop variable, noting which columns of its rows the machine reads."""
        variable = next((it for it in loop.variables if it["name"] == path[0]), None)
        if variable is None:
            return None
        key = str(variable["input"])
        base = f"$states.input.{field(key)}"
        rows = variable["rows"]
        if not isinstance(rows, list):
            return translate.Code(base, "num" if loop.operator == "loop" else "any"), 1
        if not any(isinstance(row, dict) for row in rows):
            return translate.Code(base, _type(rows)), 1
        columns = loop.columns.setdefault(key, set())
        if len(path) == 1:
            columns.add(WHOLE)
            return translate.Code(base, "any"), 1
        columns.add(path[1])
        values = [row[path[1]] if isinstance(row, dict) and path[1] in row else None for row in rows]
        return translate.Code(f"{base}.{field(path[1])}", _type(values)), 2


def task_name(scope: Scope) -> Binding:
    """Return Digdag's full name of a task, the iterations of its loops filled in by the machine."""
    if not scope.loops:
        return translate.Known(scope.full)
    parts: list[str] = []
    rest = scope.full
    for loop in scope.loops:
        before, _, rest = rest.partition(f"[{loop}]")
        parts += [literal(before), _iteration_name(scope.draft.loops[loop])]
    return translate.Code(f"({'&'.join([*parts, literal(rest)])})", "str")


def _iteration_name(loop: LoopDraft) -> str:
    """Return JSONata for the name Digdag gives an iteration, without the `+` before it."""
    inputs = [f"$states.input.{field(str(it['input']))}" for it in loop.variables]
    if loop.operator == "loop":
        return f"'loop-'&$string({inputs[0]})"
    if loop.operator == "for_range":
        return f"'range-from='&$string({inputs[0]}.from)&'&to='&$string({inputs[0]}.to)"
    named = []
    for position, (variable, value) in enumerate(zip(loop.variables, inputs, strict=True)):
        key = f"{position}={str(variable['name'])[:8]}="
        text = f"$type({value})='string'?{value}:$string({value})"
        number = f"$string({_element(loop, position)})"
        named.append(f"{literal(key)}&{number}&'='&$encodeUrlComponent($substring({text},0,8))")
    return "'for-'&" + "&'&'&".join(named)


def _element(loop: LoopDraft, position: int) -> str:
    """Return JSONata for the index of an element in its own list."""
    first = f"$states.input.{field(str(loop.variables[0]['input']))}"
    rows = [it["rows"] if isinstance(it["rows"], list) else [] for it in loop.variables]
    if loop.numbered:
        below = prod(len(it) for it in rows[position + 1 :])
        number = f"$states.input.{field(str(loop.variables[0]['input']) + '#')}"
        return f"$floor({number}/{below})%{len(rows[position]) or 1}" if len(rows) > 1 else number
    label = loop.variables[0]["label"]
    names = [row[label] if isinstance(row, dict) else row for row in rows[0]]
    value = f"($type({first})='object'?{first}.{field(str(label))}:{first})" if label is not None else first
    return f"$lookup({literal({str(name): index for index, name in enumerate(names)})},{value})"


def as_code(binding: Binding) -> str:
    """Return a binding as JSONata."""
    return binding.text if isinstance(binding, translate.Code) else literal(binding.value)


def _type(values: list[object]) -> str:
    """Return the type that all values share, as `translate` names it, else "any"."""
    kinds = {bool: "bool", str: "str", int: "num", float: "num", list: "arr", dict: "obj"}
    found = {kinds.get(type(value), "any") for value in values}
    return found.pop() if len(found) == 1 else "any"


def _either(stored: str, weaker: Binding | None) -> Binding:
    """Return what a store holds, else the weaker binding; objects of both merge."""
    if weaker is None:
        return translate.Code(stored, "any", may_be_missing=True)
    if isinstance(weaker, translate.Known) and isinstance(weaker.value, dict):
        return translate.Code(_deep_merge(as_code(weaker), stored), "obj")
    if isinstance(weaker, translate.Code) and weaker.text.startswith("($exists($o"):
        # Objects that two tasks stored under one name merge.
        return translate.Code(_deep_merge(as_code(weaker), stored), "any", may_be_missing=weaker.may_be_missing)
    missing = isinstance(weaker, translate.Code) and weaker.may_be_missing
    return translate.Code(f"($exists({stored})?{stored}:{as_code(weaker)})", "any", may_be_missing=missing)


def _merged(weaker: Binding | None, own: Binding) -> Binding:
    """Return an exported object merged over what weaker layers have under the same path."""
    if isinstance(weaker, translate.Known) and isinstance(weaker.value, dict) and isinstance(own, translate.Known):
        return translate.Known(deep_merge(weaker.value, own.value))
    if weaker is None or (isinstance(weaker, translate.Known) and not isinstance(weaker.value, dict)):
        return own
    return translate.Code(_deep_merge(as_code(weaker), as_code(own)), "obj")


def deep_merge(weak: object, strong: object) -> object:
    """Merge two values as Digdag does: objects by key, deeply; anything else is replaced."""
    if not isinstance(weak, dict) or not isinstance(strong, dict):
        return strong
    return {**weak, **{key: deep_merge(weak[key], value) if key in weak else value for key, value in strong.items()}}


def _deep_merge(weak: str, strong: str) -> str:
    """Return JSONata for `deep_merge`; a side that does not exist counts as nothing."""
    return f"({MERGE}$m({weak},{strong}))"


def bundle_layers(scope: Scope) -> list[list[object]]:
    """Return a scope's layers as the bundle lists them, weakest first."""
    rows: list[list[object]] = []
    for layer in scope.layers:
        if isinstance(layer, ExportLayer):
            rows.append(["export", layer.key])
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
