"""Whether a function that py> names is there: read from the source, which is never imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from stepdig.problem import did_you_mean

Read = Callable[[str], bytes | None]

_COMMAND = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+\Z")
# What can give a module names that its source does not show.
_MAGIC = re.compile(rb"__getattr__|\b(globals|exec|setattr|vars|locals)\s*\(|sys\.modules|import\s+\*")


def missing(command: str, read: Read) -> tuple[str, str] | None:
    """Return what is certainly missing of `module.function`, and a hint; None when it is there or cannot be told.

    It cannot be told of modules that are not in the project, or that make names in other ways than plain Python.
    """
    if not _COMMAND.match(command):
        plain = re.sub(r"\(.*\)\Z|\.py\Z", "", command).replace("/", ".")
        written = command != plain and _COMMAND.match(plain) and "${" not in command
        return (f"'{command}' is no module.function", f"did you mean '{plain}'?") if written else None
    *module, name = command.split(".")
    found = _source(module, read)
    if found is not None:
        return _lacks(*found, name) or _lacks_method(*found, name, "run")
    *outer, class_name = module
    found = _source(outer, read) if outer else None
    if found is None:
        return None
    wrong = _lacks(*found, class_name)
    if wrong is None:
        return _lacks_method(*found, class_name, name)
    if not _is_package(found[0]):
        return wrong
    return f"there is neither a module '{'.'.join(module)}' nor a class '{class_name}' in {found[0]}", wrong[1]


def _source(module: list[str], read: Read) -> tuple[str, bytes] | None:
    """Return path and source of a module of the project, or None."""
    for path in ("/".join(module) + ".py", "/".join(module) + "/__init__.py"):
        content = read(path)
        if content is not None:
            return path, content
    return None


def _is_package(path: str) -> bool:
    return path.endswith("/__init__.py")


def _lacks(path: str, source: bytes, name: str) -> tuple[str, str] | None:
    """Return that a module has no such name, and a hint; None when it has, or may have."""
    if _MAGIC.search(source):
        return None
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # perhaps of another Python than ours
        return None
    if name in _names(tree):
        return None
    public = [it.name for it in tree.body if isinstance(it, ast.FunctionDef | ast.ClassDef) and it.name[0] != "_"]
    near = did_you_mean(name, public)
    return f"there is no '{name}' in {path}", near or (f"it has: {', '.join(public[:5])}" if public else "")


def _lacks_method(path: str, source: bytes, class_name: str, method: str) -> tuple[str, str] | None:
    """Return that a class has no such method, and a hint; None when it has, may have, or the name is no plain class."""
    if _MAGIC.search(source):
        return None
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name]
    if len(found) != 1 or found[0].bases or found[0].keywords or found[0].decorator_list:
        return None
    names = _names(found[0])
    if method in names:
        return None
    return f"there is no '{method}' in the class '{class_name}' of {path}", did_you_mean(method, names)


def _names(tree: ast.AST) -> set[str]:
    """Return every name that is bound anywhere below a node, in whatever way."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
    return found
