"""Every query of the dashboards, run by a real Prometheus over a sound hour, the bad day and its recovery."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

import pytest

from exporter.chain.causes import Impact, Link
from exporter.chain.verdict import ClaimState, Verdict
from grafana import palette
from tests.grafana.boards import QUERIES, Query
from tests.grafana.history import BAD, BAD_FROM, CAPACITY, HEALED, LENGTH, SOUND, SOUND_UNTIL, History, Prometheus
from tests.tools import tool

MOMENTS = (SOUND, BAD, HEALED)
EVERYTHING = {"cluster": ".*", "namespace": ".*"}


class Recorded:
    """The history and the Prometheus that answers about it."""

    def __init__(self, history: History, prometheus: Prometheus) -> None:
        self.verdicts = history.verdicts
        self.prometheus = prometheus

    def of(self, panel: str, ref: str = "A", *, board: str = "overview", **variables: str) -> "Asked":
        """The query *ref* of a panel."""
        (query,) = (q for q in QUERIES if (q.board, q.panel, q.ref) == (board, panel, ref))
        return Asked(query, query.filled(**(EVERYTHING | variables)), self.prometheus)


class Asked:
    """One query with its variables filled in."""

    def __init__(self, query: Query, text: str, prometheus: Prometheus) -> None:
        self._query = query
        self._text = text
        self._prometheus = prometheus

    def at(self, moment: datetime) -> list[tuple[dict[str, str], float]]:
        return self._prometheus.now(self._text, moment)

    def single(self, moment: datetime) -> float | None:
        """The one value; None where the panel says that there is none."""
        found = self.at(moment)
        assert len(found) <= 1
        return found[0][1] if found else None

    def by(self, moment: datetime, *labels: str) -> dict[tuple[str, ...], float]:
        found = self.at(moment)
        values = {tuple(series.get(label, "") for label in labels): value for series, value in found}
        assert len(values) == len(found)
        return values


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    tool("prometheus", "promtool")
    folder = tmp_path_factory.mktemp("history")
    history = History(folder)
    prometheus = Prometheus(folder, history.text)
    yield Recorded(history, prometheus)
    prometheus.close()


def states(verdict: Verdict) -> Counter[str]:
    return Counter(claim.state.value for claim in verdict.claims)


def test_the_history_holds_what_it_should(recorded: Recorded) -> None:
    assert states(recorded.verdicts[SOUND]) == {"protected": 11}
    assert states(recorded.verdicts[BAD])["unprotected"] >= 4
    assert states(recorded.verdicts[HEALED])["protected"] > states(recorded.verdicts[BAD])["protected"]


@pytest.mark.parametrize("query", QUERIES, ids=[f"{q.board}-{q.panel}-{q.ref}" for q in QUERIES])
def test_a_query_runs_and_answers_where_there_is_data(recorded: Recorded, query: Query) -> None:
    """Every claim is asked about at every moment, as Grafana asks: at the end of the range, or over it."""
    claims = [claim.key.split("/") for claim in recorded.verdicts[BAD].claims]
    if query.board == "claim":
        texts = [query.filled(cluster=".*", namespace=namespace, pvc=pvc) for namespace, pvc in claims]
    else:
        texts = [query.filled(**EVERYTHING)]
    answers = 0
    for text in texts:
        if query.instant:
            answers += sum(len(recorded.prometheus.now(text, moment)) for moment in MOMENTS)
        else:
            answers += len(recorded.prometheus.over(text, SOUND_UNTIL - LENGTH, HEALED))
    assert answers > 0


@pytest.mark.parametrize("moment", MOMENTS, ids=["sound", "bad", "healed"])
class TestValuesAreTheVerdicts:
    """What the panels show is what was judged."""

    def test_states(self, recorded: Recorded, moment: datetime) -> None:
        verdict = recorded.verdicts[moment]
        expected = states(verdict)
        order = ("unprotected", "at_risk", "unknown", "starting", "protected", "exempt")
        shown = {
            state: recorded.of("Claims by state", ref).single(moment)
            for ref, state in zip("ABCDEF", order, strict=True)
        }
        assert shown == {state: expected[state] for state in order}
        needing = expected["unprotected"] + expected["at_risk"] + expected["unknown"]
        assert recorded.of("Claims that need someone").single(moment) == needing

    def test_the_state_of_each_claim(self, recorded: Recorded, moment: datetime) -> None:
        expected = {
            (claim.namespace, claim.pvc): palette.STATES[claim.state][0] for claim in recorded.verdicts[moment].claims
        }
        assert recorded.of("Claims").by(moment, "namespace", "pvc") == expected
        assert recorded.of("State of every claim").by(moment, "namespace", "pvc") == expected
        for (namespace, pvc), number in expected.items():
            own = recorded.of("State", board="claim", namespace=namespace, pvc=pvc)
            assert own.single(moment) == number

    def test_root_causes(self, recorded: Recorded, moment: datetime) -> None:
        shown = defaultdict(set)
        for series, _ in recorded.of("Root causes now").at(moment):
            shown[series["cause"], series["scope"]].add(series["claim"])
        causes = [c for c in recorded.verdicts[moment].root_causes if c.cause.link is not Link.NONE]
        assert shown == {(cause.cause.value, str(cause.scope)): set(cause.claims) for cause in causes}
        since = recorded.of("Root causes now", "B").by(moment, "cause", "scope", "namespace", "pvc")
        for cause in causes:
            moments = [value for key, value in since.items() if key[:2] == (cause.cause.value, str(cause.scope))]
            assert min(moments, default=None) == (cause.since and cause.since.timestamp() * 1000)

    def test_recovery_points(self, recorded: Recorded, moment: datetime) -> None:
        claims = [claim for claim in recorded.verdicts[moment].claims if claim.recovery_point]
        ages = recorded.of("Claims", "B").by(moment, "namespace", "pvc")
        used = recorded.of("Claims", "D").by(moment, "namespace", "pvc")
        assert set(ages) == {(claim.namespace, claim.pvc) for claim in claims}
        for claim in claims:
            assert claim.recovery_point is not None
            assert claim.objective is not None
            age = moment - claim.recovery_point
            assert ages[claim.namespace, claim.pvc] == pytest.approx(age.total_seconds(), abs=1)
            assert used[claim.namespace, claim.pvc] == pytest.approx(age / claim.objective, abs=0.001)
            assert (used[claim.namespace, claim.pvc] > 1) is (claim.state is ClaimState.UNPROTECTED)

    def test_sizes(self, recorded: Recorded, moment: datetime) -> None:
        (bucket,) = recorded.verdicts[moment].facts.buckets
        sizes = {
            repository.prefix: sum(total.bytes for total in repository.totals.values())
            for repository in bucket.repositories
            if repository.totals
        }
        assert recorded.of("Bucket size now").by(moment, "bucket") == {(bucket.name,): sum(sizes.values())}
        assert recorded.of("Bucket size", "C").by(moment, "bucket") == {(bucket.name,): CAPACITY}
        largest = recorded.of("Largest repositories").by(moment, "prefix")
        assert {prefix: size for (prefix,), size in largest.items()} == sizes

    def test_volumes_and_secrets(self, recorded: Recorded, moment: datetime) -> None:
        claims = recorded.verdicts[moment].claims
        volumes = {(series["volume"], series["robustness"]) for series, _ in recorded.of(VOLUMES).at(moment)}
        assert volumes == {(volume.name, volume.robustness) for claim in claims for volume in claim.volumes}
        for ref, role in (("A", "base"), ("B", "repository")):
            present: dict[tuple[str], float] = {}
            for claim in claims:
                for secret in claim.secrets:
                    if secret.role == role:
                        present[claim.namespace,] = min(secret.present, present.get((claim.namespace,), 1))
            assert recorded.of("Secrets by namespace", ref).by(moment, "namespace") == present

    def test_the_chain_of_each_claim(self, recorded: Recorded, moment: datetime) -> None:
        numbers = {"ok": 1, "broken": 0, "unknown": -1}
        for claim in recorded.verdicts[moment].claims:
            links = {link.link: numbers[link.state] for link in claim.links}
            for ref, link in zip("ABCDEFGHIJ", [link for link in Link if link is not Link.NONE], strict=True):
                asked = recorded.of("The chain", ref, board="claim", namespace=claim.namespace, pvc=claim.pvc)
                assert asked.single(moment) == links.get(link, -1)


VOLUMES = "Longhorn volumes that matter"


def test_a_claims_problems_are_its_verdicts(recorded: Recorded) -> None:
    for claim in recorded.verdicts[BAD].claims:
        asked = recorded.of("What is broken", board="claim", namespace=claim.namespace, pvc=claim.pvc)
        shown = {(series["cause"], series["impact"]) for series, _ in asked.at(BAD)}
        assert shown == {(problem.cause.value, problem.impact.value) for problem in claim.problems}


def test_a_claims_alert_is_the_one_of_its_root_cause(recorded: Recorded) -> None:
    for claim in recorded.verdicts[BAD].claims:
        asked = recorded.of("Its alerts", board="claim", namespace=claim.namespace, pvc=claim.pvc)
        faulted = claim.problem is not None and claim.problem.cause == "volume_faulted"
        assert [series["alertname"] for series, _ in asked.at(BAD)] == ["VolSyncVolumeFaulted"] * faulted


def test_the_budget_is_whole_in_the_sound_hour_and_the_bad_half_hour_spends_its_part(recorded: Recorded) -> None:
    assert recorded.of("Error budget left").single(SOUND) == pytest.approx(1)
    claims = recorded.verdicts[BAD].claims
    share = sum(claim.state is ClaimState.UNPROTECTED for claim in claims) / len(claims)
    fortnight = 14 * 48
    assert recorded.of("Error budget left").single(BAD) == pytest.approx(1 - share / fortnight / 0.01, abs=0.001)


def test_a_bucket_that_grows_is_forecast_to_grow_on_and_to_fill(recorded: Recorded) -> None:
    size, forecast = (recorded.of("Bucket size", ref).single(HEALED) for ref in "AB")
    assert size is not None
    assert forecast is not None
    assert forecast > size
    left = recorded.of("Bucket is full in").single(HEALED)
    assert left is not None
    assert left > 0
    assert recorded.of("Bucket is full in").at(SOUND) == []


def test_two_exporters_are_not_counted_twice(recorded: Recorded) -> None:
    """Within five minutes of a replacement Prometheus still holds the old one's series."""
    for moment in (BAD_FROM, BAD):
        rows = [(s["namespace"], s["pvc"]) for s, _ in recorded.of("Claims").at(moment)]
        assert len(rows) == len(set(rows)) == 11


def test_blocking_causes_are_the_ones_that_stop_backups(recorded: Recorded) -> None:
    shown = {s["cause"] for s, _ in recorded.of("Root causes now").at(BAD) if s["impact"] == Impact.BLOCKING}
    assert shown == {c.problem.cause.value for c in recorded.verdicts[BAD].claims if c.problem}
