"""Shared by all tests: the flag that rewrites golden files, servers on loopback."""

from collections.abc import Iterator

import pytest

from servers import HttpServer, SmtpServer, running_http, running_smtp


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the expected files; review the diff")


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
