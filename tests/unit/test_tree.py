"""YAML text -> located nodes: Digdag's scalars, positions, `!include`, and a problem for everything that is wrong."""

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stepdig.problem import Position, Problems, show
from stepdig.source import tree
from stepdig.source.tree import Mapping, Scalar, Sequence


def load(text, files=None, path="main.dig"):
    problems = Problems()
    contents = {name: content.encode() for name, content in (files or {}).items()}
    return tree.load(text, path, contents.get, problems), problems


def value(text):
    node, problems = load(f"k: {text}\n")
    assert not problems.found
    return tree.plain(node)["k"]


def told(text, files=None, path="main.dig"):
    """Every problem as `place: code text | hint`, in the order of the files."""
    _, problems = load(text, files, path)
    return [f"{it} | {it.hint}" if it.hint else str(it) for it in sorted(problems)]


SCALARS = {
    # booleans: two spellings each, all else is text
    **dict.fromkeys(("true", "True"), True),
    **dict.fromkeys(("false", "False"), False),
    **{text: text for text in ("yes", "no", "No", "on", "off", "TRUE", "FALSE", "y", "n", "tRue")},
    # null
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    "nULL": "nULL",
    "none": "none",
    # integers: no sexagesimal ones
    **{"0": 0, "12": 12, "-3": -3, "+5": 5, "-0": 0, "1_000": 1000, "00": 0, "0_": 0, "1_": 1},
    **{"010": 8, "07": 7, "-010": -8, "0x1f": 31, "0x1F": 31, "-0x1f": -31, "0b11": 3, "0b1_1": 3, "0_7": 7},
    **{text: text for text in ("08", "09", "0o17", "0xg", "0b2", "--", "+", "_1", "1-2", "1 2", "0x", "0b")},
    **{text: text for text in ("10:00:00", "00:30", "5:00", "07:00:00", "1:2")},
    "12345678901234567890": 12345678901234567890,
    # floats: never with a leading zero
    **{"1.5": 1.5, ".5": 0.5, "+.5": 0.5, "-.5": -0.5, "1.": 1.0, "1e5": 100000.0, "1E+2": 100.0, "1.50": 1.5},
    **{"1_0.5": 10.5, "2.5e-1": 0.25, "1:30.5": 90.5, "-1:30.5": -90.5, "0:30.": 30.0, "1.10": 1.1},
    **{text: text for text in ("0.5", "0.0", "-0.5", "0e1", "1.2.3", ".", "1e", "e5", "1:60.5", "1.5.", "0.")},
    # JSON has no such numbers; Digdag's configuration is JSON
    **{".inf": "Infinity", "-.INF": "-Infinity", "+.Inf": "Infinity", ".nan": "NaN", ".NaN": "NaN"},
    **{"1e400": "Infinity", "-1e400": "-Infinity", "-.nan": "-.nan", ".iNF": ".iNF"},
    # dates are texts
    **{text: text for text in ("2016-01-01", "2015-01-01 00:00:00", "2015-01-01T00:00:00Z", "=")},
    # quoted and block scalars are texts
    **{"'true'": "true", '"1"': "1", "''": "", '"null"': "null", "|-\n  10": "10", ">-\n  010": "010"},
    # explicit tags
    **{"!!str 1": "1", "!!str": "", "!!float 0.5": 0.5, "!!float '1'": 1.0, "!!int '0x10'": 16, "!!null x": None},
    **{"!!bool yes": True, "!!bool Off": False, "! 12": "12", "!!int 010": 8, "!!float 1_0.5": 10.5},
}


@pytest.mark.parametrize(("text", "expected"), SCALARS.items())
def test_scalar_has_the_type_digdag_gives_it(text, expected):
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)
    assert math.copysign(1, found) == math.copysign(1, expected) if isinstance(expected, float) else True


def test_values_are_finite_so_that_they_fit_json():
    for text in SCALARS:
        found = value(text)
        assert not isinstance(found, float) or math.isfinite(found)


def test_plain_gives_python_values_and_keys_as_text():
    node, _ = load("a: [1, {b: null}, 'x']\n1: one\ntrue: yes\n010: eight\n1.5: f\n")
    assert tree.plain(node) == {"a": [1, {"b": None}, "x"], "1": "one", "true": "yes", "8": "eight", "1.5": "f"}
    assert tree.plain(None) is None


