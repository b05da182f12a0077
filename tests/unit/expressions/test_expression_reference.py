"""The examples of docs/reference/expressions.md print what the page says."""

import re
from pathlib import Path

import pytest
from known import TOKYO

from stepdig.expressions import builtins, evaluate, translate, zones
from stepdig.expressions.errors import ExpressionError

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/expressions.md").read_text(encoding="utf-8")
RUN = {"session_time": "2016-01-31T00:00:00+09:00"}
PARAMS = {"n": 3, "text": "2", "list": ["a", 1, None], "row": {"name": "users", "size": 10}}


def _table(heading):
    """Return the rows of all tables whose head has this word on the right."""
    rows, inside = [], False
    for line in PAGE.splitlines():
        cells = [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        inside = bool(cells) and (inside or cells[-1] == heading)
        if inside and cells[0].startswith("`"):
            rows.append((cells[0][1:-1], cells[1]))
    return rows


class Names:
    def resolve(self, path):
        params = {**PARAMS, **builtins.session_values(RUN, "Asia/Tokyo")}
        return (translate.Known(params[path[0]]), 1) if path[0] in params else (None, 1)


@pytest.mark.parametrize(("written", "printed"), _table("printed"))
def test_what_is_printed(written, printed):
    expected = printed[1:-1]
    context = evaluate.Context(zones.offsets("Asia/Tokyo"), 0)
    assert evaluate.render(written, {**PARAMS, **builtins.session_values(RUN, "Asia/Tokyo")}, context) == expected
    assert translate.text(written, Names(), TOKYO).const == expected


@pytest.mark.parametrize(("written", "message"), _table("message"))
def test_what_is_refused(written, message):
    with pytest.raises(ExpressionError) as caught:
        translate.text(written, Names(), TOKYO)
    assert caught.value.message == message


def test_there_are_examples():
    assert len(_table("printed")) > 35
    assert len(_table("message")) > 5
