"""send_mail: what a server gets, whom it goes to, what a refusal says."""

import base64
import email
import email.policy
from pathlib import Path

import pytest

from stepdig.local.functions import Modules, load

FOLDER = Path(__file__).resolve().parents[2] / "functions" / "send_mail"


@pytest.fixture(scope="module")
def modules():
    return Modules(FOLDER).load


@pytest.fixture
def send(modules, smtp_server):
    """Send with a minimal event; secrets in the attribute."""
    message, smtp, texts = modules("message"), modules("smtp"), modules("texts")
    secrets = {"mail.host": "127.0.0.1", "mail.port": str(smtp_server.port)}

    def go(**event):
        given = {"subject": "s", "body": "b", "from": "a@example.com", "to": ["b@example.com"], **event}
        found = texts.Secrets(lambda names: {name: secrets[name] for name in names if name in secrets})
        smtp.deliver(message.compose(given, found), smtp.server_of(given, found))
        mail = smtp_server.mails[-1]
        return mail, email.message_from_bytes(mail.data, policy=email.policy.default)

    go.secrets = secrets
    return go


def test_a_plain_mail_arrives(send):
    mail, read = send(subject="nächtlich", body="läuft\n.\nnoch\n")

    assert (mail.sender, mail.recipients) == ("a@example.com", ["b@example.com"])
    assert (read["Subject"], read["To"], read["From"]) == ("nächtlich", "b@example.com", "a@example.com")
    assert read.get_content_type() == "text/plain"
    assert read.get_content().replace("\r\n", "\n").replace("\n..\n", "\n.\n") == "läuft\n.\nnoch\n"
    assert read["Date"]
    assert read["Message-ID"].endswith("@example.com>")


def test_html_and_attachments(send):
    data = bytes(range(256))
    attached = [
        {
            "filename": "dir/report.csv",
            "content_type": "text/csv; charset=utf-8",
            "data": base64.b64encode(b"a,b").decode(),
        },
        {"filename": "x.bin", "content_type": "application/octet-stream", "data": base64.b64encode(data).decode()},
    ]
    _, read = send(html=True, body="<b>x</b>", attachments=attached)

    assert read.get_body().get_content_type() == "text/html"
    found = list(read.iter_attachments())
    assert [it.get_filename() for it in found] == ["report.csv", "x.bin"]
    assert found[0].get_content_type() == "text/csv"
    assert found[1].get_content() == data


def test_bcc_gets_the_mail_and_stands_nowhere(send):
    mail, read = send(
        to=["b@example.com, c@example.com"], cc=["Dora <d@example.com>"], bcc=["e@example.com", "b@example.com"]
    )

    assert mail.recipients == ["b@example.com", "c@example.com", "d@example.com", "e@example.com"]
    assert "e@example.com" not in mail.data.decode()
    assert read["Cc"] == "Dora <d@example.com>"


def test_a_line_end_in_a_subject_starts_no_header(send):
    _, read = send(subject="x\nBcc: evil@example.com")
    assert (read["Subject"], read["Bcc"]) == ("x Bcc: evil@example.com", None)


@pytest.mark.parametrize("to", ["nobody", "a@b\nBcc: c@d.example", "@example.com", "a b@example.com", ""])
def test_what_is_no_address_is_refused(send, modules, to):
    with pytest.raises(modules("errors").MailFailed):
        send(to=[to])


def test_login_by_secrets_which_come_before_options(send):
    send.secrets.update({"mail.username": "me", "mail.password": "pw"})
    mail, _ = send(username="other", host="192.0.2.1", port=1)
    assert mail.login == "me pw"


def test_the_server_can_be_an_option(send, smtp_server):
    send.secrets.clear()
    send.secrets["p"] = "pw"
    mail, _ = send(host="127.0.0.1", port=str(smtp_server.port), username="u", password={"parts": [{"secret": "p"}]})
    assert mail.login == "u pw"


@pytest.mark.parametrize("missing", ["host", "port"])
def test_a_missing_server_is_said(send, modules, missing):
    del send.secrets[f"mail.{missing}"]
    with pytest.raises(modules("errors").MailFailed, match=f"set the secret mail.{missing}"):
        send()


def test_a_port_that_is_no_number(send, modules):
    send.secrets["mail.port"] = "smtp"
    with pytest.raises(modules("errors").MailFailed, match="no number"):
        send()


@pytest.mark.parametrize(
    ("command", "answer", "words"),
    [
        ("RCPT TO:", "550 5.1.1 no such user", r"refused every recipient: b@example.com \(550 5.1.1 no such user\)"),
        ("MAIL FROM:", "553 5.7.1 not your address", "answered 553 5.7.1 not your address"),
        ("DATA", "554 5.7.1 Relay access denied", "answered 554 5.7.1 Relay access denied"),
    ],
)
def test_a_refusal_has_the_servers_words(send, modules, smtp_server, command, answer, words):
    smtp_server.refuse[command] = answer
    with pytest.raises(modules("errors").MailFailed, match=words):
        send()


def test_a_failed_login_tells_no_password(send, modules, smtp_server):
    send.secrets.update({"mail.username": "me", "mail.password": "s3cr3t"})
    smtp_server.refuse["AUTH"] = "535 5.7.8 bad credentials"
    with pytest.raises(modules("errors").MailFailed, match=r"535 5\.7\.8 bad credentials") as raised:
        send()
    assert "s3cr3t" not in str(raised.value)


def test_some_recipients_refused_is_a_failure(send, modules, smtp_server):
    smtp_server.refuse["RCPT TO:<c@"] = "550 no"
    with pytest.raises(modules("errors").MailFailed, match=r"the others have the mail: c@example.com \(550 no\)"):
        send(to=["b@example.com", "c@example.com"])
    assert smtp_server.mails[0].recipients == ["b@example.com"]


def test_nobody_listens(send, modules):
    send.secrets["mail.port"] = "1"
    with pytest.raises(modules("errors").MailFailed, match=r"127.0.0.1:1: .*Connection refused"):
        send()


def test_the_whole_function_on_a_laptop(tmp_path, monkeypatch, smtp_server):
    monkeypatch.setenv("STEPDIG_SECRET_MAIL_HOST", "127.0.0.1")
    (tmp_path / ".stepdig/secrets").mkdir(parents=True)
    (tmp_path / ".stepdig/secrets/mail.port").write_text(str(smtp_server.port))
    event = {"subject": "s", "body": {"parts": ["a", "b"]}, "from": "a@example.com", "bcc": ["b@example.com"]}

    assert load(FOLDER, tmp_path)(event, None) == {"sent": True, "recipients": 1}
    assert smtp_server.mails[0].data.endswith(b"\r\nab\r\n")
