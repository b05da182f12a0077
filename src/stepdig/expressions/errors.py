"""What can go wrong with `${...}`: while reading it (a place in the text) and while evaluating it (JavaScript's words)."""


class ExpressionError(Exception):
    """An expression that cannot be read or translated.

    `start` and `end` are offsets in the source given to the parser (after `template.text`-level functions: in the
    whole text); `hint` says what to try and may be empty. `place` is the caller's own idea of where that is, once it stands in
    another text than the one being translated: in an export that it refers to.
    """

    place: object = None

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = max(end, start + 1)
        self.hint = hint

    def moved(self, by: int) -> "ExpressionError":
        """Return the same error with its offsets moved, for an expression that stands inside a longer text."""
        if self.place is not None:
            return self
        return ExpressionError(self.message, self.start + by, self.end + by, self.hint)


class EvaluationError(Exception):
    """A value that JavaScript refuses to compute; the message is worded as Digdag shows it."""


class NeedsRuntime(Exception):
    """The expression asks for the clock or for random numbers, so it has no value while compiling."""
