"""Ways to break a workflow file: a mutation is a function of chance and a text (or bytes) that gives another.

They know what a `.dig` looks like, so that most results are nearly right: those reach the later stages of the compiler.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from fuzz_words import DIRECTIVES, EXPRESSIONS, ODD, SCALARS

from stepdig.operators import TABLE

Mutation = Callable[[Random, str], str]

OPERATORS = ["+", "-", "*", "/", "%", "==", "<", "&&", "||", ",", "in"]
_TEMPLATE = re.compile(r"\$\{[^{}]*\}")
_VALUE = re.compile(r"^(\s*(?:- )?[^\s:#][^:]*:)(?: .*)?$")


def expression(chance: Random) -> str:
    """Return the text of an expression, mostly a wrong one."""
    text = chance.choice(EXPRESSIONS)
    how = chance.random()
    if how < 0.15:
        text = f"({text}) {chance.choice(OPERATORS)} {chance.choice(EXPRESSIONS)}"
    elif how < 0.25:
        text = (
            f"{chance.choice(['Math.max', 'String', 'Number', 'moment', '[].concat', 'JSON.stringify', 'f'])}({text})"
        )
    elif how < 0.35 and text:
        cut = chance.randrange(len(text))
        text = text[:cut] + chance.choice(["", "'", "(", "}", "${", "\\", "."]) + text[cut + chance.randrange(2) :]
    return text


def scalar(chance: Random) -> str:
    """Return a value as YAML writes it, mostly a surprising one."""
    how = chance.random()
    if how < 0.35:
        quoted = expression(chance).replace("'", "''")
        return f"'${{{quoted}}}'"
    if how < 0.4:
        return '"' + "".join(chance.choice("ab\\x0:{}[]$' ") for _ in range(chance.randrange(30))) + '"'
    return chance.choice(SCALARS)


def key(chance: Random) -> str:
    """Return a key: a directive, an operator, a task, or something odd."""
    how = chance.random()
    if how < 0.4:
        return chance.choice(DIRECTIVES)
    if how < 0.7:
        return chance.choice([*TABLE, "td", "unknown", "pyy", ""]) + ">"
    if how < 0.9:
        return "+" + chance.choice(
            ["a", "b", "x y", "", "+", "a^b", "é", "a" * 300, "[+sync]", "1", "a+b", "-", "a\\t"]
        )
    return chance.choice(
        ["null", "1", "'true'", "<<", "? [a]", "? {b: c}", "'${x}'", '"\\n"', "k" * 20_000, "!include ", "*a"]
    )


def _lines(text: str) -> list[str]:
    return text.split("\n")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _block(lines: list[str], start: int) -> int:
    """Return the end of what a line and the deeper ones below it are."""
    end = start + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > _indent(lines[start])):
        end += 1
    return end


def drop_block(chance: Random, text: str) -> str:
    """A key and what it holds are gone."""
    lines = _lines(text)
    start = chance.randrange(len(lines))
    return "\n".join(lines[:start] + lines[_block(lines, start) :])


def drop_line(chance: Random, text: str) -> str:
    """One line is gone; what was below it now belongs elsewhere."""
    lines = _lines(text)
    del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def repeat_block(chance: Random, text: str) -> str:
    """A key and what it holds are there twice, or many times."""
    lines = _lines(text)
    start = chance.randrange(len(lines))
    block = lines[start : _block(lines, start)]
    times = chance.choice([1, 1, 1, 2, 50])
    more = (
        [re.sub(r"^(\s*\+\w*)", rf"\g<1>{n}", block[0]) for n in range(times)]
        if chance.random() < 0.7
        else [block[0]] * times
    )
    for first in more:
        lines[start:start] = [first, *block[1:]]
    return "\n".join(lines)


def swap_blocks(chance: Random, text: str) -> str:
    """Two keys change places, each at the other's depth."""
    lines = _lines(text)
    one, other = sorted(chance.randrange(len(lines)) for _ in range(2))
    end, until = _block(lines, one), _block(lines, other)
    if end > other:
        return drop_block(chance, text)
    first, second = lines[one:end], lines[other:until]
    return "\n".join(
        lines[:one] + _at(second, _indent(first[0])) + lines[end:other] + _at(first, _indent(second[0])) + lines[until:]
    )


def _at(block: list[str], depth: int) -> list[str]:
    shift = depth - _indent(block[0])
    return [" " * max(0, _indent(line) + shift) + line.lstrip(" ") for line in block]


def graft(chance: Random, text: str) -> str:
    """A part of the file is put below another part of it."""
    lines = _lines(text)
    start, below = chance.randrange(len(lines)), chance.randrange(len(lines))
    block = lines[start : _block(lines, start)]
    lines[below + 1 : below + 1] = _at(block, _indent(lines[below]) + chance.choice([0, 2, 2, 4]))
    return "\n".join(lines)


