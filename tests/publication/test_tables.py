"""What `status`, `explain` and `doctor` print."""

import io
import os
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from rich.text import Text

from exporter.chain.binding import BindingSummary, BucketSummary
from exporter.chain.binding.layouts import LayoutScore
from exporter.chain.causes import Cause
from exporter.chain.verdict import ClaimState, ClaimVerdict, Verdict
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.object_list import MalformedObject, ObjectList
from exporter.facts.model import Check, Facts
from exporter.facts.reading import Reading, Reason, Source
from exporter.publication.doctor import report
from exporter.publication.explain import explain
from exporter.publication.plain import UNVERIFIED, ago, clean
from exporter.publication.tables import console_for_output, show_status
from tests.publication.verdicts import AT, bad_day, claim, every_family, problem, reports, verdict

GOLDENS = Path(__file__).parent


def shown(width: int = 1000, *, colour: bool = False, **environment: str) -> str:
    return printed(every_family(), width, colour=colour, **environment)


def printed(subject: Verdict, width: int = 1000, *, colour: bool = False, **environment: str) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, highlight=False, markup=False, _environ=environment
    )
    show_status(console, subject)
    return console.file.getvalue()


def compare(name: str, text: str) -> None:
    golden = GOLDENS / name
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_status_prints_the_golden_table() -> None:
    compare("status.txt", shown())


def test_explain_prints_the_golden_chain() -> None:
    stuck = bad_day().claim("paperless-ngx", "data")
    compare("explain.txt", explain(stuck, AT).plain + "\n")


def test_root_causes_stand_last_each_once_and_the_worst_next_to_the_prompt() -> None:
    lines = shown().splitlines()
    worst = lines.index("critical volume_faulted in storage/driver.longhorn.io for 2h 3m: 4 claims")
    assert lines.index("ROOT CAUSES") < lines.index("warning  lock_stale in claim/n8n/data") < worst
    assert sum("volume_faulted in" in line for line in lines) == 1
    assert lines[worst + 3].startswith("  $ kubectl -n longhorn-system get volumes.longhorn.io")


def test_eighty_columns_hold_the_claims_and_leave_commands_whole() -> None:
    narrow = shown(80, colour=True, TERM="xterm-256color")
    plain = Text.from_ansi(narrow).plain.splitlines()
    (command,) = [line for line in plain if "salvages itself" in line]
    assert len(command) > 80
    assert all(len(row) <= 80 for row in plain if not row.startswith("  $"))
    assert "redis-instance  redis-master-0     at_risk      1h 12m/3h  volume_faulted" in plain


def test_names_that_are_too_long_for_the_screen_stay_whole() -> None:
    long = claim("a" * 63, "b" * 63, problem(Cause.OVERDUE, f"claim/{'a' * 63}/{'b' * 63}", "It is late."))
    lines = printed(verdict(long), 80).splitlines()
    assert f"{'a' * 63}/{'b' * 63}" in lines
    assert any(line.startswith("  at_risk") and line.endswith("overdue") for line in lines)


@pytest.mark.parametrize(
    ("colour", "environment", "coloured"),
    [(True, {"TERM": "xterm"}, True), (True, {"TERM": "xterm", "NO_COLOR": "1"}, False), (False, {}, False)],
)
def test_colour_is_for_terminals_that_want_it(colour: bool, environment: dict[str, str], coloured: bool) -> None:
    text = shown(colour=colour, **environment)
    assert any(code in text for code in ("\x1b[31m", "\x1b[1;31m", "\x1b[32m", "\x1b[33m")) is coloured


def test_output_that_is_piped_is_as_wide_as_it_needs_to_be() -> None:
    assert console_for_output().width >= 1000


def test_unknown_sources_and_objects_are_told_beside_the_claims() -> None:
    broken = MalformedObject("ReplicationSource", "n8n", "data-backup", "Expected `object`, got `array` - at `$.spec`")
    cluster = ClusterFacts().with_lists({"volsync.sources": ObjectList((), Reading.READ, malformed=(broken,))})
    facts = Facts(cluster, sources=reports((Source.VOLSYNC, Reason.FORBIDDEN)))
    text = printed(verdict(ClaimVerdict("n8n", "data", ClaimState.UNKNOWN, "It is unknown."), facts=facts))
    assert "ReplicationSource n8n/data-backup: Expected `object`, got `array` - at `$.spec`" in text
    assert "volsync: forbidden, last read 20s ago" in text
    assert text.endswith(f"1 claim: 1 unknown\n{UNVERIFIED}\n")


def test_claims_that_could_not_be_listed_are_not_said_to_be_none() -> None:
    unread = ClusterFacts().with_lists({"core.claims": ObjectList(reading=Reading.UNREADABLE, reason=Reason.FORBIDDEN)})
    text = printed(verdict(facts=Facts(unread, sources=reports((Source.KUBERNETES, Reason.FORBIDDEN)))))
    assert "could not be read" in text
    assert "No PVC" not in text


