"""What is known is folded by path; what is stored is guarded; what is emitted keeps Step Functions' rules."""

import json
import re
from pathlib import Path

import pytest
from known import LOS_ANGELES, TOKYO, Names

from stepdig.expressions import builtins, translate
from stepdig.expressions.errors import ExpressionError
from stepdig.local import jsonata

RUN = {"session_time": "2026-11-20T00:00:00+09:00", "params": {}, "attempt_id": 1, "session_uuid": "u"}


def value(done, o=None, run=None):
    """Return what a translation gives for stored values."""
    return jsonata.evaluate(done.code, jsonata.Variables(None, {"o": o or {}, "run": run or RUN}))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("known.n + 1", 4),
        ("known.text + 1", "21"),
        ("known.list[1].b", "c"),
        ("known['list'].length", 2),
        ("known.none", None),
        ("known.nope", None),
        ("td.database", "sales"),
        ("known.zero ? nowhere : 'x'", "x"),
        ("known.n && known.text", "2"),
        ("known.none || 'd'", "d"),
        ("typeof nowhere", "undefined"),
        ("typeof nowhere == 'undefined' ? 'd' : nowhere", "d"),
        ("known.list.map(function(x){ return typeof x; })", ["string", "object"]),
        ("moment('2016-01-31').add(1, 'months').format()", "2016-02-29T00:00:00+09:00"),
        ("JSON.stringify(known.list)", '["a",{"b":"c"}]'),
        ("this.nowhere", None),
    ],
)
def test_known_values_fold(source, expected):
    done = translate.expression(source, Names(), TOKYO)
    assert done.const == expected
    assert jsonata.evaluate(done.code, jsonata.Variables()) == expected


@pytest.mark.parametrize(
    "source", ["moment().format()", "Math.random()", "Date.now()", "new Date().getTime()", "moment('12', 'HH')"]
)
def test_time_and_chance_are_never_folded(source):
    try:
        done = translate.text("${" + source + "}", Names(), TOKYO)
    except ExpressionError:
        return  # refused is as good
    assert done.const is translate.NOT_CONSTANT


def test_a_text_of_known_parts_is_constant():
    done = translate.text("SELECT ${known.n} -- $$ ${secret:key} ${known.list}", Names(), TOKYO)
    assert done.const == 'SELECT 3 -- $ ${secret:key} ["a",{"b":"c"}]'
    assert "${" not in done.code


def test_a_name_that_may_be_missing_is_guarded():
    done = translate.text("${x} ${y}", Names(), TOKYO)
    assert done.guards == (
        ("$exists($o.x)", "ReferenceError: x is not defined"),
        ("$exists($o.y)", "ReferenceError: y is not defined"),
    )
    assert value(done, {"x": "a", "y": 1}) == "a 1"


def test_a_member_of_nothing_is_guarded():
    done = translate.text("${x.y.z}", Names(), TOKYO)
    variables = jsonata.Variables(None, {"o": {"x": {}}, "run": RUN})
    held = [message for test, message in done.guards if not jsonata.evaluate(test, variables)]
    assert held == ["TypeError: Cannot read property 'z' of undefined"]


def test_inside_a_branch_a_missing_name_fails_when_reached():
    done = translate.text("${x ? y : 'no'}", Names(), TOKYO)
    assert [message for _, message in done.guards] == ["ReferenceError: x is not defined"]
    assert value(done, {"x": 0}) == "no"
    with pytest.raises(jsonata.JsonataError, match="ReferenceError: y is not defined"):
        value(done, {"x": 1})


@pytest.mark.parametrize(
    "source", ["typeof x === 'undefined' ? 'd' : x", "typeof x != 'undefined' && x != null ? x : 'd'", "this.x || 'd'"]
)
def test_a_name_tested_before_needs_no_guard(source):
    done = translate.text("${" + source + "}", Names(), TOKYO)
    assert done.guards == ()
    assert "$error" not in done.code
    assert value(done) == "d"
    assert value(done, {"x": "v"}) == "v"