def change_value(chance: Random, text: str) -> str:
    """The value of a key is another."""
    lines = _lines(text)
    fitting = [n for n, line in enumerate(lines) if _VALUE.match(line)]
    if not fitting:
        return text + "+t: " + scalar(chance)
    number = chance.choice(fitting)
    found = _VALUE.match(lines[number])
    assert found
    end = _block(lines, number) if chance.random() < 0.3 else number + 1
    return "\n".join([*lines[:number], f"{found[1]} {scalar(chance)}", *lines[end:]])


def change_key(chance: Random, text: str) -> str:
    """A key is another."""
    lines = _lines(text)
    fitting = [n for n, line in enumerate(lines) if _VALUE.match(line)]
    if not fitting:
        return key(chance) + ": " + text
    number = chance.choice(fitting)
    line = lines[number]
    lines[number] = " " * _indent(line) + key(chance) + ":" + line.partition(":")[2]
    return "\n".join(lines)


def add_key(chance: Random, text: str) -> str:
    """A line more, beside or below another."""
    lines = _lines(text)
    number = chance.randrange(len(lines))
    lines.insert(
        number + 1, " " * (_indent(lines[number]) + chance.choice([0, 0, 2])) + f"{key(chance)}: {scalar(chance)}"
    )
    return "\n".join(lines)


def change_expression(chance: Random, text: str) -> str:
    """The text of a template is another expression, or holds one more."""
    found = list(_TEMPLATE.finditer(text))
    if not found:
        return add_key(chance, text)
    one = chance.choice(found)
    inside = one.group()[2:-1]
    new = (
        expression(chance)
        if chance.random() < 0.6
        else f"{inside}{chance.choice(['.', '[', '(', '+', '??', ' '])}{expression(chance)}"
    )
    return text[: one.start()] + "${" + new + "}" + text[one.end() :]


def wrong_indent(chance: Random, text: str) -> str:
    """Lines are moved by some blanks or tabs."""
    lines = _lines(text)
    number = chance.randrange(len(lines))
    end = _block(lines, number) if chance.random() < 0.5 else number + 1
    by = chance.choice([" ", "  ", "\t", "   "])
    if chance.random() < 0.5:
        lines[number:end] = [by + line for line in lines[number:end]]
    else:
        lines[number:end] = [line.removeprefix(by) for line in lines[number:end]]
    return "\n".join(lines)


def line_ends(chance: Random, text: str) -> str:
    """Other ends of lines, everywhere or once."""
    end = chance.choice(["\r\n", "\r", "\u0085", "\u2028", "\n\n\n"])
    return text.replace("\n", end, -1 if chance.random() < 0.5 else 1)


def odd_character(chance: Random, text: str) -> str:
    """A character that a file should not, or seldom does, hold."""
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(ODD) + text[at:]


def punctuation(chance: Random, text: str) -> str:
    """A character that means something to YAML or JavaScript comes, goes or changes."""
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(["", *":-?{}[]'\"$,&*!|>%@`#+^\\ \n"]) + text[at + chance.randrange(2) :]


def truncate(chance: Random, text: str) -> str:
    """The file ends early."""
    return text[: chance.randrange(len(text) + 1)]


def deep(chance: Random, text: str) -> str:
    """Tasks, lists, mappings or operators within each other, far too deep or nearly."""
    times = chance.choice([5, 30, 99, 500, 3_000])
    how = chance.randrange(5)
    if how == 0:
        return text + "\n+deep: " + "[" * times + "]" * chance.choice([times, times - 1])
    if how == 1:
        return text + "\n+deep: " + "{+a: " * times + "{echo>: x}" + "}" * times
    if how == 2:
        return (
            text
            + "\n"
            + "".join(f"{' ' * n}+d{n}:\n" for n in range(min(times, 500)))
            + " " * min(times, 500)
            + "echo>: x\n"
        )
    if how == 3:
        inner = chance.choice(["{loop>: 2, _do: ", "{if>: true, _do: ", "{for_each>: {x: [1, 2]}, _do: ", "{_error: "])
        return text + "\n+deep: " + inner * min(times, 99) + "{echo>: x}" + "}" * min(times, 99)
    return text + "\n+deep: {_export: " + "{a: " * times + "1" + "}" * times + ", echo>: '${a}'}"


