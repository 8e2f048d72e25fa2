"""Whose repository is it: which place in which store a source writes to, and how that is known.

`evidence` is what objects say in the clear; `moments` sets a repository's snapshots beside a source's syncs;
`layouts` is the template that the proven places of a bucket follow; `bindings` decides, for all sources together;
`summary` is what that comes to.
"""

from exporter.chain.binding.bindings import Bindings
from exporter.chain.binding.model import Binding, BindingState
from exporter.chain.binding.summary import BindingSummary, BucketSummary, summarise

__all__ = ["Binding", "BindingState", "BindingSummary", "Bindings", "BucketSummary", "summarise"]
