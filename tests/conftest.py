"""Shared by all tests: the flag that rewrites golden files, servers on loopback."""

import signal
from collections.abc import Generator, Iterator

import pytest

from servers import HttpServer, SmtpServer, running_http, running_smtp


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the expected files; review the diff")


def pytest_configure() -> None:
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # under nohup, which tests of closed terminals would inherit
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write halves of characters, which tests of odd texts print, so that a report can travel between processes."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    """An HTTP server on loopback that keeps the requests it gets."""
    with running_http() as server:
        yield server


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """An SMTP server on loopback that keeps the mails it gets."""
    with running_smtp() as server:
        yield server
