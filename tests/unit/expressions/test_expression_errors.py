"""A mistake in an expression is named, at its place, with what to try."""

import pytest
from known import TOKYO, Names

from stepdig.expressions import translate
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.parse import parse


@pytest.mark.parametrize(
    ("source", "place", "message", "hint"),
    [
        ("cnt => 3", "=>", "unexpected '=>'", "did you mean '>='? (arrow functions are ES6; Digdag evaluates ES5)"),
        ("a.map((x) => x)", "=>", "arrow functions are ES6; Digdag evaluates ES5", "write function(x){ return ...; }"),
        ("add(-${n})", "${", "'${' inside an expression", "write the variable name without ${ }"),
        ("`x`", "`", "template literals (`...`) are ES6; Digdag evaluates ES5", "use +"),
        ("a ?? b", "??", "the operator ?? is ES2020", "write x == null ? y : x"),
        ("a?.b", "?.", "the operator ?. is ES2020", "write x && x.y"),
        ("2 ** 3", "**", "the operator ** is ES2016", "use Math.pow()"),
        ("f(...a)", "...", "spread (...) is ES6", "use .concat()"),
        ("a = 1", "=", "an assignment inside ${...} is not supported", "did you mean '=='?"),
        ("i++", "++", "'++' changes a variable", "write x + 1"),
        ("'it", "'it", "unterminated text", ""),
        ("(a", "", "expected ')' but found the end of the expression", ""),
        ("a b", "b", "unexpected 'b'", ""),
        ("a..b", ".b", "expected a name after '.'", ""),
        ("{a}", "a", "'a' without a value is ES6", "write name: value"),
        ("class", "class", "unexpected 'class'", "Digdag evaluates ES5"),
        ("1 // one", "// one", "a // comment must end before the }", "use /* */"),
        ("/a/u", "/a/u", "unknown flags 'u'", "ES5 has g, i and m"),
        (" ", "", "the expression is empty", ""),
        ("3in x", "3in", "'3in' is neither a number nor a name", ""),
    ],
)
def test_what_cannot_be_read(source, place, message, hint):
    with pytest.raises(ExpressionError) as caught:
        parse(source)
    error = caught.value
    assert error.message.startswith(message)
    assert error.hint.startswith(hint)
    assert source[error.start :].startswith(place)


@pytest.mark.parametrize(
    ("source", "place", "message", "hint"),
    [
        (
            "moment().hour >= 12",
            "moment().hour",
            "property 'hour' of a moment is used without calling it",
            "did you mean .hour() ?",
        ),
        (
            "session_time.trim",
            "session_time.trim",
            "method 'trim' is used without calling it",
            "did you mean .trim() ?",
        ),
        (
            "moment(session_time).tz('UTC')",
            "moment(",
            "moment method .tz() is not supported",
            "Digdag has no moment-timezone",
        ),
        ("moment(session_time).format(x)", "x", "the format must be a constant text", ""),
        ("moment(session_time).add(1, 'dyas')", "'dyas'", "unknown unit 'dyas'", "write 'days'"),
        ("x.includes('a')", "x.includes", "method .includes() is not supported (ES6)", "use .indexOf(x) >= 0"),
        ("x.foo()", "x.foo", "method .foo() is not supported", ""),
        ("nowhere + 1", "nowhere", "ReferenceError: nowhere is not defined", ""),
        ("moment", "moment", "this is a function, not a value", "call it with ()"),
        ("known.none.deep", "known.none.deep", "TypeError: Cannot read property 'deep' of null", ""),
        ("known.list.foo()", "known.list.foo", "TypeError: known.list.foo is not a function", ""),
        ("x.replace(/(?=a)/, '')", "/(?=a)/", "look-ahead and back references are not supported", ""),
    ],
)
def test_what_cannot_be_translated(source, place, message, hint):
    with pytest.raises(ExpressionError) as caught:
        translate.expression(source, Names(), TOKYO)
    error = caught.value
    assert error.message.startswith(message)
    assert error.hint.startswith(hint)
    assert source[error.start :].startswith(place)


def test_offsets_count_in_the_whole_text():
    text = "before ${known.n} and ${nowhere}"
    with pytest.raises(ExpressionError) as caught:
        translate.text(text, Names(), TOKYO)
    assert text[caught.value.start : caught.value.end] == "nowhere"


@pytest.mark.parametrize(
    "source", ["(" * 10_000, "[" * 10_000, "-" * 10_000 + "1", "a" + "[0]" * 10_000, "1" + "+1" * 10_000, "!" * 5000]
)
def test_deep_nesting_is_a_mistake_not_a_crash(source):
    with pytest.raises(ExpressionError):
        parse(source)
