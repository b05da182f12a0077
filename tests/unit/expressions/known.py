"""Names for tests of the translation: some known, some stored."""

from typing import Any

from stepdig.expressions import builtins, translate, zones

TOKYO = translate.Zone(zones.offsets("Asia/Tokyo"))
LOS_ANGELES = translate.Zone(zones.offsets("America/Los_Angeles"))
KNOWN: dict[str, Any] = {"known": {"n": 3, "text": "2", "list": ["a", {"b": "c"}], "none": None, "zero": 0}}


class Names:
    """`known` is known, `nowhere` is not defined, `td` is partly known; session variables; all else is stored in $o."""

    def __init__(self, **types: str) -> None:
        self.types = types

    def resolve(self, path: tuple[str, ...]) -> tuple[translate.Binding, int]:
        session = builtins.session_variable(path[0], TOKYO, "Asia/Tokyo")
        if session is not None:
            return session, 1
        if path[0] in KNOWN:
            return translate.Known(KNOWN[path[0]]), 1
        if path[:2] == ("td", "database"):
            return translate.Known("sales"), 2
        if path[0] == "td":
            code = translate.Code("$o.td", "obj")
            return (code, 1) if len(path) == 1 else (translate.Code(f"$o.td.{path[1]}", "any", True), 2)
        if path[0] in ("nowhere", "moment", "JSON", "Object", "Math", "String", "Number", "undefined"):
            return None, 1
        return translate.Code(f"$o.{path[0]}", self.types.get(path[0], "any"), True), 1
