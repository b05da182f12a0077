"""Keep the secrets of runs on this machine: set, delete and list them. Values are never shown."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from getpass import getpass
from pathlib import Path

from stepdig.local.secrets import LocalSecrets
from stepdig.problem import Position, Problem, ProblemsFound
from stepdig.project import root_of, unreadable, unwritable
from stepdig.runner.secret_texts import KEY

HELP = "keep the secrets of runs on this machine"
OK, FAILED, USAGE = 0, 1, 2


def add_arguments(parser: ArgumentParser) -> None:
    """Declare --local, what to do, and the folder."""
    parser.add_argument(
        "--local", action="store_true", help="the secrets of this machine (the only ones there are yet)"
    )
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument(
        "--set", dest="pairs", metavar="KEY=VALUE", nargs="+", action="extend", default=[], type=_pair,
        help="keep a secret; KEY=@FILE takes a file's content, KEY=- a line of standard input, KEY alone asks for it",
    )  # fmt: skip
    doing.add_argument(
        "--delete", dest="deleted", metavar="KEY", nargs="+", action="extend", default=[], help="forget secrets"
    )
    parser.add_argument(
        "--dir", default=".", metavar="DIR", help="a folder of the repository (default: where you stand)"
    )


def run(args: Namespace) -> int:
    """Do what was asked; without --set and --delete list the keys."""
    if not args.local:
        sys.stderr.write("stepdig secrets: add --local: other secrets are kept by AWS, see docs/reference/secrets.md\n")
        return USAGE
    root = root_of(args.dir)
    if not root.is_dir():
        raise ProblemsFound([Problem(Position(args.dir, 1, 1), "SD001", "no such file or folder")])
    kept = LocalSecrets(root)
    try:
        if args.pairs:
            return _set(args.pairs, kept)
        if args.deleted:
            return _delete(args.deleted, kept)
    except OSError as error:
        raise ProblemsFound([unwritable(error, str(kept.folder))]) from error
    sys.stdout.write("".join(f"{key}\n" for key in kept.listed()))
    return OK


def _set(pairs: list[tuple[str, str | None]], kept: LocalSecrets) -> int:
    """Keep all or, when one cannot be read, none."""
    values = {key: _value(key, given) for key, given in pairs}
    for key, value in values.items():
        kept.put(key, value)
        sys.stdout.write(f"Secret '{key}' set\n")
    return OK


def _delete(keys: list[str], kept: LocalSecrets) -> int:
    code = OK
    for key in keys:
        if KEY.match(key) and kept.delete(key):
            sys.stdout.write(f"Secret '{key}' deleted\n")
        else:
            sys.stderr.write(f"stepdig secrets: there is no secret '{key}'\n")
            code = FAILED
    return code


def _value(key: str, given: str | None) -> str:
    """Return the value behind what was typed. Raises ProblemsFound for a file that cannot be read."""
    if given is None:
        return getpass(f"{key}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if given == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_bytes().decode()
    except OSError as error:
        raise ProblemsFound([unreadable(error, given[1:])]) from error
    except UnicodeDecodeError:
        raise ProblemsFound([Problem(Position(given[1:], 1, 1), "SD909", "the secret is not UTF-8 text")]) from None


def _pair(text: str) -> tuple[str, str | None]:
    """Return key and value of KEY=VALUE; the value is not in the message, since it may be a secret."""
    key, equals, value = text.partition("=")
    if not KEY.match(key):
        shown = f"'{key}'" if equals else "what was given"
        raise ArgumentTypeError(f"{shown} is no key: letters, digits and . _ - @")
    return key, value if equals else None
