"""`status --output json` and `/api/v1/status`: the contract's fields, and nothing where there is no value."""

import json
from datetime import datetime, timedelta
from typing import Any

import msgspec

from exporter.chain.binding import BindingState
from exporter.chain.causes import Cause, Link
from exporter.chain.selection import Uncovered
from exporter.chain.verdict import ClaimState, ClaimVerdict, LinkState, LinkVerdict, Verdict
from exporter.facts.model import Facts, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.publication.document import Judged, encode
from tests.publication.verdicts import AT, bad_day, claim, orphan, problem, reports, source_verdict, verdict


def as_json(shown: Verdict) -> dict[str, Any]:
    return json.loads(encode(shown))


def test_the_bad_day_has_the_fields_of_the_contract() -> None:
    found = as_json(bad_day())
    assert set(found) == {"at", "judged", "claims", "root_causes", "orphans", "uncovered", "sources"}
    assert found["at"] == "2026-01-18T14:12:00Z"
    stuck = next(entry for entry in found["claims"] if entry["pvc"] == "media")
    assert stuck["links"]["volume"] == "broken"
    assert stuck["links"]["policy"] == "ok"
    assert {key: stuck[key] for key in stuck if key not in ("links", "summary", "command")} == {
        "namespace": "paperless-ngx",
        "pvc": "media",
        "state": "at_risk",
        "cause": "volume_faulted",
        "scope": "storage/driver.longhorn.io",
        "link": "volume",
        "recovery_point": "2026-01-18T12:59:59.920000Z",
        "objective_seconds": 10800.0,
        "last_sync": "2026-01-18T13:00:24Z",
        "advisories": [],
        "restore_proven": "2025-12-29T13:00:24Z",
        "binding": {
            "state": "proven",
            "store": "store/192.168.10.133:30292/volsync-backup",
            "evidence": "the mover's own log",
        },
    }
    assert found["orphans"] == [
        {"bucket": "volsync-backup", "prefix": "old/wiki", "cause": "backup_withdrawn", "endpoint": None}
    ]


def test_what_was_judged_stands_in_it_where_a_command_was_asked() -> None:
    assert as_json(bad_day())["judged"] is None
    told = json.loads(encode(bad_day(), judged=Judged("prod (https://10.0.0.1:6443)", "defaults")))
    assert told["judged"] == {"cluster": "prod (https://10.0.0.1:6443)", "settings": "defaults"}


def test_orphans_in_buckets_of_one_name_are_told_apart_without_credentials() -> None:
    stores = ("https://a:9000", "https://key:hunter2@b:9000")  # what a setting may hold
    orphans = tuple(msgspec.structs.replace(orphan(), endpoint=endpoint) for endpoint in stores)
    text = encode(verdict(orphans=orphans)).decode()
    assert [one["endpoint"] for one in json.loads(text)["orphans"]] == ["https://a:9000", "https://***@b:9000"]
    assert "hunter2" not in text


def test_pvcs_that_nobody_backs_up_are_listed() -> None:
    uncovered = (Uncovered("media", "films", "longhorn", "20Ti"), Uncovered("media", "scratch"))
    told = as_json(msgspec.structs.replace(bad_day(), uncovered=uncovered))["uncovered"]
    assert told == [
        {"namespace": "media", "pvc": "films", "storage_class": "longhorn", "requested": "20Ti"},
        {"namespace": "media", "pvc": "scratch", "storage_class": None, "requested": None},
    ]


def test_a_root_cause_stands_once_with_all_claims_that_it_hits() -> None:
    fault = as_json(bad_day())["root_causes"][0]
    assert {key: fault[key] for key in fault if key != "command"} == {
        "cause": "volume_faulted",
        "scope": "storage/driver.longhorn.io",
        "severity": "critical",
        "claims": [
            "open-webui/storage",
            "paperless-ngx/data",
            "paperless-ngx/media",
            "redis-instance/redis-master-0",
        ],
        "command_for": None,
        "since": "2026-01-18T12:09:00Z",
    }
    assert fault["command"].startswith("kubectl -n longhorn-system get volumes.longhorn.io")


def test_a_claims_binding_is_that_of_its_best_source() -> None:
    broken = source_verdict("a", ClaimState.UNPROTECTED)
    best = msgspec.structs.replace(
        source_verdict("b"), binding=BindingState.UNKNOWN, store="", binding_evidence="nothing tells"
    )
    (entry,) = as_json(verdict(msgspec.structs.replace(claim(), sources=(broken, best))))["claims"]
    assert entry["binding"] == {"state": "unknown", "store": None, "evidence": "nothing tells"}


def test_what_has_no_value_is_null_and_links_that_do_not_apply_are_left_out() -> None:
    links = (LinkVerdict(Link.SYNC, LinkState.UNKNOWN, "not read"),)
    (entry,) = as_json(verdict(ClaimVerdict("a", "b", ClaimState.UNKNOWN, "It is unknown.", links=links)))["claims"]
    assert entry["links"] == {"sync": "unknown"}
    for field in ("cause", "scope", "link", "recovery_point", "objective_seconds", "last_sync", "command", "binding"):
        assert entry[field] is None


def test_advisories_stand_beside_the_cause() -> None:
    lock, slow = problem(Cause.LOCK_STALE, "claim/a/b"), problem(Cause.MOVER_SLOW, "claim/a/b")
    (entry,) = as_json(verdict(claim("a", "b", advisories=(lock, slow))))["claims"]
    assert entry["cause"] is None
    assert entry["advisories"] == [
        {"cause": "lock_stale", "scope": "claim/a/b"},
        {"cause": "mover_slow", "scope": "claim/a/b"},
    ]


def test_a_source_that_is_not_installed_is_up_and_one_that_failed_says_why() -> None:
    given = (
        SourceReport(Source.LONGHORN, Reading.NOT_SERVED),
        SourceReport(Source.S3, Reading.UNREADABLE, Reason.TIMEOUT),
        SourceReport(Source.VOLSYNC, Reading.READ, last_success=AT),
        SourceReport(Source.KUBERNETES, Reading.PENDING),
    )
    sources = as_json(verdict(facts=Facts(sources=given)))["sources"]
    assert set(sources) == set(Source)
    assert sources["longhorn"] == {"up": True, "reason": "not_served"}
    assert sources["s3"] == {"up": False, "reason": "timeout"}
    assert sources["volsync"] == {"up": True, "reason": None}
    assert sources["kubernetes"] == {"up": False, "reason": "pending"}
    assert sources["kyverno"] == {"up": True, "reason": "not_served"}


def test_times_of_another_zone_are_given_in_utc() -> None:
    zone = datetime.fromisoformat("2026-01-18T15:12:00+01:00").tzinfo
    shown = verdict(claim())
    moved = type(shown)(AT.astimezone(zone), shown.claims, shown.orphans, shown.policies, shown.facts)
    assert as_json(moved)["at"] == "2026-01-18T14:12:00Z"


def test_text_that_is_no_unicode_does_not_cost_the_document() -> None:
    broken = problem(Cause.OVERDUE, "claim/a/b", reason="half of a pair: \ud83d", since=AT - timedelta(hours=1))
    (entry,) = as_json(verdict(claim("a", "b", broken), orphans=(orphan(),), facts=Facts(sources=reports())))["claims"]
    assert entry["cause"] == "overdue"
