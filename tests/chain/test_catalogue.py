"""The catalogue of causes is whole, and its commands say what they need to know."""

import re

import pytest

from exporter.chain.backup import fill
from exporter.chain.causes import CATALOGUE, Cause, Impact, Link, Severity

PLACEHOLDER = re.compile(r"<([a-z_]+)>")
KNOWN = {
    *(
        "namespace",
        "pvc",
        "source",
        "secret",
        "label",
        "policy",
        "policy_kind",
        "missing",
        "base_secret",
        "namespace_label",
    ),
    *("kyverno_namespace", "longhorn_namespace", "job", "cache", "pod", "volume", "node", "copy", "annotation"),
    *("cluster_external_secret", "destination", "image", "bucket", "prefix", "method"),
    *("external_secret", "store", "endpoint"),
    *("failed_pod", "driver", "memory", "unbound", "refuser"),
}
FOR_A_PERSON = {Cause.REPOSITORY_UNBOUND: {"path"}}
"""What nobody but the repository's owner knows."""


def test_every_cause_has_exactly_one_entry() -> None:
    assert set(CATALOGUE) == set(Cause)


@pytest.mark.parametrize("cause", Cause)
def test_an_entry_says_what_it_means_in_one_sentence(cause: Cause) -> None:
    assert re.fullmatch(r"[A-Z][^\n]*\.", cause.entry.meaning)


@pytest.mark.parametrize("cause", Cause)
def test_a_command_waits_only_for_names_that_the_chain_fills_in(cause: Cause) -> None:
    for command in (cause.entry.command, *cause.entry.variants.values()):
        assert set(PLACEHOLDER.findall(command)) <= KNOWN | FOR_A_PERSON.get(cause, set())


@pytest.mark.parametrize("cause", [c for c in Cause if c.link in (Link.RESTORE, Link.NONE)])
def test_what_stands_beside_the_chain_never_blocks(cause: Cause) -> None:
    assert cause.entry.impact is Impact.ADVISORY
    assert cause.entry.severity is not Severity.CRITICAL


def test_a_name_that_is_not_known_keeps_its_brackets() -> None:
    assert fill("kubectl logs -n <namespace> <pod>", {"namespace": "shop", "pod": ""}) == "kubectl logs -n shop <pod>"
