"""`mail>: body.txt` sends a mail by SMTP, by a small function; the server and its password are secrets."""

from __future__ import annotations

import base64
import posixpath

from stepdig.language.declared import FLAG, SECONDS, TEXT, Option, list_of, mapping
from stepdig.language.keys import SECRETS
from stepdig.language.model import Task
from stepdig.operators._options import Options, printed
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Call, Step
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

LONGEST_SECONDS = 420  # to connect, and again to answer: both together end before Lambda's 900
# Attachments travel in the payload of the state, in base64: with body and addresses they must stay under its 262,144 bytes.
ATTACHED_BYTES = 131_072
_KEPT = "keep it as the secret mail.password, or write ${secret:name}"


_ADDRESSES = list_of(TEXT, alone=True)
_FILE = mapping(
    Option("path", TEXT, "the file, relative to the project", required=True),
    Option("content_type", TEXT, "its type; application/octet-stream without it"),
    Option("filename", TEXT, "its name in the mail, where it is another"),
    others=True,
)


@operator(
    "mail",
    argument={**TEXT, **mapping(Option("data", TEXT, "the body"), others=True), "type": ["string", "object"]},
    options=(
        Option("subject", TEXT, "needed"),
        Option("from", TEXT, "needed"),
        Option("to", _ADDRESSES, "an address or a list of them; to, cc or bcc is needed"),
        Option("cc", _ADDRESSES, "who gets a copy"),
        Option("bcc", _ADDRESSES, "who gets a copy unseen by the others"),
        Option("html", FLAG, "`true` sends the body as HTML"),
        Option("attach_files", list_of(_FILE), "files of the project: `- path: report.csv`"),
        Option("host", TEXT, "the server, where the secret `mail.host` does not say it"),
        Option("port", TEXT, "its port, where the secret `mail.port` does not say it"),
        Option("username", TEXT, "who logs in, where the secret `mail.username` does not say it"),
        Option(
            "password",
            TEXT,
            "a reference to a secret, `${secret:name}`, never written out; else the secret `mail.password`",
        ),
        Option("tls", FLAG, "STARTTLS where the server offers it; `true` without it"),
        Option("ssl", FLAG, "TLS from the first byte; `false` without it"),
        Option("connect_timeout", SECONDS, "how long connecting may take; 60s without it"),
        Option("socket_timeout", SECONDS, "how long an answer may take; 180s without it"),
        Option("debug", FLAG, "without meaning: the talk with the server holds the password"),
        SECRETS,
    ),
)
def mail(task: Task, place: Place) -> Step:
    """Send a mail: `mail>: body.txt`, or `mail>: {data: text}`, with `subject:` and `to:`."""
    argument = place.required(task)
    if argument is None:
        return nothing(place)
    options = Options(task, place, ("mail",))
    event: dict[str, object] = {"body": _body(argument, options)}
    for name, needed in (("subject", True), ("from", True), ("host", False), ("port", False), ("username", False)):
        if options.given(name):
            event[name] = options.text(name)
        elif needed:
            at, hint = task.operator_at or task.at, f"{name}: ... in the task, or in _export: {{mail: {{{name}: ...}}}}"
            place.problem(at, "SD491", f"mail> needs '{name}'", hint, len("mail>"))
    for name in ("to", "cc", "bcc"):
        node = options.node(name)
        if node is not None and node != Sequence(node.at, ()):
            event[name] = _addresses(name, options)
    if not any(name in event for name in ("to", "cc", "bcc")):
        place.problem(task.operator_at or task.at, "SD491", "mail> needs 'to'", "to: [me@example.com]", len("mail>"))
    _password(event, options)
    if names := place.other_names(task):
        event["secrets"] = names
    event["html"] = options.flag("html", False)
    event["tls"], event["ssl"] = options.flag("tls", True), options.flag("ssl", False)
    for name in ("connect_timeout", "socket_timeout"):
        seconds = options.seconds(name, LONGEST_SECONDS)
        if seconds is not None:
            event[name] = seconds
    options.flag("debug", False)  # Digdag's log of the talk with the server; it would hold the password
    if options.given("attach_files"):
        event["attachments"] = _attachments(options)
    guards = tuple(options.guards)
    call = Call(place.name, place.comment, function="SendMailFunction", arguments=event, guards=guards)
    return place.invoke(task, call)


def _body(argument: Node, options: Options) -> object:
    """Return the body: a template file of the project, or the text under `data`."""
    place = options.place
    if isinstance(argument, Mapping):
        data = argument.get("data")
        if isinstance(data, Scalar) and len(argument.entries) == 1:
            return printed(options.filled(data, long=True))
        place.problem(argument.at, "SD492", "mail> needs a file or {data: text}", "mail>: {data: it is done}")
        return ""
    path = place.constant(argument, "the body file of mail>")
    template = place.template(argument, str(path)) if path is not None else None
    return options.filled(template, long=True) if template is not None else ""


def _addresses(name: str, options: Options) -> list[object]:
    node = options.node(name)
    found: list[object] = []
    for item in node.items if isinstance(node, Sequence) else (node,):
        if isinstance(item, Scalar):
            found.append(printed(options.filled(item)))
        elif item is not None:
            text = f"'{name}' of mail> is an address or a list of them"
            options.place.problem(item.at, "SD493", text, f"{name}: [me@example.com]", item.length)
    return found


def _password(event: dict[str, object], options: Options) -> None:
    """Put the password in when it is a reference to a secret; written out it would stand in the definition."""
    node = options.node("password")
    if node is None:
        return
    value = options.filled(node)
    if isinstance(value, dict):
        event["password"] = value
    else:
        options.place.problem(node.at, "SD494", "the password of mail> is a secret", _KEPT, node.length, secret=True)


def _attachments(options: Options) -> list[dict[str, object]]:
    """Return the attached files of the project, read when compiling."""
    place, node = options.place, options.node("attach_files")
    found: list[dict[str, object]] = []
    total = 0
    for item in node.items if isinstance(node, Sequence) else (node,):
        source = item.get("path") if isinstance(item, Mapping) else None
        if item is None or not isinstance(item, Mapping) or source is None:
            at = item or options.task.argument
            if at is not None:
                text = "'attach_files' of mail> is a list of mappings with 'path'"
                place.problem(at.at, "SD495", text, "- path: report.csv", at.length)
            continue
        path = place.constant(source, "the path of an attached file")
        content = place.read(str(path)) if path is not None else None
        if path is None:
            continue
        if content is None:
            hint = "files that tasks write stay in their containers: let a py> send those, or mail where they are in S3"
            place.problem(source.at, "SD495", f"there is no file '{path}' in the project", hint, source.length)
            continue
        total += len(content)
        kind, name = item.get("content_type"), item.get("filename")
        found.append(
            {
                "filename": posixpath.basename(str(path)) if name is None else printed(options.filled(name)),
                "content_type": "application/octet-stream"
                if kind is None
                else place.constant(kind, "the type of an attached file"),
                "data": base64.b64encode(content).decode(),
            }
        )
    if total > ATTACHED_BYTES and node is not None:
        text = f"the attached files have {total:,} bytes; a mail> takes {ATTACHED_BYTES:,}"
        place.problem(node.at, "SD496", text, "mail where they are in S3 instead", node.length)
    return found
