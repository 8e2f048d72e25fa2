"""What a cluster's objects say about a source's repository: all hints, the more direct first."""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import msgspec

from exporter.chain import mover_log
from exporter.chain.binding import evidence
from exporter.chain.binding.evidence import HOLE, Hint
from exporter.chain.binding.sources import pattern_of
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.external_secrets.objects import ExternalSecret
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kyverno.objects import ClusterPolicy
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationSource
from exporter.facts.layout import prefix_of


class Said(NamedTuple):
    """The objects that say something of one source's repository."""

    source: ReplicationSource
    pvc: PersistentVolumeClaim | None
    external: tuple[ExternalSecret, ...]
    rules: tuple[tuple[str, str], ...]
    """The names and the addresses that policies give repository Secrets."""


class Hints:
    """The hints in the objects of one state of the cluster."""

    def __init__(self, cluster: ClusterFacts) -> None:
        self._cluster = cluster

    def saying(self, source: ReplicationSource) -> Said:
        """What may say something of the source's repository."""
        return Said(
            source,
            self._cluster.core.pvcs.get((source.namespace, source.spec.source_pvc)),
            self._cluster.external_secrets.bringing(source.namespace, source.spec.mover.repository or ""),
            self._rules,
        )

    def of_destination(self, destination: ReplicationDestination) -> tuple[Hint, ...]:
        """What is said of the repository that *destination* restores from, the more direct first."""
        return tuple(self._of_destination(destination))

    def _of_destination(self, destination: ReplicationDestination) -> Iterator[Hint]:
        own = destination.metadata.annotations
        says = "an annotation on the ReplicationDestination"
        if own and own.repository and (hint := evidence.of_text(own.repository.strip(), says)):
            yield hint
        secret = destination.spec.mover.repository or ""
        for external in self._cluster.external_secrets.bringing(destination.namespace, secret):
            for template in external.addresses:
                if hint := evidence.of_template(template, "the template of its ExternalSecret"):
                    yield hint

    def of(self, said: Said) -> tuple[Hint, ...]:
        """What is said of the source's repository, the more direct first."""
        return tuple(self._of(said))

    def _of(self, said: Said) -> Iterator[Hint]:
        source, pvc = said.source, said.pvc
        own = source.metadata.annotations
        of_pvc = pvc.metadata.annotations if pvc else None
        for text, says in (
            (own.repository if own else None, "an annotation on the ReplicationSource"),
            (of_pvc.repository if of_pvc else None, "an annotation on the PVC"),
        ):
            if text and (hint := evidence.of_text(text.strip(), says)):
                yield hint
        secret = source.spec.mover.repository or ""
        for external in said.external:
            for template in external.addresses:
                if hint := evidence.of_template(template, "the template of its ExternalSecret"):
                    head = template.removesuffix(hint.tail) if hint.tail else template
                    yield msgspec.structs.replace(hint, base=f"{head} {pattern_of(source)}")
        if hint := self._policys(source, secret):
            yield msgspec.structs.replace(hint, base=hint.says, is_one_base=True)
        log = source.status.latest_mover_status.logs if source.status and source.status.latest_mover_status else ""
        if log and (hint := _in_log(log)):
            yield hint

    def _policys(self, source: ReplicationSource, secret: str) -> Hint | None:
        """The address that a policy's rule writes into the Secret of that name."""
        for name, layout in self._rules:
            if prefix_of(name, source.namespace, source.spec.source_pvc, source.name) == secret:
                text = prefix_of(layout, source.namespace, source.spec.source_pvc, source.name)
                return evidence.of_text(text, "the expression of the policy that creates its Secret")
        return None

    @cached_property
    def _rules(self) -> tuple[tuple[str, str], ...]:
        """The names and the addresses that policies give repository Secrets, as layouts."""
        return self._cluster.kyverno.cluster_policies.made(_rules_of)


def _rules_of(policies: ObjectList[ClusterPolicy]) -> tuple[tuple[str, str], ...]:
    rules = (rule for policy in policies for rule in policy.spec.rules or ())
    found = (
        (evidence.name_in(rule.generate.name), evidence.layout_in(rule.generate.data))
        for rule in rules
        if rule.generate is not None and rule.generate.kind == "Secret"
    )
    return tuple((name, layout) for name, layout in found if layout and HOLE not in name)


_NAMING = ("epository ", "file system for", "://", "/repository", "/mnt", "lookup ", "ssh: ", " tcp ")
"""Where a log holds none of these it names neither a repository nor a store, as most logs of a success."""


def _in_log(log: str) -> Hint | None:
    """The repository that the mover's log names, else the store alone."""
    if not any(words in log for words in _NAMING):
        return None
    says = "the mover's own log"
    if found := mover_log.repository_in(log):
        return evidence.of_address(found, says)
    store = mover_log.store_of(log)
    return Hint(says, store.protocol, store.endpoint, store.bucket) if store else None
