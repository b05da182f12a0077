"""What is given at start: the command line, the first state and npm's jsonata convert and refuse the same."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from stepdig.asl.given import checked_params, narrowed, narrowed_lists
from stepdig.language import given
from stepdig.language.model import Input
from stepdig.local.jsonata import Variables, evaluate
from stepdig.plan import NamedList
from stepdig.problem import Position

NODE = Path(__file__).parents[1] / "expressions_js"
AT = Position("w.dig", 1, 1)
TYPES = ("string", "integer", "number", "boolean", "date", "list", "object")
VALUES: list[object] = [
    "", "dev", "3", "-3", "007", "3.5", "-0.25", "1e3", "1e999", "+1", "0x10", " 3", "9" * 15, "9" * 16, "true", "True", "false",
    "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2026-11-31", "2026-1-1", "0000-01-01", "2026-13-01", "2026-11-20x",
    "a,b", " a , b c ,,", ",", "[1]", "{}", 0, 1, -7, 2.0, 2.5, True, False, [], ["a"], ["a", "b"], [1, [2]], {}, {"a": 1},
]  # fmt: skip
LISTS = (
    NamedList("sync", ("users", "orders")), NamedList("group+check", ("users", "orders")), NamedList("one", ("jp",)),
)  # fmt: skip
ONLY: list[object] = [
    None, "", "users", "users, jp", "usres", ["users", "jp"], [], 5, {"sync": "users"},
    {"sync": ["orders", "users"], "one": "jp"},
    {"check": "users"}, {"group+check": "orders"}, {"group": "users"}, {"one": "users"}, {"one": ""}, {"x": "jp"},
    "orders,jp,a,b",
]  # fmt: skip
LONG = NamedList("load+sync", tuple(f"table_{number}" for number in range(12)))
ONLY_ONE: list[object] = [
    None, "", {}, "table_3", " table_3 ,table_11", ["table_3"], ["table_3", "table_4"], [], 5, "tabel_3, x",
    {"sync": "table_3"}, {"load+sync": ["table_1"]}, {"oad+sync": "table_1"}, {"load": "table_1"}, {"sync": ""}, {"sync": []},
    {"sync": ["x", "table_1"]},
    {"x": "y", "sync": "z"}, "table_3,,", ["table_3,table_4"],
]  # fmt: skip


def _python(code: str, variables: dict[str, Any]) -> Any:
    try:
        return {"value": evaluate(code, Variables(None, variables))}
    except Exception as error:  # whatever the library raises
        return {"error": str(error)}


def _node(cases: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Return the answers of npm's jsonata, which Step Functions runs."""
    program = """
    const jsonata = require('jsonata');
    (async () => {
      const answers = [];
      for (const [code, bindings] of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
        try { answers.push({value: await jsonata(code).evaluate(undefined, bindings)}); }
        catch (error) { answers.push({error: error.message}); }
      }
      process.stdout.write(JSON.stringify(answers));
    })();"""
    done = subprocess.run(
        ["node", "-e", program], input=json.dumps(cases), capture_output=True, text=True, cwd=NODE, check=True
    )
    answers: list[Any] = json.loads(done.stdout)
    return answers


needs_node = pytest.mark.skipif(
    which("node") is None or not (NODE / "node_modules/jsonata").is_dir(),
    reason="needs Node: npm --prefix tests/expressions_js ci",
)


def _typed_cases() -> list[tuple[Input, object, str]]:
    cases = []
    for name in TYPES:
        declared = Input("x", AT, name)
        code = f"({checked_params((declared,), exempt=())}$p)"
        cases += [(declared, value, code) for value in VALUES]
    allowed = Input("x", AT, "string", values=("dev", "it's"))
    cases += [(allowed, value, f"({checked_params((allowed,), exempt=())}$p)") for value in ("dev", "it's", "prod", 3)]
    some = Input("x", AT, "list", values=("a", "b"))
    cases += [(some, value, f"({checked_params((some,), exempt=())}$p)") for value in ("a", ["a", "b"], "a,c", [])]
    return cases


def test_a_list_that_grows_too_long_is_refused() -> None:
    """What is given is held to its limit again once a comma list has become a list."""
    code = f"({checked_params((Input('x', AT, 'list'),), exempt=())}$p)"

    assert "value" in _python(code, {"p": {"x": "a," * 100}})
    assert "may have 1500 characters" in _python(code, {"p": {"x": "a," * 1900}})["error"]


def test_params_without_any_take_nothing() -> None:
    """`params:` alone refuses whatever is given."""
    code = f"({checked_params((), exempt=['only'])}$p)"

    assert _python(code, {"p": {"only": "a"}}) == {"value": {"only": "a"}}
    assert "there is no parameter x (it takes none)" in _python(code, {"p": {"x": 1}})["error"]
    assert given.checked({"params": {}}, {"x": 1})[1] == ["there is no parameter x (it takes none)"]


def _command_line(declared: Input, value: object) -> Any:
    params, wrong = given.checked({"params": given.spec([declared])}, {"x": value})
    return {"error": wrong} if wrong else {"value": params}


def _same(ours: Any, theirs: Any) -> bool:
    return ("error" in ours and "error" in theirs) or ours == theirs


def test_command_line_and_first_state_agree() -> None:
    """Each type takes, converts and refuses the same values in Python and in the machine."""
    for declared, value, code in _typed_cases():
        if isinstance(value, str) and value[:1] in ("[", "{"):
            continue  # JSON in a text is for the command line, which hands on what it means
        ours = _command_line(declared, value)

        assert _same(ours, _python(code, {"p": {"x": value}})), (declared.type, value, ours)


