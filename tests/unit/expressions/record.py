"""Records what JavaScript gives for the expressions of hard.json, so that the tests hold without Node too.

Run after changing hard.json: python tests/unit/expressions/record.py (needs Node and the packages of expressions_js).
"""

import json
import re
from pathlib import Path
from typing import Any

import differential

HERE = Path(__file__).parent
RECORDED = HERE / "recorded.json"
PER_EXPRESSION = 3


def main() -> None:
    """Write recorded.json: one line a case, [expression, zone, session, parameters, "value" or "error", text]."""
    expressions = json.loads((HERE / "hard.json").read_text())
    report = differential.build(expressions, typed=3, wrong=0, seed=7)
    differential.run_node(report)
    lines = []
    for source in dict.fromkeys(expressions):
        cases = [case for case in report.cases if case.expression == source]
        step = max(1, len(cases) // PER_EXPRESSION)
        for case in cases[(len(source) % step) :: step][:PER_EXPRESSION]:
            lines.append(
                json.dumps(
                    [source, case.zone, case.session, _used(source, case.params), *case.results["js"]],
                    ensure_ascii=False,
                )
            )
    RECORDED.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def _used(source: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters an expression names, session variables aside: those follow from the session."""
    names = set(re.findall(r"\w+", source))
    return {name: value for name, value in params.items() if name in names and "session" not in name}


if __name__ == "__main__":
    main()
