"""Whatever is written between `${` and `}`: a value or a mistake, soon, and nothing else."""

import json
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from environments import NOW, session_params
from known import LOS_ANGELES, Names

from stepdig.expressions import contexts, evaluate, jsglobals, translate
from stepdig.expressions.errors import EvaluationError, ExpressionError

SOURCES = json.loads((Path(__file__).parent / "hard.json").read_text(encoding="utf-8"))
PIECES = [
    "",
    "(",
    ")",
    ".",
    "'",
    '"',
    "+",
    "[",
    "]",
    " a ",
    ",",
    "?",
    ":",
    "0",
    "1e9",
    "-",
    "s",
    "n",
    "{}",
    "moment()",
    "/",
    "null",
    ".length",
    "[0]",
]
VALUES = [
    None,
    "",
    "0",
    " 7 ",
    False,
    True,
    0,
    -1.5,
    1e300,
    "abc",
    [],
    [0],
    ["a", None],
    {},
    {"a": 1},
    "1e3",
    2**70,
    "日本😀",
    [[1]],
    1e-300,
]


class Known:
    """Every name is known: what folds."""

    def __init__(self, params):
        self.params = params

    def resolve(self, path):
        if path[0] in self.params:
            return translate.Known(self.params[path[0]]), 1
        return (None, 1) if jsglobals.is_global(path[0]) else Names().resolve(path)


def mutated(rng):
    source = rng.choice(SOURCES)
    for _ in range(rng.randrange(3)):
        start = rng.randrange(len(source) + 1)
        piece = rng.choice(PIECES) if rng.random() < 0.6 else rng.choice(SOURCES)[: rng.randrange(1, 40)]
        source = source[:start] + piece + source[start + rng.randrange(4) :]
    return source


@pytest.mark.parametrize("seed", range(4))
def test_mutated_expressions_give_a_value_or_a_mistake(seed):
    rng = random.Random(seed)
    context = evaluate.Context(LOS_ANGELES.rows, NOW)
    session = session_params("2016-03-13T10:00:00", "America/Los_Angeles")
    for _ in range(400):
        text = "${" + mutated(rng) + "}"
        params = {**session, **{name: rng.choice(VALUES) for name in "snaoikjd"}}
        for attempt in (
            lambda text=text, params=params: evaluate.render(text, params, context),
            lambda text=text: translate.text(text, Names(), LOS_ANGELES),
            lambda text=text, params=params: translate.text("a " + text, Known(params), LOS_ANGELES),
            lambda text=text, params=params: contexts.integer(text, Known(params), LOS_ANGELES),
            lambda text=text: contexts.items(text, Names(), LOS_ANGELES),
        ):
            with suppress(ExpressionError, EvaluationError):
                attempt()


NESTED = """
from stepdig.expressions import evaluate, translate, zones
from stepdig.expressions.errors import EvaluationError, ExpressionError
class Names:
    def resolve(self, path):
        return translate.Code("$o.x", "any", True), 1
for source in ("x" + "+x" * 99, "x" + "&&x" * 99, "x" + ".a" * 99, "(" * 48 + "x" + ")" * 48,
               "x?1:" * 48 + "2", "!" * 48 + "x",
               "[1].map(function(a){return " * 11 + "x" + "})" * 11,
               "x[x[" * 20 + "x" + "]]" * 20, "(x==" * 40 + "'a'" + ")" * 40):
    for attempt in (lambda: evaluate.render("${" + source + "}", {"x": "s"}, evaluate.Context()),
                    lambda: translate.text("${" + source + "}", Names(), translate.Zone(zones.offsets("UTC")))):
        try:
            attempt()
        except (EvaluationError, ExpressionError) as error:
            pass
print("done")
"""


def test_the_deepest_expressions_fit_pythons_stack():
    """In a process of its own: jsonata-python raises the limit of recursion when it is imported."""
    done = subprocess.run([sys.executable, "-c", NESTED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "done\n", done.stderr[-500:]
