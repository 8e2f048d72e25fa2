"""From facts and a moment to the verdict."""

from datetime import datetime

from exporter.chain.verdict import Verdict
from exporter.facts.model import Facts
from exporter.settings import Settings


def judge(facts: Facts, settings: Settings, at: datetime) -> Verdict:
    """Judge every claim in *facts* at the moment *at* (timezone-aware)."""
    raise NotImplementedError
