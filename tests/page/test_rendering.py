"""The pages as bytes: what they say, what they link to, what they never let through."""

import re
import time
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import unquote

import msgspec
import pytest

from exporter.chain.causes import Cause
from exporter.chain.selection import Uncovered
from exporter.chain.verdict import ClaimState, RepositoryOf, Verdict
from exporter.facts.bucket.model import Bucket, Repository
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import Facts, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.publication.page import respond
from exporter.publication.page.headline import headline
from exporter.publication.page.view import View
from exporter.publication.page.words import LINKS, STATES, bytes_of, title_of
from exporter.publication.plain import UNVERIFIED
from tests.page.verdicts import AT, FAULTED, bad_day, broken, many, problem, protected, sound, telemetry, with_claims


def html(path: str, verdict: Verdict | None, **query: str) -> str:
    answer = respond(path, {name: [value] for name, value in query.items()}, verdict, telemetry())
    assert answer is not None
    return answer.body.decode()


def rows(page: str) -> list[str]:
    """The claims that the table of *page* links to, in order."""
    return [unquote(path) for path in re.findall(r'class="c-claim"><a href="\./claims/([^"]+)"', page)]


def test_what_needs_someone_stands_first() -> None:
    shown = rows(html("/", bad_day()))
    assert shown[:5] == [*(f"{namespace}/{pvc}" for namespace, pvc in FAULTED), "khoj/config"]
    assert len(shown) == 11


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"namespace": "paperless-ngx"}, ["paperless-ngx/data", "paperless-ngx/media"]),
        ({"state": "at_risk"}, ["khoj/config"]),
        ({"cause": "restore_stuck"}, ["n8n/data"]),
        (
            {"cause": "volume_faulted", "scope": "storage/driver.longhorn.io", "namespace": "open-webui"},
            ["open-webui/storage"],
        ),
        ({"cause": "volume_faulted", "scope": "claim/khoj/config"}, []),
        ({"state": "no such state"}, []),
        ({"namespace": "", "state": "", "cause": "source_paused"}, ["khoj/config"]),
    ],
)
def test_a_view_shows_the_claims_that_match_all_of_it(query: dict[str, str], expected: list[str]) -> None:
    assert rows(html("/", bad_day(), **query)) == expected


def test_a_view_is_its_address() -> None:
    view = View(namespace=("a&b",), state=("at_risk",), scope=("node/worker 1",), page=3)
    assert view.address == "?namespace=a%26b&state=at_risk&scope=node%2Fworker+1&page=3"
    assert View().address == ""


@pytest.mark.parametrize("page", ["0", "-1", "x", "٣", "9" * 5000, "99999"])
def test_a_page_that_is_not_there_shows_one_that_is(page: str) -> None:
    assert rows(html("/", many(3), page=page)) != []


def test_more_claims_than_a_page_holds_are_paged() -> None:
    verdict = many(2345)
    seen = [row for page in ("1", "2", "3") for row in rows(html("/", verdict, page=page))]
    assert sorted(seen) == sorted(claim.key for claim in verdict.claims)
    assert 'rel="next" href="./?state=protected&amp;page=2#claims"' in html("/", verdict, state="protected")


@pytest.mark.parametrize("state", list(ClaimState))
def test_every_state_has_a_word_and_a_shape_of_its_own(state: ClaimState) -> None:
    claim = msgspec.structs.replace(protected("khoj", "config"), state=state)
    page = html("/claims/khoj/config", with_claims(sound(), claim))
    assert f'<use href="#state-{state}"/>' in page
    assert f'<symbol id="state-{state}"' in page
    assert STATES[state].word in page


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([ClaimState.PROTECTED], (ClaimState.PROTECTED, "All is well: 1 claim could be restored now")),
        (
            [ClaimState.PROTECTED, ClaimState.STARTING, ClaimState.EXEMPT],
            (ClaimState.PROTECTED, "All is well: 1 claim could be"),
        ),
        ([ClaimState.STARTING], (ClaimState.STARTING, "No claim is protected yet: 1 claim starting")),
        ([ClaimState.EXEMPT], (ClaimState.EXEMPT, "No claim is protected yet: 1 claim exempt")),
        ([ClaimState.PROTECTED, ClaimState.UNKNOWN], (ClaimState.UNKNOWN, "1 of 2 claims is unknown")),
        (
            [ClaimState.UNKNOWN, ClaimState.AT_RISK, ClaimState.AT_RISK],
            (ClaimState.AT_RISK, "2 of 3 claims are at risk"),
        ),
        ([ClaimState.AT_RISK, ClaimState.UNPROTECTED], (ClaimState.UNPROTECTED, "1 of 2 claims is unprotected")),
    ],
)
def test_the_headline_is_the_worst_state(states: list[ClaimState], expected: tuple[ClaimState, str]) -> None:
    claims = [msgspec.structs.replace(protected("a", f"b{n}"), state=state) for n, state in enumerate(states)]
    said = headline(with_claims(sound(), *claims), None)
    assert (said.state, said.text[: len(expected[1])]) == expected
    assert sum(said.counts.values()) == len(states)


