"""What went wrong, in words for whoever is woken at night: what, and what to do next."""

from __future__ import annotations

import errno

import pymysql

from loader.shapes import Place

PASSWORD = "the password is wrong or was changed. Next: put the right one into the secret"
AGAIN = "Next: run it again; if it comes back, look for a failover or a time limit there"
LIST = "source_table/market.json"
SOURCE = {
    1045: f"{{source}} refuses the user {{user}}: {PASSWORD} SOURCE_PASSWORD",
    1049: "there is no database of that name at {source}. Next: look at the parameter `source`",
    1054: f"a column of `select`, `where` or `incremental` is gone at {{source}}. Next: put its row of {LIST} right",
    1064: f"what its row of {LIST} makes is no SQL. Next: put the row right",
    1142: "the user {user} may not read it at {source}. Next: grant select on it",
    1146: f"there is no such table at {{source}}. Next: put it back, or take its row out of {LIST}",
    2003: "{source} cannot be reached. Next: is it up, is the parameter `source` right? On a laptop: python3 here.py",
    2006: f"{{source}} closed the connection. {AGAIN}",
    2013: f"the connection to {{source}} broke. {AGAIN}",
}
VIEWS = "its columns have changed, and views of the warehouse read the old ones"
WAREHOUSE = {
    "53100": "the disk of the warehouse {warehouse} is full. Next: make room there",
    "28P01": f"the warehouse {{warehouse}} refuses the user: {PASSWORD} WAREHOUSE_PASSWORD",
    "2BP01": f"{VIEWS}. Next: drop those views, run it again, make them anew",
    "42501": "the user may not do that in the warehouse {warehouse}. Next: grant it",
}
DISK = "this container's disk is full. Next: give the task an `ephemeral_storage` (`ecs:` in nightly_sync.dig), or make room"
UNREACHED = "the warehouse {warehouse} cannot be reached. Next: is it up, is the parameter `warehouse` right?"


def words(error: BaseException, source: Place, warehouse: Place) -> str:
    """Return a sentence for people, and the database's own words after it."""
    text = _known(error).format(source=source, user=source.user, warehouse=warehouse)
    own = error.args[-1] if isinstance(error, pymysql.err.MySQLError) and error.args else error
    said = " ".join(str(own).split())
    return f"{text} ({said})" if text else f"{type(error).__name__}: {said}"


def _known(error: BaseException) -> str:
    if isinstance(error, pymysql.err.MySQLError):
        return SOURCE.get(error.args[0] if error.args else 0, "")
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DISK
    state = getattr(error, "sqlstate", None)  # of psycopg; none before there is a connection
    if state in WAREHOUSE:
        return WAREHOUSE[state]
    if type(error).__module__.startswith("psycopg") and type(error).__name__ == "OperationalError" and state is None:
        return WAREHOUSE["28P01"] if "password authentication failed" in str(error) else UNREACHED
    return ""
