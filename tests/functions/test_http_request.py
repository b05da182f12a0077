"""http_request: what goes over the wire, what each answer means, that no secret is told."""

import json
from pathlib import Path

import pytest

from stepdig.local.functions import Modules, load
from stepdig.operators import http

FOLDER = Path(__file__).resolve().parents[2] / "functions" / "http_request"


@pytest.fixture(scope="module")
def modules():
    return Modules(FOLDER).load


@pytest.fixture
def secrets():
    return {}


@pytest.fixture
def send(modules, secrets, http_server):
    request, texts = modules("request"), modules("texts")
    log = []

    def go(path="/echo", **event):
        found = texts.Secrets(lambda names: {name: secrets[name] for name in names if name in secrets})
        given = {"method": "GET", "uri": f"{http_server.url}{path}", "timeout": 5, **event}
        return request.send(given, found, log.append)

    go.log = log
    return go


def pair(name, value):
    return {"name": name, "value": value}


def error(modules, name):
    return getattr(modules("errors"), name)


def test_a_get_stores_its_status_alone(send, http_server):
    assert send() == {"last_status": 200}
    assert http_server.requests[0].method == "GET"
    assert http_server.requests[0].header("User-Agent") == "stepdig"


def test_content_is_stored_when_wanted_decoded_by_its_charset(send, http_server):
    http_server.answer(201, "日本".encode("shift_jis"), Content_Type="text/plain; charset=shift_jis")
    assert send(store_content=True) == {"last_status": 201, "last_content": "日本"}


def test_an_unknown_charset_is_read_as_utf_8(send, http_server):
    http_server.answer(200, "é", Content_Type="text/plain; charset=klingon")
    assert send(store_content=True)["last_content"] == "é"


@pytest.mark.parametrize(
    ("content", "form", "body", "kind"),
    [
        ({"a": 1, "b": "x y"}, "json", b'{"a":1,"b":"x y"}', "application/json"),
        ({"parts": ["k"]}, "text", b"k", "plain/text"),
        ({"mapping": {"parts": ["k"]}}, "json", b'{"parts":["k"]}', "application/json"),
        (["é", None], "json", '["é",null]'.encode(), "application/json"),
        ("plain", "text", b"plain", "plain/text"),
        (5, "text", b"5", "plain/text"),
        (True, "text", b"true", "plain/text"),
        ("plain", "json", b'"plain"', "application/json"),
        ({"a": 1, "b": "x y"}, "form", b"a=1&b=x+y", "application/x-www-form-urlencoded"),
    ],
)
def test_content_is_written_as_digdag_writes_it(send, http_server, content, form, body, kind):
    send(method="POST", content=content, content_format=form)

    request = http_server.requests[0]
    assert (request.body, request.header("Content-Type")) == (body, kind)


def test_content_type_and_headers_override(send, http_server):
    send(
        method="PUT",
        content="<a/>",
        content_format="text",
        content_type="application/xml",
        headers=[pair("X-A", "1"), pair("X-A", "2")],
    )

    request = http_server.requests[0]
    assert request.header("Content-Type") == "application/xml"
    assert [value for name, value in request.headers if name == "X-A"] == ["1, 2"] or [
        value for name, value in request.headers if name == "X-A"
    ] == ["1", "2"]


def test_query_joins_that_of_the_uri(send, http_server):
    send("/echo?a=b", query=[pair("q", "1 2"), pair("r", "&")])
    assert http_server.requests[0].path == "/echo?a=b&q=1+2&r=%26"


def test_a_query_may_be_a_text(send, secrets, http_server):
    secrets["k"] = "v w"
    send(query={"parts": ["a=1%202&k=", {"secret": "k"}, "&e="]})
    assert http_server.requests[0].path == "/echo?a=1+2&k=v+w&e="


@pytest.mark.parametrize(
    ("status", "name", "words"),
    [
        (404, "HttpFailed", "HTTP 4XX Client Error: GET {url}/status/404 - 404 Not Found: status body"),
        (400, "HttpFailed", "HTTP 4XX Client Error: GET {url}/status/400 - 400 Bad Request: status body"),
        (408, "HttpBusy", "HTTP 4XX Client Error: GET {url}/status/408 - 408 Request Timeout: status body"),
        (429, "HttpBusy", "HTTP 4XX Client Error: GET {url}/status/429 - 429 Too Many Requests: status body"),
        (500, "HttpUnavailable", "HTTP 5XX Server Error: GET {url}/status/500 - 500 Server Error: status body"),
        (599, "HttpUnavailable", "HTTP 5XX Server Error: GET {url}/status/599 - 599: status body"),
    ],
)
def test_a_status_that_is_no_success_has_digdags_words(send, modules, http_server, status, name, words):
    with pytest.raises(error(modules, name)) as raised:
        send(f"/status/{status}")
    assert str(raised.value) == words.format(url=http_server.url)


def test_redirects_are_followed_unless_told_not_to(send, http_server):
    http_server.answer(302, "", Location="/echo")
    assert send(store_content=True)["last_status"] == 200
    assert [it.path for it in http_server.requests] == ["/echo", "/echo"]

    http_server.answer(302, "", Location="/echo")
    assert send(follow_redirects=False) == {"last_status": 302}


def test_redirects_in_a_circle_end(send, modules, http_server):
    for _ in range(12):
        http_server.answer(302, "", Location="/echo")
    with pytest.raises(error(modules, "HttpFailed"), match="more than 8 redirects"):
        send()