def test_node_knows_its_place_style_and_length():
    node, _ = load("a: 'it''s'\nlist:\n  - x\n  - {k: \"v\"}\nb: |\n  text\nempty:\n")
    a, items, block, empty = (node.get(key) for key in ("a", "list", "b", "empty"))
    assert (a.at, a.style, a.length, a.text) == (Position("main.dig", 1, 4), "'", 7, "it's")
    assert items.at == Position("main.dig", 3, 3)
    assert (items.items[0].at, items.items[1].at) == (Position("main.dig", 3, 5), Position("main.dig", 4, 5))
    assert (block.at, block.style, block.length) == (Position("main.dig", 5, 4), "|", 1)
    assert (empty.value, empty.length) == (None, 1)
    assert [key.at.line for key, _ in node] == [1, 2, 5, 7]
    assert node.get("nowhere") is None


def test_properties_before_a_value_are_not_part_of_it():
    node, _ = load("a: &x !!str 12\nb: !!str   # why\n  'q'\n")
    assert (node.get("a").at, node.get("a").length) == (Position("main.dig", 1, 13), 2)
    assert (node.get("b").at, node.get("b").position(0)) == (Position("main.dig", 3, 3), Position("main.dig", 3, 4))


@pytest.mark.parametrize(
    ("text", "mark", "line", "column"),
    [
        ("k: ab@cd", "@", 1, 6),
        ("k: 'it''s @x'", "@", 1, 11),
        (r'k: "a\tb\x41\u0042\\@x"', "@", 1, 21),
        ("k: |\n  one\n  two @x\n", "@", 3, 7),
        ("k: |2\n    one\n   two @x\n", "@", 3, 8),
        ("k: |-\n\n  one\n\n  @x\n", "@", 5, 3),
        ("k: |\r\n  one\r\n  two @x\r\n", "@", 3, 7),
        ("k: >\n  one two\n  three @x\n\n  four\n", "@", 3, 9),
        ("k: >\n  one one\n  one @x\n", "@", 3, 7),
        ("k: one\n  two @x\n  three", "@", 2, 7),
        ("k: 'one\n  two''s\n\n  @x'", "@", 4, 3),
        ('k: "one\\\n  two\n  a\\n@x"', "@", 3, 6),
        ("k: 日本 @x", "@", 1, 7),
        ("k: &a !!str ab@", "@", 1, 15),
    ],
)
def test_position_of_a_character_of_a_scalar(text, mark, line, column):
    node, problems = load(text)
    scalar = node.get("k")
    assert not problems.found
    assert scalar.position(scalar.text.index(mark)) == Position("main.dig", line, column)


def test_position_outside_of_the_text_stays_in_the_scalar():
    node, _ = load("k: abc\nz: |\n  abc\n")
    assert node.get("k").position(-5) == Position("main.dig", 1, 4)
    assert node.get("k").position(99) == Position("main.dig", 1, 7)
    assert node.get("z").position(99).line in {3, 4}


def test_crlf_and_a_byte_order_mark_are_accepted():
    node, problems = load(b"\xef\xbb\xbfa: 1\r\nb:\r\n  - x\r\n")
    assert tree.plain(node) == {"a": 1, "b": ["x"]}
    assert not problems.found
    assert node.get("a").at == Position("main.dig", 1, 4)


def test_aliases_and_merge_keys():
    node, problems = load(
        """
base: &base {a: 1, b: {x: 1}}
more: &more {b: 2, c: 3}
one: {<<: *base, a: own}
two:
  b: first
  <<: [*base, *more]
three: {"<<": text}
alias: *base
"""
    )
    found = tree.plain(node)
    assert not problems.found
    assert found["one"] == {"a": "own", "b": {"x": 1}}
    assert list(found["one"]) == ["a", "b"]
    assert found["two"] == {"b": "first", "a": 1, "c": 3}
    assert found["three"] == {"<<": "text"}
    assert found["alias"] == {"a": 1, "b": {"x": 1}}


