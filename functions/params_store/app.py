"""params_store: the parameter server of `param_get>` and `param_set>`, on the Parameter Store.

Event: {"path": "/stepdig/<stack>/params/shop/", "get": [name, ...]} or {"path", "set": {name: text, ...}}.
Answer: {"params": {name: text}}, a name that was never set, or set to an empty text, as "".
https://docs.digdag.io/operators/param_get.html and https://docs.digdag.io/operators/param_set.html
"""

from __future__ import annotations

from typing import Any

import runtime
from values import check, check_all


def handler(event: dict[str, Any], _context: object) -> dict[str, dict[str, str]]:
    """Read or write some parameters. Raises ParamRefused."""
    store = runtime.store(event["path"])
    if "set" in event:
        for name, value in event["set"].items():
            check(name, value)
        for name, value in event["set"].items():
            store.put(name, value)
        return {"params": {}}
    found = store.get(event["get"])
    params = {name: found.get(name, "") for name in event["get"]}
    check_all(params)
    return {"params": params}
