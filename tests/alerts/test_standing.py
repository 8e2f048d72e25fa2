"""Which root causes stand, whatever happens to the exporter and however they flap; worked out by promtool."""

from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from alerts.build import alert_of
from exporter.chain.causes import Cause
from tests.alerts.lives.notify import CONFIGURATIONS, notifications
from tests.alerts.lives.watch import RULES, TARGET, Alert, Samples, firing
from tests.alerts.story import Story, rhythm

END = 420
ALL = range(END)
FAULTED, FAILING = Cause.VOLUME_FAULTED, Cause.MOVER_FAILING
FLAPS = ((2, 4), (3, 7), (6, 54), (15, 15), (2, 58), (60, 60))
HELD = 75
"""Minutes for which a claim must be free of a cause until it is healed."""
SCOPES = ("volume", "storage")
WIDENS_AFTER = (1, 2, 3, 4, 5, 10, 30, 55)
B = {"instance": "b:9978"}
SHARD = {"instance": "s:9978", "service": "other-shard"}

Timeline = list[set[Alert]]
STORIES: dict[str, Callable[[Story], object]] = {}


def story(tell: Callable[[Story], object]) -> Callable[[Story], object]:
    STORIES[tell.__name__] = tell
    return tell


@pytest.fixture(scope="module")
def told(tool: None, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Timeline]:
    """The alerts at each minute of every story, in one run: each story is a cluster in one store."""
    samples: Samples = {}
    for name, tell in STORIES.items():
        one = Story(name)
        tell(one)
        samples |= one.samples
    timeline = firing(samples, END, tmp_path_factory.mktemp("stories"))
    return {
        name: [{alert for alert in alerts if ("cluster", name) in alert} for alerts in timeline] for name in STORIES
    }


def spans(timeline: Timeline, alert: str, **labels: str) -> list[tuple[int, int]]:
    """When an alert with these labels fired: the first minute, and the first one after."""
    wanted = {("alertname", alert), *labels.items()}
    found: list[tuple[int, int]] = []
    for minute, alerts in enumerate(timeline):
        if any(wanted <= one for one in alerts):
            begin = found.pop()[0] if found and found[-1][1] == minute else minute
            found.append((begin, minute + 1))
    return found


def alerts_of(timeline: Timeline) -> set[tuple[str, str]]:
    """The alerts that fired at any time, with their severity."""
    return {(dict(one)["alertname"], dict(one).get("severity", "")) for alerts in timeline for one in alerts}


# --- one fault


@story
def stands(s: Story) -> None:
    s.exporter(ALL).claims(["a"], ALL).broken(FAULTED, "volume/pvc-a", ["a"], range(30, 120))


def test_a_fault_fires_within_ten_minutes_and_ends_75_minutes_after_its_last(told: Mapping[str, Timeline]) -> None:
    ((begin, end),) = spans(told["stands"], "VolSyncVolumeFaulted", severity="critical", namespace="monitoring")

    assert 34 <= begin <= 40
    assert 118 + HELD <= end <= 124 + HELD
    assert alerts_of(told["stands"]) == {("VolSyncVolumeFaulted", "critical")}


@story
def seen_four_times(s: Story) -> None:
    s.exporter(ALL).claims(["a"], ALL).broken(FAULTED, "volume/pvc-a", ["a"], range(30, 34))


def test_four_sightings_are_none(told: Mapping[str, Timeline]) -> None:
    assert not alerts_of(told["seen_four_times"])


@story
def flaps(s: Story) -> None:
    s.exporter(ALL).claims(["a"], ALL)
    for on, off in FLAPS:
        s.broken(FAULTED, f"volume/{on}-{off}", [f"a{on}-{off}"], rhythm(30, 390, on, off))


@pytest.mark.parametrize(("on", "off"), FLAPS)
def test_a_flap_of_any_rhythm_is_one_page_at_most(told: Mapping[str, Timeline], on: int, off: int) -> None:
    found = spans(told["flaps"], "VolSyncVolumeFaulted", scope=f"volume/{on}-{off}")

    assert len(found) == (0 if (on, off) == (2, 58) else 1)


@story
def severity_sinks(s: Story) -> None:
    s.exporter(ALL).claims(["a"], ALL)
    s.broken(FAULTED, "volume/pvc-a", ["a"], range(30, 90), "warning")
    s.broken(FAULTED, "volume/pvc-a", ["a"], range(90, 150), "critical")
    s.broken(FAULTED, "volume/pvc-a", ["a"], range(150, 200), "warning")


def test_a_ticket_becomes_a_page_and_a_page_no_ticket(told: Mapping[str, Timeline]) -> None:
    tickets, pages = (
        spans(told["severity_sinks"], "VolSyncVolumeFaulted", severity=s) for s in ("warning", "critical")
    )

    assert len(tickets) == len(pages) == 1
    assert tickets[0][1] <= pages[0][0] + 1
    assert pages[0][1] >= 195 + HELD


