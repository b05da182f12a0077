"""Secrets in a workflow. Written out they are an error, since a definition, an archive and a log would carry them on.

A text is told by what it looks like, wherever it stands; a value by its key, `password: ...`, where it can hardly be
anything else: names of secrets, paths, references and flags stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stepdig.problem import Problem, Problems
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

# What a secret looks like wherever it stands: what it is; texts without which it cannot be one, in small letters; how it is
# written. Repetitions are bounded where more follows, since texts may be long. `(?P<secret>...)` is the part that is hidden.
_LOOKS = (
    ("a Slack webhook", ("hooks.slack.com",), r"https://hooks\.slack\.com/(services|workflows|triggers)/\S+"),
    ("a webhook", ("/api/webhooks/",), r"https://([\w-]+\.)?discord(app)?\.com/api/webhooks/[0-9]+/\S+"),
    ("a webhook", ("webhook.office.com",), r"https://([\w-]+\.)?webhook\.office\.com/webhookb2/\S+"),
    # AWS's own pages write ...EXAMPLE
    ("an AWS access key", ("akia", "asia"), r"\b(AKIA|ASIA)(?![A-Z0-9]*EXAMPLE\b)[A-Z0-9]{16}\b"),
    (
        "an AWS secret key",
        ("aws",),
        r"(?i)aws_?secret_?access_?key[\"']?\s*[:=]\s*[\"']?(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
    ),
    ("a private key", ("private key",), r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"),
    ("a Slack token", ("xox", "xapp"), r"\bx(ox[abeprs]|app)-[A-Za-z0-9-]{10,}"),
    ("a GitHub token", ("gh", "github_pat_"), r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})\b"),
    ("a GitLab token", ("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Google API key", ("aiza",), r"\bAIza[A-Za-z0-9_-]{35}\b"),
    ("a Stripe key", ("k_live_",), r"\b[rs]k_live_[A-Za-z0-9]{16,}\b"),
    ("a SendGrid key", ("sg.",), r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b"),
    ("a token", ("eyj",), r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    (
        "a token",
        ("bearer", "basic"),
        r"(?i)\b(bearer|basic) +(?P<secret>(?=[a-z0-9._~+/=-]{0,99}[0-9])[a-z0-9._~+/=-]{16,})",
    ),
    (
        "a password in a URL",
        ("://",),
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@${}'\"]{0,100}:(?P<secret>(?![*x]+@)[^\s/:@${}<>'\"]{3,200})@",
    ),
    (
        "a password",
        ("password=", "passwd=", "mysql_pwd="),
        r"(?i)(?<![?&\w])[a-z0-9_-]{0,40}(password|passwd|mysql_pwd)=[\"']?(?P<secret>[^\s$\"'{}<>*/;&|`]{6,})",
    ),
)
_CUE = re.compile("|".join(re.escape(cue) for _, cues, _ in _LOOKS for cue in cues))  # few texts have any
# Keys whose value is a secret if it can be one: any word, or only what looks drawn by lot, since a token may be the name of one.
_PASSWORD = re.compile(r"(?i)(password|passwd|passphrase|_pwd)\Z")
_TOKEN = re.compile(r"(?i)(secret|token|api[_-]?key|(access|private|secret)[_-]?key|credentials?)\Z")
_NAME = re.compile(
    r"(?i)(\A|[._-])(password|passwd|secret|token|key)s?([._-]|\Z)|\A[a-z_-]+\.[a-z._-]+\Z"
)  # rather the name of a secret
_REFERENCE = re.compile(r"\$|[./~<*]|arn:|\s")
_PASSWORD_CHARS, _TOKEN_CHARS, _HEX_CHARS = 6, 16, 24
_HINT = (
    "aws ssm put-parameter --type SecureString --name /stepdig/STACK/secrets/{key} (on a laptop: stepdig secrets --local "
    "--set {key}), and write ${{secret:{key}}} here"
)
# digdag-slack reads this key; our slack> has the webhook from where the stack keeps it.
_WEBHOOK_KEY = "webhook_url"
_WEBHOOK_HINT = (
    "leave it out: slack> has the stack's, aws ssm put-parameter --type SecureString --name "
    "/stepdig/STACK/secrets/slack.webhook (on a laptop: STEPDIG_SLACK_WEBHOOK). Commands may write ${secret:slack.webhook}"
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that is written out: `what` it is, up to "written out here", and which characters of its text."""

    what: str
    start: int
    end: int


def find(node: Node, problems: Problems, hint: str = "", key: str = "") -> None:
    """Note every text below a node that looks like a secret; `key` is what it is the value of, `hint` in place of ours."""
    if isinstance(node, Mapping):
        keys = {name.value for name, _ in node}
        for name, value in node.all_entries:
            find(name, problems, hint)
            known = name.value == "password" and "mail>" in keys  # which mail> has its own words for
            find(value, problems, hint, "" if known else str(name.value))
    elif isinstance(node, Sequence):
        for item in node.items:
            find(item, problems, hint, key)
    elif isinstance(node.value, str):
        _note(node, node.value, problems, hint, key)


def written_out(text: str, key: str = "") -> Iterator[Secret]:
    """Yield the secrets in a text, in order, none twice; all of it by its `key` if nothing is by its looks."""
    found: list[Secret] = []
    small = text.lower()
    for what, cues, written in _LOOKS if _CUE.search(small) else ():
        if not any(cue in small for cue in cues):
            continue
        pattern = re.compile(written)  # re keeps it: most runs need none of them
        for it in pattern.finditer(text):
            start, end = it.span("secret" if "secret" in pattern.groupindex else 0)
            if not any(start < other.end and other.start < end for other in found):
                found.append(Secret(f"{what} is", start, end))
    if not found and _by_name(key, text):
        found.append(Secret(f"'{key}' is a secret by its name, and", 0, len(text)))
    yield from sorted(found, key=lambda it: it.start)


def _by_name(key: str, text: str) -> bool:
    """Tell whether a value is a secret by its key."""
    if "${" in text or _REFERENCE.match(text) or " " in text or _NAME.search(text):
        return False
    if _PASSWORD.search(key):
        return len(text) >= _PASSWORD_CHARS
    kinds = sum(bool(re.search(kind, text)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    drawn = kinds == len(("a", "A", "0")) or (len(text) >= _HEX_CHARS and re.fullmatch(r"[0-9a-f]+", text) is not None)
    return bool(_TOKEN.search(key)) and len(text) >= _TOKEN_CHARS and drawn


def _note(node: Scalar, text: str, problems: Problems, hint: str, key: str) -> None:
    for it in written_out(text, key):
        name = re.sub(r"[^A-Za-z0-9_.@-]+|.*>", "-", key).strip("-._@") or "KEY"
        at, length = node.position(it.start), it.end - it.start
        said = hint or (_WEBHOOK_HINT if key == _WEBHOOK_KEY else _HINT.format(key=name))
        problems.found.append(Problem(at, "SD410", f"{it.what} written out here", said, length, secret=True))
