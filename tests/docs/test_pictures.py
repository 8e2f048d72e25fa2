"""The pictures in docs/images show a cluster of which everything was read."""

import importlib
from pathlib import Path

import pytest


def test_nothing_is_unread_in_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts")
    verdict = importlib.import_module("screenshots").bad_day()
    assert [report.source for report in verdict.facts.sources if not report.up] == []
