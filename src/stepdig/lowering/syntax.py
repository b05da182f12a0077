"""Are the `${...}` that a command's runner will evaluate JavaScript at all? What they mean is for the run to say.

The runner evaluates every key of the task and every export in scope, used or not; a slip of the pen in one of them would
fail the task at night.
"""

from __future__ import annotations

from stepdig.expressions import template
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.parse import parse
from stepdig.language.model import Task
from stepdig.naming.columns import refuse_missing
from stepdig.naming.scopes import ExportLayer, Scope
from stepdig.problem import Problems
from stepdig.source.nodes import template_texts
from stepdig.source.tree import Scalar

_LATER = frozenset({"_do", "_else_do", "_check", "_error"})  # of an exported mapping: the runner leaves them alone


def check_templates(task: Task, scope: Scope, problems: Problems) -> None:
    """Note expressions that cannot be parsed: of the task, of the exports around it, of defaults; each once."""
    exports = [it for layer in scope.layers if isinstance(layer, ExportLayer) for it in layer.mapping.every]
    defaults = [it.default for own in scope.defaults for it in own.inputs if it.default is not None]
    argument = [task.argument] if task.argument is not None else []
    for node in (*exports, *defaults, *scope.env, *argument, *task.options.values()):
        if id(node) not in scope.draft.parsed:
            scope.draft.parsed[id(node)] = node
            for scalar in template_texts(node, leave=_LATER):
                _check(scalar, problems)
    _refuse_missing_columns(task, scope)


def _refuse_missing_columns(task: Task, scope: Scope) -> None:
    """Note columns that no row around has, in the task and in the exports inside of its loops; others belong to no list."""
    argument = [task.argument] if task.argument is not None else []
    own = (*argument, *task.options.values())
    layers = [
        it for it in scope.layers if isinstance(it, ExportLayer) and any(f"[{loop}]" in it.key for loop in scope.loops)
    ]
    for node in (*own, *(mapping for layer in layers for mapping in layer.mapping.every)) if scope.loops else ():
        for scalar in template_texts(node, leave=_LATER):
            refuse_missing(scalar, scope, task.options)


def _check(node: Scalar, problems: Problems) -> None:
    for part in template.split(str(node.value)):
        if isinstance(part, template.Expression):
            try:
                parse(part.source)
            except ExpressionError as error:
                moved = error.moved(part.start)
                length = max(1, (moved.end or 0) - moved.start)
                problems.add(node.position(moved.start), "SD301", moved.message, moved.hint or "", length)
