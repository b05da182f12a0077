"""Why something of a deployment could not be put in its place; CloudFormation shows the text."""

from __future__ import annotations


class NotPacked(Exception):
    """The function's package does not hold what the template asks for."""


class Unknown(Exception):
    """A custom resource that is none of ours, one without its properties, or a name that nothing stands for."""
