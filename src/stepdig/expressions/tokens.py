"""Where reading an expression stands: the current token, steps from one to the next, and what is wrong with it."""

from typing import NoReturn, Optional

from stepdig.expressions import lexer
from stepdig.expressions.errors import ExpressionError

ASSIGNMENTS = frozenset(("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", ">>>="))
_ES6 = {
    "=>": ("arrow functions are ES6; Digdag evaluates ES5", "write function(x){ return ...; }"),
    "...": ("spread (...) is ES6; Digdag evaluates ES5", "use .concat()"),
    "**": ("the operator ** is ES2016; Digdag evaluates ES5", "use Math.pow()"),
    "??": ("the operator ?? is ES2020; Digdag evaluates ES5", "write x == null ? y : x"),
    "?.": ("the operator ?. is ES2020; Digdag evaluates ES5", "write x && x.y"),
}
_OTHERS = {"and": "&&", "or": "||", "is": "===", "eq": "==", "ne": "!=", "if": "condition ? x : y"}


class Tokens:
    """The tokens of one expression, one of them current."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.token = lexer.token_at(source, 0)
        self.last_end = 0

    def advance(self) -> lexer.Token:
        """Step to the next token; return the one left behind."""
        token = self.token
        self.last_end = token.end
        self.token = lexer.token_at(self.source, token.end)
        return token

    def at(self, *operators: str) -> bool:
        """Tell whether the current token is one of these operators."""
        return self.token.kind == "operator" and self.token.text in operators

    def at_word(self, *words: str) -> bool:
        """Tell whether the current token is one of these words."""
        return self.token.kind == "name" and self.token.text in words

    def expect(self, operator: str) -> int:
        """Step over an operator that must stand here; return the offset after it."""
        if not self.at(operator):
            self.unexpected(f"expected '{operator}'")
        return self.advance().end

    def fail(self, message: str, start: Optional[int] = None, end: Optional[int] = None, hint: str = "") -> NoReturn:
        """Raise an ExpressionError at the current token, or at the place given."""
        start = self.token.start if start is None else start
        raise ExpressionError(message, start, self.token.end if end is None else end, hint)

    def unexpected(self, expected: str = "") -> NoReturn:
        """Raise an ExpressionError for the current token, which cannot stand here; guess what was meant."""
        token = self.token
        found = f"'{token.text}'" if token.text else "the end of the expression"
        if token.text == "=>":
            self.fail("unexpected '=>'", hint="did you mean '>='? (arrow functions are ES6; Digdag evaluates ES5)")
        if token.text in _ES6:
            self.newer(token.text)
        if self.source[token.start : token.start + 1] == "{" and self.source[token.start - 1 : token.start] == "$":
            hint = "write the variable name without ${ }: the text inside ${...} already is an expression"
            self.fail("'${' inside an expression", token.start - 1, hint=hint)
        if token.text in ASSIGNMENTS:
            hint = "did you mean '=='?" if token.text == "=" else "use _export to define a variable"
            self.fail("an assignment inside ${...} is not supported", hint=hint)
        if token.text in ("++", "--"):
            self.fail(f"'{token.text}' changes a variable, which is not possible inside ${{...}}", hint="write x + 1")
        if expected:
            self.fail(f"{expected} but found {found}")
        hint = f"write {_OTHERS[token.text]}" if token.text in _OTHERS else ""
        self.fail(f"unexpected {found}" if token.text else "the expression ends too early", hint=hint)

    def newer(self, sign: str) -> NoReturn:
        """Raise an ExpressionError for what ES5 does not have yet."""
        message, hint = _ES6[sign]
        self.fail(message, hint=hint)
