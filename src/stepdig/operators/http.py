"""`http>: uri` makes an HTTP request, by a small function; waiting between tries holds none."""

from __future__ import annotations

from dataclasses import replace

from stepdig.language.declared import ANY, FLAG, SECONDS, TEXT, VALUE, Option, list_of, mapping_of, word
from stepdig.language.keys import SECRETS
from stepdig.language.model import Task
from stepdig.operators._options import Options, printed
from stepdig.operators._registry import Place, operator
from stepdig.plan import Again, Call, Step
from stepdig.source.tree import Mapping, Node, Scalar, Sequence

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
REPEATABLE = ("GET", "HEAD", "OPTIONS", "TRACE")  # asked twice they change nothing, so they are tried again
FORMATS = ("text", "json", "form")
LONGEST_SECONDS = 840  # of Lambda's 900
# What is stored, as JSON; the function keeps to it. Two contents, of this iteration of a loop and an earlier one, must fit
# into a state's 262,144 bytes.
CONTENT_BYTES, STATUS_BYTES = 121_000, 100
# Digdag waits 1 s to 30 s between tries and never gives up. Here it is 1 s to 5 minutes, for an hour: each try takes three
# events of the history, which is bounded.
# digdag-standards/src/main/java/io/digdag/standards/operator/state/PollingRetryExecutor.java
BUSY = Again(("HttpBusy",), limit=20, interval=1, rate=2, most=300)  # 408 and 429, whatever `retry` says
AGAIN = replace(BUSY, errors=("HttpBusy", "HttpUnavailable"))


@operator(
    "http",
    argument=VALUE,
    options=(
        Option("method", word(*METHODS), "how it is asked; GET without it"),
        Option(
            "headers", list_of(mapping_of(TEXT)), "a list of mappings with one name each: `- Accept: application/json`"
        ),
        Option(
            "query",
            {**mapping_of(TEXT), "type": ["object", "string"]},
            "a mapping, or a text a=1&b=2; joined to the query of the URI",
        ),
        Option("content", ANY, "what is sent: a mapping or a list as JSON, anything else as text"),
        Option("content_format", word(*FORMATS), "how the content is written; a form is a mapping of names to texts"),
        Option("content_type", TEXT, "the Content-Type in place of the format's own"),
        Option(
            "store_content",
            FLAG,
            "whether the answer is stored: 65,536 characters, 120,000 bytes as JSON at most; `false` without it",
        ),
        Option("timeout", SECONDS, "how long an answer may take; 30s without it, 14m at most"),
        Option("retry", FLAG, "whether to try again; `true` for GET, HEAD, OPTIONS and TRACE without it"),
        Option("follow_redirects", FLAG, "whether to follow up to 8 of them; `true` without it"),
        Option("insecure", FLAG, "`true` takes any certificate"),
        SECRETS,
    ),
    stores=True,
)
def http(task: Task, place: Place) -> Step:
    """Make an HTTP request: `http>: https://api.example.com/items`; its answer is `http.last_status`, `http.last_content`."""
    options = Options(task, place, ("http",))
    method = options.word("method", METHODS, "GET")
    event: dict[str, object] = {"method": method}
    if task.argument is not None:
        if not isinstance(task.argument, Scalar):
            place.problem(task.argument.at, "SD482", "http> needs a URI", "http>: https://api.example.com/items")
        event["uri"] = printed(options.filled(task.argument))
    event.update(_content(options))
    if options.given("headers"):
        event["headers"] = _headers(options)
    if options.given("query"):
        event["query"] = _query(options)
    event["store_content"] = options.flag("store_content", False)
    event["timeout"] = options.seconds("timeout", LONGEST_SECONDS) or 30
    for name, default in (("follow_redirects", True), ("insecure", False)):
        if options.flag(name, default) is not default:
            event[name] = not default
    if names := place.other_names(task):
        event["secrets"] = names
    _proxy(options)
    retry = options.flag("retry", method in REPEATABLE)
    call = Call(
        place.name,
        place.comment,
        function="HttpRequestFunction",
        arguments=event,
        guards=tuple(options.guards),
        again=(AGAIN if retry else BUSY,),
        stores="{'http':$states.result.Payload}",
        answer=CONTENT_BYTES if event["store_content"] else STATUS_BYTES,
    )
    return place.invoke(task, call, ("http.last_status", "http.last_content"))


def _content(options: Options) -> dict[str, object]:
    """Return the content of the request and how it is written out."""
    node = options.node("content")
    if node is None:
        return {}
    container = not isinstance(node, Scalar)
    form = options.word("content_format", FORMATS, "json" if container else "text")
    wrong = (container and form == "text") or (form == "form" and not isinstance(node, Mapping))
    if wrong or (form == "form" and isinstance(node, Mapping) and _nests(node)):
        kind = "a mapping" if isinstance(node, Mapping) else "a list" if container else "a text"
        hint = "a form is a mapping of names to texts" if form == "form" else "write content_format: json"
        options.place.problem(node.at, "SD483", f"{kind} cannot be sent as {form}", hint, node.length)
    found: dict[str, object] = {"content": options.filled(node), "content_format": form}
    if options.given("content_type"):
        found["content_type"] = options.text("content_type")
    return found


def _nests(node: Mapping) -> bool:
    return any(not isinstance(value, Scalar) for _, value in node)


def _headers(options: Options) -> list[dict[str, object]]:
    """Return the headers as pairs: a list of mappings with one name each, as Digdag has it."""
    node = options.node("headers")
    pairs: list[dict[str, object]] = []
    entries: tuple[Node, ...] = node.items if isinstance(node, Sequence) else (node,) if node is not None else ()
    for entry in entries:
        if isinstance(node, Sequence) and isinstance(entry, Mapping) and len(entry.entries) == 1:
            pairs += _pairs(entry, options)
        else:
            text = "'headers' of http> is a list of mappings with one name each"
            options.place.problem(entry.at, "SD484", text, "- Accept: application/json", entry.length)
    return pairs


def _query(options: Options) -> object:
    """Return the query as pairs, or as the text that it is."""
    node = options.node("query")
    if isinstance(node, Mapping):
        return _pairs(node, options)
    if isinstance(node, Scalar):
        return printed(options.filled(node))
    if node is not None:
        options.place.problem(node.at, "SD484", "'query' of http> is a mapping, or a text", "query: {q: value}")
    return []


def _pairs(node: Mapping, options: Options) -> list[dict[str, object]]:
    pairs: list[dict[str, object]] = []
    for key, value in node:
        if not isinstance(value, Scalar):
            options.place.problem(value.at, "SD484", f"'{key.value}' must be a text", "", value.length)
            continue
        pairs.append({"name": str(key.value), "value": printed(options.filled(value))})
    return pairs


def _proxy(options: Options) -> None:
    node = options.node("proxy")
    enabled = node.get("enabled") if isinstance(node, Mapping) else None
    if node is not None and isinstance(enabled, Scalar) and str(enabled.value).lower() == "true":
        hint = "remove it: the function's own network decides how it reaches the server"
        options.place.problem(node.at, "SD485", "'proxy' of http> is not supported", hint)