@story
def widens_and_narrows(s: Story) -> None:
    s.exporter(ALL).claims(["a", "b", "c"], ALL)
    s.broken(FAULTED, "volume/pvc-a", ["a"], range(30, 40))
    s.broken(FAULTED, "storage/driver.longhorn.io", ["a", "b", "c"], range(40, 200))
    s.broken(FAULTED, "volume/pvc-c", ["c"], range(200, 220))


def test_a_fault_keeps_its_alert_while_its_scope_widens_and_narrows(told: Mapping[str, Timeline]) -> None:
    ((_, end),) = spans(told["widens_and_narrows"], "VolSyncVolumeFaulted")

    assert {dict(one)["scope"] for alerts in told["widens_and_narrows"] for one in alerts} == {"volume/pvc-a"}
    assert end >= 218 + HELD


@story
def widens_at_any_minute(s: Story) -> None:
    s.exporter(ALL).claims(["a"], ALL)
    for after in WIDENS_AFTER:
        names = [f"{after}-{number}" for number in range(3)]
        s.broken(FAULTED, f"volume/{after}", names[:1], range(30, 30 + after))
        s.broken(FAULTED, f"storage/{after}", names, range(30 + after, 200))


@pytest.mark.parametrize("after", WIDENS_AFTER)
def test_a_fault_that_widens_within_its_first_hour_is_one_alert(told: Mapping[str, Timeline], after: int) -> None:
    found = [spans(told["widens_at_any_minute"], "VolSyncVolumeFaulted", scope=f"{s}/{after}") for s in SCOPES]

    assert sorted(map(len, found)) == [0, 1], "one alert without a gap, under one of both scopes"


@story
def second_volume(s: Story) -> None:
    s.exporter(ALL).claims(["a", "b"], ALL)
    s.broken(FAULTED, "volume/pvc-a", ["a"], range(30, 240)).broken(FAULTED, "volume/pvc-b", ["b"], range(200, 240))


def test_a_second_fault_is_told_while_the_first_stands(told: Mapping[str, Timeline]) -> None:
    (first,) = spans(told["second_volume"], "VolSyncVolumeFaulted", scope="volume/pvc-a")
    (second,) = spans(told["second_volume"], "VolSyncVolumeFaulted", scope="volume/pvc-b")

    assert first[0] < 45
    assert 200 < second[0] < 215


@story
def spreads(s: Story) -> None:
    many = [f"c{number}" for number in range(8)]
    s.exporter(ALL).claims(many, ALL)
    s.broken(FAULTED, "storage/x", many[:4], range(30, 220)).broken(FAULTED, "storage/x", many, range(220, 300))


def test_a_fault_that_spreads_is_told_anew_once(told: Mapping[str, Timeline]) -> None:
    assert len(spans(told["spreads"], "VolSyncVolumeFaulted")) == 1
    assert len(spans(told["spreads"], "VolSyncRootCauseSpreads")) == 1


@story
def warnings_spread(s: Story) -> None:
    many = [f"c{number}" for number in range(6)]
    s.exporter(ALL).claims(many, ALL)
    s.broken(FAILING, "store/x", many[:3], range(30, 220), "warning")
    s.broken(FAILING, "store/x", many, range(220, 300), "warning")


def test_a_ticket_that_spreads_is_a_second_ticket_once(told: Mapping[str, Timeline]) -> None:
    assert len(spans(told["warnings_spread"], "VolSyncMoverFailing", severity="warning")) == 1
    assert len(spans(told["warnings_spread"], "VolSyncRootCauseSpreads", severity="warning")) == 1
    assert {severity for _, severity in alerts_of(told["warnings_spread"])} == {"warning"}


@story
def critical_spreads_to_warnings(s: Story) -> None:
    many = [f"c{number}" for number in range(6)]
    s.exporter(ALL).claims(many, ALL).broken(FAULTED, "storage/x", many[:2], range(30, 300))
    s.broken(FAULTED, "storage/x", many[2:], range(200, 260), "warning")
    s.broken(FAULTED, "storage/x", many[2:], range(260, 300))


def test_a_page_that_spreads_is_told_by_a_ticket_and_by_a_page_once_it_is_as_bad(told: Mapping[str, Timeline]) -> None:
    ticket, page = (
        spans(told["critical_spreads_to_warnings"], "VolSyncRootCauseSpreads", severity=s)
        for s in ("warning", "critical")
    )

    assert [begin for begin, _ in ticket] == [pytest.approx(201, abs=3)]
    assert [begin for begin, _ in page] == [pytest.approx(261, abs=3)]
    assert len(spans(told["critical_spreads_to_warnings"], "VolSyncVolumeFaulted")) == 1


