"""Function expressions and the statements inside them: `var`, `return`, `if`, `for`, `while`, assignments to variables.

A template knows expressions alone, but `rows.map(function(r){ var n = r.n; return n * 2; })` is one.
"""

from typing import TYPE_CHECKING, List, Optional, Tuple

from stepdig.expressions.nodes import (
    Assign,
    Binary,
    Declare,
    Do,
    Function,
    If,
    Literal,
    Loop,
    Name,
    Node,
    Return,
    Statement,
)

if TYPE_CHECKING:
    from stepdig.expressions.parse import Parser


def function(parser: "Parser") -> Node:
    """Read `function name(a, b) { statements }`; the current token is `function`."""
    start = parser.advance().start
    name = parser.advance().text if parser.token.kind == "name" else ""
    parser.expect("(")
    parameters: List[str] = []
    while not parser.at(")"):
        if parser.token.kind != "name":
            parser.fail("expected the name of a parameter")
        parameters.append(parser.advance().text)
        if parser.at("="):
            parser.fail("default values of parameters are ES6; Digdag evaluates ES5")
        if not parser.at(")"):
            parser.expect(",")
    parser.expect(")")
    parser.functions += 1
    body = _block(parser)
    parser.functions -= 1
    return Function(name, tuple(parameters), body, start, parser.last_end)


def assignment(parser: "Parser", target: Node) -> Node:
    """Read `= value` (or `+= value`, `++`) after its target, which must be a variable."""
    operator = parser.advance()
    if not isinstance(target, Name):
        parser.fail("only variables of the function can be assigned", target.start, operator.end)
    if operator.text in ("++", "--"):
        one = Literal(1.0, operator.start, operator.end)
        return Assign(operator.text, target.name, one, target.start, operator.end)
    value = parser.single()
    if operator.text != "=":
        value = Binary(operator.text[:-1], target, value, target.start, value.end)
    return Assign("=", target.name, value, target.start, value.end)


def step(parser: "Parser") -> Node:
    """Read `++name` or `--name`."""
    operator = parser.advance()
    name = parser.advance()
    if name.kind != "name":
        parser.fail("only variables of the function can be assigned", operator.start, name.end)
    one = Literal(1.0, operator.start, operator.end)
    value = Binary(operator.text[0], Name(name.text, name.start, name.end), one, operator.start, name.end)
    return Assign("=", name.text, value, operator.start, name.end)


def _block(parser: "Parser") -> Tuple[Statement, ...]:
    parser.expect("{")
    statements: List[Statement] = []
    while not parser.at("}"):
        if parser.token.kind == "end":
            parser.expect("}")
        statements += _statement(parser)
    parser.expect("}")
    return tuple(statements)


def _statement(parser: "Parser") -> List[Statement]:
    token = parser.token
    parser.depth += 1
    if parser.depth > 60:
        parser.fail("the statements are nested too deep")
    try:
        if parser.at(";"):
            parser.advance()
            return []
        if parser.at("{"):
            return list(_block(parser))
        reader = {"var": _declare, "return": _return, "if": _if, "for": _for, "while": _while}.get(token.text)
        if reader is not None and token.kind == "name":
            return reader(parser)
        if token.kind == "name" and token.text in ("let", "const"):
            parser.fail(f"'{token.text}' is ES6; Digdag evaluates ES5", hint="use var")
        if token.kind == "name" and token.text in ("switch", "try", "throw", "do", "break", "continue"):
            parser.fail(f"'{token.text}' is not supported inside a function", hint="use if and return")
        value = parser.expression()
        _end(parser)
        return [Do(value, token.start, value.end)]
    finally:
        parser.depth -= 1


def _end(parser: "Parser") -> None:
    """Step over the end of a statement: `;`, or nothing before `}` or where a new line begins."""
    if parser.at(";"):
        parser.advance()
    elif not parser.at("}") and "\n" not in parser.source[parser.last_end : parser.token.start]:
        parser.expect(";")


def _declare(parser: "Parser") -> List[Statement]:
    declared: List[Statement] = []
    start = parser.advance().start
    while True:
        name = parser.advance()
        if name.kind != "name":
            parser.fail("expected the name of a variable", name.start, name.end)
        value: Optional[Node] = None
        if parser.at("="):
            parser.advance()
            value = parser.single()
        declared.append(Declare(name.text, value, start, parser.last_end))
        if not parser.at(","):
            break
        parser.advance()
    _end(parser)
    return declared


def _return(parser: "Parser") -> List[Statement]:
    start = parser.advance().start
    bare = parser.at(";", "}") or "\n" in parser.source[parser.last_end : parser.token.start]
    value = None if bare else parser.expression()
    _end(parser)
    return [Return(value, start, parser.last_end)]


def _if(parser: "Parser") -> List[Statement]:
    start = parser.advance().start
    parser.expect("(")
    test = parser.expression()
    parser.expect(")")
    yes = tuple(_statement(parser))
    no: Tuple[Statement, ...] = ()
    if parser.at_word("else"):
        parser.advance()
        no = tuple(_statement(parser))
    return [If(test, yes, no, start, parser.last_end)]


def _for(parser: "Parser") -> List[Statement]:
    start = parser.advance().start
    parser.expect("(")
    first: List[Statement] = []
    if parser.at(";"):
        parser.advance()
    else:
        first = _statement(parser)
    test = None if parser.at(";") else parser.expression()
    parser.expect(";")
    move = None if parser.at(")") else parser.expression()
    parser.expect(")")
    body = tuple(_statement(parser))
    return [Loop(tuple(first), test, move, body, start, parser.last_end)]


def _while(parser: "Parser") -> List[Statement]:
    start = parser.advance().start
    parser.expect("(")
    test = parser.expression()
    parser.expect(")")
    body = tuple(_statement(parser))
    return [Loop((), test, None, body, start, parser.last_end)]
