"""The end of a command task's process -> what it means: Digdag's message, what the process stored or raised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, Optional

from stepdig.runner import sh_output
from stepdig.runner.shapes import Json, Program, Result

NOTHING: Dict[str, Json] = {"subtask_config": {}, "export_params": {}, "store_params": {}}
SUBTASKS = "subtasks"  # in place of an operator: the process that runs what a py> or rb> added
# operator -> what Digdag calls its process, and how it introduces what was raised in it
_WORDS = {"py": ("Python command", "\nError messages from python: "), "rb": ("Ruby command", ": ")}


def result(program: Program, exit_code: int) -> Result:
    """Return what the end of a process means; a negative code is a signal, as `subprocess` has it."""
    code = 128 - exit_code if exit_code < 0 else exit_code
    if program.operator in _WORDS:
        return _of_protocol(program, code)
    if program.operator == SUBTASKS:
        return _of_subtasks(program, code)
    if code:
        return Result(code, f"Command failed with code {code} (runtime)")
    if program.output_path is None:
        return Result(0)
    try:
        text = program.output_path.read_bytes().decode("utf-8", "replace")
        return Result(0, output={**NOTHING, "store_params": sh_output.declared(text, program.store)})
    except FileNotFoundError:
        return Result(1, "store: the command removed $STEPDIG_OUTPUT (runtime)")
    except sh_output.OutputFileError as error:
        return Result(1, f"store: {error} (config)")


def _of_protocol(program: Program, code: int) -> Result:
    """Return what a py> or rb> left in its output.json; without one it has failed."""
    words, introduction = _WORDS[program.operator]
    output = _read(program.output_path)
    if code == 0:
        if output is None:
            return Result(1, "output.json does not exist or is no JSON object (runtime)")
        return Result(0, output=output)
    raised = (output or {}).get("error") or {}
    text = f"{words} failed with code {code}"
    if raised:
        text += f"{introduction}{raised['message']}" + (f" ({raised['class']})" if raised["class"] else "")
        text += "".join(f"\n\tfrom {line}" for line in raised.get("backtrace") or [])
    return Result(code, text + " (runtime)", error=raised)


def _of_subtasks(program: Program, code: int) -> Result:
    """Return how the subtasks of a task ended: the message is that of the first that failed."""
    output = _read(program.output_path)
    if output is None:
        return Result(code or 1, f"The process that runs the subtasks ended with code {code} (runtime)")
    if code == 0:
        return Result(0, output=output)
    return Result(code, str(output.get("message")), error=output.get("error") or {})


def _read(path: Optional[Path]) -> Optional[Dict[str, Json]]:
    """Return the object that a process left, or None."""
    try:
        output = json.loads(path.read_bytes()) if path else None
    except (OSError, ValueError):
        return None
    return output if isinstance(output, dict) else None
