"""What code emitted so far holds: variables bound around it, and the zone that its moments are shown in."""

import re
from typing import Callable, Dict, List, NoReturn, Tuple

from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.nodes import Node
from stepdig.expressions.shapes import Zone
from stepdig.expressions.snippets import with_snippets
from stepdig.expressions.values import PATH, Any_, Value


class Variables:
    """The variables of one expression or text, and its zone."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.needs_tz = False
        self.frames: List[Dict[str, str]] = [{}]
        self.counter = 0

    def refuse(self, node: Node, message: str, hint: str = "") -> NoReturn:
        """Raise an ExpressionError at a node."""
        raise ExpressionError(message, node.start, node.end, hint)

    def fresh(self) -> str:
        """Return a new variable."""
        self.counter += 1
        return f"$j{self.counter}"

    def variable(self, code: str) -> str:
        """Return a reference that may be repeated: the code itself when short, else a variable bound around the use."""
        if PATH.match(code) or code.isdigit():
            return code
        frame = self.frames[-1]
        known = next((name for name, bound in frame.items() if bound == code), None)
        if known is None:
            known = self.fresh()
            frame[known] = code
        return known

    def framed(self, emit: Callable[[], Any_]) -> Any_:
        """Return a value whose variables are bound inside its own code, since it may run elsewhere or not at all."""
        self.frames.append({})
        value = emit()
        frame = self.frames.pop()
        if isinstance(value, Value) and value.json:
            value = value._replace(json=_bound(value.json, frame))
        return value._replace(code=_bound(value.code, frame))

    def finish(self, code: str) -> str:
        """Return code that stands by itself: variables bound, helper functions in front."""
        tz = "" if self.zone.fixed else f"{self.zone.run}.tz"
        return with_snippets(_bound(code, self.frames[0]), tz, self.zone.base)


def _bound(code: str, frame: Dict[str, str]) -> str:
    """Return code in which every variable of the frame is bound; one used once is put in place."""
    lines: List[Tuple[str, str]] = []
    for name, value in reversed(list(frame.items())):
        pattern = re.compile(re.escape(name) + r"\b")
        uses = len(pattern.findall(";".join([*(line for _, line in lines), code])))
        if uses == 1:
            lines = [(other, _replaced(pattern, value, line)) for other, line in lines]
            code = _replaced(pattern, value, code)
        elif uses:
            lines.insert(0, (name, value))
    return f"({';'.join(f'{name}:={value}' for name, value in lines)};{code})" if lines else code


def _replaced(pattern: "re.Pattern[str]", value: str, code: str) -> str:
    return pattern.sub(lambda _: value, code)
