"""What cannot be read is unknown: it neither makes a claim look better, nor breaks it."""

from collections.abc import Callable, Iterator

import msgspec
import pytest

from exporter.chain.judge import judge
from exporter.chain.verdict import ClaimState, ClaimVerdict, LinkState, Verdict
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import MalformedObject, ObjectList
from exporter.facts.reading import Reading, Reason
from tests.corpus import NAMES, facts, scenario, settings, verdict

FIELDS = [kind.field for kind in KINDS]
GENERATING = (
    "kyverno.cluster_policies",
    "kyverno.generating_policies",
    "kyverno.update_requests",
    "kyverno.events",
    "core.namespaces",
)
"""What tells of the links whose work is done once a claim has its source and its Secret."""
Worsened = Callable[[str, str], Verdict]
FORBIDDEN: ObjectList[object] = ObjectList(reading=Reading.UNREADABLE, reason=Reason.FORBIDDEN)
WELL = (ClaimState.PROTECTED, ClaimState.STARTING)


def without(name: str, field: str) -> Verdict:
    """The verdict of a scenario in which *field* cannot be read."""
    cluster = facts(name).cluster.with_lists({field: FORBIDDEN})
    blinded = msgspec.structs.replace(facts(name), cluster=cluster)
    return judge(blinded, settings(name), scenario(name).at)


def malformed(name: str, field: str) -> Verdict:
    """The verdict of a scenario in which none of the objects in *field* can be understood."""
    listing = facts(name).cluster.list_of(field)
    malformed = (*listing.malformed, *(MalformedObject("Object", item.namespace, item.name, "no") for item in listing))
    broken = msgspec.structs.replace(listing, items=(), malformed=malformed)
    cluster = facts(name).cluster.with_lists({field: broken})
    return judge(msgspec.structs.replace(facts(name), cluster=cluster), settings(name), scenario(name).at)


def compared(field: str, worse: Worsened = without) -> Iterator[tuple[str, ClaimVerdict, ClaimVerdict]]:
    """Each claim of each scenario that has *field*, as it is and as it seems for the worse."""
    for name in NAMES:
        listing = facts(name).cluster.list_of(field)
        if listing.reading is not Reading.READ or (worse is malformed and not listing.items):
            continue
        blind = worse(name, field)
        for seen in verdict(name).claims:
            if unseen := blind.claim(seen.namespace, seen.pvc):
                yield f"{name}: {seen.key}", seen, unseen


def is_vouched_for(claim: ClaimVerdict) -> bool:
    """Whether its syncs end in time and none runs: what was not read cannot have been in their way."""
    sync = next((link.state for link in claim.links if link.link == "sync"), None)
    return sync is LinkState.OK and all(source.sync_start is None for source in claim.sources)


def looks_better(seen: ClaimVerdict, unseen: ClaimVerdict) -> bool:
    """Whether a claim with a fault seems well for what is not known."""
    return unseen.state in WELL and seen.state not in (*WELL, ClaimState.EXEMPT) and not is_vouched_for(unseen)


def breaks(seen: ClaimVerdict, unseen: ClaimVerdict) -> bool:
    """Whether a claim has a fault for what is not known.

    An exemption is an annotation of the PVC: what it silences is reported as long as that cannot be read.
    """
    return bool(unseen.problem and not seen.problem and seen.state is not ClaimState.EXEMPT)


@pytest.mark.parametrize("worse", [without, malformed])
@pytest.mark.parametrize("field", FIELDS)
def test_what_is_not_known_makes_no_claim_look_better_and_breaks_none(field: str, worse: Worsened) -> None:
    better, broken = [], []
    for what, seen, unseen in compared(field, worse):
        better += [what] if looks_better(seen, unseen) else []
        broken += [what] if breaks(seen, unseen) else []
    assert (better, broken) == ([], [])


@pytest.mark.parametrize("field", GENERATING)
def test_a_claim_that_has_all_it_needs_is_not_unknown_for_who_made_it(field: str) -> None:
    lost = [
        what
        for what, seen, unseen in compared(field)
        if seen.state is ClaimState.PROTECTED and unseen.state is ClaimState.UNKNOWN
    ]
    assert lost == []
