"""What a definition calls things that others make: task definitions, other machines, files that a task's runner leaves."""

from __future__ import annotations

import re
import zlib

from stepdig.jsonata_text import literal


def job_token(job: str) -> str:
    """Return the name of the substitution that stands for a job's task definition: `load-small` -> `JobLoadSmall`."""
    return "Job" + "".join(part[:1].upper() + part[1:] for part in job.replace("_", "-").split("-"))


def machine_token(workflow: str) -> str:
    """Return the name of the substitution for another workflow's state machine: `load_orders` -> `StateMachineLoadOrders`.

    Names that would come to the same, `load-orders`, have a hash of theirs at the end.
    """
    camel = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", workflow))
    if re.sub(r"(?<!^)(?=[A-Z])", "_", camel).lower() == workflow:
        return f"StateMachine{camel}"
    return f"StateMachine{camel}{zlib.crc32(workflow.encode()):08x}"


def output_key(step_name: str, run: str, index: tuple[str, ...], file: str) -> str:
    """Return JSONata for the key of a file that a task's runner left (docs/design.md, "Outputs of tasks")."""
    base = f"{run}.prefix&{literal('/' + step_name + '/')}"
    return base + "".join(f"&$string({code})&'/'" for code in index) + f"&{literal(file)}"
