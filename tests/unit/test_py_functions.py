"""Functions of py> that are not there are found when compiling, and only where that is certain."""

from __future__ import annotations

import types
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stepdig.operators import _python

MODULE = """
import os, json as j
from math import sin as sine
A = 1
B, (C, *D) = 1, (2, 3)
def f(): global G; G = 1
async def co(): pass
class K:
    attribute = f
    def method(self): pass
    class Inner: pass
class Run:
    def run(self): pass
class Sub(K): pass
@f
class Decorated: pass
if A:
    def branch(): pass
try:
    import nowhere
except ImportError as caught:
    H = None
for loop in (): pass
with open(os.devnull) as opened: pass
if (walrus := 1): pass
x: int = 1
match A:
    case [first, *rest]: pass
    case other: pass
"""
PRESENT = (
    "os j sine A B C D f G co branch nowhere caught H loop opened walrus x first rest other Run K.method K.attribute "
    "K.Inner Sub.anything Decorated.anything Decorated Sub"
)


def missing(command: str, **files: str) -> str | None:
    """Return what is said to be missing in a project of some files."""

    def read(path: str) -> bytes | None:
        text = files.get(path.replace("/", "_in_").removesuffix(".py"))
        return None if text is None else text.encode()

    found = _python.missing(command, read)
    return None if found is None else f"{found[0]} | {found[1]}"


@pytest.mark.parametrize("name", PRESENT.split())
def test_what_a_module_binds_in_any_way_is_there(name: str) -> None:
    """Every way to bind a name counts, also those in branches and functions."""
    assert missing(f"m.{name}", m=MODULE) is None


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("m.nope", "there is no 'nope' in m.py | it has: f, K, Run, Sub, Decorated"),
        ("m.runn", "there is no 'runn' in m.py | it has: f, K, Run, Sub, Decorated"),
        ("m.K", "there is no 'run' in the class 'K' of m.py | "),
        ("m.K.metod", "there is no 'metod' in the class 'K' of m.py | did you mean 'method'?"),
        ("m.Klass.run", "there is no 'Klass' in m.py | it has: f, K, Run, Sub, Decorated"),
        ("pkg.nope", "there is no 'nope' in pkg/__init__.py | it has: here"),
        ("pkg.sub.nope", "there is no 'nope' in pkg/sub.py | it has: main"),
        ("pkg.sbu.main", "there is neither a module 'pkg.sbu' nor a class 'sbu' in pkg/__init__.py | it has: here"),
    ],
)
def test_what_is_certainly_missing_is_said(command: str, said: str) -> None:
    """With the file, and the nearest name."""
    assert missing(command, m=MODULE, pkg_in___init__="def here(): pass\n", pkg_in_sub="def main(): pass\n") == said


@pytest.mark.parametrize(
    "source",
    [
        "from os import *\n",
        "def __getattr__(name): return print\n",
        "globals()['nope'] = 1\n",
        "exec('nope = 1')\n",
        "import sys\nsys.modules[__name__] = object()\n",
        "print 'of another Python'\n",
        "\0",
    ],
)
def test_what_cannot_be_told_is_no_problem(source: str) -> None:
    """Names made in other ways, sources of another Python."""
    assert missing("m.nope", m=source) is None


@pytest.mark.parametrize("command", ["nowhere.f", "nowhere.K.f", "m", "m.${x}", "m..f", ""])
def test_modules_elsewhere_and_other_texts_are_not_judged(command: str) -> None:
    """A module that is not in the project may be an installed one."""
    assert missing(command, m="") is None


@given(
    st.lists(
        st.sampled_from(
            [
                "import math as a",
                "from math import sin as b",
                "a = 1",
                "del_me, b = 1, 2",
                "def c(): pass",
                "class d:\n    def e(self): pass",
                "if True:\n    e = 1",
                "for f in [1]: pass",
                "try:\n    1/0\nexcept Exception: g = 1",
                "def h():\n    global e\n    e = 2\nh()",
                "[i for i in []]",
            ]
        )
    ).map("\n".join),
    st.sampled_from("abcdefghi"),
)
def test_nothing_that_python_finds_is_called_missing(source: str, name: str) -> None:
    """Importing the module is the judge."""
    module = types.ModuleType("m")
    exec(compile(source, "m.py", "exec"), module.__dict__)
    found = getattr(module, name, None)
    assume(found is not None and not isinstance(found, type))  # a class needs a `run` as well
    assert missing(f"m.{name}", m=source) is None


def test_a_project_of_this_repository_has_no_missing_functions() -> None:
    """The demo's own commands are found."""
    root = Path(__file__).parents[2] / "workflows"
    for dig in root.rglob("*.dig"):
        for line in dig.read_text().splitlines():
            if "py>:" in line:
                command = line.partition("py>:")[2].strip().strip("}'\"")

                def read(path: str, folder: Path = dig.parent) -> bytes | None:
                    return (folder / path).read_bytes() if (folder / path).is_file() else None

                assert _python.missing(command, read) is None
