"""Expressions people wrote, and hard ones, against JavaScript itself: evaluator, npm's jsonata and jsonata-python.

STEPDIG_EXPRESSION_CASES=6 runs as many cases an expression as the figures in the documentation come from.
"""

import json
import os
import random
import subprocess
from pathlib import Path

import differential
import pytest

from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.parse import parse

HERE = Path(__file__).parent
CASES = int(os.environ.get("STEPDIG_EXPRESSION_CASES", "1"))
pytestmark = pytest.mark.skipif(not differential.has_node(), reason=f"needs Node: {differential.INSTALL}")

# Expressions that differ on plausible parameters, each with its reason.
DIFFERENT = {
    "moment(session_time).add(13,'y').format()": "a zone's rows end with 2037",
    "moment(session_time).diff(last_session_time,'days',true)": "JSONata prints 15 significant digits",
    "Math.sqrt(n)": "JSONata prints 15 significant digits",
    "n * 0.1": "JSONata prints 15 significant digits",
    "0.1 + n": "JSONata prints 15 significant digits",
    "o.hasOwnProperty('k1')": "JSONata sees no members in texts and arrays",
}


def expressions(name):
    """Return the expressions of a file: `real.json` people wrote, `nasty.json` and `hard.json` were made up."""
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def run(sources):
    report = differential.build(sources, typed=CASES, wrong=CASES)
    differential.run_node(report)
    differential.run_evaluator(report)
    return report


def test_expressions_of_real_workflows():
    """At least 99.7 % of what is JavaScript at all are translated (one of 2,218 is not: it is a mistake), none differs."""
    sources = expressions("real.json")
    report = run(sources)
    valid = [reason for reason in report.refused.values() if not reason.startswith("syntax")]
    assert len(report.refused) - len(valid) <= 6
    assert len(valid) <= 0.003 * (len(sources) - 6)
    assert valid == ["property 'hour' of a moment is used without calling it"]
    assert report.differing("jsonata") == {}
    assert report.differing("evaluator") == {}
    wrong = report.count("jsonata", True)
    assert wrong.get("differ", 0) <= 0.01 * sum(wrong.values())


@pytest.mark.parametrize("name", ["nasty.json", "hard.json"])
def test_hard_expressions(name):
    """At most 2 % differ, each listed with its reason."""
    sources = expressions(name)
    report = run(sources)
    for engine in ("jsonata", "evaluator"):
        differing = report.differing(engine)
        assert set(differing) - set(DIFFERENT) == set(), engine
        assert len(differing) <= 0.02 * len(sources)


def test_the_parser_reads_what_acorn_reads(tmp_path):
    """On whole expressions and on broken ones made of them; what we refuse on purpose aside."""
    rng = random.Random(4)
    sources = expressions("hard.json")
    broken = []
    for source in sources * 3:
        at = rng.randrange(len(source))
        broken.append(source[:at] + rng.choice(["", "(", ")", ".", "'", "+ ", "]", " a ", ",", "?"]) + source[at + 1 :])
    asked = [source for source in sources + broken if "//" not in source and "{}" not in source]
    file = tmp_path / "sources.json"
    file.write_text(json.dumps(asked))
    done = subprocess.run(
        ["node", str(differential.NODE / "parses.js"), str(file)], capture_output=True, check=True, timeout=60
    )
    wrong = []
    for source, accepted in zip(asked, json.loads(done.stdout), strict=True):
        try:
            parse(source)
            ours = True
        except ExpressionError as error:
            ours = False
            if "not supported" in error.message or "not possible" in error.message or "changes" in error.message:
                continue
        if ours != accepted and "/" not in source:  # acorn also reads inside regular expressions
            wrong.append((source, accepted))
    assert wrong == []
