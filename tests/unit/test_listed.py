"""Rows of a list as JSONata: however they are written, they are those rows."""

from __future__ import annotations

import jsonata
from hypothesis import given
from hypothesis import strategies as st

from stepdig.asl.fanout import WORTH_A_FUNCTION, _listed
from stepdig.jsonata_text import literal

LABELS = st.sampled_from(["table", "a b", "in", "名"])
TEXTS = st.text(alphabet="ab'\"\\${}ノ", max_size=8)


@given(LABELS, st.lists(st.tuples(TEXTS, st.booleans()), max_size=2 * WORTH_A_FUNCTION + 2))
def test_rows_stay_what_they_are(label: str, drawn: list[tuple[str, bool]]) -> None:
    rows = [{label: text, "memory": "4096"} if sized else {label: text} for text, sized in drawn]
    written = _listed(rows)

    assert jsonata.Jsonata(written).evaluate(None) == rows
    assert len(written) <= len(literal(rows))


def test_texts_and_short_lists_stay_literals() -> None:
    texts = [f"t{number}" for number in range(100)]
    short = [{"table": "users"}, {"table": "orders", "memory": "4096"}]

    assert _listed(texts) == literal(texts)
    assert _listed(short) == literal(short)
    assert "function" in _listed([{"table": text} for text in texts])
