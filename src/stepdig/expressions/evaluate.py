"""Syntax tree + parameters -> value, as JavaScript computes it; and Digdag's rendering of texts with `${...}`.

The compiler folds constants with it, the task runner evaluates a command task's parameters with it.
"""

from functools import lru_cache
from typing import Any, Callable, Dict, FrozenSet, List, Tuple

from stepdig.expressions import arrays, jsglobals, jsnumbers, strings, template
from stepdig.expressions.errors import EvaluationError, ExpressionError, NeedsRuntime
from stepdig.expressions.jsjson import to_text
from stepdig.expressions.jsregex import RegExp
from stepdig.expressions.jsvalues import (
    UNDEFINED,
    Function,
    Js,
    Object,
    cannot_read,
    to_boolean,
    to_string,
    type_of,
    whole,
)
from stepdig.expressions.nodes import (
    ArrayLiteral,
    Assign,
    Binary,
    Call,
    Conditional,
    Constant,
    Failure,
    Index,
    Literal,
    Logical,
    Member,
    Name,
    New,
    Node,
    ObjectLiteral,
    Regex,
    This,
    Unary,
)
from stepdig.expressions.nodes import Function as FunctionNode
from stepdig.expressions.nodes import (
    Sequence as Comma,
)
from stepdig.expressions.operators import binary, unary
from stepdig.expressions.parse import parse
from stepdig.expressions.scope import Context, Scope


def evaluate(node: Node, params: Dict[str, Any], context: Context) -> Js:
    """Return the value of an expression; raise EvaluationError with JavaScript's words."""
    context.steps = 0
    try:
        return compute(node, Scope(params, None, context))
    except RecursionError:
        raise EvaluationError("RangeError: Maximum call stack size exceeded") from None


def render(text: str, params: Dict[str, Any], context: Context) -> str:
    """Return a text with every `${...}` evaluated and `$$` unescaped; always a text.

    Raise EvaluationError worded as Digdag does, with the whole text in front. `params` is left as it is.
    """
    if "$" not in text:
        return text
    try:
        parts, mutates = _prepared(text)
        if mutates:
            params = _copy(params)
        return "".join(
            to_text(evaluate(part, params, context)) if not isinstance(part, str) else part for part in parts
        )
    except ExpressionError as error:
        raise EvaluationError(f"Failed to evaluate a variable {text} (SyntaxError: {error.message})") from None
    except EvaluationError as error:
        raise EvaluationError(f"Failed to evaluate a variable {text} ({error})") from None


@lru_cache(maxsize=4096)
def _prepared(text: str) -> Tuple[Tuple[Any, ...], bool]:
    """Return the parts of a text, parsed, and whether one may change an array of the parameters."""
    parts = template.split(text)
    mutates = any(
        isinstance(part, template.Expression) and any(name in part.source for name in _MUTATING) for part in parts
    )
    return tuple(parse(part.source) if isinstance(part, template.Expression) else part.text for part in parts), mutates


_MUTATING: FrozenSet[str] = frozenset("." + name for name in arrays.MUTATING)


def _copy(value: Js) -> Js:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def compute(node: Node, scope: Scope) -> Js:
    """Return the value of a node in a scope."""
    scope.context.spend()
    return _COMPUTE[type(node)](node, scope)


def member(value: Js, name: str) -> Js:
    """Return `value.name`; raise the TypeError of undefined and null."""
    if isinstance(value, dict):
        return arrays.object_member(value, name)
    if isinstance(value, str):
        return strings.member(value, name)
    if isinstance(value, list):
        return arrays.array_member(value, name)
    if value is None or value is UNDEFINED:
        raise cannot_read(value, name)
    if isinstance(value, bool):
        return jsnumbers.boolean_member(name)
    return value.member(name) if isinstance(value, Object) else jsnumbers.number_member(name)