def large(chance: Random, text: str) -> str:
    """A list, a mapping, a text or a number of tasks that is very large."""
    times = chance.choice([100, 2_000, 10_000])
    how = chance.randrange(6)
    if how == 0:
        return (
            text + f"\n+large:\n  for_each>: {{x: [{', '.join(map(str, range(times)))}]}}\n  _do: {{echo>: '${{x}}'}}\n"
        )
    if how == 1:
        return (
            text + f"\n+large:\n  for_each>: {{x: [{'1, ' * 200}1], y: [{'1, ' * 200}1]}}\n  _do: {{echo>: '${{x}}'}}\n"
        )
    if how == 2:
        return text + "\n+large:\n" + "".join(f"  +t{n}: {{echo>: x}}\n" for n in range(min(times, 300)))
    if how == 3:
        return text + "\n+large: {echo>: '" + "${x} " * min(times, 2_000) + "'}"
    if how == 4:
        each = chance.choice(["${{k{0}}}", "${{k{0}}} ${{k{0}}}", "${{k{0} + k{0}}}", "${{x}} ${{k{0}}} ${{k{0}}}"])
        return (
            text
            + "\n_export:\n"
            + "".join(f"  k{n}: '{each.format(n + 1)}'\n" for n in range(min(times, 500)))
            + "+u: {echo>: '${k0}'}\n"
        )
    return text + "\n+large: {echo>: '" + "x" * times * 20 + "'}"


def bomb(chance: Random, text: str) -> str:
    """Aliases of aliases: small in the file, huge as a tree."""
    width, depth = chance.choice([(10, 4), (10, 9), (2, 30), (100, 3)])
    lines = ["b0: &b0 {echo>: x}" if chance.random() < 0.5 else "b0: &b0 lol"]
    lines += [f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * width)}]" for n in range(1, depth)]
    where = chance.choice(["_export:", "+bomb:", "params:", "+b: {for_each>: "])
    if where.endswith(":"):
        return text + f"\n{where}\n" + "".join(f"  {line}\n" for line in lines)
    return text + "\n_export:\n" + "".join(f"  {line}\n" for line in lines) + "+b: {echo>: '${b3}'}\n"


def anchor(chance: Random, text: str) -> str:
    """A node gets an anchor, another place its alias or a merge of it."""
    lines = _lines(text)
    fitting = [n for n, line in enumerate(lines) if _VALUE.match(line)]
    if len(fitting) < 2:
        return text + "\n+a: &a {echo>: x}\n+b: *a\n"
    one, other = chance.sample(fitting, 2)
    lines[one] = re.sub(r":( |$)", r": &a ", lines[one], count=1)
    head = lines[other].partition(":")[0]
    lines[other] = chance.choice(
        [f"{head}: *a", f"{head}: {{<<: *a}}", f"{' ' * _indent(lines[other])}<<: *a", f"{head}: [*a, *a]"]
    )
    return "\n".join(lines)


def include(chance: Random, text: str) -> str:
    """A file is included: one that is there, itself, one that is not."""
    lines = _lines(text)
    number = chance.randrange(len(lines))
    name = chance.choice(
        ["main.dig", "included.dig", "other.dig", "nope.dig", "../x", "'${x}'", ".", "a/../main.dig", "''", "[a]"]
    )
    lines.insert(number, " " * _indent(lines[number]) + f"!include : {name}")
    return "\n".join(lines)


MUTATIONS: list[tuple[Mutation, int]] = [
    (drop_block, 4),
    (drop_line, 4),
    (repeat_block, 4),
    (swap_blocks, 4),
    (graft, 6),
    (change_value, 16),
    (change_key, 8),
    (add_key, 12),
    (change_expression, 16),
    (wrong_indent, 4),
    (line_ends, 2),
    (odd_character, 3),
    (punctuation, 8),
    (truncate, 2),
    (deep, 2),
    (large, 1),
    (bomb, 1),
    (anchor, 3),
    (include, 2),
]


def mutate(chance: Random, text: str) -> str:
    """Return the text after one to six mutations, few more often than many."""
    ways, weights = zip(*MUTATIONS, strict=True)
    for way in chance.choices(ways, weights, k=min(1 + int(chance.expovariate(0.7)), 6)):
        text = way(chance, text)
        if len(text) > 2_000_000:
            break
    return text


def mutate_bytes(chance: Random, data: bytes) -> bytes:
    """Return the bytes with some flipped, removed, put in or repeated."""
    for _ in range(chance.choice([1, 1, 2, 5, 40])):
        at = chance.randrange(len(data) + 1)
        until = min(len(data), at + chance.choice([0, 1, 1, 4, 50]))
        how = chance.random()
        if how < 0.4:
            data = data[:at] + bytes([chance.randrange(256)]) + data[until:]
        elif how < 0.7:
            data = data[:at] + data[until:]
        elif how < 0.9:
            data = data[:at] + data[at:until] * chance.choice([2, 3, 200]) + data[until:]
        else:
            data = data[:at] + chance.randbytes(chance.randrange(8)) + data[until:]
        if len(data) > 2_000_000:
            break
    return data