PROBLEMS = {
    "": [
        "main.dig:1:1: SD105 this file is empty; it must be a mapping of keys to values | the first line may be '+task:'"
    ],
    "# only this\n": [
        "main.dig:1:1: SD105 this file is empty; it must be a mapping of keys to values | the first line may be '+task:'"
    ],
    "---\n": [
        "main.dig:1:1: SD105 this file is empty; it must be a mapping of keys to values | the first line may be '+task:'"
    ],
    "- a\n": [
        "main.dig:1:1: SD105 this file is a list; it must be a mapping of keys to values | the first line may be '+task:'"
    ],
    "hello\n": [
        "main.dig:1:1: SD105 this file is a single value; it must be a mapping of keys to values"
        " | the first line may be '+task:'"
    ],
    "+t:\n\techo>: a\n": ["main.dig:2:1: SD102 not YAML: a tab cannot indent | indent with blanks"],
    "a: @x": ["main.dig:1:4: SD102 not YAML: a text cannot begin with '@' | put the text in quotes: \"@x\""],
    "+t: [\n": ["main.dig:1:5: SD102 not YAML: the file ends where more is expected"],
    "a: 'x\nb: 1\n": ["main.dig:1:4: SD102 not YAML: what opens here is not closed | add the missing bracket or quote"],
    "a: {x: ${v}}\n": [
        'main.dig:1:8: SD102 not YAML: a text with ${...} inside of [ ] or { } needs quotes | put it in quotes: "${v}"'
    ],
    "a: b: c\n": ["main.dig:1:4: SD102 not YAML: a text with ': ' in it needs quotes | put it in quotes: \"b: c\""],
    '+t:\n  a: "\\q"\n': [
        "main.dig:2:7: SD102 not YAML: there is no such escape"
        " | in double quotes a backslash is written \\\\; in single quotes it stands for itself"
    ],
    "a: 1\n---\nb: 2\n": [
        "main.dig:2:1: SD103 a second document begins here; a file holds one"
        " | remove the '---', or make it a file of its own"
    ],
    "+t:\n  x: 1\n  y: 2\n  x: 3\n+t: {}\n": [
        "main.dig:4:3: SD106 the key 'x' is already on line 2",
        "main.dig:5:1: SD106 the key '+t' is already on line 1",
    ],
    "1: a\n'1': b\n": ["main.dig:2:1: SD106 the key '1' is already on line 1"],
    "? [a]\n: b\n? {c: d}\n: e\n? \n: f\n": [
        "main.dig:1:3: SD107 a key must be a text, and this is a list or mapping | put a text with { } or [ ] in quotes",
        "main.dig:3:3: SD107 a key must be a text, and this is a list or mapping | put a text with { } or [ ] in quotes",
        "main.dig:5:2: SD107 a key must be a text, and this is empty | put it in quotes",
    ],
    "<<: 1\na: {<<: [{b: 1}, 2]}\n": [
        "main.dig:1:1: SD107 '<<' takes a mapping or a list of mappings",
        "main.dig:2:5: SD107 '<<' takes a mapping or a list of mappings",
    ],
    "a: &tables [1]\nb: *table\nc: *x\nd: &d [*d]\n": [
        "main.dig:2:4: SD108 there is no anchor '&table' above | did you mean 'tables'?",
        "main.dig:3:4: SD108 there is no anchor '&x' above | mark the value with '&x' before this line",
        "main.dig:4:8: SD108 '*d' lies inside of what it stands for",
    ],
    "a: !foo x\nb: !!set {x}\nc: !!binary aGk=\nd: !bar [1]\n": [
        "main.dig:1:4: SD114 unknown tag '!foo' | put a text that begins with ! in quotes",
        "main.dig:2:4: SD114 unknown tag '!!set' | put a text that begins with ! in quotes",
        "main.dig:3:4: SD114 unknown tag '!!binary' | put a text that begins with ! in quotes",
        "main.dig:4:4: SD114 unknown tag '!bar' | put a text that begins with ! in quotes",
    ],
    "a: 0b_\nb: !!int x\nc: !!float y\nd: !!bool z\n": [
        "main.dig:1:4: SD113 '0b_' cannot be read as number | put a text in quotes",
        "main.dig:2:10: SD113 'x' cannot be read as int | put a text in quotes",
        "main.dig:3:12: SD113 'y' cannot be read as float | put a text in quotes",
        "main.dig:4:11: SD113 'z' cannot be read as bool | put a text in quotes",
    ],
    f"a: {'9' * 5000}\n": [
        f"main.dig:1:4: SD113 '{'9' * 37}...' cannot be read as number | put a text in quotes",
    ],
}


