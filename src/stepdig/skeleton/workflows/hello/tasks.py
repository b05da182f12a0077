"""Functions that the tasks of hello.dig call; arguments come from the parameters of the same name."""

import json

import digdag


def count(path):
    """Store the number of tables for the tasks that follow."""
    with open(path, encoding="utf-8") as file:
        tables = json.load(file)
    print(f"{path} lists {len(tables)} tables")
    digdag.env.store({"tables": len(tables)})
