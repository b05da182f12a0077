"""What JavaScript gave when recorded, our evaluator and the translation on jsonata-python give too."""

import json
from collections import defaultdict
from pathlib import Path

import differential
import pytest
from environments import NOW, Names, run_object, session_params

from stepdig.expressions import evaluate, translate, zones
from stepdig.expressions.errors import EvaluationError, ExpressionError

RECORDED = [tuple(row) for row in json.loads((Path(__file__).parent / "recorded.json").read_text(encoding="utf-8"))]
PARTS = ("UTC", "Asia/Tokyo", "America/Los_Angeles", "Europe/London")


@pytest.mark.parametrize("zone", PARTS)
def test_the_evaluator_gives_what_javascript_gave(zone):
    context = evaluate.Context(zones.offsets(zone), NOW)
    wrong = []
    for source, where, session, params, kind, text in RECORDED:
        if where != zone:
            continue
        given = {**params, **session_params(session, zone)}
        try:
            got = ("value", evaluate.render("${" + source + "}", given, context))
        except EvaluationError as error:
            got = ("error", str(error))
        if got[0] != kind or (kind == "value" and got[1] != text):
            wrong.append((source, params, text, got[1]))
    assert wrong == []


@pytest.mark.parametrize("zone", PARTS)
def test_the_translation_gives_what_javascript_gave(zone):
    place = translate.Zone(zones.offsets(zone))
    table = zones.table(place.rows, 2014, 2030)
    wrong = defaultdict(list)
    for source, where, session, params, kind, text in RECORDED:
        if where != zone:
            continue
        try:
            done = translate.text("${" + source + "}", Names(place, zone), place)
        except ExpressionError:
            continue
        given = {**params, **session_params(session, zone)}
        run = {**run_object(session, zone), "tz": table}
        case = differential.Case(source, given, zone, session, run, False, done.code, done.guards)
        got = differential.translated(case)
        if kind == "value" and got != ("value", text):
            wrong[source].append((params, text, got[1]))
    unexplained = {
        source: found
        for source, found in wrong.items()
        if not all(_explained(expected, got) for _, expected, got in found)
    }
    assert unexplained == {}


def _explained(expected, got):
    """Tell whether a difference is one of digits alone."""
    try:
        return abs(float(expected) - float(got)) < 1e-12  # JSONata prints 15 significant digits
    except ValueError:
        return False


def test_a_good_part_is_translated():
    """At most one in ten of these hard expressions is refused; the corpus of real ones has none."""
    place = translate.Zone(zones.offsets("UTC"))
    sources = {row[0] for row in RECORDED}
    refused = set()
    for source in sources:
        try:
            translate.text("${" + source + "}", Names(place, "UTC"), place)
        except ExpressionError:
            refused.add(source)
    assert len(refused) < len(sources) / 10