def test_a_page_that_has_read_nothing_says_so_in_its_headline() -> None:
    down = (SourceReport(Source.KUBERNETES, Reading.UNREADABLE, Reason.FORBIDDEN),)
    nothing = headline(msgspec.structs.replace(with_claims(sound()), facts=Facts(sources=down)), None)
    assert (nothing.state, nothing.text) == (ClaimState.UNKNOWN, "Nothing was read")
    assert "kubernetes" in nothing.detail
    up = SourceReport(Source.VOLSYNC, Reading.READ)
    partly = headline(msgspec.structs.replace(with_claims(sound()), facts=Facts(sources=(*down, up))), None)
    assert (partly.state, partly.text) == (ClaimState.UNKNOWN, "No claim was read")


def test_a_cluster_that_was_read_and_has_no_claim_says_what_would_make_one() -> None:
    lists = {field: ObjectList(reading=Reading.READ) for field in ("core.claims", "volsync.sources")}
    cluster = ClusterFacts().with_lists(lists)
    said = headline(msgspec.structs.replace(with_claims(sound()), facts=Facts(cluster)), None)
    assert (said.state, said.text) == (ClaimState.UNKNOWN, "No claim asks for a backup")
    assert "A ReplicationSource with the PVC in spec.sourcePVC makes it a claim." in said.detail
    unlisted = cluster.with_lists({"volsync.sources": ObjectList(reading=Reading.UNREADABLE)})
    said = headline(msgspec.structs.replace(with_claims(sound()), facts=Facts(unlisted)), None)
    assert "No PVC asks" not in said.detail


def test_the_headline_says_whether_recovery_points_are_verified() -> None:
    verified = sound()
    assert verified.facts.buckets
    assert UNVERIFIED not in headline(verified, None).detail
    believed = msgspec.structs.replace(verified, facts=msgspec.structs.replace(verified.facts, buckets=()))
    assert UNVERIFIED in headline(believed, None).detail
    assert UNVERIFIED in html("/", believed)


def test_a_bucket_that_cannot_be_read_verifies_nothing() -> None:
    sound_facts = sound().facts
    unread = tuple(msgspec.structs.replace(one, reading=Reading.UNREADABLE) for one in sound_facts.buckets)
    said = headline(msgspec.structs.replace(sound(), facts=msgspec.structs.replace(sound_facts, buckets=unread)), None)
    assert UNVERIFIED in said.detail


def test_the_card_of_a_root_cause_says_for_which_claim_its_command_is() -> None:
    day = bad_day()
    causes = tuple(msgspec.structs.replace(cause, command_for="open-webui/storage") for cause in day.root_causes[:1])
    assert "For open-webui/storage; repeat for the others:" in html(
        "/", msgspec.structs.replace(day, root_causes=causes)
    )
    alone = tuple(msgspec.structs.replace(cause, command_for="") for cause in causes)
    assert "likewise for the others" not in html("/", msgspec.structs.replace(day, root_causes=alone))


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.link in LINKS])
def test_every_cause_shows_with_its_command_and_runbook(cause: Cause) -> None:
    found = problem(cause, "node/scope-of-it", "kubectl fix it", "Because of the test.", AT)
    claims = [broken(protected("khoj", pvc), ClaimState.UNPROTECTED, found) for pvc in ("config", "data")]
    verdict = with_claims(sound(), *claims)
    for page in (html("/", verdict), html("/claims/khoj/config", verdict)):
        assert title_of(cause) in page
    overview = html("/", verdict)
    assert cause.entry.meaning.replace("'", "&#39;") in overview
    assert "kubectl fix it</code>" in overview
    assert f"/alerts/runbooks/{cause}.md" in overview


def test_the_chain_shows_every_link_and_marks_the_break() -> None:
    page = html("/claims/open-webui/storage", bad_day())
    assert re.findall(r'<li class="link (\w+)( here)?" id="link-(\w+)"', page) == [
        ("ok", "", "policy"),
        ("ok", "", "namespace"),
        ("ok", "", "base_secret"),
        ("ok", "", "repository_secret"),
        ("ok", "", "source"),
        ("broken", " here", "volume"),
        ("unknown", "", "mover"),
        ("unknown", "", "sync"),
        ("unknown", "", "repository"),
    ]


