"""`stepdig` and `python -m stepdig`."""

from __future__ import annotations

import sys

from stepdig.cli import main as cli


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(cli())


if __name__ == "__main__":
    main()
