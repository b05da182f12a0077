"""YAML text -> located nodes, with Digdag's scalar rules, `!include` and no duplicate keys."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from stepdig.problem import Position, Problems
from stepdig.source.compose import Repeats, Surroundings, compose
from stepdig.source.mending import without
from stepdig.source.merging import Entries
from stepdig.source.nodes import Mapping, Node, Scalar, Sequence, plain
from stepdig.source.scalars import Value
from stepdig.source.yaml_mistakes import oddly_indented
from stepdig.source.yaml_text import UnreadableError, decode

__all__ = ["Mapping", "Node", "Read", "Scalar", "Sequence", "Value", "load", "load_any", "plain"]

MAX_INCLUDES_DEEP = 30
_MENDED = 20  # broken tasks of one file that are told; what is left then is no workflow

Read = Callable[[str], bytes | None]
Files = Callable[[], Collection[str]]
CHOICE = "${env}"  # in the path of an include: the environment, which the deployment or the start of a run knows
_ENVIRONMENT = "[A-Za-z0-9_-]+"


def load(text: bytes | str, path: str, read: Read, problems: Problems, files: Files | None = None) -> Mapping | None:
    """Load a YAML file whose top is a mapping; None when a mistake (added to `problems`) leaves nothing to go on with.

    `read` gives the bytes of a file of the project, by its path in it, or None; `!include` needs it, and `path` must be
    such a path for that. `files` lists the `.dig` files of the project: where it is given, `_export` may include by `${env}`.
    """
    found = _readable(text, path, read, problems, files)
    if found is not None and found.variants:
        problems.add(found.at, "SD691", "only `_export` can include a file by `${env}`", "move it into `_export:`")
        return None
    return found


def _readable(text: bytes | str, path: str, read: Read, problems: Problems, files: Files | None) -> Mapping | None:
    """Load a file; where tasks of it are no YAML, which is noted, all but them."""
    mended: set[int] = set()  # lines whose indentation has been told; what it leaves is no further mistake
    for _ in range(_MENDED):
        try:
            return _Loading(read, problems, Repeats(problems), files).mapping(text, path, 0)
        except UnreadableError:
            last = problems.found[-1]
            if last.at.path != path or last.code != "SD102":
                return None
            if last.at.line in mended:
                problems.found.pop()
            decoded = decode(text, path, Problems())
            rest = without(decoded, last)
            if rest is None:
                return None
            odd = [oddly_indented(line) for line in decoded.splitlines()]
            mended.update(number for number, it in enumerate(odd, 1) if it == odd[last.at.line - 1] != "")
            text = rest
    return None


def load_any(text: bytes | str, path: str, read: Read, problems: Problems) -> Node | None:
    """Load a YAML file whatever its top is (a list of tables); None after a mistake, which is added to `problems`."""
    try:
        return _Loading(read, problems, Repeats(problems)).document(text, path, 0)
    except UnreadableError:
        return None


@dataclass(slots=True)
class _Loading:
    """One call of `load`: what the files of an include chain share."""

    read: Read
    problems: Problems
    repeats: Repeats
    files: Files | None = None
    chain: list[str] = field(default_factory=list)
    loaded: dict[str, Mapping | None] = field(default_factory=dict)

    def mapping(self, text: bytes | str, path: str, level: int) -> Mapping | None:
        """Load a file that must hold a mapping; None, with its problem, when it holds something else."""
        before = len(self.problems)
        node = self.document(text, path, level)
        if isinstance(node, Mapping):
            return node
        if len(self.problems) == before:
            kind = "empty" if node is None else "a list" if isinstance(node, Sequence) else "a single value"
            at = Position(path, 1, 1) if node is None else node.at
            what = f"this file is {kind}; it must be a mapping of keys to values"
            self.problems.add(at, "SD105", what, "the first line may be '+task:'")
        return None

    def document(self, text: bytes | str, path: str, level: int) -> Node | None:
        """Load a file inside of so many levels; None when it is empty. Raises UnreadableError where reading ends."""
        decoded = decode(text, path, self.problems)
        self.chain.append(path)
        try:
            around = Surroundings(self.problems, self.repeats, self.include)
            return compose(decoded, path, level, around, included=len(self.chain) > 1)
        finally:
            self.chain.pop()

    def include(self, name: Scalar, path: str, level: int) -> Mapping | None:
        """Load the mapping of `!include : name` in the file `path`, or note why not."""
        if "${" in name.text and self.files is not None:
            return self._chosen(name, path, level, self.files)
        relative = posixpath.normpath(name.text)
        target = posixpath.join(posixpath.dirname(path), relative)
        cannot = self._reason(name.text, relative, target)
        if cannot:
            self.problems.add(name.at, *cannot, length=name.length)
            return None
        if target not in self.loaded:
            self.loaded[target] = self._read(name, target, level)
        elif (known := self.loaded[target]) is not None:
            self.repeats.add(known, name.at, level)
        return self.loaded[target]

    def _chosen(self, name: Scalar, path: str, level: int, files: Files) -> Mapping | None:
        """Load the files that `${env}` in the path of an include may stand for, one for each environment."""
        if "${" in name.text.replace(CHOICE, ""):
            hint = "${env} is the environment; all else must be written out"
            self.problems.add(name.at, "SD690", "an include cannot hold other templates than ${env}", hint, name.length)
            return None
        folder = posixpath.dirname(path)
        pattern = re.escape(posixpath.join(folder, posixpath.normpath(name.text))).split(re.escape(CHOICE))
        fits = re.compile(f"(?P<env>{_ENVIRONMENT})".join(pattern[:2]) + "".join(f"(?P=env){it}" for it in pattern[2:]))
        others = sorted({*files()} - {*self.chain})
        found = {match["env"]: file for file in others if (match := fits.fullmatch(file))}
        if not found:
            what = f"there is no file '{posixpath.join(folder, name.text)}', whatever the environment is called"
            hint = "such as " + name.text.replace(CHOICE, "prod") + "; it must end in .dig"
            self.problems.add(name.at, "SD690", what, hint, name.length)
            return None
        every, variants = Entries(), []
        for environment, file in found.items():
            included = self.include(replace(name, text=posixpath.relpath(file, folder or ".")), path, level)
            if included is not None:
                every.include(included)
                variants.append((environment, included))
        return Mapping(name.at, every.mapping(name.at).entries, tuple(variants))

    def _reason(self, name: str, relative: str, target: str) -> tuple[str, str, str] | None:
        """Return code, text and hint of why a path cannot be included, whatever the file holds."""
        if relative.startswith(("/", "../")) or relative == "..":
            hint = "move the file into the folder of the file that includes it"
            return "SD110", f"an include cannot leave its folder: '{name}'", hint
        if target in self.chain:
            circle = " -> ".join([*self.chain[self.chain.index(target) :], target])
            return "SD112", f"this file includes itself: {circle}", "take the common part into a file of its own"
        if len(self.chain) > MAX_INCLUDES_DEEP:
            return "SD104", f"includes within includes, more than {MAX_INCLUDES_DEEP} deep", ""
        return None

    def _read(self, name: Scalar, target: str, level: int) -> Mapping | None:
        data = self.read(target)
        if data is None:
            hint = "the path is relative to the folder of this file"
            self.problems.add(name.at, "SD111", f"there is no file '{target}' to include", hint, name.length)
            return None
        try:
            return self.mapping(data, target, level)
        except UnreadableError:
            return None
