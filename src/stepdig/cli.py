"""argv -> verb -> exit code; the only printer of problems.

Exit codes: 0 all is well, 1 problems or a failed run, 2 a wrong command line, 130 stopped with Ctrl-C.
Each verb is a module of `stepdig.commands` with HELP, `add_arguments(parser)` and `run(args) -> int`; it is imported
only when it is used, and argparse with it, so that `--version` and `--help` cost little more than starting Python.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING

from stepdig import __version__

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from types import ModuleType

    from stepdig.problem import ProblemsFound

VERBS = {
    "init": "lay out a new folder with a first workflow",
    "check": "say what is wrong with workflows, and where",
    "build": "compile the workflows into statemachines/",
    "pack": "pack projects and images, as sam build does",
    "run": "run a workflow on this machine",
    "usage": "tell what a run took: containers, their start-up, transitions, about what it costs",
    "schedules": "list when workflows start by themselves: their next sessions",
    "schema": "tell an editor the language: completion, help, mistakes underlined",
    "secrets": "keep the secrets of runs on this machine",
}
OK, PROBLEMS, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; never raises for what a user may do wrong."""
    words = list(sys.argv[1:] if argv is None else argv)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by who called us: nobody listens
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - as long as the process
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows `?`, not a traceback
    try:
        code = _dispatch(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `stepdig check | head`: nobody listens any more, which is no failure of ours
        code = PROBLEMS
    except OSError as error:  # of the surroundings: what is wrong with a file is a problem at its place
        code = _fail(error)
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return code if isinstance(error, BrokenPipeError) else code or _fail(error)
    return code


def _fail(error: OSError) -> int:
    """Tell of surroundings in which nothing can be done: a full disk, limits, a folder that is gone."""
    from contextlib import suppress  # only once something is wrong

    what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    try:
        os.getcwd()  # noqa: PTH109 - pathlib is slow to import
    except FileNotFoundError:
        what = "the folder in which you stand is gone"
    with suppress(OSError):
        sys.stderr.write(f"stepdig: {what}\n")
    return PROBLEMS


def _dispatch(words: list[str]) -> int:
    match words:
        case [] | ["-h" | "--help" | "help"]:
            return _say(_overview(), OK if words else USAGE)
        case ["-V" | "--version" | "version"]:
            return _say(f"stepdig {__version__}")
        case [verb, *rest] if verb in VERBS:
            return _run(verb, rest)
        case [wrong, *_]:
            from stepdig.problem import did_you_mean  # only once something is wrong

            hint = did_you_mean(wrong, VERBS)
            sys.stderr.write(f"stepdig: no such command: {wrong}{f' ({hint})' if hint else ''}\n{_overview()}\n")
    return USAGE


def _run(verb: str, words: list[str]) -> int:
    from importlib import import_module

    from stepdig.problem import ProblemsFound  # read at run time, by `except`

    command = import_module(f"stepdig.commands.{verb}")
    try:
        parser = _parser(verb, command)
        if hasattr(command, "epilog") and not {"-h", "--help"}.isdisjoint(words):
            parser.epilog = command.epilog(words)
        args = parser.parse_intermixed_args(words)
        args.verb = verb
    except SystemExit as stop:  # argparse has said why
        return stop.code if isinstance(stop.code, int) else USAGE
    try:
        return int(command.run(args))
    except ProblemsFound as wrong:
        _print_problems(wrong, args)
        return PROBLEMS


def _parser(verb: str, command: ModuleType) -> ArgumentParser:
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    parser = ArgumentParser(
        f"stepdig {verb}",
        description=command.__doc__,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,  # a script must not break when a new option shares its beginning
    )
    command.add_arguments(parser)
    return parser


def _print_problems(wrong: ProblemsFound, args: Namespace) -> None:
    """Print problems to stdout where they are what was asked for (`check`, `--json`), else to stderr."""
    from stepdig.report import problems

    if getattr(args, "json", False):
        sys.stdout.write(problems.as_json(wrong.problems))
    else:
        out = sys.stdout if args.verb == "check" else sys.stderr
        out.write(problems.as_text(wrong.problems, problems.colours(out)))


def _overview() -> str:
    width = max(map(len, VERBS)) + 2
    verbs = "\n".join(f"  {verb:<{width}}{help_}" for verb, help_ in VERBS.items())
    return f"""\
stepdig: Digdag workflows on AWS Step Functions and Fargate, with nothing to operate

usage: stepdig COMMAND ...

{verbs}

`stepdig COMMAND --help` tells a command's options, `stepdig --version` the version."""


def _say(text: str, code: int = OK) -> int:
    (sys.stderr if code else sys.stdout).write(text + "\n")
    return code
