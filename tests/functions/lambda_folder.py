"""Where the functions stand."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "functions"
