"""Parameters and answers of AWS services between Step Functions' PascalCase and botocore's names and types."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from stepdig.local.payload import Json, encode


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """Return `PutItem`, `putItem` or `listObjectsV2` as boto3 names methods: put_item, list_objects_v2."""
    import botocore  # only loaded when a service is called

    return str(botocore.xform_name(name[0].upper() + name[1:]))


def _folded(name: str) -> str:
    """Return a member's name so that all its spellings agree."""
    return name.replace("_", "").lower()


def to_service(value: Json, shape: Any) -> Json:  # noqa: ANN401 - botocore has no types
    """Return parameters with botocore's member names; JSON given for a text or a blob becomes its text."""
    if shape is None:
        return {}
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        names = {_folded(name): name for name in shape.members}
        found = ((names.get(_folded(key), key), part) for key, part in value.items())
        return {name: to_service(part, shape.members[name]) if name in shape.members else part for name, part in found}
    if kind == "list" and isinstance(value, list):
        return [to_service(part, shape.member) for part in value]
    if kind == "map" and isinstance(value, dict):
        return {key: to_service(part, shape.value) for key, part in value.items()}
    if kind == "string" and not isinstance(value, str):
        return encode(value)
    if kind == "blob":
        return (value if isinstance(value, str) else encode(value)).encode()
    return value


def from_service(value: Any, shape: Any) -> Json:  # noqa: ANN401 - botocore has no types
    """Return an answer in PascalCase; times become ISO texts, bodies and blobs texts."""
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    kind = shape.type_name if shape is not None else ""
    if isinstance(value, dict):
        if kind == "structure":
            return {_pascal(key): from_service(part, shape.members.get(key)) for key, part in value.items()}
        inner = shape.value if kind == "map" else None
        return {key: from_service(part, inner) for key, part in value.items()}
    if isinstance(value, list):
        inner = shape.member if kind == "list" else None
        return [from_service(part, inner) for part in value]
    return value


def _pascal(name: str) -> str:
    """Return a member's name as Step Functions spells it: first letter large, acronyms as words (`ETag` stays)."""
    return name[0].upper() + name[1:]


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()
