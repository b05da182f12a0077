"""Texts and names -> values of a template: Ref, Fn::GetAtt, Fn::Sub in their long form, as JSON has them."""

from __future__ import annotations

from typing import Any

Value = Any  # what JSON holds
Resources = dict[str, dict[str, Any]]  # logical id -> resource


def ref(name: str) -> dict[str, str]:
    """Return a parameter, or what a resource is known by."""
    return {"Ref": name}


def att(resource: str, attribute: str) -> dict[str, list[str]]:
    """Return an attribute of a resource."""
    return {"Fn::GetAtt": [resource, attribute]}


def text(of: str) -> str | dict[str, str]:
    """Return a text whose `${Name}` are filled in by the deployment."""
    return {"Fn::Sub": of} if "${" in of else of


def literal(of: str) -> str:
    """Return a text for `text` that comes out as it is."""
    return of.replace("${", "${!")
