"""One HTTP request: how it is put together, and what its answer means to Digdag.

Waiting between tries is the state machine's work; here one request is made, redirects followed.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import urllib3

from errors import HttpBusy, HttpFailed, HttpUnavailable
from texts import HIDDEN, Secrets, shown

OWN_SECRETS = ("http.uri", "http.authorization", "http.user", "http.password")
MAX_REDIRECTS = 8
# What the task may store: Digdag's limit in characters, and as JSON the bytes that the compiler counts on.
STORED_CHARS = 65_536
STORED_BYTES = 120_000
ANSWER_BYTES = 4 * STORED_CHARS  # no more is read: a character has four bytes at most
MESSAGE_CHARS = 3_000  # of the answer in a message: the cause of a failure ends at 32,768, escapes included
LATER = (408, 429)
PHRASES = {500: "Server Error"}  # as Jetty says, whose words Digdag passes on


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to go; `shown` is its URI without secrets."""

    method: str
    uri: str
    shown: str
    headers: urllib3.HTTPHeaderDict
    body: bytes | None


def send(event: dict[str, Any], secrets: Secrets, log: Callable[[str], None]) -> dict[str, Any]:
    """Make the request of an event and return what is stored. Raises what errors.py has."""
    prepared = prepare(event, secrets)
    log(f"Sending HTTP request: {prepared.method} {prepared.shown}")
    with _pool(event) as pool:
        response, body = _exchange(pool, prepared, event)
    log(f"Received HTTP response: {prepared.method} {prepared.shown}: {_status(response.status)}")
    text = body.decode(_charset(response.headers.get("Content-Type", "")), "replace")
    if not 200 <= response.status < 400:
        raise _failure(prepared, response.status, text)
    stored: dict[str, Any] = {"last_status": response.status}
    if event.get("store_content"):
        stored["last_content"] = _kept(text)
    return stored


def prepare(event: dict[str, Any], secrets: Secrets) -> Prepared:
    """Put the request of an event together. Raises HttpFailed and SecretMissing."""
    own = secrets.find(*OWN_SECRETS)
    given = own["http.uri"] if "http.uri" in own else secrets.text(event.get("uri"))
    uri, public = given, shown(event.get("uri"))
    if not given:
        raise HttpFailed("http> has no URI, neither written in the task nor as the secret http.uri")
    if event.get("query"):
        uri = _with_query(uri, _pairs(event["query"], secrets.text))
        public = _with_query(public, _pairs(event["query"], shown))
    if "http.uri" in own:
        public = f"{urlsplit(given).scheme}://{HIDDEN}"
    headers = urllib3.HTTPHeaderDict({"User-Agent": "stepdig"})
    if "http.authorization" in own:
        headers["Authorization"] = own["http.authorization"]
    elif "http.user" in own:
        account = f"{own['http.user']}:{own.get('http.password', '')}"
        headers.update(urllib3.make_headers(basic_auth=account))
    body = _body(event, secrets, headers)
    for it in event.get("headers", ()):
        if it["name"].lower() in ("content-type", "user-agent", "authorization"):
            headers.discard(it["name"])
        headers.add(it["name"], secrets.text(it["value"]))
    return Prepared(event["method"], uri, _without_account(public), headers, body)


def _body(event: dict[str, Any], secrets: Secrets, headers: urllib3.HTTPHeaderDict) -> bytes | None:
    """Return the content as bytes, its type noted in the headers."""
    if "content" not in event:
        return None
    content, form = secrets.filled(event["content"]), event["content_format"]
    if form == "form":
        text, kind = (
            urlencode({key: _scalar(value) for key, value in content.items()}),
            "application/x-www-form-urlencoded",
        )
    elif form == "json":
        text, kind = json.dumps(content, ensure_ascii=False, separators=(",", ":")), "application/json"
    else:
        text, kind = _scalar(content), "plain/text"  # what Digdag sends, though its page says text/plain
    headers["Content-Type"] = event.get("content_type") or kind
    return text.encode()


