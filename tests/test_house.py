"""The house stands: imports only go down, the compiler is pure, numbers of AWS have one home, nothing is undocumented."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from stepdig import limits
from stepdig.operators import TABLE

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src/stepdig"
DOCS = ROOT / "docs"

# Floors from the ground up; a file imports only from floors below its own, or from its own folder where that is one floor.
PARTED = ("source", "language", "naming", "lowering")  # folders whose files stand on floors of their own
FLOORS = [
    ["__init__", "problem", "limits", "jsonata_text", "definitions", *PARTED],
    ["expressions"],
    ["runner"],
    ["local"],
    ["source.scalars", "source.scalar_source"],
    ["source.nodes"],
    ["source.merging"],
    ["source.yaml_mistakes"],
    ["source.mending"],
    ["source.yaml_text", "source.compose", "source.tree"],
    ["source.tables", "source.secrets"],
    ["language.model", "language.job"],
    ["plan"],
    [
        "language.names",
        "language.timezones",
        "language.directives",
        "language.input_types",
        "language.declared",
        "language.fargate",
        "language.conform",
        "language.job_keys",
        "language.job_iam",
        "language.job_files",
        "language.keys",
        "language.inputs",
        "language.given",
        "language.days",
        "language.cron",
        "language.schedules",
        "language.recurrence",
        "language.order",
        "language.partial",
        "language.sla",
        "language.slips",
        "language.parse",
        "project",
    ],
    ["naming.draft"],
    ["naming.scopes"],
    ["naming.bindings", "naming.columns"],
    ["naming.environments"],
    ["naming.fetches", "naming.iterations"],
    ["naming.resolve"],
    ["lowering.secret_keys"],
    ["lowering.bundle", "lowering.payloads"],
    ["operators"],
    ["lowering.values", "lowering.syntax", "lowering.outside", "lowering.files"],
    ["lowering.sizes", "lowering.picks", "lowering.plain"],
    ["lowering.place"],
    ["lowering.calls"],
    ["lowering.repeat"],
    ["lowering.requires", "lowering.watch"],
    ["digdag_check", "lowering.lower"],
    ["asl"],
    ["bounds"],
    ["schema"],
    ["pipeline"],
    ["iam"],
    ["template"],
    ["report"],
    ["packing"],
    ["commands"],
    ["cli"],
    ["__main__"],
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# What the compiler must not reach for: disk, clock, chance, AWS. They enter at the edge, as arguments.
IMPURE = {"os", "time", "random", "boto3", "datetime", "pathlib", "subprocess", "socket", "asyncio", "uuid"}
_DISK = {"project", "language.timezones"}  # the doors to files and to the system's time zones
COMPILER = {room for rooms in FLOORS[FLOOR["source.scalars"] : FLOOR["report"]] for room in rooms} - _DISK

FILES = sorted(SOURCE.rglob("*.py"))


def _room(path: Path) -> str:
    """Return the room of a file: its module, or the folder right under the package."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:2]) if parts[0] in PARTED and parts[-1] != "__init__" else parts[0]


def _imports(path: Path) -> list[tuple[str, int]]:
    """Return the modules a file imports, with lines; those for types alone do not count."""
    found: list[tuple[str, int]] = []
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_go_down(path: Path) -> None:
    """A file imports from lower floors, its own folder, and nothing of the house above it."""
    room = _room(path)
    assert room in FLOOR, f"{room} has no floor yet: give it one here"
    for name, line in _imports(path):
        if not name.startswith("stepdig."):
            continue
        parts = name.split(".")
        target = ".".join(parts[1:3]) if parts[1] in PARTED else parts[1]
        if target == room or target not in FLOOR:
            continue
        same = FLOOR[target] == FLOOR[room] and (SOURCE / f"{room.replace('.', '/')}.py").exists()
        allowed = FLOOR[target] < FLOOR[room] or same
        assert allowed, f"{path.name}:{line} imports {name}, which stands above it"


def test_the_map_names_every_room() -> None:
    """Each room stands on the left of a line of the map in docs/design.md, and nothing else does."""
    drawn = (DOCS / "design.md").read_text().partition("## The map of the house")[2].split("```")[1]
    names = [re.split(r"(?<!,)\s", line)[0] for line in drawn.strip().splitlines() if line[0] != " "]
    rooms = [room.rstrip("/").replace("/", ".") for room in ", ".join(names).split(", ")]
    assert sorted(rooms) == sorted(set(FLOOR) - {"__init__", "__main__", *PARTED})


