"""What is given at start against what a bundle says a workflow takes: the command line's side of `asl/given.py`.

Both convert and refuse the same; here every mistake has a proposal, and nothing has started yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from stepdig.language import input_types
from stepdig.language.input_types import TYPES
from stepdig.language.model import Input
from stepdig.problem import did_you_mean
from stepdig.source.nodes import plain

SHOWN = 10  # names of a list in a message


def spec(inputs: Iterable[Input]) -> dict[str, Any]:
    """Return declared inputs as the bundle keeps them."""
    return {
        it.name: {
            "type": it.type,
            "required": it.required,
            **({} if it.default is None else {"default": plain(it.default)}),
            **({"values": list(it.values)} if it.values else {}),
            **({"description": it.description} if it.description else {}),
        }
        for it in inputs
    }


def checked(bundle: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the parameters with the types that the workflow declares, and what is wrong with them, all of it."""
    params, lists = dict(given), bundle.get("lists") or {}
    wrong: list[str] = []
    if bundle.get("params") is not None:
        exempt = {*(("only",) if lists else ()), *(("env",) if bundle.get("environments") else ())}
        params = _declared(bundle["params"], params, wrong, exempt=exempt)
    if bundle.get("environments") and params.get("env") is not None:
        wrong += _not_allowed("env", params["env"], bundle["environments"])
    if lists and params.get("only") is not None:
        wrong += _narrowed(lists, params["only"])
    return params, wrong


def unheard(bundle: Mapping[str, Any], definition: str, params: Mapping[str, Any]) -> str:
    """Return a note on an `only` that narrows nothing and that nothing seems to read; "" when there is none."""
    if (
        "only" not in params
        or bundle.get("lists")
        or not any(it["operator"] == "for_each" for it in bundle["loops"].values())
    ):
        return ""
    if "only" in (bundle.get("params") or {}) or re.search(r"\bonly\b", f"{definition} {json.dumps(bundle)}"):
        return ""
    return "only narrows lists of files, and lists in workflows with params:; here it is a parameter like any other"


def _declared(
    declared: Mapping[str, Any], given: Mapping[str, Any], wrong: list[str], exempt: set[str]
) -> dict[str, Any]:
    """Return the given values converted; null counts as not given."""
    params: dict[str, Any] = {}
    for name, value in given.items():
        row = declared.get(name)
        if value is None or name in exempt:
            params.update({name: value} if value is not None else {})
        elif row is None:
            known = f"known: {', '.join(declared)}" if declared else "it takes none"
            wrong.append(f"there is no parameter {name} ({did_you_mean(name, declared) or known})")
        else:
            try:
                params[name] = input_types.convert(row["type"], _parsed(row["type"], value))
            except input_types.WrongTypeError:
                wrong.append(f"{name} must be {TYPES[row['type']].said}, not {_shown(value)}")
                continue
            wrong += _not_allowed(name, params[name], row.get("values"))
    missing = [name for name, row in declared.items() if row["required"] and given.get(name) is None]
    wrong += [f"{name} must be given: -p {name}=..." for name in missing]
    return params


def _parsed(type_name: str, value: object) -> object:
    """Return a text of the command line that holds a list or an object as JSON, read; anything else as it is."""
    if type_name in ("list", "object") and isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _not_allowed(name: str, value: object, values: list[object] | None) -> list[str]:
    wrong = [it for it in (value if isinstance(value, list) else [value]) if values and it not in values]
    if not wrong or not values:
        return []
    hint = did_you_mean(str(wrong[0]), map(str, values))
    return [
        f"{name} must be one of {', '.join(map(str, values))}, not {_shown(value)}" + (f" ({hint})" if hint else "")
    ]


def _narrowed(lists: Mapping[str, list[str]], only: object) -> list[str]:
    """Return what is wrong with `only`: names that no list has, a list of which no row is named."""
    if isinstance(only, dict):
        return [it for key, names in only.items() for it in _of_one(lists, str(key), _names(names))]
    names = _names(only)
    if not names:
        return ["only: no row is named"]
    known = [name for rows in lists.values() for name in rows]
    unknown = [it for it in names if it not in known]
    if unknown:
        return [f"only: there is no {it} in {_all(lists)}{_near(it, known)}" for it in unknown]
    return [
        f"only: no row of {_all({path: rows})} is named; say which list you mean, as in only.{path}"
        for path, rows in lists.items()
        if not any(name in rows for name in names)
    ]


def _of_one(lists: Mapping[str, list[str]], key: str, names: list[object]) -> list[str]:
    """Return what is wrong with the names for one list, by the name of its task."""
    meant = {path: rows for path, rows in lists.items() if path == key or path.endswith(f"+{key}")}
    if not meant:
        return [f"only: there is no list of +{key}; there are {', '.join(f'+{path}' for path in lists)}"]
    known = [name for rows in meant.values() for name in rows]
    if not names:
        return [f"only: no row of +{key} is named"]
    return [f"only: there is no {it} in {_all(meant)}{_near(it, known)}" for it in names if it not in known]


def _names(value: object) -> list[object]:
    if isinstance(value, str):
        return [*input_types.names(value)]
    return value if isinstance(value, list) else [value]


def _all(lists: Mapping[str, list[str]]) -> str:
    shown = (
        f"+{path} ({', '.join(rows[:SHOWN])}{', ...' if len(rows) > SHOWN else ''})" for path, rows in lists.items()
    )
    return ", ".join(shown)


def _near(name: object, known: Iterable[str]) -> str:
    hint = did_you_mean(str(name), known)
    return f": {hint}" if hint else ""


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:60]


def listed(declared: Mapping[str, Any], lists: Mapping[str, Any], environments: Iterable[str] = ()) -> str:
    """Return the parameters of a workflow as `--help` lists them; "" when it declares nothing."""
    lines = []
    for name, row in declared.items():
        about = [row["type"], f"one of {', '.join(map(str, row['values']))}" if "values" in row else ""]
        default = json.dumps(row["default"], ensure_ascii=False) if "default" in row else ""
        about.append("must be given" if row["required"] else f"default {default}" if default else "")
        lines.append((name, "; ".join(filter(None, about)), row.get("description", "")))
    if names := list(environments):
        lines.append(("env", f"one of {', '.join(names)}", "the environment; --env NAME is the same"))
    if lists:
        lines.append(("only", f"names of rows, of {_all(lists)}", "run just these"))
    width = max((len(name) for name, _, _ in lines), default=0)
    return "".join(
        f"  {name:<{width}}  {about}\n" + (f"  {'':<{width}}  {text}\n" if text else "") for name, about, text in lines
    )
