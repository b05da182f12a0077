"""Secrets in what others wrote, a cause or a line of a log, blotted out before it goes into a message.

The shapes that the compiler refuses in workflows, and those of secrets that programs print.
"""

from __future__ import annotations

import re

BLOT = "[redacted]"
_NAMES = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret(?:[_-]?access)?(?:[_-]?key)?|token|api[_-]?key|access[_-]?key"
    r"|auth(?:orization)?|credentials?)"
)
_WHOLE = re.compile(
    r"""
      https://hooks\.slack\.com/\S+
    | https://(?:[\w-]+\.)?(?:discord(?:app)?\.com/api/webhooks|webhook\.office\.com/webhookb2)/\S+
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----(?:.*?-----END\ [A-Z ]*PRIVATE\ KEY-----|.*)
    | \bx(?:ox[abeoprs]|app)-[A-Za-z0-9-]{10,}
    | \bgh[pousr]_[A-Za-z0-9]{36}\b
    | \bgithub_pat_[A-Za-z0-9_]{22,}
    | \bglpat-[A-Za-z0-9_-]{20,}
    | \bAIza[A-Za-z0-9_-]{35}
    | \b[rs]k_live_[A-Za-z0-9]{16,}
    | \bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*          # a JSON web token
    """,
    re.VERBOSE | re.DOTALL,
)
_AFTER = (
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}"),
    re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"),  # the password of a URL
    # password=..., "password": "...", DB_PASSWORD: '...', --password ...; also inside JSON inside JSON
    re.compile(
        rf"(?i)([\w.-]*{_NAMES}\\?[\"']?\s*[=:]\s*)(?!\[redacted\])"
        r"(?:\\?\"(?:[^\"\\]|\\(?!\").)*\\?\"|'[^']*'|[^\s,;&\"'}}\])]+)"
    ),
    re.compile(rf"(?i)(--[\w-]*{_NAMES}\s+)(?!\[redacted\])\S+"),
    re.compile(r"(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+"),
)


def redact(text: str) -> str:
    """Return a text with everything in it that looks like a secret replaced."""
    text = _WHOLE.sub(BLOT, text)
    for pattern in _AFTER:
        text = pattern.sub(lambda found: f"{found[1]}{BLOT}", text)
    return text
