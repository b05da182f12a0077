"""What an expression may cost while compiling: steps, searches, sizes; and exports that refer to exports."""

from __future__ import annotations

import time

import pytest
from known import TOKYO, Names

from stepdig.expressions import evaluate, translate
from stepdig.expressions.errors import EvaluationError, ExpressionError, NeedsRuntime
from stepdig.expressions.jsregex import takes_long_on
from stepdig.expressions.parse import parse
from stepdig.pipeline import compile_workflow
from stepdig.problem import ProblemsFound

COMPILING = evaluate.Context(now_ms=None)
RUNNING = evaluate.Context(now_ms=0)


@pytest.mark.parametrize(
    "source",
    [
        "(function(){ while (true) {} })()",
        "[1].map(function(x){ for (;;); })",
        "(function f(n){ return n < 2 ? 1 : f(n - 1) + f(n - 2); })(60)",
        "(function(){ var s = 'x'; for (var i = 0; i < 60; i++) s = s + s; return s; })()",
        "(function(){ var a = [1]; for (var i = 0; i < 60; i++) a = a.concat(a); return a; })()",
        "'x'.repeat(1000000).replace(/x/g, 'y'.repeat(1000000))",
        "'x'.repeat(100000).split('').join('y'.repeat(1000000))",
        "(function f(n){ return f(n + 1); })(0)",
    ],
)
def test_what_never_ends_or_fits_is_an_error(source: str) -> None:
    began = time.process_time()
    with pytest.raises(EvaluationError, match="RangeError"):
        evaluate.evaluate(parse(source), {}, COMPILING)
    assert time.process_time() - began < 20  # not for ever; how long is fuzzed


@pytest.mark.parametrize(
    ("pattern", "size", "long"),
    [
        (r"-", 30_000, False),
        (r"\s+$", 3_000, False),
        (r"\s+$", 30_000, True),
        (r"^(\d{4})-(\d{2})-(\d{2})$", 10_000, False),
        (r"^\s+|\s+$", 200, False),
        (r"(a+)+$", 5, True),
        (r"(a|b)*c", 5, True),
        (r"((a+)b)+", 5, True),
        (r"(a{2,})*", 5, True),
        (r"(a{30}){30}", 5, True),
        (r"(ab)+", 1_000, False),
        (r"[(a+)+]", 1_000_000, False),
        (r"\(a+\)+", 100, False),
        (r"a*b*c*d*e", 200, True),
    ],
)
def test_searches_that_may_take_long_are_known(pattern: str, size: int, long: bool) -> None:
    assert takes_long_on(size, pattern) is long


def test_a_search_that_may_take_long_is_left_to_the_run() -> None:
    source = "/(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')"
    for each in (source, f"[1].map(function(x){{ return {source}; }})", "'aaa!'.matches('(a+)+')"):
        with pytest.raises(NeedsRuntime):
            evaluate.evaluate(parse(each), {}, COMPILING)
    assert evaluate.evaluate(parse("/(a+)+$/.test('aa')"), {}, RUNNING) is True
    assert "$contains" in translate.text("${" + source + "}", Names(), TOKYO).code


def test_a_broken_pattern_is_a_mistake_at_its_place() -> None:
    with pytest.raises(ExpressionError, match="Invalid regular expression") as found:
        translate.text("${/(/.test(x)}", Names(), TOKYO)
    assert (found.value.start, found.value.end) == (2, 5)


@pytest.mark.parametrize("text", ["${k%d}", "${k%d} ${k%d}", "${k%d + k%d}", "${x}${k%d}"])
def test_exports_that_refer_to_exports_without_end(text: str) -> None:
    """Deep chains, and texts that double at every step: a problem where it stands, not a traceback or a day."""
    lines = "".join(f"  k{number}: '{text.replace('%d', str(number + 1))}'\n" for number in range(200))
    with pytest.raises(ProblemsFound) as found:
        _compile(f"_export:\n{lines}+t:\n  echo>: ${{k0}}\n")
    assert [it.code for it in found.value.problems] == ["SD301"]
    assert "exports refer to each other" in found.value.problems[0].text


def test_a_chain_of_twenty_exports_is_none() -> None:
    lines = "".join(f"  k{number}: 'x${{k{number + 1}}}'\n" for number in range(20))
    assert "x" * 20 + "end" in _compile(f"_export:\n{lines}  k20: end\n+t:\n  echo>: ${{k0}}\n")


def _compile(text: str) -> str:
    made = compile_workflow(
        lambda _: text.encode(), "w.dig", display=str, project="p", workflow="w", jobs=None, files=lambda: ()
    )
    return made.definition_text
