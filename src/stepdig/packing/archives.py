"""A project with the bundles of its workflows -> the files of its archive, which a container unpacks before its command runs.

The files are those of the project's folder as git would carry them; each workflow's bundle lies at `.stepdig/<machine>.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from stepdig.packing.contents import File, Files
from stepdig.packing.sources import sources
from stepdig.problem import Position, Problems
from stepdig.project import Project, typed

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def archive(project: Project, bundles: Mapping[str, object], out: Path, problems: Problems) -> Files:
    """Return the files of a project's archive; `bundles` are those of its workflows, by the name of the machine.

    `out` is where archives are written, which must not lie in the project.
    """
    files = sources(project.folder, project.root, problems)
    if out.resolve().is_relative_to(project.folder.resolve()):
        inside = out.resolve().relative_to(project.folder.resolve()).as_posix()
        if not inside.startswith((".stepdig/", ".aws-sam/")):
            text = f"what is packed would lie in the project {project.name} and be packed with it"
            hint = "name a folder outside, or one in .aws-sam/ or .stepdig/, which never travel"
            problems.add(Position(typed(str(out), project.root), 1, 1), "SD676", text, hint)
    own = {f".stepdig/{machine}.json": File(_encode(bundle).encode()) for machine, bundle in bundles.items()}
    return {**files, **own}
