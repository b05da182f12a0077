import pytest
from lambda_folder import FOLDER
from slack_server import Time, slack_server

from stepdig.local.functions import Modules


@pytest.fixture(scope="session")
def notify():
    """The modules of notify_slack by name: `notify("blocks")`."""
    return Modules(FOLDER / "notify_slack").load


@pytest.fixture
def slack():
    with slack_server() as server:
        yield server


@pytest.fixture
def clock():
    return Time()
