"""JSONata as Step Functions evaluates it: its own functions, JavaScript's way to print, nothing of later versions."""

from __future__ import annotations

import re
from typing import Any

import pytest

from stepdig.local.jsonata import JsonataError, NotJson, Undefined, Variables, compiled, evaluate
from stepdig.local.jstext import js_json, js_number

SEEN = {
    "states": {"input": {"a": [1, 2, 3], "s": "é😀", "n": None, "f": 1.5, "o": {"k": 1}}},
    "x": 3,
    "none": None,
    "nulls": [1, None, {"l": [None, [None]]}],
}


def value(text: str) -> Any:
    return evaluate(text, Variables(values=SEEN))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333333333333"),
        (2 / 3, "0.666666666666667"),
        (1e20, "100000000000000000000"),
        (123456789012345678, "123456789012346000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (-1234.5, "-1234.5"),
    ],
)
def test_numbers_print_as_in_javascript(number: float, text: str) -> None:
    assert js_number(number) == text
    assert evaluate(f"'' & ({number!r})", Variables()) == text


def test_texts_are_not_escaped_beyond_json() -> None:
    assert value("$string($states.input.s)") == "é😀"
    assert value("$string({'k': $states.input.s, 'n': null, 'l': [1.0, true]})") == '{"k":"é😀","n":null,"l":[1,true]}'


def test_pretty_printing_indents_by_two() -> None:
    assert js_json({"a": [1, {}], "b": []}, pretty=True) == '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$partition([1,2,3,4,5], 2.9)", [[1, 2], [3, 4], [5]]),
        ("$range(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$range(1, 1, 1)", 1),  # as recorded on AWS
        ("$hash('a', 'MD5')", "0cc175b9c0f1b6a831c399e269772661"),
        ("$hash('a', 'SHA-1')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("$length($hash('a', 'SHA-512'))", 128),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$parse('null')", None),
        ("$random(42) = $random(42)", True),
        ("$random() < 1", True),
        ("$length($uuid())", 36),
        ("$states.input.a[$ > 1]", [2, 3]),
        ("($f := function($v) {$v * 2}; $map($states.input.a, $f))", [2, 4, 6]),
        ("$none", None),
        ("$exists($none)", True),
        ("$exists($nope)", False),
        ("[$states.input.n]", [None]),
        # As npm's jsonata 2.0.6 has them, held against it by test_expression_differential.py too.
        ("$map($nulls, function($v) {$type($v)})", ["number", "null", "object"]),
        ("$nulls[1]", None),
        ("$nulls[1] = null and $exists($nulls[1])", True),
        ("$nulls[2].l", [None, [None]]),
        ("$string($nulls)", '[1,null,{"l":[null,[null]]}]'),
        ("$append($nulls[2].l, 1)", [None, [None], 1]),
        ("$parse('[null, 1]')[0]", None),
        ("7.5 % 2", 1.5),
        ("-7 % 3", -1),
        ("-0.5 % 0.2 < 0", True),
        ("$states.input.a[2] = 3 and 'x' in ['x']", True),
        ("$match('ab12', /[0-9]+/).match", "12"),
        ("$states.input.o ~> |$|{'k': 2}|", {"k": 2}),
        ("$string({'a': function(){1}, 'b': $sum})", '{"a":"","b":""}'),
        ("$sort([2,1,3], function($l, $r) {$l > $r})", [1, 2, 3]),
        ("$sort([{'k':1,'n':'a'},{'k':1,'n':'b'},{'k':0,'n':'c'}], function($l, $r) {$l.k > $r.k}).n", ["c", "a", "b"]),
    ],
)
def test_expressions_yield_json(text: str, expected: Any) -> None:
    assert value(text) == expected


def test_evaluating_changes_nothing_it_reads() -> None:
    before = repr(SEEN)

    for text in (
        "$append($states.input.a, 9)",
        "$sort($states.input.a, function($l,$r){$l<$r})",
        "$states.input ~> |o|{'k':9}|",
    ):
        value(text)

    assert repr(SEEN) == before


def test_a_top_level_assignment_stays_inside() -> None:
    variables = Variables(values=SEEN)

    assert evaluate("$x := 5", variables) == 5
    assert evaluate("$x", variables) == 3


@pytest.mark.parametrize("text", ["$nope", "$states.input.nope", "$states.input.a[9]"])
def test_nothing_is_undefined(text: str) -> None:
    with pytest.raises(Undefined):
        value(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 + 'a'", "T2002: "),
        ("$number('z')", "D3030: "),
        ("$range(1, 9, 0)", "must not be 0"),
        ("$range(1, 9999, 1)", "1000"),
        ("$hash('a', 'CRC')", "$hash takes"),
        ("$parse('{')", "JSONDecodeError"),
        ("$error('mine')", "D3137: mine"),
        ("($f := function($n) {1 + $f($n + 1)}; $f(1))", "U1001: "),
    ],
)
def test_a_failing_expression_tells_jsonatas_code(text: str, told: str) -> None:
    with pytest.raises(JsonataError, match=re.escape(told)):
        value(text)


@pytest.mark.parametrize("text", ["$a ?: 1", "$a ?? 1", "$eval('1')", "[1, {'a': $eval($x)}]", "1 +", "$a("])
def test_what_aws_would_refuse_does_not_compile(text: str) -> None:
    with pytest.raises(JsonataError):
        compiled(text)


def test_a_name_or_text_eval_is_no_call() -> None:
    assert evaluate("'$eval' & $lookup({'eval': 1}, 'eval')", Variables()) == "$eval1"


def test_a_function_is_no_value() -> None:
    with pytest.raises(NotJson):
        value("function($x) {$x}")
