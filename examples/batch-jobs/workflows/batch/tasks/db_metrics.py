"""Send some of the database's figures to the StatsD at $STATSD and end: datagrams need no answer."""

import os
import socket

from db import rows

WANTED = ("Threads_connected", "Queries", "Innodb_row_lock_waits", "Aborted_connects")


def main() -> None:
    """Send each figure as a gauge."""
    host, _, port = os.environ["STATSD"].partition(":")
    names = ", ".join(f"'{name}'" for name in WANTED)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for name, value in rows(f"show global status where variable_name in ({names})"):
            out.sendto(f"batch.db.{name.lower()}:{value}|g".encode(), (host, int(port)))
            print(f"{name.lower()} {value}", flush=True)


main()
