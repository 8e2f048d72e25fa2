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
    *("failed_pod", "driver", "memory", "unbound", "refuser", "object"),
}
FOR_A_PERSON = {Cause.REPOSITORY_UNBOUND: {"path"}}
"""What nobody but the repository's owner knows."""


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_an_entry(cause: Cause) -> None:
    assert cause in CATALOGUE, f"give {cause} its entry in CATALOGUE of exporter/chain/causes.py"


@pytest.mark.parametrize("cause", CATALOGUE)
def test_an_entry_says_what_it_means_in_one_sentence(cause: Cause) -> None:
    assert re.fullmatch(r"[A-Z][^\n]*\.", cause.entry.meaning), (
        f"write the meaning of {cause} in CATALOGUE as one sentence, with a capital and a full stop"
    )


@pytest.mark.parametrize("cause", CATALOGUE)
def test_a_command_waits_only_for_names_that_the_chain_fills_in(cause: Cause) -> None:
    for command in (cause.entry.command, *cause.entry.variants.values()):
        unknown = set(PLACEHOLDER.findall(command)) - KNOWN - FOR_A_PERSON.get(cause, set())
        assert not unknown, (
            f"the command of {cause} has names that nothing fills in: {', '.join(sorted(unknown))}. Use those of "
            f"`Backup._names` (exporter/chain/backup.py); one more is given as `names=` by the function that finds "
            f"the problem, and is listed in KNOWN of this file"
        )


@pytest.mark.parametrize("cause", [c for c, entry in CATALOGUE.items() if entry.link in (Link.RESTORE, Link.NONE)])
def test_what_stands_beside_the_chain_never_blocks(cause: Cause) -> None:
    assert cause.entry.impact is Impact.ADVISORY
    assert cause.entry.severity is not Severity.CRITICAL


def test_a_name_that_is_not_known_keeps_its_brackets() -> None:
    assert fill("kubectl logs -n <namespace> <pod>", {"namespace": "shop", "pod": ""}) == "kubectl logs -n shop <pod>"
