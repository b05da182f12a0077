"""Layers of parameters -> their values: merged as Digdag merges, `${...}` evaluated where and when it is read.

Objects merge deeply, lists and scalars are replaced. A template of an export sees the task's names at their strongest;
its own name means that of a weaker layer (`table: "${table}_tmp"`). A local key sees the local keys before it, and
otherwise the layers under it. Digdag evaluates once, in the order of the names, and prints `${...}` literally where
that order does not suffice; the values are the same where it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from stepdig.expressions import evaluate
from stepdig.expressions.errors import EvaluationError
from stepdig.runner import secret_texts
from stepdig.runner.shapes import Json

Path = Tuple[str, ...]
_MARKED_KEPT = 1_000
_LATER = ("_do", "_else_do", "_check", "_error")  # evaluated by the tasks made of them, never by this one


@dataclass(frozen=True)
class Layer:
    """Names of one strength; `is_template` where its texts hold `${...}` to evaluate."""

    names: Mapping[str, Json]
    is_template: bool = False


def merge(under: Mapping[str, Json], over: Mapping[str, Json]) -> Dict[str, Json]:
    """Return both as one object: objects deeply, anything else from `over`; names stay where they came first."""
    merged = dict(under)
    for name, value in over.items():
        known = merged.get(name)
        merged[name] = merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def evaluated(
    layers: Sequence[Layer], local: Mapping[str, Json], context: evaluate.Context, *, secrets: bool = False
) -> Dict[str, Json]:
    """Return all names with their values; with `secrets`, references to secrets come marked (`secret_texts`).

    Raises `stepdig.expressions.errors.EvaluationError`.
    """
    scope = _Scope([*layers, Layer(local, is_template=True)], context, secrets)
    try:
        return {name: value if type(value) is str else _plain(scope.top[name]) for name, value in scope.raw().items()}
    except _Failed as failed:
        raise failed.error from None


def text(layers: Sequence[Layer], template: str, context: evaluate.Context) -> str:
    """Return one text evaluated over some layers, and of them just what it uses. Raises EvaluationError."""
    scope = _Scope([*layers, Layer({"": template}, is_template=True)], context, secrets=False)
    try:
        return str(scope.top[""])
    except _Failed as failed:
        raise failed.error from None


class _Failed(Exception):
    """Carries the error of a template out past the templates that name it: the innermost one tells what is wrong."""

    def __init__(self, error: EvaluationError) -> None:
        super().__init__(error)
        self.error = error


class _Template:
    """A text with `$` that is not evaluated yet, and the number of its layer."""

    __slots__ = ("busy", "layer", "text")

    def __init__(self, text: str, layer: int) -> None:
        self.text = text
        self.layer = layer
        self.busy = False


def _marked(value: Json, layer: int, secrets: bool) -> Json:
    """Return a value with its templates marked, with `secrets` also the references in them."""
    if isinstance(value, str):
        return _Template(secret_texts.mark(value) if secrets else value, layer) if "$" in value else value
    if isinstance(value, dict):
        return {name: item if name in _LATER else _marked(item, layer, secrets) for name, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, layer, secrets) for item in value]
    return value


# Objects by identity, layer and whether secrets are marked -> (the object, held so that the identity stays its own; the
# same with its templates marked): thousands of tasks see the same exports.
_marked_objects: Dict[Tuple[int, int, bool], Tuple[Mapping[str, Json], Dict[str, Json]]] = {}


def _marked_once(names: Mapping[str, Json], layer: int, secrets: bool) -> Dict[str, Json]:
    known = _marked_objects.get((id(names), layer, secrets))
    if known is None:
        if len(_marked_objects) >= _MARKED_KEPT:
            _marked_objects.clear()
        known = _marked_objects[id(names), layer, secrets] = (names, _marked(names, layer, secrets))
    return known[1]


class _Object(Dict[str, Json]):
    """An object whose templates are evaluated when they are read; `path` is where it lies, empty for the top."""

    def __init__(self, items: Mapping[str, Json], scope: _Scope, path: Path = ()) -> None:
        super().__init__(items)
        self._scope = scope
        self.path = path

    def __getitem__(self, name: str) -> Json:
        value = super().__getitem__(name)
        if type(value) in (_Template, dict, list):
            value = self._scope.resolve(value, self, name)
            super().__setitem__(name, value)
        return value

    def raw(self, name: str) -> Json:
        """Return the value of a name as it stands, perhaps a template."""
        return super().get(name)

    def get(self, name: str, default: Json = None) -> Json:
        """Return the evaluated value of a name."""
        return self[name] if name in self else default  # noqa: SIM401 - this is the `get` it asks for

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().keys()))  # a copy: reading values writes them back

    def values(self) -> Json:
        """Return the evaluated values."""
        return [self[name] for name in self]

    def items(self) -> Json:
        """Return names with their evaluated values."""
        return [(name, self[name]) for name in self]


class _Scope:
    """The names that the templates of one task see; the local keys are its last layer."""

    def __init__(self, layers: Sequence[Layer], context: evaluate.Context, secrets: bool) -> None:
        self._layers = [
            _marked_once(it.names, n, secrets) if it.is_template else it.names for n, it in enumerate(layers)
        ]
        self._context = context
        self._local = len(layers) - 1
        self._below: Dict[int, _Object] = {}
        self.top = self._under(len(layers))
        self._places = {name: place for place, name in enumerate(self.top)}

    def raw(self) -> Dict[str, Json]:
        """Return all names with their values as they stand, templates not evaluated."""
        return dict(dict.items(self.top))

    def resolve(self, value: Json, holder: _Object, name: str) -> Json:
        """Evaluate one value of an object: a template now, an object when it is read, a list item by item."""
        if type(value) is dict:
            return _Object(value, self, (*holder.path, name))
        if type(value) is list:
            return [self.resolve(it, holder, name) if type(it) in (_Template, dict, list) else it for it in value]
        if value.busy:
            return self._weaker((*holder.path, name), value.layer)
        value.busy = True
        try:
            return evaluate.render(value.text, _Names(self, value, holder, name), self._context)
        except EvaluationError as error:
            raise _Failed(error) from None
        finally:
            value.busy = False

    def find(self, name: str, template: _Template, outer: str) -> Optional[_Object]:
        """Return where a template under the top-level name `outer` finds a name, or None."""
        found = self.top
        if template.layer == self._local and name in self._layers[-1] and self._places[name] >= self._places[outer]:
            found = self._under(self._local)
        value = found.raw(name)
        while type(value) is _Template and value.busy:
            found = self._under(value.layer)
            value = found.raw(name)
        return found if name in found else None

    def _under(self, layer: int) -> _Object:
        """Return the layers below one, merged."""
        if layer not in self._below:
            merged: Dict[str, Json] = {}
            for names in self._layers[:layer]:
                merged = merge(merged, names)
            self._below[layer] = _Object(merged, self)
        return self._below[layer]

    def _weaker(self, path: Path, layer: int) -> Json:
        """Return what the layers below one hold at a path; null when they hold nothing."""
        value: Json = self._under(layer)
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value


class _Names(Dict[str, Json]):
    """The names one template sees: those before it in its own nested object, then those of the task.

    A dict of its own making, because JavaScript's `this` is an object like any other.
    """

    def __init__(self, scope: _Scope, template: _Template, holder: _Object, name: str) -> None:
        super().__init__()
        self._scope, self._template, self._holder, self._name = scope, template, holder, name

    def _find(self, name: str) -> Optional[_Object]:
        if self._holder.path and name in self._holder:
            names = list(self._holder)
            if names.index(name) < names.index(self._name):
                return self._holder
        return self._scope.find(name, self._template, (*self._holder.path, self._name)[0])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def __getitem__(self, name: str) -> Json:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found[name]

    def get(self, name: str, default: Json = None) -> Json:
        """Return the value of a name."""
        return self[name] if name in self else default  # noqa: SIM401 - this is the `get` it asks for

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in self._scope.top if name in self])

    def keys(self) -> Json:
        """Return the names."""
        return list(self)

    def items(self) -> Json:
        """Return the names that the template's text holds, with their values.

        Asked for by a text that sorts or reverses a list, for a copy of what it uses; evaluating all would go in circles.
        """
        return [(name, self[name]) for name in self if name in self._template.text]


def _plain(value: Json) -> Json:
    """Return a value as plain JSON, everything in it evaluated."""
    if isinstance(value, _Object):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        items: List[Json] = [_plain(item) for item in value]
        return items
    return value
