"""What a name means at one place, while compiling: a constant that folds, or JSONata that reads it in the machine.

The layers are walked from the strongest (docs/design.md, "Parameters are layers"). Objects merge deeply, path by path.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf

from stepdig.expressions import builtins, jsglobals, translate
from stepdig.expressions.errors import ExpressionError
from stepdig.jsonata_text import field
from stepdig.language.input_types import TYPES
from stepdig.naming.bindings import Binding, as_code, as_object, by_environment, either, guards, merged
from stepdig.naming.environments import ENVIRONMENT, part_of, written_alike
from stepdig.naming.fetches import fetched
from stepdig.naming.iterations import loop_variable, task_name
from stepdig.naming.scopes import ErrorLayer, ExportLayer, LoopLayer, RecordedLayer, Scope, StoresLayer, names_before
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

MAX_EXPORTS_DEEP = 25  # exports that refer to others; each takes a dozen calls of Python
MAX_EXPANDED = 2_000  # on the way to one value: exports that name two others each double at every step


class Names:
    """Resolves names for the expressions of one task's states (the `Names` protocol of `translate`)."""

    def __init__(self, scope: Scope, local: MappingOf[str, Node] | None = None) -> None:
        self.scope = scope
        self.local = local or {}  # keys of the task itself that come before what is evaluated
        self._open: list[tuple[int, str]] = []  # exports being expanded, by layer and path
        self._local_open: list[str] = []  # keys of the task itself being expanded
        # Where the text being expanded lies: the path of its object, and the names there that it sees before all others.
        self._beside: list[tuple[tuple[str, ...], frozenset[str]]] = []
        self._expanded = 0  # exports expanded on the way to one value
        self._environments = scope.environments
        self._environment = scope.environment  # the one in which names are being resolved

    def resolve(self, path: tuple[str, ...]) -> tuple[Binding | None, int]:
        """Return what the longest leading part of `path` is bound to, and how many segments that covers.

        Where environments differ, a state picks by that of the run.
        """
        if not self._environments or self._environment is not None:
            return self._resolved(path)
        found: dict[str, tuple[Binding | None, int]] = {}
        for name in self._environments:
            self._environment = name
            try:
                found[name] = self._resolved(path)
            finally:
                self._environment = None
        covered = min(depth for _, depth in found.values())
        parts = {name: part_of(it, path[covered:depth]) for name, (it, depth) in found.items()}
        return by_environment(parts, f"{self.scope.run}.env"), covered

    def _resolved(self, path: tuple[str, ...]) -> tuple[Binding | None, int]:
        """Resolve a name in one environment."""
        if self._beside and path[0] in self._beside[-1][1]:
            return self._neighbour(path)
        if path[0] in self.local and path[0] not in self._local_open:
            return self._locally(path)
        if path[0] == "task_name":
            return task_name(self.scope), 1
        if path[0] == "timezone":
            return translate.Known(self.scope.draft.timezone), 1
        zone = self.scope.zone
        builtin = builtins.scheduled(path[0], zone) if self.scope.draft.schedule else None
        builtin = builtin or builtins.session_variable(path[0], zone)
        if builtin is not None:
            return builtin, 1
        known_length = path[: path.index("length", 1)] if "length" in path[1:] else path
        return self._below(len(self.scope.layers), known_length)

    def exported(self, path: tuple[str, ...]) -> Node | None:
        """Return what the nearest `_export` that has it holds under a path, as written."""
        each = (self._environment,) if self._environment is not None else self._environments or (None,)
        found = [self._written(path, name) for name in each]
        return (
            found[0] if len(found) == 1 else written_alike(found, path, self._environments, self.scope.draft.problems)
        )

    def _written(self, path: tuple[str, ...], environment: str | None) -> Node | None:
        for layer in reversed(self.scope.layers):
            node: Node | None = layer.mapping.of(environment) if isinstance(layer, ExportLayer) else None
            for name in path:
                node = node.get(name) if isinstance(node, Mapping) else None
            if node is not None:
                return node
        return None

    def rows(self, name: str) -> list[object] | None:
        """Return the known rows that a loop variable stands for, None when it is none or they are not known."""
        for layer in reversed(self.scope.layers):
            if isinstance(layer, LoopLayer):
                for variable in self.scope.draft.loops[layer.loop].variables:
                    if variable["name"] == name:
                        found = variable["rows"]
                        return found if isinstance(found, list) else None
        return None

    def _below(self, level: int, path: tuple[str, ...], *, rooted: bool = False) -> tuple[Binding | None, int]:
        """Resolve among the layers under `level`; the attempt parameters lie under all of them.

        `rooted`: the first name is there, so that what is not behind it is undefined, and no mistake.
        """
        found: tuple[Binding | None, int] | None
        for index in range(level - 1, -1, -1):
            layer = self.scope.layers[index]
            if isinstance(layer, StoresLayer) and any(store.may_hold(path[0]) for store in layer.stores):
                return self._stored(layer, index, path, rooted=rooted)
            if isinstance(layer, LoopLayer):
                found = loop_variable(self.scope.draft.loops[layer.loop], path)
            elif isinstance(layer, ErrorLayer):
                name = self.scope.variable(layer.variable, layer.frame)
                found = (translate.Code(name, "obj"), 1) if path[0] == "error" else None
            elif isinstance(layer, RecordedLayer):
                found, here = self._recorded(layer, index, path)
                rooted = rooted or here
            elif isinstance(layer, ExportLayer):
                found, here = self._exported(layer, index, path)
                rooted = rooted or here
            else:
                continue
            if found is not None:
                return found
        return self._given(path, rooted=rooted)

    def _recorded(
        self, layer: RecordedLayer, index: int, path: tuple[str, ...]
    ) -> tuple[tuple[Binding | None, int] | None, bool]:
        """Look a path up in what an earlier run stored, as in an `_export`; its texts are no templates."""
        value: object = layer.values
        for depth, name in enumerate(path):
            if not isinstance(value, dict | MappingOf) or name not in value:
                return None, depth > 0
            value = value[name]
            if not isinstance(value, dict):
                return (translate.Known(value), depth + 1), True
        weaker, covered = self._below(index, path)
        own = translate.Known(value)
        return ((merged(weaker, own) if covered == len(path) else own), len(path)), True

    def _given(self, path: tuple[str, ...], *, rooted: bool) -> tuple[Binding | None, int]:
        """Resolve a name among the attempt parameters, the defaults of declared inputs and the names under them."""
        name = path[0]
        given = f"{self.scope.run}.params.{field(name)}"
        if any(it.name == name for defaults in self.scope.defaults for it in defaults.inputs):
            return self._declared(name, given), 1
        if rooted:
            return translate.Code(f"{self.scope.run}.params.{'.'.join(map(field, path))}", "any"), len(path)
        if name == ENVIRONMENT and self._environment is not None:
            return translate.Known(self._environment), 1
        if jsglobals.is_global(name):
            return None, 1
        draft = self.scope.draft
        closed = any(defaults.checked for defaults in self.scope.defaults)
        if name in builtins.WEAKEST:
            known = translate.Known(draft.project if name == "project_name" else draft.workflow)
            return known if closed else either(given, known), 1
        if closed and name != "only":
            return None, 1  # the first state has refused it
        return translate.Code(given, "any", may_be_missing=True), 1

    def _declared(self, name: str, given: str) -> Binding | None:
        """Return what a declared input is: what was given, else its default; None inside its own default."""
        if (-1, name) in self._open:
            return None
        declared = [(it.checked, own) for it in self.scope.defaults for own in it.inputs if own.name == name]
        checked, strongest = declared[-1]
        sure = checked and (strongest.required or strongest.default is not None)
        kind = TYPES[strongest.type].kind if sure else "any"
        default: Binding | None = None
        self._open.append((-1, name))
        self._beside.append(((), frozenset()))
        try:
            for _, own in declared:
                if not own.required:
                    value = translate.Known(None) if own.default is None else self.value(own.default)
                    default = merged(default, value) if isinstance(own.default, Mapping) else value
        finally:
            self._beside.pop()
            self._open.pop()
        if default is None or (checked and strongest.required):
            return translate.Code(given, kind, may_be_missing=not sure)
        return translate.Code(either(given, default).text, kind, guards=either(given, default).guards)

    def _exported(
        self, layer: ExportLayer, index: int, path: tuple[str, ...]
    ) -> tuple[tuple[Binding | None, int] | None, bool]:
        """Look a path up in an `_export`: what it is bound to, and whether at least its first name is there."""
        node: Node | None = layer.mapping.of(self._environment)
        for depth, name in enumerate(path):
            assert isinstance(node, Mapping)
            node = node.get(name)
            if node is None:
                return None, depth > 0
            if not isinstance(node, Mapping):
                key = (index, ".".join(path[: depth + 1]))
                if key in self._open:  # `x: ${x}` means the x of a weaker layer
                    return None, True
                return (self._opened(node, index, path[: depth + 1]), depth + 1), True
        assert isinstance(node, Mapping)
        weaker, covered = self._below(index, path, rooted=True)
        own = self._whole(node, index, path)
        return ((merged(weaker, own) if covered == len(path) else own), len(path)), True

    def _whole(self, node: Node, index: int, path: tuple[str, ...]) -> Binding:
        """Return what lies at a path of an `_export`; a text that is being expanded there means that of weaker layers."""
        if isinstance(node, Mapping):
            names = [(str(name.value), inner) for name, inner in node]
            return as_object({name: self._whole(inner, index, (*path, name)) for name, inner in names})
        key = (index, ".".join(path))
        if key in self._open:  # the object names itself: `o: {a: "${o}"}`
            weaker, covered = self._below(index, path, rooted=True)
            if weaker is None or covered < len(path):
                return translate.Known(None)
            if isinstance(weaker, translate.Known):
                return weaker
            return weaker._replace(text=f"($exists({weaker.text})?{weaker.text}:null)")
        return self._opened(node, index, path)

    def _opened(self, node: Node, index: int, path: tuple[str, ...]) -> Binding:
        """Return the value of what lies at a path of an `_export`, neither a mapping nor being expanded already."""
        self._expanded = self._expanded + 1 if self._open else 1
        if len(self._open) >= MAX_EXPORTS_DEEP or self._expanded > MAX_EXPANDED:
            raise _endless(path[-1], node)
        self._open.append((index, ".".join(path)))
        self._beside.append((path[:-1], names_before(self.scope.layers[: index + 1], path, self._environment)))
        try:
            return self.value(node)
        finally:
            self._beside.pop()
            self._open.pop()

    def _neighbour(self, path: tuple[str, ...]) -> tuple[Binding | None, int]:
        """Return what a name that stands before it in the same object means to a text."""
        holder = self._beside[-1][0]
        self._beside.append(((), frozenset()))
        try:
            found, covered = self.resolve((*holder, *path))
        finally:
            self._beside.pop()
        rest = (*holder, *path)[covered : len(holder) + 1]
        if not rest or found is None:
            return found, max(covered - len(holder), 1)
        if isinstance(found, translate.Code):
            return found._replace(text=".".join((found.text, *map(field, rest))), type="any", may_be_missing=False), 1
        value = found.value
        for name in rest:
            value = value.get(name) if isinstance(value, dict) else None
        return translate.Known(value), 1

    def _locally(self, path: tuple[str, ...]) -> tuple[Binding, int]:
        """Return what a key of the task itself holds; inside it, its own name means that of a weaker layer."""
        node: Node | None = self.local[path[0]]
        depth = 1
        while isinstance(node, Mapping) and depth < len(path):
            node = node.get(path[depth])
            depth += 1
        if node is None:
            return translate.Known(None), depth
        self._local_open.append(path[0])
        self._beside.append(((), frozenset()))
        try:
            return self.value(node), depth
        finally:
            self._beside.pop()
            self._local_open.pop()

    def value(self, node: Node) -> Binding:
        """Return a node's value with its templates evaluated: known, or JSONata."""
        if isinstance(node, Scalar):
            if not isinstance(node.value, str) or "$" not in node.value:
                return translate.Known(node.value)
            done = self._text(node, node.value)
            self.scope.draft.needs_zone |= done.needs_tz
            if done.const is not translate.NOT_CONSTANT:
                return translate.Known(done.const)
            return translate.Code(f"({done.code})", "str", guards=tuple(done.guards))
        if isinstance(node, Sequence):
            items = [self.value(item) for item in node.items]
            if all(isinstance(item, translate.Known) for item in items):
                return translate.Known([item.value for item in items if isinstance(item, translate.Known)])
            return translate.Code(f"[{','.join(map(as_code, items))}]", "arr", guards=guards(*items))
        return as_object({str(name.value): self.value(inner) for name, inner in node})

    def _text(self, node: Scalar, text: str) -> translate.Translated:
        """Translate a scalar's text; a mistake is told where that stands, not where it is referred to."""
        try:
            return translate.text(text, self, self.scope.zone)
        except ExpressionError as error:
            error.place = error.place or node.position(error.start)
            raise

    def _stored(
        self, layer: StoresLayer, index: int, path: tuple[str, ...], *, rooted: bool
    ) -> tuple[Binding | None, int]:
        """Resolve a name that tasks upstream may have stored: theirs if there, else the weaker layers'."""
        weaker, covered = self._below(index, path, rooted=rooted)
        if weaker is None and not rooted and jsglobals.is_global(path[0]):
            return None, 1  # `moment` stays moment, whatever a task upstream may store
        binding: Binding | None = weaker
        whole = covered == len(path)
        used = path if whole else path[:covered]
        dotted = ".".join(map(field, used))
        for store in layer.stores:
            if not store.may_hold(used[0]):
                continue
            merges = not store.replaces(".".join(used))
            for variable in fetched(self.scope, store, used[0], earlier=layer.earlier):
                binding = either(f"{variable}.{dotted}", binding, merges=merges)
        if rooted and isinstance(binding, translate.Code):
            binding = binding._replace(may_be_missing=False)
        return binding, len(used)


def _endless(name: str, node: Node) -> ExpressionError:
    """Return the mistake of exports that refer to each other too often."""
    hint = "write the value itself in one of them"
    error = ExpressionError(f"'{name}': exports refer to each other too deeply or too often", 0, 1, hint)
    error.place = node.position(0) if isinstance(node, Scalar) else node.at
    return error
