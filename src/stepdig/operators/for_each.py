"""`for_each>: {t: [...]}` runs `_do` for each element of a list, or each combination of several lists."""

from collections.abc import Mapping as MappingOf
from itertools import product

from stepdig.jsonata_text import field, literal
from stepdig.language.declared import LIST, Option, list_of, mapping, mapping_of
from stepdig.language.keys import LOOP
from stepdig.language.model import Task
from stepdig.naming.draft import WHOLE, LoopDraft
from stepdig.operators._chosen import Chosen, chosen
from stepdig.operators._registry import Entries, Place, nothing, operator
from stepdig.plan import Computed, Constant, Step, Value
from stepdig.source import tables
from stepdig.source.tree import Mapping, Node, Scalar

_FILE = mapping(Option("file", {"type": "string"}, "a table list of the project: JSON, YAML or CSV", required=True))
_LISTS = mapping_of({**LIST, **list_of({}), **_FILE, "type": ["array", "string", "object"]}, template=True)


@operator("for_each", argument=_LISTS, options=LOOP, children=True)
def for_each(task: Task, place: Place) -> Step:
    """Run `_do` for each element of a list: `for_each>: {t: [users, orders]}`, `{t: {file: source_table/shop.json}}`."""
    argument = place.required(task)
    if not isinstance(argument, Mapping):
        if argument is not None:
            text = "for_each> needs a mapping of names to lists"
            place.problem(argument.at, "SD451", text, "write it like {table: [users, orders]}")
        return nothing(place)
    lists: dict[str, Value] = {}
    files: set[str] = set()
    picks: dict[str, Chosen] = {}
    for key, node in argument:
        found = _list(node, place, alone=len(argument.entries) == 1)
        if found is None:
            return nothing(place)
        if isinstance(found, Chosen):
            picks[str(key.value)] = found
            found = Constant(found.rows)
        lists[str(key.value)] = found
        files.update([str(key.value)] if isinstance(node, Mapping) else [])
        place.earlier[str(key.value)] = node
    rows = {name: it.value for name, it in lists.items() if isinstance(it, Constant) and isinstance(it.value, list)}
    if not lists or any(not it for it in rows.values()):
        return nothing(place)
    if len(rows) == len(lists):
        return _known(place, rows, files, picks)
    lists |= {name: Computed(_own_lists(place, picks[name])) for name in picks}
    return _computed(place, lists)


def _list(node: Node, place: Place, *, alone: bool) -> Value | Chosen | None:
    """Return a list, known or not, or those of the environments where they differ; None after noting what is wrong."""
    if isinstance(node, Mapping):
        source = node.get("file")
        paths = place.in_each(lambda it: it.constant(source, "the path of a table list")) if source is not None else {}
        if len({str(it) for it in paths.values()}) < 2:
            return _table_file(node, place)
        files = place.in_each(lambda it: _table_file(node, it))
        if None in files.values():
            return None
        found = chosen({name: it.value for name, it in files.items() if it is not None})
        if found is None or not (alone or _names_rows(found.rows, tables.label(found.rows))):
            text = (
                "the rows of this list differ between environments, and so does their order, or what a name stands for"
            )
            hint = "keep rows that are in several environments in one order; such a list stands alone in its for_each>"
            place.problem(node.at, "SD693", text, hint)
            return None
        return found
    value = place.items(node)
    if not isinstance(value, Computed):
        return value
    each = place.in_each(lambda it: it.items(node))
    known = {name: it.value for name, it in each.items() if isinstance(it, Constant)}
    found = chosen(known) if known and len(known) == len(each) else None
    fits = found is not None and (alone or _names_rows(found.rows, tables.label(found.rows)))
    return found if fits and found is not None and found.rows else value


def _own_lists(place: Place, of: Chosen) -> str:
    """Return JSONata for the list that the environment of the run has."""
    return place.picked({name: literal([of.rows[it] for it in numbers]) for name, numbers in of.numbers.items()})


