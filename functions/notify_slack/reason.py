"""The shape of a reason, and of a row of the tables that give them."""

from __future__ import annotations

import re
from dataclasses import dataclass

ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
STATES = "https://docs.aws.amazon.com/step-functions/latest/dg/"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/"
REDRIVE = "Redrive the run."


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something failed.

    says     what happened, a sentence
    todo     what to do about it; "" where nothing follows from the reason alone; `{job}` stands for the job's name
    page     AWS's page about it, or ""
    words    AWS's, or a function's, own words
    """

    says: str
    todo: str = ""
    page: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A reason and what must be found in the words for it to be this one."""

    pattern: re.Pattern[str]
    reason: Reason


def row(pattern: str, says: str, todo: str, page: str) -> Row:
    """Return a row of a table."""
    return Row(re.compile(pattern, re.IGNORECASE | re.DOTALL), Reason(says, todo, page))


def first(rows: tuple[Row, ...], text: str) -> Reason | None:
    """Return the reason of the first row that a text fits."""
    return next((row.reason for row in rows if row.pattern.search(text)), None)