@pytest.mark.parametrize(("text", "expected"), PROBLEMS.items(), ids=[repr(text)[:40] for text in PROBLEMS])
def test_every_mistake_is_told_with_its_place(text, expected):
    assert told(text) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a: b\n\x83v: 1\n", ["main.dig:2:1: SD101 this file is not text in UTF-8 (byte 0x83) | save it as UTF-8"]),
        (b"\xff\xfea\x00", ["main.dig:1:1: SD101 this file is not text in UTF-8 (byte 0xff) | save it as UTF-8"]),
        (
            b"a: \x00\n",
            ["main.dig:1:4: SD101 this file is not text: it holds the character U+0000 | is it a binary file?"],
        ),
        (
            b"a: 1\nb: \x1b[0m\n",
            [
                'main.dig:2:4: SD101 this file is not text: it holds the character U+001B | write it as "\\x.." in quotes'
            ],
        ),
    ],
)
def test_bytes_that_are_no_text(data, expected):
    assert told(data) == expected


def test_all_mistakes_of_a_file_in_one_run():
    node, problems = load("a: 1\na: 2\nb: *x\nc: !foo 1\n!include : gone.dig\nd: 0b_\n")
    assert [it.code for it in problems] == ["SD106", "SD108", "SD114", "SD111", "SD113"]
    assert list(tree.plain(node)) == ["a", "b", "c", "d"]


class TestInclude:
    def test_merged_in_place_several_and_nested(self):
        node, problems = load(
            "_export:\n  !include : inc/env.yml\n  a: local\n+g:\n  +first: {}\n  !include : inc/tasks.yml\n"
            "  !include : 'more.yml'\n  +last: {}\n",
            {
                "inc/env.yml": "a: 1\nb: {x: 1}\n",
                "inc/tasks.yml": "+t:\n  !include : body.yml\n",
                "inc/body.yml": "echo>: hi\n",
                "more.yml": "+u: {}\n",
            },
        )
        assert not problems.found
        found = tree.plain(node)
        assert found == {
            "_export": {"a": "local", "b": {"x": 1}},
            "+g": {"+first": {}, "+t": {"echo>": "hi"}, "+u": {}, "+last": {}},
        }
        assert list(found["+g"]) == ["+first", "+t", "+u", "+last"]

    def test_positions_inside_carry_the_path_of_the_included_file(self):
        node, _ = load("+t:\n  !include : inc/a.yml\n", {"proj/inc/a.yml": "\necho>: hi\n"}, "proj/main.dig")
        key, scalar = node.get("+t").entries[0]
        assert key.at == Position("proj/inc/a.yml", 2, 1)
        assert scalar.at == Position("proj/inc/a.yml", 2, 8)

    def test_later_include_merges_mappings_deeply_and_replaces_the_rest(self):
        node, _ = load(
            "a: {x: {y: 1}, l: [1]}\nb: 1\n!include : i.yml\n", {"i.yml": "a: {x: {z: 2}, l: [2]}\nb: {c: 1}\n"}
        )
        assert tree.plain(node) == {"a": {"x": {"y": 1, "z": 2}, "l": [2]}, "b": {"c": 1}}

    def test_own_key_after_an_include_replaces_what_it_brought(self):
        node, problems = load("!include : i.yml\na: {own: 1}\n", {"i.yml": "a: {x: 1}\nb: 2\n"})
        assert not problems.found
        assert tree.plain(node) == {"a": {"own": 1}, "b": 2}

    def test_in_a_mapping_of_a_list_and_in_an_included_list(self):
        node, problems = load("l:\n  - !include : i.yml\n    b: 2\n", {"i.yml": "a: 1\n"})
        assert not problems.found
        assert tree.plain(node) == {"l": [{"a": 1, "b": 2}]}

    def test_mistakes_of_an_included_file_are_told_once_with_its_path(self):
        files = {"i.yml": "a: 1\na: 2\n", "j.yml": "k: [\n"}
        assert told("x: {!include : i.yml}\ny: {!include : i.yml}\n!include : j.yml\n", files) == [
            "i.yml:2:1: SD106 the key 'a' is already on line 1",
            "j.yml:1:4: SD102 not YAML: the file ends where more is expected",
        ]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                "!include : ../x.yml",
                "main.dig:1:12: SD110 an include cannot leave its folder: '../x.yml'"
                " | move the file into the folder of the file that includes it",
            ),
            (
                "!include : /etc/passwd",
                "main.dig:1:12: SD110 an include cannot leave its folder: '/etc/passwd'"
                " | move the file into the folder of the file that includes it",
            ),
            (
                "!include : a/../../x.yml",
                "main.dig:1:12: SD110 an include cannot leave its folder: 'a/../../x.yml'"
                " | move the file into the folder of the file that includes it",
            ),
            (
                "!include : gone.yml",
                "main.dig:1:12: SD111 there is no file 'gone.yml' to include"
                " | the path is relative to the folder of this file",
            ),
            (
                "!include : a.yml",
                "b.yml:1:12: SD112 this file includes itself: a.yml -> b.yml -> a.yml"
                " | take the common part into a file of its own",
            ),
            (
                "!include : main.dig",
                "main.dig:1:12: SD112 this file includes itself: main.dig -> main.dig"
                " | take the common part into a file of its own",
            ),
            (
                "!include :",
                "main.dig:1:1: SD110 '!include' takes the path of a file"
                " | write '!include : path', with a blank before the colon",
            ),
            (
                "!include : [a.yml]",
                "main.dig:1:1: SD110 '!include' takes the path of a file"
                " | write '!include : path', with a blank before the colon",
            ),
            (
                "!include x : a.yml",
                "main.dig:1:1: SD110 '!include' takes the path of a file"
                " | write '!include : path', with a blank before the colon",
            ),
            (
                "k: !include a.yml",
                "main.dig:1:4: SD110 '!include' cannot be a value"
                " | write '!include : path' as a key of the mapping, on a line of its own",
            ),
            (
                "k: [!include a.yml]",
                "main.dig:1:5: SD110 '!include' cannot be a value"
                " | write '!include : path' as a key of the mapping, on a line of its own",
            ),
            (
                "!include : list.yml",
                "list.yml:1:1: SD105 this file is a list; it must be a mapping of keys to values"
                " | the first line may be '+task:'",
            ),
            (
                "+t:\n  !include: a.yml\n",
                "main.dig:2:3: SD114 unknown tag '!include:' | write '!include : path', with a blank before the colon",
            ),
        ],
    )
    def test_wrong_includes(self, text, expected):
        files = {"a.yml": "!include : b.yml\n", "b.yml": "!include : a.yml\n", "list.yml": "- a\n"}
        assert told(text, files) == [expected]

    def test_a_long_chain_of_includes_is_a_problem_and_no_recursion_error(self):
        files = {f"{n}.yml": f"k:\n  !include : {n + 1}.yml\n" for n in range(5000)}
        assert told("!include : 0.yml\n", files) == ["29.yml:2:14: SD104 includes within includes, more than 30 deep"]

    def test_depth_counts_through_includes(self):
        deep = "".join("{a: " for _ in range(60)) + "1" + "}" * 60
        told_of = told(f"k: {deep[:-61]}{{!include : i.yml}}{'}' * 60}\n", {"i.yml": f"k: {deep}\n"})
        assert [line.split(" | ")[0] for line in told_of] == ["i.yml:1:156: SD104 nested deeper than 100 levels"]