def _table_file(node: Mapping, place: Place) -> Constant | None:
    """Return the rows of `{file: path}`, or None after noting what is wrong."""
    source = node.get("file")
    if source is None or len(node.entries) != 1 or not isinstance(source, Scalar):
        text = "the values of for_each> are lists"
        place.problem(
            node.at, "SD452", text, "for a list in a file of the project write {file: source_table/shop.json}"
        )
        return None
    path = place.constant(source, "the path of a table list")
    if path is None:
        return None
    content = place.read(str(path))
    if content is None:
        place.no_file(source, str(path), "SD453")
        return None
    try:
        rows = tables.rows(content, str(path))
    except tables.TableListError as error:
        place.problem(source.at, error.code, f"'{path}' {error}", error.hint, source.length)
        return None
    place.template(source, str(path))  # notes secrets that are written out in it
    return Constant(rows)


def _known(
    place: Place,
    rows: MappingOf[str, list[object]],
    files: set[str],
    picks: MappingOf[str, Chosen],
) -> Step:
    """Return the loop over lists known when compiling: its rows stay in the bundle, the machine sees labels."""
    labels = [picks[name].label if name in picks else tables.label(values) for name, values in rows.items()]
    variables: list[dict[str, object]] = [
        {"name": name, "input": name, "rows": values, "label": label}
        for (name, values), label in zip(rows.items(), labels, strict=True)
    ]
    named = all(_names_rows(values, tables.label(values)) for values in rows.values())
    draft = LoopDraft("for_each", variables, numbered=len(rows) > 1 or not named)
    combinations = list(product(*rows.values()))
    narrow = _narrow(place, rows, dict(zip(rows, labels, strict=True)), files, picks)

    def entries(at: LoopDraft) -> Entries:
        keys = [str(it["input"]) for it in at.variables]
        columns = [at.columns.get(key, set()) for key in keys]
        seen = [list(map(_seen, combination, labels, columns)) for combination in combinations]
        label = (
            _label(keys, labels)
            if named or (picks and None not in labels)
            else f"'#'&$string($input.{field(keys[0] + '#')})"
        )
        if not at.numbered:
            key = keys[0]
            called = tuple((asked, "$" + _column(seen, 0, column)) for asked, _, column in narrow)
            return Entries(Constant([row for (row,) in seen]), ((key, "$item"),), f"$input.{field(key)}", label, called)
        numbered = [{f"{keys[0]}#": n, **dict(zip(keys, row, strict=True))} for n, row in enumerate(seen)]
        places = {name: place for place, name in enumerate(rows)}
        called = tuple(
            (asked, field(keys[places[name]]) + _column(seen, places[name], column)) for asked, name, column in narrow
        )
        for of in (it for it in picks.values() if not _names_rows(it.rows, tables.label(it.rows))):
            # Such a list is alone: a name stands for one row here and for another there, a number does not.
            numbers = place.picked({name: literal(it) for name, it in of.numbers.items()})
            called = (*called, (numbers, field(f"{keys[0]}#")))
        return Entries(Constant(numbered), _fields(at.keys), "$input", label, called)

    return place.repeat(draft, entries, len(combinations))


def _narrow(
    place: Place,
    rows: MappingOf[str, list[object]],
    labels: MappingOf[str, str | None],
    files: set[str],
    picks: MappingOf[str, Chosen],
) -> list[tuple[str, str, str | None]]:
    """Return what may leave entries out: JSONata of the names to run, the variable, the column of its name."""
    narrow: list[tuple[str, str, str | None]] = []
    for name, values in rows.items():
        if not _names_rows(values, tables.label(values)):
            continue
        column = labels[name]
        if name in picks:
            own = {it: [_name(values[number], column) for number in of] for it, of in picks[name].numbers.items()}
            narrow.append((place.picked({it: literal(names) for it, names in own.items()}), name, column))
        path = place.name.lstrip("+") + (f"+{name}" if len(rows) > 1 else "")
        asked = place.narrowed(path, [_name(row, column) for row in values], ours=name in files)
        narrow += [(asked, name, column)] if asked else []
    return narrow


