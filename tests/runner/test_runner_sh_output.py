"""The file in which a sh> leaves values: its form, and that what is written in that form is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepdig.runner import sh_output

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
LINES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
VALUES = st.lists(LINES, min_size=1).map("\n".join)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("rows=3\n", {"rows": "3"}),
        ("rows=3", {"rows": "3"}),
        ("a=1\n\n  \nb= x = y \n", {"a": "1", "b": " x = y "}),
        ("a=1\r\nb=2\r\n", {"a": "1", "b": "2"}),
        ("a=1\na=2\n", {"a": "2"}),
        ("a=\n", {"a": ""}),
        (" a =1\n", {"a": "1"}),
        ("a=x<<y\n", {"a": "x<<y"}),
        ("a<<END\none\n\n b=2\nEND\nc=3\n", {"a": "one\n\n b=2", "c": "3"}),
        ("a<<END\nEND\n", {"a": ""}),
        ("a << E=D \nx\nE=D\n", {"a": "x"}),
        ("a<<END\r\nx\r\nEND\r\n", {"a": "x\r"}),
    ],
)
def test_lines_are_names_and_values(text, found):
    assert sh_output.parse(text) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a=1\n42\n", "line 2 is not NAME=VALUE: 42"),
        ("=1\n", "line 1 is not NAME=VALUE: =1"),
        ("my-name=1\n", "line 1 is not NAME=VALUE: my-name=1"),
        ("a<<\nx\n", "line 1 is not NAME=VALUE: a<<"),
        ("x" * 70, f"line 1 is not NAME=VALUE: {'x' * 57}..."),
        ("a<<END\nx\n END\n", "line 1: 'a<<END' has no line 'END' that ends it"),
    ],
)
def test_other_lines_fail_with_their_number(text, said):
    with pytest.raises(sh_output.OutputFileError) as error:
        sh_output.parse(text)
    assert str(error.value) == said


def test_only_declared_names_are_returned_and_all_must_be_there():
    assert sh_output.declared("a=1\nb=2\n", ["b"]) == {"b": "2"}
    with pytest.raises(sh_output.OutputFileError, match=r"'c' was not written to .STEPDIG_OUTPUT; it wrote a, b"):
        sh_output.declared("a=1\nb=2\n", ["a", "c"])


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_in_either_form_is_read_back(values):
    """One line where a value is one and no CR ends it, else the form of several lines with a word that is in none."""
    written = ""
    for name, value in values.items():
        word = "E"
        while word in value:
            word += "D"
        written += f"{name}<<{word}\n{value}\n{word}\n" if "\n" in value else f"{name}={value}\n"
    assert sh_output.parse(written) == values


@given(st.text(st.sampled_from("ab=<\n\r E1")))
def test_any_text_is_read_or_refused(text):
    """Nothing else is raised, and every name could be a variable's."""
    try:
        found = sh_output.parse(text)
    except sh_output.OutputFileError as error:
        assert "line " in str(error)  # noqa: PT017 - either way is fine
    else:
        assert all(name.isidentifier() for name in found)
