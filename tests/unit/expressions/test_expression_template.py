"""A text is split as Digdag's scanner splits it."""

import pytest

from stepdig.expressions.template import Expression, Reserved, Text, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", (Text("plain"),)),
        ("a ${x} b", (Text("a "), Expression("x", 4), Text(" b"))),
        ("$$HOME $$$x", (Text("$HOME $$x"),)),
        ("$${a}", (Text("$"), Expression("a", 3))),
        ("${}", ()),
        ("${v", (Text("${v"),)),
        ("${v and ${x}", (Text("${v and ${x}"),)),
        ("${ {a:1}.a }", (Expression(" {a:1}.a ", 2),)),
        ('${"}"}', (Expression('"', 2), Text('"}'))),
        ("${secret:my.key} ${x}", (Reserved("${secret:my.key}"), Text(" "), Expression("x", 19))),
        ("${secret:${k}}", (Reserved("${secret:"), Expression("k", 11), Text("}"))),
        ("", ()),
    ],
)
def test_parts(text, parts):
    assert split(text) == parts


def test_a_long_text_is_split_in_linear_time():
    """A megabyte of openings is one text, since none is closed."""
    text = "${" * 500_000
    assert split(text) == (Text(text),)
