"""Making what JavaScript brings along: functions and objects that are not written in the expression."""

from typing import Any, Callable, Dict, List

from stepdig.expressions.jsvalues import UNDEFINED, Function, Js, Object, to_string

Call = Callable[[List[Any]], Any]


class Namespace(Object):
    """A global object that only holds members: Math, JSON."""

    def __init__(self, tag: str, members: Dict[str, Any]) -> None:
        self.tag = tag
        self.members = members

    def member(self, name: str) -> Js:
        """Return the member of that name, or UNDEFINED."""
        return self.members.get(name, UNDEFINED)


def at(args: List[Any], index: int) -> Js:
    """Return an argument, UNDEFINED when it was not given."""
    return args[index] if index < len(args) else UNDEFINED


def function(name: str, call: Call, members: "Dict[str, Any] | None" = None) -> Function:
    """Return a function that knows nothing of `this`; `members` are what hangs on it, as in `String.fromCharCode`."""
    return Function(name, lambda this, args: call(args), members)


def functions(table: Dict[str, Call]) -> Dict[str, Any]:
    """Return several by their names."""
    return {name: function(name, call) for name, call in table.items()}


def own_member(name: str) -> Js:
    """Return `hasOwnProperty`, which everything has; UNDEFINED for any other name."""
    return Function(name, has_own) if name == "hasOwnProperty" else UNDEFINED


def has_own(this: Js, args: List[Js]) -> bool:
    """Tell whether a value itself has a member: a field, an item, the length of a text or array."""
    name = to_string(at(args, 0))
    if isinstance(this, (list, str)):
        return name == "length" or (name.isdigit() and int(name) < len(this))
    return isinstance(this, dict) and name in this
