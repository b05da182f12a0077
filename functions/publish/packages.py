"""What `stepdig pack` laid into the package of this function: zips, each beside a .json with the hash of its content."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from errors import NotPacked

HASH_CHARS = 16
_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")  # what neither a tag of ECR takes nor an expression that names the key


def told(folder: Path, kind: str, name: str) -> dict[str, Any]:
    """Return what is told of `<kind>/<name>.zip`. Raises NotPacked."""
    again = "run sam build, then sam deploy again"
    known = {path.name: path for path in (folder / kind).glob("*.json")}
    path = known.get(f"{name}.json")
    if path is None:
        raise NotPacked(f"this deployment carries no {kind}/{name}.zip: {again}")
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("hash"), str):
        raise NotPacked(f"{kind}/{name}.json of this deployment is damaged: {again}")
    return found


def named(name: str, content_hash: str) -> str:
    """Return the name of some content: the same for the same content, whoever asks."""
    plain = _PLAIN.sub("-", name)[:100].lstrip(".-") or "x"
    return f"{plain}-{content_hash[:HASH_CHARS]}"