def test_types_given_by_the_compiler_make_short_code():
    code = translate.expression("n + 1 > 3", Names(n="num"), TOKYO).code
    assert code == "(3 < ($o.n + 1))"
    assert translate.text("${s}-${n}", Names(n="num", s="str"), TOKYO).code == "($o.s & '-' & $string($o.n))"


def test_session_variables_come_from_the_run_object():
    expected = builtins.session_values(RUN, "Asia/Tokyo")
    for name in builtins.NAMES:
        done = translate.expression(name, Names(), TOKYO)
        assert value(done) == expected[name], name


def test_a_fixed_zone_is_in_the_code():
    done = translate.text("${moment(session_time).add(-1, 'days').format('YYYY-MM-DD')}", Names(), TOKYO)
    assert done.code == "$fromMillis($toMillis($run.session_time) - 54000000,'[Y0001]-[M01]-[D01]')"
    assert not done.needs_tz


def test_a_zone_with_summer_time_asks_for_its_rows():
    done = translate.text("${moment(session_time).add(1, 'days').format()}", Names(), LOS_ANGELES)
    assert done.needs_tz
    assert "$run.tz[" in done.code
    again = translate.Zone(LOS_ANGELES.rows, "$states.input.run")
    assert "$states.input.run.tz[" in translate.text("${moment().format()}", Names(), again).code


def test_a_translation_may_stand_inside_another():
    """An export that is a template itself: its variables and guards stay its own."""
    inner = translate.text("${(a || b) + (a || b)}", Names(), TOKYO)

    class Outer(Names):
        def resolve(self, path):
            if path[0] == "e":
                return translate.Code(inner.code, "str", False, inner.guards), 1
            return super().resolve(path)

    done = translate.text("${(e || c) + (e || c)}", Outer(), TOKYO)
    assert value(done, {"a": "", "b": "B", "c": "C"}) == "BBBB"
    assert "ReferenceError: a is not defined" in [message for _, message in done.guards]


def test_substitutions_and_texts_survive():
    done = translate.text("${'$' + '{x}' + s} it's \\ \"q\" 日本\n${s}", Names(), TOKYO)
    assert "${" not in done.code
    assert value(done, {"s": "€"}) == '${x}€ it\'s \\ "q" 日本\n€'


def test_long_texts_are_joined_not_chained():
    text = "".join(f"${{v{number}}} " for number in range(80))
    done = translate.text(text, Names(), TOKYO)
    assert value(done, {f"v{number}": number for number in range(80)}) == "".join(f"{n} " for n in range(80))
    assert done.code.count("&") < 10


def test_undefined_is_null_or_nothing():
    assert value(translate.expression("x.nope", Names(), TOKYO), {"x": {}}) is None
    assert value(translate.text("${x.nope}", Names(), TOKYO), {"x": {}}) == ""
    assert value(translate.expression("x * 1", Names(), TOKYO), {"x": "no number"}) is None


def test_a_translation_that_grows_too_long_is_a_mistake():
    with pytest.raises(ExpressionError, match="more than 8192"):
        translate.text("x" * 5000 + "${a}" + "y" * 5000, Names(), TOKYO)


def test_code_is_deterministic_and_keeps_the_rules():
    sources = json.loads((Path(__file__).parent / "hard.json").read_text())
    for source in sources:
        try:
            done = translate.text("${" + source + "} and more", Names(), LOS_ANGELES)
        except ExpressionError:
            continue
        assert translate.text("${" + source + "} and more", Names(), LOS_ANGELES) == done
        bare = re.sub(r"'(?:[^'\\]|\\.)*'|/(?:[^/\\\n]|\\.)+/[im]*(?=[,)])", "''", done.code)
        assert "${" not in done.code, source
        assert not re.search(r"\?:|\?\?|\$eval|\$\$|\$(?![A-Za-z])|\"", bare), (source, bare)
        assert _depth(bare) < 60, source


def _depth(code):
    deepest = depth = 0
    for char in code:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest
