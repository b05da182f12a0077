"""Why a session could not be started, beside what AWS itself answers; either ends in the dead letter queue."""

from __future__ import annotations


class BadEvent(Exception):
    """The event is none of our schedules': a field is missing, or is not what it should be."""
