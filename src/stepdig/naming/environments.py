"""Exports that environments tell apart: what of them is the same in each, and what a state has to pick."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf

from stepdig.expressions import translate
from stepdig.jsonata_text import field
from stepdig.naming.bindings import Binding
from stepdig.problem import Problems
from stepdig.source.tree import Mapping, Node, Scalar, plain

ENVIRONMENT = "env"  # the name by which includes, templates and the run object know the environment


def part_of(binding: Binding | None, path: tuple[str, ...]) -> Binding | None:
    """Return what lies at a path inside of what a name is bound to."""
    if not path or binding is None:
        return binding
    if isinstance(binding, translate.Code):
        text = ".".join((binding.text, *map(field, path)))
        return binding._replace(text=text, type="any")
    value = binding.value
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return translate.Known(value)


def written_alike(
    found: SequenceOf[Node | None], path: tuple[str, ...], environments: tuple[str, ...], problems: Problems
) -> Node | None:
    """Return what exports hold under a path, as written, where it is an option of a task; what differs as a template.

    An option is there in each environment, or in none: a problem is noted otherwise.
    """
    there = [node for node in found if node is not None]
    if not there or all(plain(node) == plain(found[0]) for node in found):
        return found[0]
    if len(there) < len(found):
        has = ", ".join(name for name, node in zip(environments, found, strict=True) if node is not None)
        what = f"'{'.'.join(path)}' is set in {has} alone, and a task is described by it"
        problems.add(there[0].at, "SD693", what, "set it for each environment, or for none", there[0].length)
        return None
    if not all(isinstance(node, Mapping) for node in there):
        template = f"${{{'.'.join(path)}}}"
        return Scalar(there[0].at, template, template, length=there[0].length)
    names = dict.fromkeys(str(key.value) for node in there if isinstance(node, Mapping) for key, _ in node)
    keys = {str(key.value): key for node in there if isinstance(node, Mapping) for key, _ in node}
    entries = []
    for name in names:
        inner = [node.get(name) if isinstance(node, Mapping) else None for node in there]
        value = written_alike(inner, (*path, name), environments, problems)
        entries += [(keys[name], value)] if value is not None else []
    return Mapping(there[0].at, tuple(entries))