@story
def found_as_schedules_come_due(s: Story) -> None:
    many = [f"c{number}" for number in range(12)]
    s.exporter(ALL).claims(many, ALL)
    for minute in range(30, 390):
        hit = many[: (minute - 30) // 30 + 1]
        s.broken(FAILING, "store/x", hit, [minute], "warning")


def test_claims_that_find_out_one_after_the_other_are_told_once(told: Mapping[str, Timeline]) -> None:
    assert alerts_of(told["found_as_schedules_come_due"]) == {("VolSyncMoverFailing", "warning")}


@story
def shrinks_and_grows(s: Story) -> None:
    many = [f"c{number}" for number in range(6)]
    s.exporter(ALL).claims(many, ALL)
    s.broken(FAULTED, "storage/x", many, range(30, 120)).broken(FAULTED, "storage/x", many[:2], range(120, 240))
    s.broken(FAULTED, "storage/x", many, range(240, 300))


def test_a_fault_that_shrinks_and_hits_the_same_claims_again_does_not_spread(told: Mapping[str, Timeline]) -> None:
    assert alerts_of(told["shrinks_and_grows"]) == {("VolSyncVolumeFaulted", "critical")}


@story
def second_at_once(s: Story) -> None:
    s.exporter(ALL).claims(["a", "b"], ALL)
    s.broken(FAULTED, "volume/pvc-a", ["a"], range(30, 140)).broken(FAULTED, "volume/pvc-b", ["b"], range(40, 140))


def test_an_unrelated_fault_within_the_first_minutes_is_told_too(told: Mapping[str, Timeline]) -> None:
    for scope in ("volume/pvc-a", "volume/pvc-b"):
        assert len(spans(told["second_at_once"], "VolSyncVolumeFaulted", scope=scope)) == 1
    assert "VolSyncRootCauseSpreads" not in {name for name, _ in alerts_of(told["second_at_once"])}


@story
def second_joins_and_more(s: Story) -> None:
    many = [f"c{number}" for number in range(8)]
    s.exporter(ALL).claims(many, ALL).broken(FAULTED, "volume/pvc-0", many[:1], range(30, 150))
    s.broken(FAULTED, "storage/x", many[:2], range(150, 300)).broken(FAULTED, "storage/x", many, range(300, 380))


def test_a_second_claim_and_six_more_are_each_told_while_the_first_still_stands(told: Mapping[str, Timeline]) -> None:
    timeline = told["second_joins_and_more"]
    (first,) = spans(timeline, "VolSyncVolumeFaulted", scope="volume/pvc-0")
    (second,) = spans(timeline, "VolSyncVolumeFaulted", scope="storage/x")
    (more,) = spans(timeline, "VolSyncRootCauseSpreads", scope="storage/x", severity="critical")

    assert first[0] < 45
    assert 150 < second[0] < 165
    assert 300 <= more[0] < 310


@story
def forty_more(s: Story) -> None:
    many = [f"c{number}" for number in range(42)]
    s.exporter(ALL).claims(many[:2], ALL)
    s.broken(FAULTED, "storage/x", many[:2], range(30, 300)).broken(FAULTED, "storage/x", many, range(300, 380))


def test_forty_more_volumes_are_told_once_while_the_first_two_stand(told: Mapping[str, Timeline]) -> None:
    ((begin, _),) = spans(told["forty_more"], "VolSyncRootCauseSpreads", severity="critical")

    assert 300 <= begin < 310
    assert len(spans(told["forty_more"], "VolSyncVolumeFaulted")) == 1
    assert len(alerts_of(told["forty_more"])) == 2


def every_cause(s: Story) -> None:
    s.exporter(range(70)).claims(["a"], range(70))
    for cause in Cause:
        s.broken(cause, f"claim/a/{cause}", ["a"], range(30, 60), namespace="a")


@pytest.fixture(scope="module")
def causes(tool: None, tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    """The alerts of a claim that every cause hits, by the rules as they are."""
    one = Story("every_cause")
    every_cause(one)
    return firing(one.samples, 70, tmp_path_factory.mktemp("causes"), RULES)


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_an_alert_of_its_own_in_the_namespace_of_its_scope(causes: Timeline, cause: Cause) -> None:
    assert spans(causes, alert_of(cause), cause=cause, namespace="a", scope=f"claim/a/{cause}"), (
        f"{alert_of(cause)} does not fire: run `make docs` where the cause is new"
    )


@story
def at_another_link(s: Story) -> None:
    s.exporter(ALL).claims(["a", "b"], ALL)
    for name, link in (("a", "base_secret"), ("a", "repository_secret"), ("b", "repository_secret")):
        s.broken(Cause.EXTERNAL_SECRET_FAILING, "secretstore/x", [name], range(30, 120), link=link)
    root = {"cause": "external_secret_failing", "scope": "secretstore/x", "link": "base_secret", "severity": "critical"}
    s.put("volsync_root_cause", range(30, 120), 2, **{**TARGET, **root, "namespace": ""})


def test_a_cause_that_shows_at_another_link_than_its_own_is_told_as_its_own(told: Mapping[str, Timeline]) -> None:
    assert max(len(alerts) for alerts in told["at_another_link"]) == 1
    assert len(spans(told["at_another_link"], "VolSyncExternalSecretFailing", link="base_secret")) == 1


# --- who looks


@story
def two_replicas(s: Story) -> None:
    for target in ({}, B):
        s.exporter(ALL, **target).claims(["a"], ALL, **target)
        s.broken(FAULTED, "volume/pvc-a", ["a"], range(30, 120), **target)


def test_two_replicas_are_one_alert(told: Mapping[str, Timeline]) -> None:
    assert max(len(alerts) for alerts in told["two_replicas"]) == 1
    assert len(spans(told["two_replicas"], "VolSyncVolumeFaulted")) == 1


@story
def rolled_out(s: Story) -> None:
    """Five exporters, each for two minutes beside the next one."""
    for number in range(5):
        target = {"instance": f"10.0.0.{number}:9978", "pod": f"volsync-exporter-{number}"}
        when = range(40 * number, END if number == 4 else 40 * number + 42)
        s.exporter(when, **target).claims(["a"], when, **target)
        s.broken(FAULTED, "volume/pvc-a", ["a"], [minute for minute in when if 30 <= minute < 200], **target)


@story
def scrapes_fail(s: Story) -> None:
    """Two of ten scrapes."""
    seen = rhythm(0, END, 8, 2)
    s.exporter(seen).claims(["a"], seen)
    s.broken(FAULTED, "volume/pvc-a", ["a"], [minute for minute in seen if 30 <= minute < 200])


@pytest.mark.parametrize("name", ["rolled_out", "scrapes_fail"])
def test_rollouts_and_scrapes_that_fail_are_nothing_and_make_no_second_alert(
    told: Mapping[str, Timeline], name: str
) -> None:
    ((begin, end),) = spans(told[name], "VolSyncVolumeFaulted")

    assert begin < 45
    assert 195 + HELD <= end <= 205 + HELD
    assert alerts_of(told[name]) == {("VolSyncVolumeFaulted", "critical")}


@story
def hung_replica(s: Story) -> None:
    s.exporter(ALL).claims(["a"], ALL).broken(FAULTED, "volume/pvc-a", ["a"], range(30, 120))
    s.exporter(ALL, hangs=60, **B).claims(["a"], ALL, **B).broken(FAULTED, "volume/pvc-a", ["a"], range(30, END), **B)


def test_a_replica_that_hangs_is_told_and_keeps_nothing_alive(told: Mapping[str, Timeline]) -> None:
    ((_, end),) = spans(told["hung_replica"], "VolSyncVolumeFaulted")

    assert 118 + HELD <= end <= 124 + HELD
    assert alerts_of(told["hung_replica"]) == {
        ("VolSyncVolumeFaulted", "critical"),
        ("VolSyncExporterStale", "warning"),
    }


@story
def hung_alone(s: Story) -> None:
    s.exporter(ALL, hangs=60).claims(["a"], ALL).broken(FAULTED, "volume/pvc-a", ["a"], range(30, 60))


@story
def wrong_clock(s: Story) -> None:
    s.exporter(range(60)).claims(["a"], range(60)).broken(FAULTED, "volume/pvc-a", ["a"], range(30, 60))
    s.exporter(range(60, END), ahead=7200).claims(["a"], range(60, END))


@story
def clock_behind(s: Story) -> None:
    s.exporter(range(60)).claims(["a"], range(60)).broken(FAULTED, "volume/pvc-a", ["a"], range(30, 60))
    s.exporter(range(60, END), ahead=-7200).claims(["a"], range(60, END))


@story
def gone(s: Story) -> None:
    s.exporter(range(60)).claims(["a"], range(60)).broken(FAULTED, "volume/pvc-a", ["a"], range(30, 60))
    s.put("up", ALL, 0, job="volsync-exporter", instance="a:9978")


@story
def dead_shard(s: Story) -> None:
    s.exporter(ALL).claims(["a"], ALL).broken(FAULTED, "volume/pvc-a", ["a"], range(30, 120))
    s.exporter(range(60), **SHARD).claims(["b"], range(60), **SHARD)
    s.broken(FAULTED, "volume/pvc-b", ["b"], range(30, 60), **SHARD)


@story
def blind(s: Story) -> None:
    s.exporter(ALL, blind=range(60, 300)).claims(["a"], ALL)
    s.broken(FAULTED, "volume/pvc-a", ["a"], range(30, 60)).broken(FAILING, "claim/a/data", ["a"], range(30, 60))
    (unknown,) = (name for name in s.samples if name.startswith("volsync_backup_link_ok") and 'link="volume"' in name)
    for minute in range(60, 300):
        del s.samples[unknown][minute]


@story
def family_failed(s: Story) -> None:
    s.exporter(ALL, failed=range(60, 300)).claims(["a"], range(60)).broken(
        FAULTED, "volume/pvc-a", ["a"], range(30, 60)
    )
    s.claims(["a"], range(300, END))


@story
def web_config_refused(s: Story) -> None:
    """One of two replicas refuses its file for hours, after both did for a moment while it was written."""
    s.exporter(ALL).claims(["a"], ALL).broken(FAULTED, "volume/pvc-a", ["a"], ALL[30:])
    for instance, refused in (("a:9978", {20, 21, *range(60, 300)}), ("b:9978", {20, 21})):
        for minute in ALL:
            value = float(minute not in refused)
            s.put("volsync_exporter_web_config_current", [minute], value, **{**TARGET, "instance": instance})


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("hung_alone", ("VolSyncExporterStale", "critical")),
        ("wrong_clock", ("VolSyncExporterStale", "critical")),
        ("clock_behind", ("VolSyncExporterStale", "critical")),
        ("gone", ("VolSyncExporterDown", "critical")),
        ("dead_shard", ("VolSyncExporterDown", "critical")),
        ("blind", ("VolSyncExporterBlind", "warning")),
        ("family_failed", ("VolSyncExporterIncomplete", "warning")),
        ("web_config_refused", ("VolSyncExporterWebConfigRefused", "warning")),
    ],
)
def test_an_exporter_that_does_not_see_is_told_once_and_hides_no_fault(
    told: Mapping[str, Timeline], name: str, beside: tuple[str, str]
) -> None:
    scope = "volume/pvc-b" if name == "dead_shard" else "volume/pvc-a"
    ((begin, end),) = spans(told[name], "VolSyncVolumeFaulted", scope=scope)

    assert begin < 45
    assert end == (END if name not in ("blind", "family_failed") else pytest.approx(308, abs=6))
    assert len(spans(told[name], beside[0], severity=beside[1])) == 1
    assert {alert for alert in alerts_of(told[name]) if "Exporter" in alert[0]} == {beside}