def _scalar(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _pairs(query: Any, text: Callable[[Any], str]) -> list[tuple[str, str]]:  # noqa: ANN401 - any JSON
    """Return the query of an event as pairs: a list of them, or a text `a=1&b=2`."""
    if isinstance(query, list):
        return [(it["name"], text(it["value"])) for it in query]
    return parse_qsl(text(query), keep_blank_values=True)


def _with_query(uri: str, pairs: list[tuple[str, str]]) -> str:
    parts = urlsplit(uri)
    query = "&".join(filter(None, (parts.query, urlencode(pairs))))
    return urlunsplit(parts._replace(query=query))


def _without_account(uri: str) -> str:
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _pool(event: dict[str, Any]) -> urllib3.PoolManager:
    redirects = MAX_REDIRECTS if event.get("follow_redirects", True) else False
    retries = urllib3.Retry(total=None, connect=0, read=0, other=0, status=0, redirect=redirects)
    if event.get("insecure"):
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        return urllib3.PoolManager(retries=retries, cert_reqs="CERT_NONE")
    return urllib3.PoolManager(retries=retries)


def _exchange(
    pool: urllib3.PoolManager, prepared: Prepared, event: dict[str, Any]
) -> tuple[urllib3.BaseHTTPResponse, bytes]:
    """Make the request and read the answer, as much of it as may be of use."""
    uri = urlsplit(prepared.uri)
    if uri.scheme not in ("http", "https") or not uri.hostname:
        raise HttpFailed(f"{prepared.shown} is no http or https URI")
    try:
        response = pool.request(
            prepared.method,
            prepared.uri,
            body=prepared.body,
            headers=prepared.headers,
            timeout=urllib3.Timeout(total=float(event.get("timeout", 30))),
            redirect=bool(event.get("follow_redirects", True)),
            preload_content=False,
        )
        try:
            return response, response.read(ANSWER_BYTES + 1, decode_content=True) or b""
        finally:
            response.release_conn()
    except urllib3.exceptions.MaxRetryError as error:
        if isinstance(error.reason, urllib3.exceptions.ResponseError):
            raise HttpFailed(f"{prepared.method} {prepared.shown}: more than {MAX_REDIRECTS} redirects") from None
        raise HttpUnavailable(f"{prepared.method} {prepared.shown}: {_why(error.reason)}") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise HttpUnavailable(f"{prepared.method} {prepared.shown}: {_why(error)}") from None


def _why(error: BaseException | None) -> str:
    """Return the cause of a broken connection without the URI, which urllib3 puts into its messages."""
    cause = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return type(error).__name__


def _failure(prepared: Prepared, status: int, text: str) -> Exception:
    """Return what a status that is no success means, in Digdag's words."""
    said = f"{prepared.method} {prepared.shown} - {_status(status)}: {text[:MESSAGE_CHARS]}"
    if status in LATER:
        return HttpBusy(f"HTTP 4XX Client Error: {said}")
    if 400 <= status < 500:
        return HttpFailed(f"HTTP 4XX Client Error: {said}")
    if 500 <= status < 600:
        return HttpUnavailable(f"HTTP 5XX Server Error: {said}")
    return HttpUnavailable(f"Unexpected HTTP status: {said}")


def _status(status: int) -> str:
    try:
        return f"{status} {PHRASES.get(status) or HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _charset(content_type: str) -> str:
    for part in content_type.split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "charset":
            return _known(value.strip("\"' "))
    return "utf-8"


def _known(charset: str) -> str:
    """Return a charset that Python can decode."""
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return "utf-8"


def _kept(text: str) -> str:
    """Return a content that may be stored. Raises HttpFailed."""
    chars = len(text.encode("utf-16-le")) // 2  # as Java counts
    if chars > STORED_CHARS:
        raise HttpFailed(f"Response content too large: {_size(chars)} > {STORED_CHARS}")
    size = len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))
    if size > STORED_BYTES:
        raise HttpFailed(
            f"Response content too large: {size:,} bytes as JSON, and a state has room for {STORED_BYTES:,}"
        )
    return text


def _size(chars: int) -> str:
    return f"more than {STORED_CHARS}" if chars >= ANSWER_BYTES else str(chars)