@needs_node
def test_the_jsonata_of_step_functions_agrees() -> None:
    """npm's jsonata gives what jsonata-python gives, for types and for `only`."""
    cases = [(code, {"p": {"x": value}}) for _, value, code in _typed_cases()]
    cases += [(_only_code(), {"states": _states(only)}) for only in ONLY]
    cases += [(narrowed_lists((LONG,)), {"states": _states(only)}) for only in ONLY_ONE]

    for (code, bindings), answer in zip(cases, _node(cases), strict=True):
        assert _same(_python(code, bindings), answer), (bindings, answer)


def test_everything_wrong_is_told_at_once() -> None:
    """Unknown, ill-typed, not allowed and missing, in one message."""
    declared = (
        Input("days", AT, "integer"),
        Input("env", AT, "string", values=("dev", "prod")),
        Input("region", AT, "string", required=True),
    )
    values = {"dayz": 1, "days": "x", "env": "prd"}

    _, wrong = given.checked({"params": given.spec(declared)}, values)
    answer = _python(f"({checked_params(declared, exempt=())}$p)", {"p": values})

    assert wrong == [
        "there is no parameter dayz (did you mean 'days'?)",
        'days must be a whole number, not "x"',
        "env must be one of dev, prod, not \"prd\" (did you mean 'prod'?)",
        "region must be given: -p region=...",
    ]
    for text in (
        "there is no parameter dayz (known: days, env, region)",
        "days must be a whole number, not x",
        "env must be one of dev, prod, not prd",
        "region must be given",
    ):
        assert text in answer["error"]


def test_nothing_is_checked_without_a_declaration() -> None:
    """A workflow of Digdag takes anything, `only` too."""
    assert given.checked({}, {"x": "1", "only": "y"}) == ({"x": "1", "only": "y"}, [])
    assert checked_params(None, exempt=()) == ""


def _states(only: object) -> dict[str, Any]:
    return {"context": {"Execution": {"Input": {"params": {} if only is None else {"only": only}}}}}


def _only_code() -> str:
    return narrowed_lists(LISTS)


@pytest.mark.parametrize("only", ONLY, ids=str)
def test_only_means_the_same_in_the_machine(only: object) -> None:
    """The command line refuses what the first state refuses."""
    bundle = {"lists": {it.path: list(it.names) for it in LISTS}}
    _, wrong = given.checked(bundle, {} if only is None else {"only": only})

    answer = _python(_only_code(), {"states": _states(only)})

    assert ("error" in answer) == bool(wrong), (wrong, answer)


@pytest.mark.parametrize("only", ONLY_ONE, ids=str)
@pytest.mark.parametrize("lists", [(LONG,), LISTS[2:]], ids=["long", "short"])
def test_only_of_one_list_says_what_the_command_line_says(lists: tuple[NamedList, ...], only: object) -> None:
    """A workflow with one list has a shorter check, which accepts, gives and says the same."""
    bundle = {"lists": {it.path: list(it.names) for it in lists}}
    _, wrong = given.checked(bundle, {} if only is None else {"only": only})

    answer = _python(narrowed_lists(lists), {"states": _states(only)})

    said = [it.partition(": did you mean")[0].removeprefix("only: ") for it in wrong]
    if wrong:
        assert answer["error"].endswith("only: " + "; ".join(said))
    elif not only:
        assert answer == {"value": {}}
    else:
        names = [it for given_ in (only.values() if isinstance(only, dict) else [only]) for it in given._names(given_)]
        assert answer == {"value": {lists[0].path: names}}
        assert _python(narrowed_lists(lists, [lists[0].path]), {"states": _states(only)}) == answer


@pytest.mark.parametrize("only", [None, {}])
def test_a_list_that_the_first_state_keeps_is_whole_without_only(only: object) -> None:
    assert _python(narrowed_lists([LONG], [LONG.path]), {"states": _states(only)}) == {
        "value": {LONG.path: [*LONG.names]}
    }


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (None, {}),
        ("users, jp", {"sync": ["users"], "group+check": ["users"], "one": ["jp"]}),
        ({"check": "users"}, {"group+check": ["users"]}),
        ({"sync": ["orders", "users"], "one": "jp"}, {"sync": ["orders", "users"], "one": ["jp"]}),
    ],
)
def test_only_by_list(only: object, expected: object) -> None:
    """Names go to the lists that hold them, or to the list that is named."""
    assert _python(_only_code(), {"states": _states(only)}) == {"value": expected}


@pytest.mark.parametrize(
    ("entries", "narrow", "only", "expected"),
    [
        (["a", "b"], (("$only.l", "$"),), {}, ["a", "b"]),
        (["a", "b"], (("$only.l", "$"),), {"l": ["b"]}, ["b"]),
        ([{"n": "a"}, {"n": "b"}], (("$only.l", "$.n"),), {"l": ["a"]}, [{"n": "a"}]),
        (
            [{"t#": 0, "t": "a", "r": {"n": "x"}}, {"t#": 1, "t": "b", "r": {"n": "x"}}],
            (("$only.t", "t"), ("$only.r", "r.n")),
            {"t": ["b"]},
            [{"t#": 1, "t": "b", "r": {"n": "x"}}],
        ),
    ],
)
def test_entries_that_are_asked_for(
    entries: list[object], narrow: tuple[tuple[str, str], ...], only: object, expected: object
) -> None:
    """Entries keep their form and number; the result is a list, also of one."""
    code = narrowed("$entries", narrow)

    assert _python(code, {"only": only, "entries": entries}) == {"value": expected}
