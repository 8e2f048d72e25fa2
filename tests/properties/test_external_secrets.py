"""However External Secrets is used, an arrangement that works blocks nothing, and one store is one fault."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.chain.causes import Cause, Impact
from exporter.chain.judge import judge
from exporter.facts.cluster.external_secrets.objects import ExternalSecret
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import Facts
from exporter.facts.reading import Reading
from exporter.settings import Settings
from tests.corpus import facts as facts_of

AT = datetime(2026, 1, 18, 14, 20, tzinfo=UTC)
SCENARIO = "healthy-secret-per-app"
LONG_AGO = st.timedeltas(timedelta(days=1), timedelta(days=300))

POLICIES = st.sampled_from([None, "Owner", "Orphan", "Merge", "CreateOrMerge"])
ONCE = st.fixed_dictionaries(
    {
        "refreshed": LONG_AGO,
        "spec": st.sampled_from(
            [{"refreshPolicy": "CreatedOnce"}, {"refreshPolicy": "OnChange"}, {"refreshInterval": "0"}]
        ),
    }
)
PERIODIC = st.fixed_dictionaries(
    {
        "refreshed": st.timedeltas(timedelta(0), timedelta(minutes=119)),
        "spec": st.sampled_from(
            [{}, {"refreshInterval": "1h"}, {"refreshPolicy": "Periodic", "refreshInterval": "1h0m0s"}]
        ),
    }
)
READY = st.sampled_from(["SecretSynced", "ResourceSynced", ""])


def with_external_secrets(facts: Facts, secrets: list[ExternalSecret]) -> Facts:
    new = ObjectList(tuple(secrets), Reading.READ, read_at=AT)
    return msgspec.structs.replace(facts, cluster=facts.cluster.with_lists({"external_secrets.external_secrets": new}))


def made(target: str, arrangement: dict[str, Any], policy: str | None, condition: dict[str, str]) -> ExternalSecret:
    namespace, secret = target.split("/")
    wire = {
        "metadata": {"name": f"{secret}-source", "namespace": namespace, "creationTimestamp": "2025-01-01T00:00:00Z"},
        "spec": {
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": "onepassword"},
            "target": {"name": secret, **({"creationPolicy": policy} if policy else {})},
            **arrangement["spec"],
        },
        "status": {
            "refreshTime": (AT - arrangement["refreshed"]).isoformat(),
            "conditions": [{"type": "Ready", **condition, "lastTransitionTime": "2025-01-01T00:00:01Z"}],
        },
    }
    return msgspec.convert(wire, ExternalSecret)


TARGETS = ("karakeep/data-pvc-volsync-secret", "n8n/data-volsync-secret")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(ONCE | PERIODIC, POLICIES, READY), min_size=2, max_size=2))
def test_a_sound_arrangement_gives_no_problem(arrangements: list[tuple[dict[str, Any], str | None, str]]) -> None:
    secrets = [
        made(target, arrangement, policy, {"status": "True", "reason": reason})
        for target, (arrangement, policy, reason) in zip(TARGETS, arrangements, strict=True)
    ]
    verdict = judge(with_external_secrets(facts_of(SCENARIO), secrets), Settings(), AT)
    assert [problem for claim in verdict.claims for problem in claim.problems] == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(ONCE | PERIODIC, POLICIES), min_size=2, max_size=2), st.text(max_size=80))
def test_what_fails_and_keeps_its_secret_never_blocks(
    arrangements: list[tuple[dict[str, Any], str | None]], message: str
) -> None:
    secrets = [
        made(target, arrangement, policy, {"status": "False", "reason": "SecretSyncedError", "message": message})
        for target, (arrangement, policy) in zip(TARGETS, arrangements, strict=True)
    ]
    verdict = judge(with_external_secrets(facts_of(SCENARIO), secrets), Settings(), AT)
    problems = [problem for claim in verdict.claims for problem in claim.problems]
    assert [problem.cause for problem in problems] == 2 * [Cause.EXTERNAL_SECRET_FAILING]
    assert all(problem.impact is Impact.ADVISORY for problem in problems)
