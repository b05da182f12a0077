"""Places in S3 that operators of Athena fill, empty or look at: `s3://bucket/some/${session_date}/`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepdig.operators._athena import joined, unquoted
from stepdig.operators._options import Options
from stepdig.plan import Computed, Constant, Value
from stepdig.source.tree import Scalar

_BEGIN = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/([^'\"`\\*?]*)\Z")


@dataclass(frozen=True, slots=True)
class Location:
    """A folder of a bucket; `begin` is what is known of it when compiling, `bucket/some/`; `text` is all of it."""

    bucket: str
    prefix: Value
    begin: str

    @property
    def text(self) -> Value:
        """`s3://bucket/prefix/`."""
        return joined(f"s3://{self.bucket}/", self.prefix)


def location(found: Options, name: str = "location") -> Location | None:
    """Return the place that an option names, with a `/` at its end; None where there is none or after noting a mistake.

    Its bucket must be known when compiling, since rights are given for it, and a whole bucket is no place for a table.
    """
    node = found.node(name)
    if node is None:
        return None
    what = f"'{name}' of {found.task.operator}>"
    value = found.filled(node, long=True) if isinstance(node, Scalar) else ""
    parts = value["parts"] if isinstance(value, dict) and "parts" in value else [value]
    head = str(parts[0]) if isinstance(parts, list) and isinstance(parts[0], str) else ""
    match = _BEGIN.match(head)
    if match is None or (len(parts) == 1 and not match[2].strip("/")):
        hint = "such as s3://my-bucket/clicks/, its bucket written out"
        found.place.problem(node.at, "SD434", f"{what} must be a folder of a bucket", hint, node.length)
        return None
    rest: list[Value] = []
    for part in parts[1:]:
        if isinstance(part, Computed):
            rest.append(unquoted(part, what))
        else:
            rest.append(Constant(str(part)))
    if not rest:
        key = match[2].strip("/") + "/"
        return Location(match[1], Constant(key), f"{match[1]}/{key}")
    whole = joined(match[2], *rest)
    code = whole.code if isinstance(whole, Computed) else ""
    guards = tuple(guard for it in rest if isinstance(it, Computed) for guard in it.guards)
    return Location(match[1], Computed(f"($replace({code},/[\\/]+$/,'')&'/')", guards), f"{match[1]}/{match[2]}")
