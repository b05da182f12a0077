"""The database by its own client, which reads the password from the environment: rows of text."""

import os
import subprocess


def rows(sql: str) -> "list[list[str]]":
    """Run SQL and return what it gives."""
    argv = ["mariadb", "--no-defaults", "--batch", "--skip-column-names", "-h", os.environ["DB_HOST"]]
    argv += ["-P", os.environ.get("DB_PORT", "3306"), "-u", os.environ["DB_USER"], os.environ["DB_NAME"], "-e", sql]
    environ = {**os.environ, "MYSQL_PWD": os.environ["MYSQL_PASSWORD"]}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the database says {done.stderr.strip()}")
    return [line.split("\t") for line in done.stdout.splitlines()]