def test_a_blind_source_holds_nothing_that_does_not_rest_on_it(told: Mapping[str, Timeline]) -> None:
    ((_, end),) = spans(told["blind"], "VolSyncMoverFailing")

    assert end <= 65 + HELD


BLIND = range(60, 300)


def blind_to(s: Story, source: str, cause: Cause) -> None:
    """A claim's fault is there before a source cannot be read, and after."""
    s.exporter(ALL, blind=BLIND, source=source)
    s.broken(cause, "claim/a/data", ["a"], [*range(30, 60), *range(300, 330)], namespace="a")


@story
def blind_to_the_cluster(s: Story) -> None:
    """Then no claim is known either."""
    blind_to(s, "kubernetes", FAILING)
    s.claims(["a"], [*range(60), *range(300, END)])


@story
def blind_to_volsync(s: Story) -> None:
    blind_to(s, "volsync", FAILING)
    s.claims(["a"], [*range(60), *range(300, END)])


@story
def blind_to_the_store(s: Story) -> None:
    blind_to(s, "s3", Cause.SNAPSHOT_MISSING)
    s.claims(["a"], ALL)


@pytest.mark.parametrize(
    ("name", "alert", "source", "severity"),
    [
        ("blind_to_the_cluster", "VolSyncMoverFailing", "kubernetes", "critical"),
        ("blind_to_volsync", "VolSyncMoverFailing", "volsync", "critical"),
        ("blind_to_the_store", "VolSyncSnapshotMissing", "s3", "warning"),
    ],
)
def test_a_fault_stands_while_the_source_that_shows_it_cannot_be_read(
    told: Mapping[str, Timeline], name: str, alert: str, source: str, severity: str
) -> None:
    ((begin, end),) = spans(told[name], alert)
    ((_, sighted),) = spans(told[name], "VolSyncExporterBlind", source=source, severity=severity)

    assert begin < 45
    assert 325 + HELD <= end <= 335 + HELD
    assert 300 <= sighted <= 330
    assert len(alerts_of(told[name])) == 2, "nothing else is told, and no claim has vanished"


