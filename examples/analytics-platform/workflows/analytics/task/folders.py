"""Where a session's files are: in the workspace that all tasks share."""

import os
from pathlib import Path


def session_folder(session_date):
    """Return the session's folder, which is there afterwards."""
    folder = workspace() / "sessions" / session_date
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def workspace():
    return Path(os.environ["STEPDIG_WORKSPACE"])


def replace(path, text):
    """Write a file at once, so that a task that is killed leaves none or all of it."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
