"""What reaches a person, by a real exporter, a real Prometheus and a real Alertmanager with the example's routes."""

import pytest

from tests.alerts.runs import Told
from tests.alerts.stack import Notification

FOUR = "4 claims: open-webui/storage, paperless-ngx/data, paperless-ngx/media, redis-instance/redis-master-0."


def brief(told: list[Notification]) -> list[tuple[str, str, str]]:
    return [(one.receiver, one.status, one.about) for one in told]


def test_four_claims_behind_one_faulted_storage_are_one_page_and_one_resolve(told: dict[str, Told]) -> None:
    run = told["storage_fault_and_recovery"]

    assert brief(run.ours) == [("pager", "firing", "volume_faulted"), ("pager", "resolved", "volume_faulted")]
    assert run.ours[0].labels["severity"] == "critical"
    assert run.ours[0].labels["scope"] == "storage/driver.longhorn.io"
    assert FOUR in run.ours[0].annotations["description"]


def test_one_store_that_refuses_twenty_claims_is_one_page(told: dict[str, Told]) -> None:
    run = told["store_refused_by_all"]

    assert brief(run.ours) == [("pager", "firing", "repository_unreachable")]
    assert len(run.firing) == 1
    assert "20 claims: app-00/data, " in run.ours[0].annotations["description"]
    assert " and 10 more." in run.ours[0].annotations["description"]


@pytest.mark.parametrize(
    ("issue", "cause", "command"),
    [
        (
            1,
            "policy_failing",
            "kubectl edit clusterpolicy volsync-smart-protection -n n8n && kubectl annotate pvc data -n n8n",
        ),
        (2, "volume_faulted", "kubectl -n open-webui delete job volsync-src-storage-backup"),
        (3, "restore_stuck", "kubectl delete job volsync-dst-meilisearch-pvc-restore -n karakeep"),
        (4, "namespace_unlabelled", "kubectl label namespace khoj volsync.backube/privileged-movers=true"),
        (5, "never_synced", "replicationsource volsync-test-data-backup -n volsync-test"),
    ],
)
def test_each_known_issue_is_told_once_with_the_command_that_mends_it(
    told: dict[str, Told], issue: int, cause: str, command: str
) -> None:
    about = [one for one in told["bad_day"].ours if one.about == cause]

    assert [one.status for one in about] == ["firing"]
    assert command in about[0].annotations["command"]
    assert about[0].annotations["command"] == told["bad_day"].commands[cause], "the alert's template, and the exporter"
    assert about[0].annotations["runbook_url"].endswith(f"/{cause}.md")


def test_a_bad_day_is_one_message_for_each_root_cause(told: dict[str, Told]) -> None:
    run = told["bad_day"]

    assert sorted(brief(run.ours)) == [
        ("pager", "firing", "namespace_unlabelled"),
        ("pager", "firing", "never_synced"),
        ("pager", "firing", "policy_failing"),
        ("pager", "firing", "snapshot_missing"),
        ("pager", "firing", "volume_faulted"),
        ("tickets", "firing", "restore_stuck"),
    ]


def test_what_is_only_information_is_told_to_nobody(told: dict[str, Told]) -> None:
    run = told["bad_day"]

    assert "repository_orphaned" in {labels.get("cause") for labels in run.firing}
    assert "repository_orphaned" not in {one.about for one in run.ours}


def test_a_sound_cluster_is_silent_but_for_the_watchdog(told: dict[str, Told]) -> None:
    run = told["sound_cluster"]

    assert run.ours == []
    assert run.firing == []
    assert run.beats > 1


def test_an_exporter_that_is_killed_is_one_page_and_no_storm_after(told: dict[str, Told]) -> None:
    run = told["exporter_killed"]

    assert brief(run.ours) == [("pager", "firing", "VolSyncExporterDown"), ("pager", "resolved", "VolSyncExporterDown")]


def test_what_fired_before_the_exporter_was_killed_goes_on_and_is_not_told_again(told: dict[str, Told]) -> None:
    run = told["exporter_killed_on_a_bad_day"]

    assert brief(run.ours) == [
        ("pager", "firing", "volume_faulted"),
        ("pager", "firing", "VolSyncExporterDown"),
        ("pager", "resolved", "VolSyncExporterDown"),
    ]
    assert {labels.get("cause") for labels in run.firing} == {"volume_faulted", None}
