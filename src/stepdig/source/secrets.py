"""Secrets in a workflow. Written out they are an error, since a definition, an archive and a log would carry them on."""

from __future__ import annotations

import re

from stepdig.problem import Problem, Problems
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

# What a secret looks like wherever it stands: a Slack webhook, an AWS access key, a private key, a Slack or GitHub token.
_LOOKS = (
    ("a Slack webhook", re.compile(r"https://hooks\.slack\.com/(services|workflows|triggers)/\S+")),
    ("an AWS access key", re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a Slack token", re.compile(r"\bxox[abpr]-[A-Za-z0-9-]{10,}")),
    ("a GitHub token", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b")),
)
_HINT = "keep it in Secrets Manager or Parameter Store and give the task its name"


def find(node: Node, problems: Problems, hint: str = _HINT) -> None:
    """Note every text below a node that looks like a secret."""
    if isinstance(node, Mapping):
        for key, value in node:
            find(key, problems, hint)
            find(value, problems, hint)
    elif isinstance(node, Sequence):
        for item in node.items:
            find(item, problems, hint)
    elif isinstance(node.value, str):
        _look(node, node.value, problems, hint)


def _look(node: Scalar, text: str, problems: Problems, hint: str) -> None:
    for what, pattern in _LOOKS:
        found = pattern.search(text)
        if found:
            at, words = node.position(found.start()), f"{what} is written out here"
            problems.found.append(Problem(at, "SD410", words, hint, len(found[0]), secret=True))
