"""The page of rights names each statement of each role with its reason."""

from __future__ import annotations

from golden_machines import FILES, deployed
from test_containers import TASKS
from test_machine import UNKNOWN

from stepdig.iam import Grant, Statement, page, task_statements


def test_every_statement_of_every_role_is_on_the_page() -> None:
    grants = [
        Grant(made.machine, "state machine", made.statements())
        for made in (deployed(path) for path in FILES if path != UNKNOWN)
    ]
    grants += [
        Grant("shop-nightly", f"job {name}", task_statements("shop-nightly", job, project="shop"))
        for name, (job, _) in TASKS.items()
    ]
    rows = [
        line.split(" | ") for line in page(grants).splitlines() if line.startswith("| ") and "| actions |" not in line
    ]
    statements = [it for grant in grants for it in grant.statements]
    assert len(rows) == len(statements)
    for row, statement in zip(rows, statements, strict=True):
        assert row[0] == f"| {statement.sid}"
        assert all(f"`{action}`" in row[1] for action in statement.actions)
        assert all(f"`{resource}`" in row[2] for resource in statement.resources)
        assert row[4] == f"{statement.reason} |"
        assert statement.reason


def test_a_workflow_has_one_heading_and_each_role_its_own() -> None:
    one = Statement("A", ("s3:GetObject",), ("*",), {"StringLike": {"s3:prefix": ("a|b", "c")}}, "because")
    text = page(
        [Grant("a-b", "state machine", [one]), Grant("a-b", "job load", [one]), Grant("a-c", "state machine", [])]
    )
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Rights", "## a-b", "### state machine", "### job load", "## a-c", "### state machine",
    ]  # fmt: skip
    assert "| A | `s3:GetObject` | `*` | `StringLike s3:prefix = a\\|b, c` | because |" in text