BOMBS = {
    "brackets": ("[" * 100_000, "SD104"),
    "braces": ("{a: " * 100_000, "SD104"),
    "groups": ("\n".join(" " * level + "+a:" for level in range(10_000)), "SD104"),
    "dashes": ("- " * 100_000, "SD104"),
    "complex keys": ("? " * 100_000, "SD104"),
    "aliases": (
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)),
        "SD109",
    ),
    "alias chain": ("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5000)), "SD104"),
    "merge": (
        "a0: &a0 {x: 1}\n"
        + "".join(f"a{n}: &a{n} {{k: *a{n - 1}, l: *a{n - 1}, <<: *a{n - 1}}}\n" for n in range(1, 60)),
        "SD109",
    ),
}


@pytest.mark.parametrize(("text", "code"), BOMBS.values(), ids=BOMBS)
def test_bombs_are_one_problem(text, code):
    node, problems = load(text)
    assert node is None
    assert [it.code for it in problems] == [code]


def test_include_bomb_is_bounded():
    files = {f"{n}.yml": "".join(f"k{i}:\n  !include : {n + 1}.yml\n" for i in range(10)) for n in range(20)}
    files["20.yml"] = "x: 1\n"
    _, problems = load("!include : 0.yml\n", files)
    assert "SD109" in {it.code for it in problems}


def test_hundred_levels_are_accepted():
    node, problems = load("{a: " * 100 + "1" + "}" * 100)
    assert not problems.found
    assert isinstance(node, Mapping)


def test_load_any_takes_a_list():
    problems = Problems()
    node = tree.load_any("- {table: users}\n", "t.yml", lambda _: None, problems)
    assert isinstance(node, Sequence)
    assert tree.plain(node) == [{"table": "users"}]
    assert tree.load_any("", "t.yml", lambda _: None, problems) is None
    assert not problems.found