def test_a_link_that_does_not_apply_is_drawn_as_that() -> None:
    claim = protected("khoj", "config")
    claim = msgspec.structs.replace(claim, links=claim.links[4:])
    page = html("/claims/khoj/config", with_claims(sound(), claim))
    assert len(re.findall(r'class="link absent"', page)) == 4
    assert page.count("does not apply") == 4


def test_repositories_at_one_path_of_two_stores_buckets_of_one_name_are_told_apart() -> None:
    claim = msgspec.structs.replace(
        protected("khoj", "config"),
        repositories=(
            RepositoryOf("backups", "khoj/config", "http://near:9000"),
            RepositoryOf("backups", "khoj/config", "http://far:9000"),
        ),
    )
    buckets = tuple(
        Bucket(
            "backups",
            f"http://{host}:9000",
            reading=Reading.READ,
            read_at=AT,
            repositories=(Repository("backups", "khoj/config", AT, present=True, snapshots=snapshots),),
        )
        for host, snapshots in (("near", 24), ("far", 7))
    )
    page = html(
        "/claims/khoj/config", msgspec.structs.replace(with_claims(sound(), claim), facts=Facts(buckets=buckets))
    )
    shown = re.findall(
        r'<span class="soft">([^<]+)/</span>khoj/config</h3>.*?<dt>Snapshots</dt><dd>(\d+)', page, re.DOTALL
    )
    assert shown == [("near:9000/backups", "24"), ("far:9000/backups", "7")]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))


EVIL = """'"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}&amp;\u202egnp.exe\x00\x1b[31m"""


def hostile() -> Verdict:
    """A bad day on which every text that comes from outside is hostile."""

    def poison(value: object) -> object:
        if type(value) is str:
            return EVIL
        if isinstance(value, msgspec.Struct):
            fields = {name: poison(getattr(value, name)) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **fields)
        if isinstance(value, tuple):
            return tuple(poison(item) for item in value)
        return value

    day = bad_day()
    orphans = tuple(poison(orphan) for orphan in day.orphans)
    claims = tuple(poison(claim) for claim in day.claims if claim.problem or claim.advisories)
    return with_claims(msgspec.structs.replace(day, orphans=orphans, facts=poison(day.facts)), *claims)


def test_hostile_text_changes_neither_the_tags_nor_the_addresses() -> None:
    evil = hostile()
    overview = html("/", evil)
    claim = re.findall(r'class="c-claim"><a href="\.(/claims/[^"]+)"', overview)[0]
    pages = {
        "overview": overview,
        "filtered": html("/", evil, namespace=EVIL, cause=EVIL, scope=EVIL),
        "claim": html(claim, evil),
        "no such claim": html("/claims/%3Cscript%3Ealert(1)%3C%2Fscript%3E/%3Cimg%20onerror=x%3E", evil),
    }
    assert "the chain breaks here" in pages["claim"]
    assert "{{ 7 * 7 }}" in pages["claim"]
    for page in pages.values():
        tags = _Tags()
        tags.feed(page)
        assert [tag for tag in tags.tags if tag[0] in {"script", "img"}] == [("script", ("src", "defer"))]
        assert not [name for _, names in tags.tags for name in names if name.startswith("on") or name == "style"]
        assert not set(page) & set("\u202e\x00\x1b")


def test_every_answer_forbids_what_the_page_does_not_need() -> None:
    for path, verdict in (("/", sound()), ("/", None), ("/claims/khoj/config", sound()), ("/claims/a/b", sound())):
        answer = respond(path, {}, verdict, telemetry())
        assert answer is not None
        policy = dict(answer.headers)["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/claims/khoj/config", 200), ("/claims/khoj/nothing", 404), ("/static/page.css", 200)],
)
def test_pages_that_are_there_answer(path: str, status: int) -> None:
    answer = respond(path, {}, sound(), telemetry())
    assert answer is not None
    assert answer.status == status


@pytest.mark.parametrize("path", ["/nothing", "/claims", "/claims/a", "/static/../render.py", "/static/x.css", ""])
def test_other_paths_are_no_pages(path: str) -> None:
    assert respond(path, {}, sound(), telemetry()) is None


