"""Expression text -> syntax tree: a Pratt parser for ES5 expressions that names the mistake and says what to try.

Pages: https://262.ecma-international.org/5.1/ (chapter 11). Not accepted on purpose: assignments outside functions,
`++`, `--` and `delete`, which change nothing that lasts in Digdag.
"""

from functools import lru_cache
from typing import List, NoReturn, Tuple

from stepdig.expressions import lexer
from stepdig.expressions.nodes import (
    ArrayLiteral,
    Binary,
    Call,
    Conditional,
    Index,
    Literal,
    Logical,
    Member,
    Name,
    New,
    Node,
    ObjectLiteral,
    Regex,
    Sequence,
    This,
    Unary,
)
from stepdig.expressions.tokens import ASSIGNMENTS, Tokens

_MAX_DEPTH = 50  # of brackets: each takes seven calls of Python; a chain of operators may be longer
_MAX_CHAIN = 100  # operators and members in one row; deeper trees would exhaust Python's stack
_PRECEDENCE = {
    **{"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5},
    **dict.fromkeys(("==", "!=", "===", "!=="), 6),
    **dict.fromkeys(("<", ">", "<=", ">=", "in", "instanceof"), 7),
    **dict.fromkeys(("<<", ">>", ">>>"), 8),
    **dict.fromkeys(("+", "-"), 9),
    **dict.fromkeys(("*", "/", "%"), 10),
}
_RESERVED = frozenset(
    (
        *("break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do", "else"),
        *("enum", "export", "extends", "finally", "for", "function", "if", "import", "in", "instanceof", "new"),
        *("return", "super", "switch", "this", "throw", "try", "typeof", "var", "void", "while", "with"),
    )
)
_WORDS = {"true": True, "false": False, "null": None}


@lru_cache(maxsize=4096)
def parse(source: str) -> Node:
    """Return the syntax tree of one expression (the text between `${` and `}`), or raise ExpressionError."""
    return Parser(source).whole()


class Parser(Tokens):
    """The state of reading one expression: the current token and how deep we are."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.depth = 0
        self.functions = 0  # how many functions are around: only inside of one can variables be assigned

    def whole(self) -> Node:
        """Read the expression to the end of the text."""
        if self.token.kind == "end":
            self.fail("the expression is empty", hint="write ${} without a blank, or a variable name")
        node = self.expression()
        if self.token.kind != "end":
            self.unexpected()
        return node

    # --- operators

    def expression(self) -> Node:
        """Read an expression with its commas."""
        node = self.single()
        while self.at(","):
            self.advance()
            right = self.single()
            node = Sequence(node, right, node.start, right.end)
        return node

    def single(self) -> Node:
        """Read an expression up to a comma."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self.fail(f"the expression is nested more than {_MAX_DEPTH} deep")
        node = self._conditional()
        self.depth -= 1
        return node

    def _conditional(self) -> Node:
        test = self._binary(0)
        if not self.at("?"):
            return self._assignment(test) if self.functions and self.token.text in ASSIGNMENTS else test
        self.advance()
        yes = self.single()
        self.expect(":")
        no = self.single()
        return Conditional(test, yes, no, test.start, no.end)

    def _assignment(self, target: Node) -> Node:
        from stepdig.expressions.statements import assignment  # few expressions have functions

        return assignment(self, target)

    def _binary(self, above: int) -> Node:
        left = self._unary()
        length = 0
        while True:
            operator = self.token.text if self.token.kind in ("operator", "name") else ""
            precedence = _PRECEDENCE.get(operator, 0)
            if precedence <= above:
                return left
            length += 1
            if length > _MAX_CHAIN:
                self.fail(f"more than {_MAX_CHAIN} operators in one row", hint="use [...].join('')")
            self.advance()
            right = self._binary(precedence)
            kind = Logical if operator in ("&&", "||") else Binary
            left = kind(operator, left, right, left.start, right.end)

    def _unary(self) -> Node:
        if not (self.at("!", "-", "+", "~") or self.at_word("typeof", "void")):
            if self.at("++", "--") or self.at_word("delete"):
                return self._step() if self.functions and not self.at_word("delete") else self._unexpected_change()
            node = self._postfix(self._primary())
            if self.functions and self.at("++", "--"):
                return self._assignment(node)
            return node
        operator = self.advance()
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self.fail(f"the expression is nested more than {_MAX_DEPTH} deep")
        operand = self._unary()
        self.depth -= 1
        return Unary(operator.text, operand, operator.start, operand.end)

    def _step(self) -> Node:
        from stepdig.expressions.statements import step  # few expressions have functions

        return step(self)

    def _unexpected_change(self) -> NoReturn:
        self.fail(f"'{self.token.text}' changes a value, which is not possible inside ${{...}}")

    # --- members and calls

    def _postfix(self, node: Node, calls: bool = True) -> Node:
        length = 0
        while True:
            if self.at("."):
                self.advance()
                if self.token.kind != "name":
                    self.unexpected("expected a name after '.'")
                name = self.advance()
                node = Member(node, name.text, node.start, name.end)
            elif self.at("["):
                self.advance()
                key = self.expression()
                end = self.expect("]")
                if isinstance(key, Literal) and isinstance(key.value, str):
                    node = Member(node, key.value, node.start, end)
                else:
                    node = Index(node, key, node.start, end)
            elif calls and self.at("("):
                arguments, end = self._arguments()
                node = Call(node, arguments, node.start, end)
            else:
                return node
            length += 1
            if length > _MAX_CHAIN:
                self.fail(f"more than {_MAX_CHAIN} members and calls in one row")

    def _arguments(self) -> Tuple[Tuple[Node, ...], int]:
        self.expect("(")
        return self._items(")")

    def _items(self, closing: str) -> Tuple[Tuple[Node, ...], int]:
        items: List[Node] = []
        while not self.at(closing):
            if closing == "]" and self.at(","):
                self.fail("an empty place in an array is not supported", hint="write undefined")
            items.append(self.single())
            if not self.at(closing):
                self.expect(",")
                if closing == ")" and self.at(")"):
                    self.unexpected()
        return tuple(items), self.expect(closing)

    # --- primary expressions

    def _primary(self) -> Node:
        token = self.token
        if token.kind == "operator":
            return self._bracketed()
        if token.kind == "number":
            self.advance()
            if self.token.kind == "name" and self.token.start == token.end:
                self.fail(f"'{token.text}{self.token.text}' is neither a number nor a name", token.start)
            return Literal(lexer.number_value(token.text), token.start, token.end)
        if token.kind == "string":
            self.advance()
            return Literal(lexer.string_value(token.text), token.start, token.end)
        if token.kind == "name":
            return self._word()
        return self.unexpected()

    def _word(self) -> Node:
        word = self.token
        if word.text == "new":
            return self._new()
        if word.text == "function":
            from stepdig.expressions.statements import function  # few expressions have functions

            return function(self)
        if word.text in _RESERVED and word.text != "this":
            es6 = word.text in ("class", "const", "super", "import", "export")
            self.fail(f"unexpected '{word.text}'", hint="Digdag evaluates ES5 expressions" if es6 else "")
        self.advance()
        if word.text == "this":
            return This(word.start, word.end)
        if word.text in _WORDS:
            return Literal(_WORDS[word.text], word.start, word.end)
        if self.at("=>"):
            self.unexpected()
        return Name(word.text, word.start, word.end)

    def _new(self) -> Node:
        start = self.advance().start
        callee = self._new() if self.at_word("new") else self._postfix(self._primary(), calls=False)
        arguments, end = self._arguments() if self.at("(") else ((), callee.end)
        return New(callee, arguments, start, end)

    def _bracketed(self) -> Node:
        token = self.token
        if token.text in ("/", "/="):
            pattern, flags, end = lexer.regex_at(self.source, token.start)
            if set(flags) - set("gim") or len(set(flags)) < len(flags):
                self.fail(f"unknown flags '{flags}' of a regular expression", token.start, end, "ES5 has g, i and m")
            self.token = lexer.Token("regex", "", token.start, end)
            self.advance()
            return Regex(pattern, flags, token.start, end)
        if token.text == "(":
            self.advance()
            node = self.expression()
            end = self.expect(")")
            if self.at("=>"):
                self.newer("=>")
            return node._replace(start=token.start, end=end)
        if token.text == "[":
            self.advance()
            items, end = self._items("]")
            return ArrayLiteral(items, token.start, end)
        if token.text == "{":
            return self._object()
        return self.unexpected()

    def _object(self) -> Node:
        start = self.advance().start
        names: List[str] = []
        values: List[Node] = []
        while not self.at("}"):
            key = self.token
            if key.kind not in ("name", "string", "number"):
                self.unexpected("expected a property name")
            self.advance()
            if self.at(",", "}", "("):
                self.fail(
                    f"'{key.text}' without a value is ES6; Digdag evaluates ES5",
                    key.start,
                    key.end,
                    "write name: value",
                )
            self.expect(":")
            names.append(_property_name(key))
            values.append(self.single())
            if not self.at("}"):
                self.expect(",")
        return ObjectLiteral(tuple(names), tuple(values), start, self.expect("}"))


def _property_name(key: lexer.Token) -> str:
    if key.kind == "string":
        return lexer.string_value(key.text)
    if key.kind == "number":
        from stepdig.expressions.jsvalues import number_text  # only numbers as keys need it

        return number_text(lexer.number_value(key.text))
    return key.text