@pytest.mark.parametrize(
    "text", [*PROBLEMS, *(text for text, _ in BOMBS.values()), 'a: "\\UFFFFFFFF"\n', 'a: "\\ud800"']
)
def test_the_pure_python_parser_finds_the_same(text, monkeypatch):
    """Where PyYAML came without libyaml, the same files pass and the same codes are told at the same lines."""
    with_libyaml = [(it.code, it.at.line) for it in load(text)[1]]
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert [(it.code, it.at.line) for it in load(text)[1]] == with_libyaml


def test_the_pure_python_parser_places_nodes_alike(monkeypatch):
    text = "a: &x !!str 12\n+t:\n  - 'it''s'\n  - {k: \"v\"}\ne:\nb: |\n  text\nc: >-\n  one\n  two\n日: 本\n"
    with_libyaml, _ = load(text)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert load(text)[0] == with_libyaml


def scalars(node):
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from scalars(item)
    elif isinstance(node, Mapping):
        for key, inner in node:
            yield key
            yield from scalars(inner)


def lies_inside(at, text):
    lines = text.removeprefix("\ufeff").splitlines() or [""]
    return 1 <= at.line <= len(lines) and 1 <= at.column <= len(lines[at.line - 1]) + 1


YAMLISH = st.lists(
    st.sampled_from(
        [
            "+a",
            "_export",
            ":",
            ": ",
            "- ",
            "\n",
            "\n  ",
            "\n    ",
            "? ",
            "{",
            "}",
            "[",
            "]",
            ",",
            "'",
            '"',
            "|\n",
            ">\n",
            "#",
            "&a ",
            "*a",
            "!include ",
            "!!str ",
            "!x ",
            "<<",
            "echo>: ",
            "${x}",
            "\t",
            "\\",
            "\\x41",
            "%",
            "@",
            "---\n",
            "...",
            "1",
            "0.5",
            "\r\n",
            "é",
            "日",
            "\ufeff",
            "\u2028",
            "\0",
            "~",
            " ",
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(YAMLISH, st.text(max_size=60)))
def test_any_text_gives_nodes_or_problems_inside_of_the_file(text):
    node, problems = load(text)
    assert node is not None or problems.found
    for problem in problems:
        assert lies_inside(problem.at, text)
        assert problem.length >= 1
        show(problem, text)
    for scalar in scalars(node):
        assert lies_inside(scalar.at, text)
        assert scalar.length >= 1
        for offset in range(len(scalar.text) + 1):
            assert lies_inside(scalar.position(offset), text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_give_nodes_or_problems(data):
    node, problems = load(data)
    assert node is not None or problems.found


WORDS = st.text("ab'\"\\ é日\t:#{}$,", min_size=1, max_size=20)


@settings(max_examples=300, deadline=None)
@given(WORDS, st.sampled_from("'\""))
def test_position_finds_the_character_of_a_quoted_text(word, quote):
    """Whatever is written in quotes on one line, `position` leads from a character to where it stands."""
    escaped = word.replace("'", "''") if quote == "'" else word.replace("\\", "\\\\").replace('"', '\\"')
    text = f"key: {quote}{escaped}{quote}\n"
    scalar = load(text)[0].get("key")
    assert scalar.text == word
    for offset, char in enumerate(word):
        column = scalar.position(offset).column - 1
        assert text[column] == ("\\" if quote == '"' and char in '\\"' else char)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text("ab #:'", max_size=8).map(str.rstrip), min_size=1, max_size=6),
    st.sampled_from("|>"),
    st.integers(1, 4),
)
def test_position_finds_the_character_of_a_block(lines, style, indent):
    lines = ["x", *lines, "y"]
    text = f"key: {style}\n" + "".join(f"{' ' * indent}{line}\n" for line in lines)
    scalar = load(text)[0].get("key")
    source = text.splitlines()
    for offset, char in enumerate(scalar.text):
        at = scalar.position(offset)
        if char in "xy" or (style == "|" and char not in "\n"):
            assert source[at.line - 1][at.column - 1] == char


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_what_json_writes_is_read_as_written(value):
    """A JSON file is YAML too, so a table list or an export in that form keeps its values."""
    import json

    problems = Problems()
    node = tree.load_any(json.dumps({"v": value}, ensure_ascii=True), "v.json", lambda _: None, problems)
    if not problems.found:  # YAML forbids lone surrogates, and JSON writes the others as pairs
        assert tree.plain(node) == {"v": value}
