"""Which names Digdag takes: of tasks (ModelValidator#checkRawTaskName) and of workflows (#checkWorkflowName)."""

from __future__ import annotations

import re

MAX_CHARS = 255
TASK_CHARS = r"a-zA-Z_0-9\-=\[\]{}%&@`,.^"
_NOT_IN_TASK = re.compile(f"[^{TASK_CHARS}]")


def of_task(name: str, top: bool) -> tuple[str, str] | None:
    """Return what is wrong with a task's name, its `+` included, and a hint; None when nothing is.

    `top`: it stands at the top of a workflow, where `^` is kept for names that Digdag makes.
    """
    odd = _NOT_IN_TASK.search(name, 1)
    if odd:
        char = "a blank" if odd[0] == " " else f"'{odd[0]}'"
        plain = "+" + _NOT_IN_TASK.sub("_", name[1:])
        hint = "use letters, digits and - _ = [ ] { } % & @ ` , ."
        if odd[0] in " \u3000/:+" and len(name) <= MAX_CHARS:
            hint = f"such as {_short(plain)}; " + hint
        return f"the task name '{_short(name)}' holds {char}", hint
    if top and "^" in name:
        return f"the task name '{_short(name)}' holds '^'", "that is kept for the names of generated tasks"
    if len(name) > MAX_CHARS:
        return f"the task name '{_short(name)}' is longer than {MAX_CHARS} characters", ""
    return None


def of_workflow(name: str) -> tuple[str, str] | None:
    """Return what is wrong with a workflow's name, its file's without `.dig`, and a hint; None when nothing is."""
    if not name:
        return "the workflow has no name", "its name is the file's without .dig"
    if name[0] in "0123456789":
        return f"the workflow name '{_short(name)}' begins with a digit", "rename the file"
    if not (name[0].isalpha() or name[0] == "_"):
        return f"the workflow name '{_short(name)}' begins with '{name[0]}'", "rename the file"
    if name.endswith(".dig"):
        return f"the workflow name '{_short(name)}' ends in .dig", "rename the file"
    if len(name) > MAX_CHARS:
        return f"the workflow name '{_short(name)}' is longer than {MAX_CHARS} characters", "rename the file"
    return None


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:37] + "..."
