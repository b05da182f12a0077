"""What functions are given: secrets named by shape, never told by a text."""

import pytest

from stepdig.lowering import payloads
from stepdig.plan import Computed, Constant
from stepdig.problem import Problems
from stepdig.source import tree

EXPORTED = {"c": "const", "s": "x${secret:in.export}y", "k": "token"}


def piece(node, start, end):
    """Stand in for a place: `${run}` is computed, other names are known."""
    text = str(node.value)[start:end].replace("${run}", "\0")
    for name, value in EXPORTED.items():
        text = text.replace(f"${{{name}}}", value)
    if "\0" in text:
        return Computed(repr(text.replace("${", "\\u0024{")), (("test", text),))
    return Constant(text)


def payload(value, *, long=False):
    node = tree.load(value.encode(), "w.dig", lambda _: None, Problems()).get("x")
    return (payloads.segments if long else payloads.payload)(node, piece)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("x: plain", "plain"),
        ("x: 5", 5),
        ("x: ''", ""),
        ("x: a${c}b", "aconstb"),
        ("x: ${secret:api.token}", {"parts": [{"secret": "api.token"}]}),
        ("x: Bearer ${secret:a}, ${secret:b}!", {"parts": ["Bearer ", {"secret": "a"}, ", ", {"secret": "b"}, "!"]}),
        ("x: '${c}/${secret:a}/${c}'", {"parts": ["const/", {"secret": "a"}, "/const"]}),
        ("x: <${s}>", {"parts": ["<x", {"secret": "in.export"}, "y>"]}),
        ("x: ${secret:${k}}", {"parts": [{"secret": "token"}]}),
        ("x: [a, {b: '${secret:k}'}]", ["a", {"b": {"parts": [{"secret": "k"}]}}]),
        ("x: {parts: [a, {secret: k}]}", {"mapping": {"parts": ["a", {"secret": "k"}]}}),
        ("x: {mapping: {parts: [a]}}", {"mapping": {"mapping": {"mapping": {"parts": ["a"]}}}}),
        ("x: {parts: a, more: b}", {"parts": "a", "more": "b"}),
    ],
)
def test_a_value_becomes_json_in_which_secrets_are_named(text, filled):
    assert payload(text) == (filled, ())


def test_what_the_machine_computes_stands_beside_secrets_with_its_guards():
    value, guards = payload("x: a${run}/${secret:k}/${run}")

    assert [type(part) for part in value["parts"]] == [Computed, dict, Computed]
    assert len(guards) == 2


@pytest.mark.parametrize(
    "text",
    [
        "x: ${secret:${run}}",  # only the run knows which
        "x: '${s} ${run}'",  # the export's reference would be text of the machine
        "x: ${secret:a b}",  # no name of a secret
        "x: ${secret:open",
    ],
)
def test_a_reference_that_cannot_be_told_from_text_is_refused(text):
    with pytest.raises(payloads.SecretUnclear):
        payload(text)


def test_a_long_text_is_cut_at_its_expressions():
    value, guards = payload("x: Hello ${run}, it is ${c}$$.", long=True)

    assert [part if isinstance(part, str) else "computed" for part in value["parts"]][:3] == [
        "Hello ",
        "computed",
        ", it is ",
    ]
    assert len(guards) == 1
    assert payload("x: only ${c}", long=True) == ("only const", ())


def test_a_long_text_holds_no_secret():
    with pytest.raises(payloads.SecretUnclear, match="no place"):
        payload("x: pw ${secret:k}", long=True)
