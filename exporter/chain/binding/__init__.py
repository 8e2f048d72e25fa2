"""Whose repository is it: which place in which store a source writes to, and how that is known.

`hints` are what objects say in the clear (`evidence` reads an address with holes), `places` are the repositories that
were found, `moments` sets their snapshots beside a source's syncs, `layouts` is the template that the proven places of
a bucket follow. `bindings` decides, for all sources together, and `summary` says for a person what it came to.
"""

from exporter.chain.binding.bindings import Bindings, Identity
from exporter.chain.binding.model import UNLISTED, Binding, BindingState
from exporter.chain.binding.summary import BindingSummary, BucketSummary, summarise

__all__ = [
    "UNLISTED",
    "Binding",
    "BindingState",
    "BindingSummary",
    "Bindings",
    "BucketSummary",
    "Identity",
    "summarise",
]
