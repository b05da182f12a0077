from __future__ import annotations

import pytest
from nights import BUNDLE, DEFINITION, History

from stepdig.report.track import Tracker


@pytest.fixture
def tracker():
    return Tracker(DEFINITION, BUNDLE)


@pytest.fixture
def history(tracker):
    return History(tracker)
