"""Which warehouse a URL names. Each brings its own library: only the one that is asked for is imported."""

from __future__ import annotations

from importlib import import_module

from loader.shapes import Opened, Place

MODULES = {"postgresql": "loader.postgres", "duckdb": "loader.duck", "bigquery": "loader.bigquery"}


def opened(place: Place, password: str) -> Opened:
    """Open a warehouse; raises ValueError."""
    if place.scheme not in MODULES:
        raise ValueError(f"no warehouse {place.scheme!r}: {', '.join(MODULES)}")
    warehouse: Opened = import_module(MODULES[place.scheme]).opened(place, password)
    return warehouse
