"""SQL on MariaDB in one transaction, and results of Athena into its tables: what was there stays until all of it is there."""

import contextlib
import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pymysql

BATCH = 1000
NEXT = {  # by MariaDB's number of the mistake: what to do
    1045: "look at the secrets DB_USER and MYSQL_PASSWORD of jobs/load/job.yml",
    1046: "look at the secret DB_NAME",
    1049: "look at the secret DB_NAME",
    1054: "has the table the columns that the query gives? ads.sql has them all",
    1142: "grant it to the user",
    1146: "make the table as in ads.sql",
    2003: "is the database up, is the secret DB_HOST right, may the container reach it? On a laptop: python3 here.py",
}


class MariaDBTrouble(Exception):
    """What the database refused, in its words, and what to do next."""


def run(file: str, given: dict) -> None:
    """Run the statements of a file."""
    statements = [it for it in Path(file).read_text(encoding="utf-8").split(";\n") if it.strip()]
    with _connected() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, given)
        connection.commit()
        print(f"{file} {given}: {cursor.rowcount} rows")


def load(place: str, table: str, hour: str) -> None:
    """Put a result into a table, in the place of what the table has of that hour."""
    names, *rows = csv.reader(io.StringIO(_text(place)))
    marks = ", ".join(["%s"] * (len(names) + 1))
    with _connected() as connection, connection.cursor() as cursor:
        cursor.execute(f"delete from {table} where hour = %s", (hour,))
        insert = f"insert into {table} (hour, {', '.join(names)}) values ({marks})"
        for first in range(0, len(rows), BATCH):
            cursor.executemany(insert, [(hour, *row) for row in rows[first : first + BATCH]])
        connection.commit()
    print(f"{table} of {hour}: {len(rows)} rows")


def _text(place: str) -> str:
    """Return an object of S3; on a laptop buckets are folders."""
    bucket, _, key = place.removeprefix("s3://").partition("/")
    if "STEPDIG_S3" in os.environ:
        return Path(os.environ["STEPDIG_S3"], bucket, key).read_text(encoding="utf-8")
    import boto3  # of the image; a laptop needs none

    body: bytes = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body.decode()


@contextlib.contextmanager
def _connected() -> Iterator[pymysql.Connection]:
    """Connect; raises MariaDBTrouble. What was not committed is undone."""
    try:
        with pymysql.connect(
            host=os.environ["DB_HOST"], port=int(os.environ.get("DB_PORT", "3306")), user=os.environ["DB_USER"],
            password=os.environ["MYSQL_PASSWORD"], database=os.environ["DB_NAME"], charset="utf8mb4",
        ) as connection:  # fmt: skip
            yield connection
    except pymysql.MySQLError as error:
        number, said = (error.args[0], error.args[-1]) if error.args else (0, error)
        raise MariaDBTrouble(f"{said}. Next: {NEXT.get(number, 'run it again')}") from None