def source(node: Node) -> str:
    """Return an expression roughly as it was written, for messages."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, This):
        return "this"
    if isinstance(node, Member):
        return f"{source(node.object)}.{node.name}"
    if isinstance(node, Index):
        return f"{source(node.object)}[...]"
    return f"{source(node.callee)}(...)" if isinstance(node, Call) else "(intermediate value)"


def _literal(node: Literal, scope: Scope) -> Js:
    value = node.value
    return whole(value) if type(value) is float else value


def _name(node: Name, scope: Scope) -> Js:
    found = scope.find(node.name)
    if found is not None:
        return found.variables[node.name]
    if not jsglobals.is_global(node.name):
        raise EvaluationError(f"ReferenceError: {node.name} is not defined")
    return jsglobals.lookup(node.name, scope.context)


def _member(node: Member, scope: Scope) -> Js:
    return member(compute(node.object, scope), node.name)


def _index(node: Index, scope: Scope) -> Js:
    value, key = compute(node.object, scope), compute(node.key, scope)
    if isinstance(value, list) and isinstance(key, int) and not isinstance(key, bool):
        return value[key] if 0 <= key < len(value) else UNDEFINED
    return member(value, to_string(key))


def _call(node: Call, scope: Scope) -> Js:
    callee = node.callee
    if isinstance(callee, (Member, Index)):
        this = compute(callee.object, scope)
        name = callee.name if isinstance(callee, Member) else to_string(compute(callee.key, scope))
        function = member(this, name)
    else:
        this, name = UNDEFINED, ""
        function = compute(callee, scope)
    if not isinstance(function, Function):
        hint = strings.hint_for(name) if function is UNDEFINED else None
        note = f" (Digdag evaluates ES5: {hint})" if hint else ""
        raise EvaluationError(f"TypeError: {source(callee)} is not a function{note}")
    arguments = [compute(argument, scope) for argument in node.arguments]
    if scope.context.now_ms is None and name in strings.SEARCHING and strings.takes_long(this, arguments):
        raise NeedsRuntime("a search that may take long")
    return _bounded(function.call(this, arguments))


def _new(node: New, scope: Scope) -> Js:
    if not isinstance(node.callee, Name):
        raise EvaluationError(f"TypeError: {source(node.callee)} is not a constructor")
    return jsglobals.construct(
        node.callee.name, [compute(argument, scope) for argument in node.arguments], scope.context
    )


def _unary(node: Unary, scope: Scope) -> Js:
    if node.operator == "typeof" and isinstance(node.operand, Name):
        known = scope.find(node.operand.name) is not None or jsglobals.is_global(node.operand.name)
        return type_of(compute(node.operand, scope)) if known else "undefined"
    return unary(node.operator, compute(node.operand, scope))


def _binary(node: Binary, scope: Scope) -> Js:
    return _bounded(binary(node.operator, compute(node.left, scope), compute(node.right, scope)))


def _bounded(value: Js) -> Js:
    """Return a text or list that is not larger than memory should hold: one that doubles itself grows fast."""
    if isinstance(value, str) and len(value) > strings.MAX_LENGTH:
        raise EvaluationError("RangeError: Invalid string length")
    if isinstance(value, list) and len(value) > arrays.MAX_LENGTH:
        raise EvaluationError("RangeError: Invalid array length")
    return value


def _logical(node: Logical, scope: Scope) -> Js:
    left = compute(node.left, scope)
    return compute(node.right, scope) if to_boolean(left) == (node.operator == "&&") else left


def _conditional(node: Conditional, scope: Scope) -> Js:
    return compute(node.yes if to_boolean(compute(node.test, scope)) else node.no, scope)


def _comma(node: Comma, scope: Scope) -> Js:
    compute(node.left, scope)
    return compute(node.right, scope)


def _object(node: ObjectLiteral, scope: Scope) -> Dict[str, Any]:
    return {name: compute(value, scope) for name, value in zip(node.names, node.values)}


def _function(node: FunctionNode, scope: Scope) -> Function:
    from stepdig.expressions.functions import make  # few expressions have functions

    return make(node, scope, compute)


def _assign(node: Assign, scope: Scope) -> Js:
    found = scope.find(node.name)
    if found is None or found.parent is None:
        raise EvaluationError(f"ReferenceError: {node.name} is not a variable of the function")
    value = compute(node.value, scope)
    if node.operator == "=":
        found.variables[node.name] = value
        return value
    old = unary("+", found.variables[node.name])
    found.variables[node.name] = binary("-" if node.operator == "--" else "+", old, value)
    return old


def _failure(node: Failure, scope: Scope) -> Js:
    raise EvaluationError(node.message)


def _items(node: ArrayLiteral, scope: Scope) -> List[Any]:
    return [compute(item, scope) for item in node.items]


_COMPUTE: Dict[Any, Callable[[Any, Scope], Any]] = {
    Literal: _literal,
    Constant: lambda node, scope: node.value,
    Regex: lambda node, scope: RegExp(node.pattern, node.flags),
    Name: _name,
    This: lambda node, scope: scope.root(),
    Member: _member,
    Index: _index,
    Call: _call,
    New: _new,
    Unary: _unary,
    Binary: _binary,
    Logical: _logical,
    Conditional: _conditional,
    Comma: _comma,
    ArrayLiteral: _items,
    ObjectLiteral: _object,
    FunctionNode: _function,
    Assign: _assign,
    Failure: _failure,
}

__all__ = ["UNDEFINED", "Context", "compute", "evaluate", "render", "to_text"]
