"""A task for each client, all in this container: a start of a minute is not paid for a query of a second."""

import digdag
from tasks.db import rows


def plan() -> None:
    """Add a task for each client, four at once."""
    digdag.env.subtask_config["_parallel"] = {"limit": 4}
    for client, name in rows("select id, name from users order by id"):
        digdag.env.add_subtask(figures, client=int(client), name=name)


def figures(client: int, name: str) -> None:
    """Print a client's figures."""
    ((contracts, yen),) = rows(f"select count(*), coalesce(sum(amount), 0) from contracts where client_id = {client}")
    print(f"{name}: {contracts} contracts, {yen} yen")
