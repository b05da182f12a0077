"""Characters of a command's container override: what the run itself takes, and what is left for the values of loops.

The override is JSON in which `STEPDIG_RUN` is a text that is JSON again, so each quote of it takes two characters. We use half
of what AWS takes, so that a count of AWS's that is not ours, or a longer ARN, breaks no run.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from stepdig import limits, plan
from stepdig.lowering.place import BRIEF_ERROR_CHARS

# "archive":"archives/<project>-<16 hexadecimal digits>.zip", without the project's name
ARCHIVE_CHARS = 60
# {"prefix":…,"session_time":…,"params":…,"attempt_id":…,"session_uuid":…,"loop":…}: keys, a time, an id, punctuation
RUN_CHARS = 260
ENVIRONMENT_CHARS = 50  # "env":"production"
# {"ContainerOverrides":[{"Name":"task","Environment":[{"Name":"STEPDIG_TASK",…}]}]}, and sizes of the task
OWN_CHARS = 260
COMMAND_CHARS, VARIABLE_CHARS = 3, 25  # punctuation of one word of a Command, of one variable: {"Name":"","Value":""},


def escaped(text: str) -> str:
    """Return a text as it stands inside a JSON text, without the quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


@dataclass(frozen=True, slots=True)
class Override:
    """The overrides of one workflow, whose outputs lie under `prefix`."""

    prefix: str

    def fixed(self, step: plan.Command) -> int:
        """Return the characters without the values of loops: names, the run, its parameters, an error."""
        prefix = len(
            escaped(escaped(self.prefix))
        )  # of the archive's key, too: the project's name is a part of the prefix
        run = (
            2 * prefix
            + limits.EXECUTION_NAME_CHARS
            + ARCHIVE_CHARS
            + RUN_CHARS
            + ENVIRONMENT_CHARS
            + limits.START_CHARS
        )
        error = BRIEF_ERROR_CHARS if "'error':" in step.given else 0
        return OWN_CHARS + len(escaped(self._name(step))) + run + error

    def text(self, step: plan.Command) -> int:
        """Return how many characters `STEPDIG_RUN` may have as JSON inside JSON."""
        return limits.OVERRIDE_OURS_CHARS - OWN_CHARS - len(escaped(self._name(step)))

    def room(self, step: plan.Command) -> int:
        """Return the characters that are left for the values of loops."""
        return limits.OVERRIDE_OURS_CHARS - self.fixed(step)

    def plain(self, step: plan.Command) -> int:
        """Return the characters of what a plain image is given, as far as they are known when compiling."""
        assert step.plain is not None
        known = [it.value for it in step.plain.command if isinstance(it, plan.Constant)]
        known += [it.value for _, it in step.plain.environment if isinstance(it, plan.Constant)]
        names = [name for name, _ in step.plain.environment]
        parts = len(step.plain.command) * COMMAND_CHARS + len(names) * VARIABLE_CHARS
        return (
            OWN_CHARS + len(escaped(self._name(step))) + parts + sum(len(escaped(str(it))) for it in (*known, *names))
        )

    def _name(self, step: plan.Command) -> str:
        """Return `STEPDIG_TASK`."""
        return f"{self.prefix.removeprefix('runs/').rstrip('/')} {step.name}"
