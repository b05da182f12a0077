"""Runs expressions through everything that evaluates them, against JavaScript: cases, engines, comparison."""

import json
import os
import random
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments import NOW, SESSIONS, ZONES, Names, params_for, run_object, session_params

from stepdig.expressions import evaluate, translate, zones
from stepdig.expressions.errors import EvaluationError, ExpressionError
from stepdig.expressions.parse import parse

ROOT = Path(__file__).resolve().parents[3]
NODE = ROOT / "tests" / "expressions_js"
INSTALL = "npm --prefix tests/expressions_js ci"


@dataclass
class Case:
    """One expression with parameters in a zone; `result` by engine is ("value", text) or ("error", message)."""

    expression: str
    params: dict[str, Any]
    zone: str
    session: str
    run: dict[str, Any]
    wrong: bool
    code: str
    guards: tuple[tuple[str, str], ...]
    results: dict[str, tuple[str, str]] = field(default_factory=dict)

    def verdict(self, engine: str) -> str:
        """Return equal, both fail, lenient (JavaScript fails, the engine does not) or differ."""
        (kind, value), (js_kind, js_value) = self.results[engine], self.results["js"]
        if js_kind == "error":
            return "both fail" if kind == "error" else "lenient"
        return "equal" if kind == "value" and value == js_value else "differ"


@dataclass
class Report:
    """All cases, and by expression why it was refused."""

    cases: list[Case]
    refused: dict[str, str]

    def count(self, engine: str, wrong: bool) -> dict[str, int]:
        """Return the number of cases by verdict."""
        counts: dict[str, int] = {}
        for case in self.cases:
            if case.wrong == wrong and engine in case.results:
                counts[case.verdict(engine)] = counts.get(case.verdict(engine), 0) + 1
        return counts

    def differing(self, engine: str, wrong: bool = False) -> dict[str, Case]:
        """Return by expression the first case that differs."""
        found: dict[str, Case] = {}
        for case in self.cases:
            if case.wrong == wrong and engine in case.results and case.verdict(engine) == "differ":
                found.setdefault(case.expression, case)
        return found


def has_node() -> bool:
    """Tell whether Node and the packages of the oracle are installed."""
    from shutil import which

    return which("node") is not None and (NODE / "node_modules" / "moment").is_dir()


def build(expressions: Iterable[str], typed: int = 6, wrong: int = 4, seed: int = 1) -> Report:
    """Make the cases of expressions: every zone and session where dates are involved."""
    cases: list[Case] = []
    refused: dict[str, str] = {}
    by_zone = {name: translate.Zone(zones.offsets(name)) for name in ZONES}
    tables = {name: zones.table(zone.rows) for name, zone in by_zone.items()}
    for number, source in enumerate(expressions):
        rng = random.Random(seed * 1_000_003 + number)
        try:
            tree = parse(source)
        except ExpressionError as error:
            refused[source] = f"syntax: {error.message}"
            continue
        dated = "moment" in source or "Date" in source
        for zone in ZONES if dated else ZONES[:1]:
            try:
                made = translate.text("${" + source + "}", Names(by_zone[zone], zone), by_zone[zone])
            except ExpressionError as error:
                refused[source] = error.message
                made = None
            for index, session in _sessions(dated, typed):
                cases.append(_case(source, tree, index, session, zone, rng, False, made, tables[zone]))
            for index in range(wrong):
                cases.append(_case(source, tree, index, SESSIONS[index % 12], zone, rng, True, made, tables[zone]))
    return Report(cases, refused)


def _sessions(dated: bool, typed: int) -> list[tuple[int, str]]:
    if not dated:
        return [(index, SESSIONS[index % len(SESSIONS)]) for index in range(typed)]
    return [(index, session) for index in range(min(typed, 2)) for session in SESSIONS]


def _case(source, tree, index, session, zone, rng, wrong, made, table) -> Case:  # noqa: PLR0917  # private, called twice
    given = session_params(session, zone)
    params = {**params_for(tree, index, rng, wrong, set(given)), **given}
    run = {**run_object(session, zone), "tz": table}
    return Case(source, params, zone, session, run, wrong, made.code if made else "", made.guards if made else ())


def run_node(report: Report) -> None:
    """Fill in the results of JavaScript and of npm's jsonata."""
    jobs = []
    for zone in ZONES:
        mine = [case for case in report.cases if case.zone == zone]
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False, encoding="utf-8") as file:
            for case in mine:
                bindings = {"p": case.params, "run": case.run}
                line = {
                    "text": "${" + case.expression + "}",
                    "params": case.params,
                    "code": case.code,
                    "guards": case.guards,
                    "bindings": bindings,
                }
                file.write(json.dumps(line) + "\n")
        output = Path(file.name + ".out")
        environment = {**os.environ, "TZ": zone, "NOW": str(NOW)}
        with output.open("w") as out:
            process = subprocess.Popen(["node", str(NODE / "oracle.js"), file.name], env=environment, stdout=out)
        jobs.append((mine, process, output, Path(file.name)))
    for mine, process, output, given in jobs:
        assert process.wait(timeout=600) == 0
        lines = output.read_text(encoding="utf-8").splitlines()
        assert len(lines) == len(mine)
        for case, line in zip(mine, lines, strict=True):
            for engine, result in json.loads(line).items():
                case.results[engine] = next(iter(result.items()))
        output.unlink()
        given.unlink()


def run_evaluator(report: Report) -> None:
    """Fill in the results of our evaluator."""
    contexts = {zone: evaluate.Context(zones.offsets(zone), NOW) for zone in ZONES}
    for case in report.cases:
        case.results["evaluator"] = evaluated(case, contexts[case.zone])


def evaluated(case: Case, context: evaluate.Context) -> tuple[str, str]:
    """Return what our evaluator makes of a case."""
    try:
        return "value", evaluate.render("${" + case.expression + "}", case.params, context)
    except EvaluationError as error:
        return "error", str(error)


def translated(case: Case) -> tuple[str, str]:
    """Return what jsonata-python makes of the translation."""
    from stepdig.local import jsonata

    variables = jsonata.Variables(None, {"p": case.params, "run": case.run})
    variables.frame.bind("millis", _millis())
    try:
        for guard, message in case.guards:
            if not jsonata.evaluate(guard, variables):
                return "error", message
        value = jsonata.evaluate(case.code, variables)
    except (jsonata.JsonataError, jsonata.Undefined, jsonata.NotJson) as error:
        return "error", str(error)
    return "value", value if isinstance(value, str) else json.dumps(value)


def _millis() -> Any:
    from jsonata import Jsonata

    return Jsonata.JLambda(lambda: NOW)