@pytest.fixture(scope="module")
def nothing(tool: None, tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    """The alerts where Prometheus was there for an hour, and no exporter."""
    one = Story("nothing").put("up", range(60), job="node-exporter", instance="a:9100")
    return firing(one.samples, 60, tmp_path_factory.mktemp("nothing"))


def test_an_exporter_that_was_never_there_is_told(nothing: Timeline) -> None:
    ((begin, end),) = spans(nothing, "VolSyncExporterDown", severity="critical")

    assert begin < 10
    assert end == 60
    assert len(alerts_of(nothing)) == 1


@story
def two_shards(s: Story) -> None:
    """Two exporters in two namespaces share the claims of one store that is down, and each has a replica."""
    s.exporter(ALL).claims(["a", "b"], ALL).broken(FAILING, "store/x", ["a", "b"], range(30, 120))
    other = {**SHARD, "namespace": "elsewhere"}
    s.exporter(ALL, **other).claims(["c"], ALL, **other).broken(FAILING, "store/x", ["c"], range(40, 150), **other)
    for target, names in (({**B}, ["a", "b"]), ({**other, "instance": "t:9978"}, ["c"])):
        s.exporter(ALL, **target).claims(names, ALL, **target)


def test_two_shards_tell_one_fault_that_both_see_once(told: Mapping[str, Timeline]) -> None:
    ((begin, end),) = spans(told["two_shards"], "VolSyncMoverFailing", scope="store/x")

    assert begin < 45
    assert 148 + HELD <= end <= 154 + HELD, "until the other shard's claim is healed too"
    assert max(len(alerts) for alerts in told["two_shards"]) == 1


@story
def two_clusters(s: Story) -> None:
    """Two clusters in one store, told apart by a label of their owner's, with the same fault at the same time."""
    for region in ("east", "west"):
        s.exporter(ALL, region=region).claims(["a"], ALL, region=region)
        s.broken(FAULTED, "volume/pvc-a", ["a"], range(30, 120), region=region)
    s.exporter(range(60), region="gone").claims(["a"], range(60), region="gone")


def test_two_clusters_in_one_store_have_an_alert_each(told: Mapping[str, Timeline]) -> None:
    timeline = told["two_clusters"]
    for region in ("east", "west"):
        ((_, end),) = spans(timeline, "VolSyncVolumeFaulted", region=region)
        assert end <= 124 + HELD, "an exporter that is gone in another cluster keeps nothing alive"
    assert len(spans(timeline, "VolSyncExporterDown", region="gone")) == 1
    assert max(len(alerts) for alerts in timeline) == 3


def test_a_dead_shard_keeps_nothing_of_another_one_alive(told: Mapping[str, Timeline]) -> None:
    ((_, end),) = spans(told["dead_shard"], "VolSyncVolumeFaulted", scope="volume/pvc-a")

    assert end <= 124 + HELD


@story
def comes_back(s: Story) -> None:
    here = [*range(90), *range(200, END)]
    s.exporter(here).claims(["a"], here).broken(FAULTED, "volume/pvc-a", ["a"], [*range(30, 90), *range(200, 240)])


def test_a_fault_is_not_told_again_when_the_exporter_comes_back(told: Mapping[str, Timeline]) -> None:
    assert len(spans(told["comes_back"], "VolSyncVolumeFaulted")) == 1


@story
def enforced(s: Story) -> None:
    s.exporter(ALL)
    for name in ("a", "b"):
        what = {"cause": "repository_unreachable", "scope": "store/x", "link": "mover", "severity": "critical"}
        claim = {**TARGET, "exported_namespace": name, "pvc": "data"}
        s.put("volsync_backup_problem", range(30, 120), **what, **claim, impact="blocking")
        s.put("volsync_root_cause", range(30, 120), 2, **what, **TARGET)


def test_an_operator_that_enforces_its_namespace_gets_the_alert_there(told: Mapping[str, Timeline]) -> None:
    assert len(spans(told["enforced"], "VolSyncRepositoryUnreachable", namespace="monitoring", scope="store/x")) == 1
    assert max(len(alerts) for alerts in told["enforced"]) == 1


# --- what no root cause says


@story
def vanishes(s: Story) -> None:
    s.exporter(ALL).claims(["a"], ALL).claims(["b"], range(200)).claims(["c"], range(200), "exempt")


def test_one_claim_that_vanishes_is_told_once(told: Mapping[str, Timeline]) -> None:
    assert len(spans(told["vanishes"], "VolSyncClaimsVanished", namespace="monitoring")) == 1
    assert len(alerts_of(told["vanishes"])) == 1


@story
def may_vanish(s: Story) -> None:
    """The first may go from its beginning on, the others were told so ten minutes before they went."""
    s.exporter(ALL).claims(["a"], ALL).claims(["pr-1", "pr-2"], range(200))
    s.claims(["c"], range(190)).claims(["c"], range(190, 200), "exempt")
    for name, since in (("pr-1", 0), ("pr-2", 190)):
        s.put("volsync_backup_may_vanish", range(since, 200), **{**TARGET, "namespace": name, "pvc": "data"})


def test_claims_that_may_vanish_are_told_to_nobody(told: Mapping[str, Timeline]) -> None:
    assert not alerts_of(told["may_vanish"])


@story
def unexplained(s: Story) -> None:
    s.exporter(ALL).claims(["a", "b"], ALL).claims(["c"], ALL, "unknown").claims(["b"], range(100, 160), "unprotected")


def test_what_nothing_explains_is_told(told: Mapping[str, Timeline]) -> None:
    assert len(spans(told["unexplained"], "VolSyncBackupUnprotected", severity="critical")) == 1
    assert len(spans(told["unexplained"], "VolSyncBackupUnknown", severity="warning")) == 1
    assert len(spans(told["unexplained"], "VolSyncBudgetBurning", severity="warning")) == 1


# --- the budget


TWENTY = [f"c{number}" for number in range(20)]


def spent(s: Story, unprotected: int, minutes: range) -> None:
    """An exporter of twenty claims that begins in the first minute of its Prometheus."""
    s.exporter(ALL).claims(TWENTY[unprotected:], ALL)
    s.claims(TWENTY[:unprotected], minutes, "unprotected")
    s.claims(TWENTY[:unprotected], [minute for minute in ALL if minute not in minutes])


@story
def spent_in_the_first_minutes(s: Story) -> None:
    spent(s, 10, range(15))


@story
def spent_fast(s: Story) -> None:
    spent(s, 10, range(60))


@story
def spent_slowly(s: Story) -> None:
    spent(s, 2, range(300))


def test_the_first_minutes_weigh_no_more_than_others(told: Mapping[str, Timeline]) -> None:
    """Half of the claims for fifteen minutes are an eighth of an hour; 16.8 % of one are a twentieth of the budget."""
    assert spans(told["spent_in_the_first_minutes"], "VolSyncBudgetBurning") == []


@pytest.mark.parametrize(
    ("name", "window", "minute"),
    [("spent_fast", "fast", 0.168 * 60 / 0.5), ("spent_slowly", "slow", 0.056 * 360 / 0.1)],
)
def test_the_budget_burns_once_a_window_has_spent_its_share(
    told: Mapping[str, Timeline], name: str, window: str, minute: float
) -> None:
    ((begin, _),) = spans(told[name], "VolSyncBudgetBurning", severity="warning")

    assert begin == pytest.approx(minute, abs=3)
    assert spans(told[name], "VolSyncBudgetBurning", window=window)[0][0] == begin


# --- corruption, which the exporter forgets when it is restarted


DAMAGED = "VolSyncRepositoryDamaged"
BESIDE = {
    "corruption_behind_a_store_that_is_down": {"VolSyncExporterBlind"},
    "corruption_behind_an_exporter_that_is_gone": {"VolSyncExporterDown"},
}
RESTARTED = [*range(60), *range(63, END)]
"""An exporter is there at these minutes; the one that comes up has another address."""


def restarted(s: Story) -> Story:
    """One claim, and a repository of which corruption is found half an hour before the exporter is restarted."""
    s.exporter(RESTARTED[:60]).claims(["a"], RESTARTED[:60]).exporter(RESTARTED[60:], **B)
    return s.claims(["a"], RESTARTED[60:], **B).scrubbed(range(30), None).scrubbed(range(30, 60), 1)


@story
def corruption_is_found_again(s: Story) -> None:
    restarted(s).scrubbed(range(63, 240), None, **B).scrubbed(range(240, 300), 1, **B).scrubbed(range(300, END), 0, **B)


@story
def corruption_was_fixed_while_the_exporter_was_down(s: Story) -> None:
    restarted(s).scrubbed(range(63, 240), None, **B).scrubbed(range(240, END), 0, **B)


@story
def corrupt_repository_is_gone_after_the_restart(s: Story) -> None:
    restarted(s).scrubbed(range(63, 240), None, **B)


@story
def corrupt_repository_was_gone_after_the_restart(s: Story) -> None:
    restarted(s)


@story
def corrupt_repository_was_made_again(s: Story) -> None:
    restarted(s).scrubbed(range(63, END), None, made=61, **B)


@story
def corruption_was_fixed_before_the_restart(s: Story) -> None:
    s.exporter(RESTARTED).claims(["a"], RESTARTED).scrubbed(range(30), None).scrubbed(range(30, 40), 1)
    s.scrubbed(range(40, 60), 0).scrubbed(range(63, END), None)


@story
def corruption_behind_a_store_that_is_down(s: Story) -> None:
    """The store cannot be read for the hours after the restart: nobody knows whether the repository is there."""
    down = range(63, 240)
    s.exporter(RESTARTED, blind=down, source="s3").claims(["a"], RESTARTED).scrubbed(range(30, 60), 1)
    s.scrubbed(range(240, 380), None).scrubbed(range(380, END), 1)


@story
def corruption_behind_a_listing_that_is_not_believed(s: Story) -> None:
    """The store's listing contradicts itself for the hours after the restart; the repository is not scrubbed then."""
    s.exporter(RESTARTED).claims(["a"], RESTARTED).scrubbed(range(30, 60), 1)
    what = {"namespace": "a", "pvc": "data", "bucket": "backups", "prefix": "a/data", "reason": "contradicted"}
    s.put("volsync_repository_suspect", range(63, 240), **{**TARGET, **what})
    s.scrubbed(range(240, 380), None).scrubbed(range(380, END), 1)


@story
def corruption_of_a_claim_that_is_exempt_after_it(s: Story) -> None:
    s.exporter(RESTARTED).claims(["a"], RESTARTED[:200]).claims(["a"], RESTARTED[200:], "exempt")
    s.scrubbed(range(30, 60), 1).scrubbed(range(63, END), None)


@story
def corruption_behind_an_exporter_that_is_gone(s: Story) -> None:
    here = [*range(60), *range(240, END)]
    s.exporter(here).claims(["a"], here).scrubbed(range(30, 60), 1)
    s.scrubbed(range(240, 380), None).scrubbed(range(380, END), 1)


@story
def corruption_that_a_replica_knows_of(s: Story) -> None:
    """One replica found it and stays, the other is restarted and says nothing; then it is fixed."""
    s.exporter(ALL).claims(["a"], ALL).scrubbed(range(30, 200), 1).scrubbed(range(200, END), 0)
    s.exporter(RESTARTED, **B).claims(["a"], RESTARTED, **B).scrubbed(RESTARTED, None, **B)


@story
def soundness_is_forgotten(s: Story) -> None:
    s.exporter(RESTARTED).claims(["a"], RESTARTED).scrubbed(range(60), 0).scrubbed(range(63, END), None)


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("corruption_is_found_again", 300 + HELD),
        ("corruption_was_fixed_while_the_exporter_was_down", 241),
        ("corrupt_repository_is_gone_after_the_restart", 300),
        ("corrupt_repository_was_gone_after_the_restart", 60 + HELD),
        ("corrupt_repository_was_made_again", 60 + HELD),
        ("corruption_was_fixed_before_the_restart", 40 + HELD),
        ("corruption_behind_a_store_that_is_down", END),
        ("corruption_behind_a_listing_that_is_not_believed", END),
        ("corruption_of_a_claim_that_is_exempt_after_it", 203),
        ("corruption_behind_an_exporter_that_is_gone", END),
        ("corruption_that_a_replica_knows_of", 200 + HELD),
    ],
)
def test_a_corruption_is_one_page_until_it_is_read_again_and_sound_or_gone(
    told: Mapping[str, Timeline], name: str, end: int
) -> None:
    ((begin, over),) = spans(told[name], DAMAGED, severity="critical", namespace="a", scope="claim/a/data")

    assert 34 <= begin <= 40
    assert end - 2 <= over <= end + 10, "Prometheus 3 counts a range's first moment no more, and vmalert sees late"
    others = {alert for alert, _ in alerts_of(told[name])} - {DAMAGED}
    assert others == BESIDE.get(name, set())


