"""Keep the text of every view: a file a view in a git repository below the workspace, a commit a day on which one changed.

In the environment: `warehouse`, `session_date`, the password or key, STEPDIG_WORKSPACE.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from loader import warehouses
from loader.shapes import Place

AUTHOR = ["-c", "user.name=capybara", "-c", "user.email=capybara@localhost"]


def main() -> None:
    """Write the views of today; exit 1 with the reason."""
    place = Place.of(os.environ["warehouse"])
    folder = Path(os.environ["STEPDIG_WORKSPACE"]) / "views"
    try:
        with warehouses.opened(place, os.environ.get("WAREHOUSE_PASSWORD", "")) as warehouse:
            views = {f"{dataset}/{name}.sql": text for dataset, name, text in warehouse.views()}
        changed = keep(folder, views, os.environ["session_date"])
    except Exception as error:
        sys.exit(f"views of {place}: {' '.join(str(error).split())}")
    print(f"{len(views)} view{'s' * (len(views) != 1)} in {folder}, {changed} changed")


def keep(folder: Path, views: dict[str, str], day: str) -> int:
    """Make the folder hold these files and commit what changed; return how many did. Raises ValueError."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    kept = {str(path.relative_to(folder)) for path in folder.glob("*/*.sql")}
    if kept and not views:
        raise ValueError(f"there are none, but {len(kept)} are kept: nothing was changed. Is it the right warehouse?")
    for name, text in views.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.rstrip() + "\n", encoding="utf-8")
    for name in kept - set(views):
        (folder / name).unlink()
    git(folder, "add", "--all")
    changed = git(folder, "status", "--porcelain").splitlines()
    if changed:
        git(folder, *AUTHOR, "commit", "--quiet", "--message", f"Views of {day}")
    return len(changed)


def git(folder: Path, *words: str) -> str:
    """Run git in the folder, whoever owns it: the workspace is the stack's own. Raises ValueError."""
    argv = ["git", "-c", f"safe.directory={folder.resolve()}", *words]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    main()
