"""What files of a project hold, by the operator that names them: two lines of each, for who has not written one yet."""

from __future__ import annotations

_MESSAGE = """such a file holds a message:
  username: nightly
  text: loaded ${session_date}"""
_BODY = """such a file holds the text of the mail:
  The session of ${session_date} is done.
  It took until ${moment().format('HH:mm')}."""
_EMBULK = """such a file holds Embulk's configuration:
  in: {type: mysql, host: "${host}", table: "${t.table}"}
  out: {type: bigquery, dataset: raw, table: "${t.table}"}"""
_SQL = """such a file holds SQL:
  SELECT count(*) AS orders FROM shop.orders
  WHERE day = '${session_date}'"""
_ROWS = {
    "json": """[{"table": "users", "to": "raw_users"},
   {"table": "orders", "to": "raw_orders"}]""",
    "csv": """table,to
  users,raw_users""",
    "yml": """- {table: users, to: raw_users}
  - {table: orders, to: raw_orders}""",
}
_HOLDS = {"slack": _MESSAGE, "mail": _BODY, "embulk": _EMBULK}


def holds(operator: str, path: str) -> str:
    """Return a hint that shows what a file holds; for a text that can be no path, how to write the text itself."""
    if operator == "slack" and " " in path.strip():
        return "the message itself is a mapping: slack>: {text: ...}"
    if operator == "mail" and " " in path.strip():
        return "the text itself is written mail>: {data: ...}"
    if operator == "for_each":
        ending = path.rpartition(".")[2].lower()
        return f"such a file holds a row for each table:\n  {_ROWS.get('yml' if ending == 'yaml' else ending, _ROWS['json'])}"
    return _SQL if operator.startswith("athena.") else _HOLDS.get(operator, "")