@pytest.mark.parametrize("path", [path for path in FILES if _room(path) in COMPILER], ids=lambda path: path.stem)
def test_compiler_is_pure(path: Path) -> None:
    """The compiler reads no disk, clock, chance or AWS by itself."""
    wrong = [name for name, _ in _imports(path) if name.split(".")[0] in IMPURE]
    assert not wrong


@pytest.mark.parametrize("folder", ["runner", "expressions"])
def test_the_runner_carries_only_the_standard_library(folder: str) -> None:
    """What images carry imports the standard library and each other, boto3 inside functions."""

    allowed = {*sys.stdlib_module_names, "stepdig", "boto3", "botocore", "__future__"}
    for path in (SOURCE / folder).rglob("*.py"):
        for name, line in _imports(path):
            assert name.split(".")[0] in allowed, f"{path.name}:{line} imports {name}"


def test_limits_have_one_home() -> None:
    """A number of limits.py that could only be AWS's is written nowhere else."""
    names = [name for name in vars(limits) if name.isupper() and isinstance(getattr(limits, name), int)]
    telling = {f"{getattr(limits, name):_}" for name in names if getattr(limits, name) > 10_000}
    pattern = re.compile("|".join(sorted(rf"\b{number}\b|\b{number.replace('_', '')}\b" for number in telling)))
    for path in FILES:
        if path.name == "limits.py":
            continue
        code = "\n".join(line.partition("#")[0] for line in path.read_text().splitlines())
        assert not pattern.search(code), f"{path}: {pattern.search(code)}"


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_operator_is_documented_and_shown(name: str) -> None:
    """An operator has a one-line help, a reference page and a golden case."""
    page = DOCS / "reference" / f"{name}.md"
    cases = "".join(path.read_text() for path in (ROOT / "tests/golden").glob("*/*.dig"))

    assert TABLE[name].doc.strip(), f"{name}> has no docstring"
    assert page.exists(), f"docs/reference/{name}.md is missing"
    assert f"{name}>:" in page.read_text()
    assert f"{name}>:" in cases, f"no golden case uses {name}>"


def test_every_error_code_is_documented() -> None:
    """Each code a user can meet has its section in docs/errors.md, and no section is left over."""
    used = {code for path in FILES for code in re.findall(r'"(SD\d{3})"', path.read_text())}
    page = (DOCS / "errors.md").read_text()
    described = set(re.findall(r"^#+ (SD\d{3})", page, re.MULTILINE))

    assert used - described == set()
    assert described - used == set()


def test_every_public_thing_says_what_it_is() -> None:
    """Public functions, classes and modules have docstrings."""
    for path in FILES:
        tree = ast.parse(path.read_text())
        if path.stat().st_size:
            assert ast.get_docstring(tree), f"{path} has no docstring"
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith(
                "_"
            ):
                assert ast.get_docstring(node), f"{path}:{node.lineno} {node.name} has no docstring"


def test_check_needs_no_library_of_aws() -> None:
    """`stepdig check` imports PyYAML and tzdata's reader at most: nothing of AWS, no terminal, no JSONata."""
    code = "import sys; from stepdig.cli import main; main(['check']); print(*sys.modules)"
    heavy = {
        "boto3",
        "botocore",
        "moto",
        "samtranslator",
        "rich",
        "jsonata",
        "aws_lambda_powertools",
        "urllib3",
        "asyncio",
    }
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert heavy & {name.partition(".")[0] for name in done.stdout.split()} == set()


def test_committed_definitions_are_what_the_compiler_makes() -> None:
    """`stepdig build --check` of this repository finds nothing stale."""
    code = "import sys; from stepdig.cli import main; sys.exit(main(['build', '--check']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_modules_of_tests_have_names_of_their_own():
    """pytest imports them by their bare names: two of one name stop the whole run."""
    folders = [it for it in (ROOT / "tests").iterdir() if it.is_dir()]
    names = Counter(path.name for folder in folders for path in folder.glob("*.py") if path.name != "conftest.py")
    assert not [name for name, number in names.items() if number > 1]