def test_a_broken_connection_may_be_tried_again(send, modules, http_server):
    http_server.answer(0)
    with pytest.raises(error(modules, "HttpUnavailable"), match="GET http://127"):
        send()


def test_a_refused_connection_says_so(send, modules):
    with pytest.raises(error(modules, "HttpUnavailable"), match=r"GET http://127\.0\.0\.1:1/x: Connection refused"):
        send(uri="http://127.0.0.1:1/x")


@pytest.mark.parametrize("uri", ["ftp://127.0.0.1/x", "no uri", "", None, "http://"])
def test_what_is_no_uri_is_refused(send, modules, uri):
    with pytest.raises(error(modules, "HttpFailed")):
        send(uri=uri)


def test_a_content_over_64_ki_characters_is_refused_and_never_read_whole(send, modules, http_server):
    http_server.answer(200, "a" * 65_536)
    assert len(send(store_content=True)["last_content"]) == 65_536
    http_server.answer(200, "a" * 65_537)
    with pytest.raises(error(modules, "HttpFailed"), match="Response content too large: 65537 > 65536"):
        send(store_content=True)
    http_server.answer(200, "a" * 3_000_000)
    with pytest.raises(error(modules, "HttpFailed"), match="more than 65536 > 65536"):
        send(store_content=True)


def test_a_content_that_is_large_as_json_is_refused(send, modules, http_server):
    http_server.answer(200, "\x01" * 60_000)
    with pytest.raises(error(modules, "HttpFailed"), match="360,002 bytes as JSON"):
        send(store_content=True)


def test_secrets_go_out_and_are_told_nowhere(send, modules, secrets, http_server):
    secrets.update({"api.token": "s3cr3t-token", "api.key": "s3cr3t-key"})
    uri = {"parts": [http_server.url, "/status/404?key=", {"secret": "api.key"}]}
    with pytest.raises(error(modules, "HttpFailed")) as raised:
        send(uri=uri, headers=[pair("Authorization", {"parts": ["Bearer ", {"secret": "api.token"}]})])

    assert http_server.requests[0].path == "/status/404?key=s3cr3t-key"
    assert http_server.requests[0].header("Authorization") == "Bearer s3cr3t-token"
    assert "s3cr3t" not in str(raised.value) + "".join(send.log)
    assert "?key=***" in str(raised.value)


def test_a_missing_secret_is_named(send, modules):
    with pytest.raises(error(modules, "SecretMissing"), match="Secret not found for key: 'nope'"):
        send(headers=[pair("X", {"parts": [{"secret": "nope"}]})])


def test_the_secrets_of_the_operator_are_used(send, secrets, http_server):
    secrets.update({"http.uri": f"{http_server.url}/secret", "http.user": "me", "http.password": "pw"})
    send(uri="http://127.0.0.1:1/never")

    assert http_server.requests[0].path == "/secret"
    assert http_server.requests[0].header("Authorization") == "Basic bWU6cHc="
    assert "/secret" not in "".join(send.log)

    secrets["http.authorization"] = "Bearer x"
    send()
    assert http_server.requests[1].header("Authorization") == "Bearer x"


def test_secrets_go_by_other_names_where_the_task_gives_them(modules, http_server):
    texts, kept = modules("texts"), {"api.token": "t", "other": "o"}
    found = texts.Secrets(
        lambda keys: {key: kept[key] for key in keys if key in kept}, {"http.authorization": "api.token"}
    )
    modules("request").send({"method": "GET", "uri": http_server.url}, found, str)

    assert http_server.requests[0].header("Authorization") == "t"
    assert found.find("other", "api.token", "nope") == {"other": "o", "api.token": "t"}


def test_data_that_looks_like_a_secret_stays_data(send, secrets, http_server):
    secrets["k"] = "v"
    send(method="POST", content={"a": "${secret:k}", "b": {"secret": "k"}}, content_format="json")
    assert json.loads(http_server.requests[0].body) == {"a": "${secret:k}", "b": {"secret": "k"}}


def test_the_whole_function_on_a_laptop_reads_secrets_of_the_repository(tmp_path, http_server):
    (tmp_path / ".stepdig/secrets").mkdir(parents=True)
    (tmp_path / ".stepdig/secrets/token").write_text("t0k\n")
    event = {
        "method": "GET",
        "uri": f"{http_server.url}/echo",
        "headers": [pair("X-A", {"parts": [{"secret": "token"}]})],
    }

    assert load(FOLDER, tmp_path)(event, None) == {"last_status": 200}
    assert http_server.requests[0].header("X-A") == "t0k"


def test_secrets_in_lambda_are_read_below_the_projects_path(monkeypatch):
    moto = pytest.importorskip("moto")
    monkeypatch.setenv("SECRETS_PATH", "/stepdig/shop/secrets/")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "t")
    with moto.mock_aws():
        import boto3

        ssm = boto3.client("ssm")
        ssm.put_parameter(Name="/stepdig/shop/secrets/http.user", Value="me", Type="SecureString")
        runtime = Modules(FOLDER).load("runtime")
        assert runtime.secrets(["http.user", "http.password"]) == {"http.user": "me"}
        assert Modules(FOLDER.parent / "send_mail").load("runtime").secrets(["x"]) == {}


def test_the_compiler_counts_on_what_the_function_keeps_to(modules):
    assert modules("request").STORED_BYTES + http.STATUS_BYTES < http.CONTENT_BYTES


def test_two_functions_carry_the_same_texts():
    assert (FOLDER / "texts.py").read_bytes() == (FOLDER.parent / "send_mail" / "texts.py").read_bytes()
