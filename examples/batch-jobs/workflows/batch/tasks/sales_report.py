"""What was agreed on and paid in a month, stored for the mail."""

import digdag
from tasks.db import rows


def count(month: str) -> None:
    """Store the contracts and the yen of a month, `2026-10`."""
    sql = f"""
        select count(*), coalesce(sum(c.amount), 0), coalesce(sum(p.amount), 0)
        from contracts c left join payments p on p.contract_id = c.id where c.month = '{month}'
    """
    ((contracts, agreed, paid),) = rows(sql)
    digdag.env.store({"contracts": int(contracts), "agreed": int(agreed), "paid": int(paid)})
    print(f"{month}: {contracts} contracts, {agreed} yen agreed on, {paid} yen paid")
