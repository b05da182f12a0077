"""Functions written in an expression, and the statements of their bodies."""

from typing import Any, Callable, Dict, List, Optional, Tuple

from stepdig.expressions.jsvalues import UNDEFINED, Function, Js, to_boolean
from stepdig.expressions.nodes import Declare, Do, If, Loop, Node, Return, Statement
from stepdig.expressions.nodes import Function as FunctionNode
from stepdig.expressions.scope import Scope

Compute = Callable[[Node, Scope], Js]  # the evaluator: it makes functions, so it stands above them


def make(node: FunctionNode, scope: Scope, compute: Compute) -> Function:
    """Return a function that runs in the scope it was written in."""

    def call(this: Js, args: List[Any]) -> Js:
        variables: Dict[str, Any] = dict.fromkeys(node.parameters, UNDEFINED)
        variables.update(zip(node.parameters, args))
        for name in declared(node.body):
            variables.setdefault(name, UNDEFINED)
        if "arguments" not in variables:
            variables["arguments"] = list(args)
        if node.name:
            variables.setdefault(node.name, function)
        result = _run(node.body, Scope(variables, scope, scope.context), compute)
        return UNDEFINED if result is None else result[0]

    function = Function(node.name, call)
    return function


def declared(statements: Tuple[Statement, ...]) -> List[str]:
    """Return the names that `var` declares anywhere in the statements."""
    names: List[str] = []
    for statement in statements:
        if isinstance(statement, Declare):
            names.append(statement.name)
        elif isinstance(statement, If):
            names += declared(statement.yes) + declared(statement.no)
        elif isinstance(statement, Loop):
            names += declared(statement.first) + declared(statement.body)
    return names


Result = Optional[Tuple[Any]]  # what `return` gave, in a tuple; None: it has not come to that


def _run(statements: Tuple[Statement, ...], scope: Scope, compute: Compute) -> Result:
    for statement in statements:
        result = _RUN[type(statement)](statement, scope, compute)
        if result is not None:
            return result
    return None


def _declare(statement: Declare, scope: Scope, compute: Compute) -> Result:
    if statement.value is not None:
        scope.variables[statement.name] = compute(statement.value, scope)
    return None


def _return(statement: Return, scope: Scope, compute: Compute) -> Result:
    return (UNDEFINED if statement.value is None else compute(statement.value, scope),)


def _if(statement: If, scope: Scope, compute: Compute) -> Result:
    return _run(statement.yes if to_boolean(compute(statement.test, scope)) else statement.no, scope, compute)


def _loop(statement: Loop, scope: Scope, compute: Compute) -> Result:
    _run(statement.first, scope, compute)
    while statement.test is None or to_boolean(compute(statement.test, scope)):
        scope.context.spend()
        result = _run(statement.body, scope, compute)
        if result is not None:
            return result
        if statement.step is not None:
            compute(statement.step, scope)
        elif statement.test is None:
            scope.context.spend(1000)  # `for (;;)` without a return never ends: give up soon
    return None


def _do(statement: Do, scope: Scope, compute: Compute) -> Result:
    compute(statement.value, scope)
    return None


_RUN: Dict[Any, Callable[[Any, Scope, Compute], Result]] = {
    Declare: _declare,
    Return: _return,
    If: _if,
    Loop: _loop,
    Do: _do,
}