def _name(row: object, column: str | None) -> str:
    """Return the name of a row."""
    return str(row[column]) if isinstance(row, dict) and column is not None else str(row)


def _column(seen: list[list[object]], place: int, column: str | None) -> str:
    """Return the step of a path that leads to the name of an entry; none where the entry is the name."""
    return f".{field(column)}" if column is not None and isinstance(seen[0][place], dict) else ""


def _fields(keys: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the selector of entries that are objects with the keys of the state input."""
    return tuple((key, f"$item.{field(key)}") for key in keys)


def _names_rows(rows: list[object], label: str | None) -> bool:
    """Return whether each row has a name of its own: the label column, or the row itself."""
    return label is not None or (all(isinstance(row, str) for row in rows) and len(set(map(str, rows))) == len(rows))


def _seen(row: object, label: str | None, columns: set[str]) -> object:
    """Return as much of a row as the machine needs: all of it, the columns its states read, or just the label."""
    if not isinstance(row, dict) or WHOLE in columns:
        return row
    if not columns and label is not None:
        return row[label]
    kept = columns | ({label} if label is not None else set())
    return {name: value for name, value in row.items() if name in kept}


def _label(keys: list[str], columns: list[str | None]) -> str:
    """Return JSONata that names an item from its state input."""
    parts = []
    for key, column in zip(keys, columns, strict=True):
        value = f"$input.{field(key)}"
        if column is not None:
            value = f"($type({value})='object'?{value}.{field(column)}:{value})"
        parts.append(f"$string({value})")
    return "&'/'&".join(parts)


def _computed(place: Place, lists: MappingOf[str, Value]) -> Step:
    """Return the loop over lists known only at run time: whole values in the state input, with their index."""
    draft = LoopDraft("for_each", [{"name": n, "input": n, "rows": None, "label": None} for n in lists], numbered=True)
    guards = tuple(guard for it in lists.values() if isinstance(it, Computed) for guard in it.guards)

    def entries(at: LoopDraft) -> Entries:
        keys = [str(it["input"]) for it in at.variables]
        code = _combine([it.code if isinstance(it, Computed) else literal(it.value) for it in lists.values()], keys)
        return Entries(Computed(code, guards), _fields(at.keys), "$input", "&'/'&".join(map(_computed_label, keys)))

    return place.repeat(draft, entries, None)


def _computed_label(key: str) -> str:
    """Return JSONata that names an item whose columns are unknown: by the texts of a row, else by its JSON."""
    texts = "$type($v)='object'?$join([$v.*[$type($)='string']],' '):''"
    return f"($v:=$input.{field(key)};$t:={texts};$substring($t=''?$string($v):$t,0,60))"


def _combine(lists: list[str], keys: list[str]) -> str:
    """Return JSONata for the entries of the product of lists, the first key outermost."""
    names = [f"$l{n}" for n in range(len(lists))]
    bound = "".join(f"{name}:={code};" for name, code in zip(names, lists, strict=True))
    if len(lists) == 1:  # an index would make JSONata look at every element for each
        entry = f"{{{literal(keys[0] + '#')}:$n,{literal(keys[0])}:$v}}"
        return f"({bound}[$map($l0,function($v,$n){{{entry}}})])"
    total = "*".join(f"$count({name})" for name in names)
    fields: list[str] = []
    below = ""
    for key, name in reversed(list(zip(keys, names, strict=True))):
        position = f"$floor($n/{below})" if below else "$n"
        fields.insert(0, f"{literal(key)}:{name}[{position}%$count({name})]")
        below = f"{below}*$count({name})".removeprefix("*") if below else f"$count({name})"
    entry = f"{{{literal(keys[0] + '#')}:$n,{','.join(fields)}}}"
    return f"({bound}[$map([0..{total}-1],function($n){{{entry}}})])"