def test_what_the_page_loads_is_served_and_of_this_origin() -> None:
    for path in ("/", "/claims/khoj/config"):
        root = "/" if path == "/" else "/claims/khoj/"
        loaded = re.findall(r'<(?:link|script)[^>]*(?:href|src)="([^"]+)"', html(path, sound()))
        assert len(loaded) == 3
        for address in loaded:
            local = address.split("?")[0]
            assert local.startswith("./" if root == "/" else "../../")
            assert respond("/" + local.lstrip("./"), {}, sound(), telemetry()) is not None


def test_before_the_first_verdict_the_page_says_so_and_asks_to_come_back() -> None:
    answer = respond("/", {}, None, telemetry())
    assert answer is not None
    assert answer.status == 503
    assert dict(answer.headers)["Retry-After"] == "5"
    assert b"No verdict yet" in answer.body


def test_a_source_that_is_down_is_named_above_everything() -> None:
    answer = respond("/", {}, sound(), telemetry(down=Source.LONGHORN))
    assert answer is not None
    page = answer.body.decode()
    assert page.index("Could not be read: <code>longhorn</code>") < page.index('id="claims"')
    assert "list longhorn: 403 Forbidden" in page
    assert f"<code>{Reason.FORBIDDEN}</code>" in page


def test_a_source_that_is_not_installed_is_no_alarm() -> None:
    report = msgspec.structs.replace(telemetry().reports[0], reading=Reading.NOT_SERVED)
    answer = respond("/", {}, sound(), msgspec.structs.replace(telemetry(), reports=(report,)))
    assert answer is not None
    assert b"Not installed" in answer.body
    assert b"Could not be read" not in answer.body


def test_an_old_verdict_is_no_good_news() -> None:
    for path in ("/", "/claims/khoj/config"):
        for age, old in ((timedelta(seconds=90), False), (timedelta(minutes=30), True)):
            answer = respond(path, {}, sound(), telemetry(), now=AT + age)
            assert answer is not None
            assert (b"The last verdict is 30m old" in answer.body) is old
            assert (b"All is well" in answer.body) is (path == "/" and not old)


def test_advice_does_not_hide_behind_good_news() -> None:
    advised = [claim for claim in bad_day().claims if not claim.problem]
    said = headline(with_claims(sound(), *advised), None)
    assert said.detail == "1 advisory root cause to fix."


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 << 30, "5.0 GiB"),
        (3 << 50, "3.0 PiB"),
        (9 << 60, "9216.0 PiB"),
    ],
)
def test_sizes_read_in_binary_units(size: int, expected: str) -> None:
    assert bytes_of(size) == expected


def test_a_thousand_claims_are_rendered_in_a_moment() -> None:
    verdict = many(1000)
    html("/", verdict)
    started = time.process_time()
    page = html("/", verdict)
    took = time.process_time() - started
    print(f"1,000 claims: {took * 1000:.0f} ms, {len(page) // 1024} KiB")
    assert took < 1  # about 50 ms alone


def test_pvcs_that_nobody_backs_up_are_named_and_counted() -> None:
    left = tuple(Uncovered("media", f"scratch-{number:03}", requested="1Gi") for number in range(250))
    day = msgspec.structs.replace(bad_day(), uncovered=left)
    page = html("/", day)
    assert "250 PVCs without a backup" in page
    assert "media/scratch-000" in page
    assert "and 50 more" in page


def test_pvcs_that_nobody_backs_up_have_a_page_by_namespace() -> None:
    left = (Uncovered("media", "films", "longhorn", "20Ti"), Uncovered("web", "<cache>"))
    day = msgspec.structs.replace(bad_day(), uncovered=left)
    assert 'href="./uncovered"' in html("/", day)
    page = html("/uncovered", day)
    assert "2 PVCs without a backup" in page
    assert "20Ti" in page
    assert "&lt;cache&gt;" in page
    assert "<cache>" not in page
    assert "films" not in html("/uncovered", day, namespace="web")
    assert "None in this namespace." in html("/uncovered", day, namespace="nowhere")
    assert "0 PVCs" in html("/uncovered", bad_day())
    assert html("/uncovered", None) == html("/", None)


def test_cells_with_nothing_in_them_are_not_shown_on_a_phone() -> None:
    page = html("/", bad_day())
    cells = re.findall(
        r'<td role="cell" data-label="(?:Cause|Recovery point)" class="([^"]*)">(.*?)</td>', page, re.DOTALL
    )
    empty = [css for css, content in cells if re.sub(r"<[^>]+>|\s", "", content) == "\u2013"]
    assert empty
    assert all("nothing" in css.split() for css in empty)
