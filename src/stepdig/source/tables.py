"""Table lists: a file of the project, JSON, YAML or CSV, whose rows a `for_each>` runs over."""

from __future__ import annotations

import csv
import io
import json

from stepdig.problem import Problems
from stepdig.source.tree import load_any, plain

# A workflow's definition names every row, and one execution lists what failed of them: far more rows are a task's work.
ROWS = 10_000
BYTES = 32 * 1024 * 1024
LABEL_CHARS = 80


class TableListError(Exception):
    """A file that is no usable table list: `code`, the message without the file's name, and a hint."""

    def __init__(self, code: str, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.hint = hint


def rows(content: bytes, path: str) -> list[object]:
    """Return the rows of a table list; the first column (or the row, a text) names a row and must be unique.

    Raises `TableListError`.
    """
    if len(content) > BYTES:
        raise TableListError("SD454", f"is larger than a table list may be, {BYTES // 1024 // 1024} MiB", _MANY)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableListError("SD455", f"is not UTF-8 text: {error.reason} at byte {error.start}") from None
    found = _parsed(text, path)
    if not isinstance(found, list):
        raise TableListError("SD456", "does not hold a list of rows", "its top must be a list: [ {...}, {...} ]")
    if len(found) > ROWS:
        raise TableListError("SD454", f"has {len(found):,} rows; a table list may have {ROWS:,}", _MANY)
    _check_names(found)
    return found


_MANY = "let one task work through many rows, or split the list"


def _parsed(text: str, path: str) -> object:
    """Return the content by the file's ending."""
    ending = path.rpartition(".")[2].lower()
    try:
        if ending == "json":
            return json.loads(text)
        if ending in {"yml", "yaml"}:
            return _yaml(text, path)
        if ending == "csv":
            return [_trimmed(row) for row in csv.DictReader(io.StringIO(text), restkey="", strict=True)]
    except RecursionError:
        raise TableListError("SD457", "is nested too deeply") from None
    except Exception as error:  # each parser has errors of its own; all mean that the file is broken
        raise TableListError("SD457", f"cannot be read: {' '.join(str(error).split())}") from None
    raise TableListError("SD458", "is not a kind of table list", "use .json, .yml or .csv")


def _trimmed(row: dict[str, object]) -> dict[str, object]:
    """Return a CSV row without the columns it does not have."""
    if "" in row:
        raise ValueError(f"a row has more columns than the header: {row['']}")
    return {name: value for name, value in row.items() if value is not None}


def _yaml(text: str, path: str) -> object:
    """Return a list kept as YAML, its scalars typed as in a workflow. Raises ValueError with the first mistake."""
    problems = Problems()
    node = load_any(text, path, lambda _: None, problems)
    if problems.found:
        first = problems.found[0]
        raise ValueError(f"line {first.at.line}: {first.text}")
    return plain(node)


def _check_names(found: list[object]) -> None:
    """Raise unless each row has a name of its own."""
    seen: dict[str, int] = {}
    for number, row in enumerate(found, 1):
        if isinstance(row, dict) and not row:
            raise TableListError("SD459", f"has an empty row {number}")
        name = next(iter(row.values())) if isinstance(row, dict) else row
        column = f"column '{next(iter(row))}'" if isinstance(row, dict) else "the name"
        if not isinstance(name, str) or not name:
            shown = json.dumps(name, ensure_ascii=False, default=str)[:60]
            text = f"row {number}: {column} is {shown}; the first column names a row and must be a text"
            raise TableListError("SD459", text, 'put the table\'s name first: {"table": "users", ...}')
        if len(name) > LABEL_CHARS:
            raise TableListError("SD459", f"row {number}: {column} is longer than {LABEL_CHARS} characters")
        if name in seen:
            text = f"names '{name}' twice, in rows {seen[name]} and {number}"
            raise TableListError("SD460", text, "the first column names a row and must be unique")
        seen[name] = number


def label(found: list[object]) -> str | None:
    """Return the first column of the rows if it names each of them: a text, there in all, no two alike."""
    if not all(isinstance(row, dict) and row for row in found):
        return None
    first = found[0]
    assert isinstance(first, dict)
    column = next(iter(first))
    names = [row.get(column) for row in found if isinstance(row, dict)]
    fits = all(isinstance(name, str) and 0 < len(name) <= LABEL_CHARS for name in names)
    return str(column) if fits and len(set(map(str, names))) == len(names) else None