def test_text_from_the_cluster_cannot_move_the_cursor_or_end_a_line() -> None:
    hostile = problem(Cause.OVERDUE, "claim/a\x1b[2J/b", "logs:\n\x1b]0;title\x07 \u202edone", command="a\r\nb")
    subject = claim("a\x1b[2J", "b\nc", hostile)
    for text in (printed(verdict(subject)), explain(subject, AT).plain):
        assert not any(ord(character) < 32 and character != "\n" for character in text)
        assert "\u202e" not in text
        assert "$ a  b" in text


def test_markup_in_names_is_text() -> None:
    assert "[bold]x[/bold]" in printed(verdict(claim("[bold]x[/bold]", "b")))


def test_explain_says_why_a_claim_is_exempt_and_that_it_never_had_a_backup() -> None:
    exempt = ClaimVerdict("a", "b", ClaimState.EXEMPT, "Exempt: scratch space.", exemption="scratch space")
    text = explain(exempt, AT).plain
    assert "exempt          scratch space" in text
    assert "recovery point  none" in text


def test_doctor_puts_what_to_do_under_what_failed() -> None:
    checks = [
        Check(Source.KUBERNETES, "list persistentvolumeclaims", ok=True, detail="allowed (v1)"),
        Check(Source.LONGHORN, "list volumes", ok=None, detail="not served"),
        Check(Source.KUBERNETES, "list pods", ok=False, detail="403", fix="Grant list on pods."),
    ]
    assert report(checks).plain.splitlines() == [
        "kubernetes",
        "  ok  list persistentvolumeclaims: allowed (v1)",
        "  no  list pods: 403",
        "      Grant list on pods.",
        "",
        "longhorn",
        "  -   list volumes: not served",
        "",
        "1 of 3 checks failed.",
    ]


def test_doctor_says_whose_repositories_are_known_and_what_would_tell_the_others() -> None:
    bound = BucketSummary(
        name="first",
        host="rustfs:9000",
        prefix="home",
        bound={"the mover's own log": 3, "an annotation on the PVC": 1},
        layout=LayoutScore("{namespace}/{pvc}", 3, 4),
        is_set=False,
        left_over=(),
        unknown=(),
        suggestion=None,
    )
    sources = tuple(f"shop/source-{number}" for number in range(7))
    named = msgspec.structs.replace(
        bound,
        name="second",
        prefix="",
        bound={},
        layout=None,
        left_over=("cart",),
        unknown=sources,
        suggestion=LayoutScore("{pvc}", 1, 7),
    )
    nameless = msgspec.structs.replace(named, name="third", left_over=("",), unknown=("a b/c",), suggestion=None)
    summary = BindingSummary((bound, named, nameless), sources=14, elsewhere={"its mover": 2}, unknown=sources)
    assert report([], summary).plain.splitlines() == [
        "repositories",
        "  rustfs:9000/first/home",
        "    4 sources bound: 3 by the mover's own log, 1 by an annotation on the PVC",
        "    layout {namespace}/{pvc} (not proven) fits 3 of 4",
        "  rustfs:9000/second",
        "    0 sources bound",
        "    1 repository without a source: cart",
        "    7 sources without a known repository: " + ", ".join(sources[:5]) + " and 2 more",
        "    A layout fits the names of 1 of these 7. If it is right, set it for this bucket:",
        '    layout: "{pvc}"',
        "  rustfs:9000/third",
        "    0 sources bound",
        "    1 repository without a source: its root",
        "    1 source without a known repository: a b/c",
        '    Set the bucket\'s layout (layout: "{namespace}/{pvc}", for example), or annotate each source:',
        "    $ kubectl annotate replicationsource c -n 'a b' "
        "volsync-exporter.io/repository=s3:https://rustfs:9000/third/<path>",
        "  2 sources bound to stores that are not read: 2 by its mover",
        "",
        "Nothing is missing.",
    ]


def test_doctor_says_that_without_a_bucket_volsync_is_believed() -> None:
    text = report([], BindingSummary((), sources=1, elsewhere={}, unknown=("a/b",))).plain
    assert "no bucket is read: recovery points are as reported by VolSync, not verified in a bucket" in text


def test_moments_are_told_from_now() -> None:
    assert ago(AT - timedelta(hours=2, minutes=3), AT) == "2h 3m ago"
    assert ago(AT + timedelta(minutes=12), AT) == "in 12m"


def test_clean_leaves_ordinary_text_alone() -> None:
    assert clean("Größe: 3 µs — ok\tok") == "Größe: 3 µs — ok ok"