def test_a_restart_beside_a_sound_repository_is_told_to_nobody(told: Mapping[str, Timeline]) -> None:
    assert not alerts_of(told["soundness_is_forgotten"])


@story
def scrub_is_refused(s: Story) -> None:
    s.exporter(ALL, source="scrub", blind=ALL).claims(["a"], ALL)
    for minute in ALL:
        s.put("volsync_exporter_source_up", [minute], 0.0, source="scrub", **TARGET)


def test_a_scrub_that_cannot_read_is_told(told: Mapping[str, Timeline]) -> None:
    assert spans(told["scrub_is_refused"], "VolSyncExporterBlind", source="scrub", severity="warning")
    assert {name for name, _ in alerts_of(told["scrub_is_refused"])} == {"VolSyncExporterBlind"}


# --- what a person is sent


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_every_page_of_a_story_is_sent_once_and_no_ticket_twice(
    told: Mapping[str, Timeline], configuration: str, name: str
) -> None:
    messages = notifications(CONFIGURATIONS[configuration], told[name])
    sent = Counter(alert for one in messages if one.receiver not in ("null", "nobody") for alert in one.news)
    pages = {alert for alerts in told[name] for alert in alerts if ("severity", "critical") in alert}

    assert {alert: sent[alert] for alert in pages} == dict.fromkeys(pages, 1)
    assert max(sent.values(), default=0) <= 1
