"""What went wrong, in words for whoever is woken at night: what, and what to do next."""

from __future__ import annotations

import errno

import pymysql

from loader.shapes import Place

SOURCE = {
    1045: "{source} refuses the user {user}: the password is wrong or was changed. Next: put the right one into the secret SOURCE_PASSWORD of jobs/load",
    1049: "there is no database of that name at {source}. Next: look at the parameter `source`",
    1054: "a column of `select`, `where` or `incremental` is gone at {source}. Next: put the row in source_table/market.json right",
    1064: "the SELECT that the row of source_table/market.json makes is no SQL",
    1142: "the user {user} may not read it at {source}. Next: grant select on it",
    1146: "there is no such table at {source}. Next: put it back, or take its row out of source_table/market.json",
    2003: "{source} cannot be reached. Next: is it up, is the parameter `source` right? On a laptop: python3 here.py",
    2006: "{source} closed the connection. Next: run it again; if it comes back, look for a failover or a time limit there",
    2013: "the connection to {source} broke. Next: run it again; if it comes back, look for a failover or a time limit there",
}
WAREHOUSE = {
    "53100": "the disk of the warehouse {warehouse} is full. Next: make room there",
    "28P01": "the warehouse {warehouse} refuses the user: the password is wrong or was changed. Next: put the right one into the secret WAREHOUSE_PASSWORD",
    "2BP01": "its columns have changed, and views of the warehouse read the old ones. Next: drop those views, run it again, make them anew",
    "42501": "the user may not do that in the warehouse {warehouse}. Next: grant it",
}
DISK = "this container's disk is full. Next: give its row an `ephemeral_storage`, or make room"
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
