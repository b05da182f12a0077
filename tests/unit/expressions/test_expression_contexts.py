"""What `if>`, `loop>` and `for_each>` accept, from a known text and from a stored value."""

import pytest
from known import TOKYO, Names

from stepdig.expressions import contexts
from stepdig.expressions.translate import NOT_CONSTANT
from stepdig.local import jsonata

NOTHING = object()


def evaluated(code, x):
    return jsonata.evaluate(code, jsonata.Variables(None, {"o": {} if x is NOTHING else {"x": x}}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("True", True),
        (" true ", True),
        ("false", False),
        ("False", False),
        ("", False),
        ("TRUE", None),
        ("1", None),
        ("yes", None),
        ("${1}", None),
        ("${1 == 1}", True),
        ("${known.nope}", False),
        ("${!known.n}", False),
        ("[1]", None),
    ],
)
def test_a_known_condition(text, expected):
    assert contexts.boolean(text, Names(), TOKYO).const is expected


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (True, True),
        (False, False),
        ("true", True),
        (" True", True),
        ("false", False),
        ("", False),
        (None, False),
        (1, None),
        ("1", None),
        ("yes", None),
        ([], None),
        ({}, None),
    ],
)
def test_a_stored_condition(x, expected):
    """Both tests are total; neither holds for what Digdag refuses."""
    done = contexts.boolean("${x}", Names(), TOKYO)
    assert (evaluated(done.true, x), evaluated(done.false, x)) == (expected is True, expected is False)
    assert isinstance(evaluated(done.text, x), str)


def test_a_comparison_stays_a_boolean():
    done = contexts.boolean("${x == 'a'}", Names(), TOKYO)
    assert done.true == "($o.x = 'a')"
    assert [
        evaluated(done.true, "a"),
        evaluated(done.false, "a"),
        evaluated(done.true, 1),
        evaluated(done.false, 1),
    ] == [True, False, False, True]
    assert contexts.boolean("${x == 'a'}${''}", Names(), TOKYO).const is NOT_CONSTANT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3),
        (" 3 ", 3),
        ("2.7", 2),
        ("-1", -1),
        ("1e2", 100),
        ("x", None),
        ("", None),
        ("${known.n + 1}", 4),
        ("Infinity", None),
    ],
)
def test_a_known_count(text, expected):
    assert contexts.integer(text, Names(), TOKYO).const == expected


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (3, 3),
        ("3", 3),
        (2.7, 2),
        ("2.7", 2),
        ("-2.7", -2),
        ("+3", 3),
        ("3.", 3),
        ("1e2", 100),
        ("x", None),
        ("", None),
        ([], None),
        (None, None),
    ],
)
def test_a_stored_count(x, expected):
    done = contexts.integer("${x}", Names(), TOKYO)
    assert evaluated(done.valid, x) is (expected is not None)
    if expected is not None:
        assert evaluated(done.code, x) == expected


def test_a_number_by_type_needs_no_test():
    done = contexts.integer("${x * 2}", Names(x="num"), TOKYO)
    assert done.valid == "true"
    assert evaluated(done.code, 1.75) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["a", 1]', ["a", 1]),
        ("${known.list}", ["a", {"b": "c"}]),
        ("a,b", None),
        ("{}", None),
        ("", None),
        ("[1", None),
    ],
)
def test_a_known_list(text, expected):
    assert contexts.items(text, Names(), TOKYO).const == expected


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("${x}", ["a", {"b": 1}], ["a", {"b": 1}]),
        ("${x}", ["only"], ["only"]),
        ("${x}", '["a"]', ["a"]),
        ("${x}", "a,b", None),
        ("${x}", {}, None),
        ("${Object.keys(x)}", {"k": 1}, ["k"]),
        ('["${x}", "z"]', "a", ["a", "z"]),
        ("${x}", [], []),
        ("${JSON.parse(x)}", "[1]", [1]),
    ],
)
def test_a_stored_list(text, x, expected):
    done = contexts.items(text, Names(), TOKYO)
    assert evaluated(done.valid, x) is (expected is not None)
    if expected is not None:
        assert evaluated(done.code, x) == expected
