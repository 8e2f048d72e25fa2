"""The exposition: what stands in it, and that the tools which read it agree."""

import gzip
import math
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Never

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.chain.verdict import ClaimState, Verdict
from exporter.facts.model import Facts
from exporter.publication import render as rendering
from exporter.publication.families import FAMILIES, TELEMETRY_FAMILIES, VERDICT_FAMILIES, Family, MetricType
from exporter.publication.http import Stream
from exporter.publication.render import NOTHING, Exposition, Format, number, render
from tests.publication.conftest import promtool_check
from tests.publication.verdicts import AT, claim, every_family, orphan, reports, source_verdict, telemetry, verdict

GOLDEN = Path(__file__).parent / "every_family.prom"
_OWN = re.compile(r"^(# (HELP|TYPE) )?(process|python)_")


def text(shown: Verdict | None, form: Format = Format.TEXT, now: datetime = AT, *, packed: bool = False) -> str:
    rendered = render(shown) if shown else NOTHING
    exposition = Exposition()
    stream = (exposition.packed if packed else exposition.plain)(rendered, telemetry(), now, form)
    body = read(stream)
    return (gzip.decompress(body) if packed else body).decode()


def read(stream: Stream) -> bytes:
    body = b"".join(stream.chunks)
    assert len(body) == stream.length
    return body


def samples(exposition: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse_text(exposition)
        for sample in family.samples
    }


def one_family(*values: str, duplicate: bool = False) -> Family[Verdict]:
    labels = tuple(f"label_{position}" for position in range(len(values)))
    return Family("a_family", "Help.", labels, lambda _: [(values, 1.0)] * (2 if duplicate else 1))


def test_every_family_is_rendered_as_the_golden_exposition_has_it() -> None:
    """`UPDATE_GOLDEN=1 pytest` writes it again."""
    lines = [line for line in text(every_family()).splitlines() if not _OWN.match(line)]
    rendered = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(rendered)
    assert rendered == GOLDEN.read_text()


def test_no_family_of_the_catalogue_is_without_a_sample_in_the_golden_exposition() -> None:
    found = {sample.name for family in parse_text(GOLDEN.read_text()) for sample in family.samples}
    assert {family.name for family in FAMILIES} - found == set()


def test_promtool_finds_nothing_wrong() -> None:
    assert promtool_check(text(every_family())) == ""


def test_both_formats_say_the_same() -> None:
    classic = samples(text(every_family()))
    openmetrics = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse_openmetrics(text(every_family(), Format.OPENMETRICS))
        for sample in family.samples
    }
    changing = {name for name, _ in classic | openmetrics if _OWN.match(name)}
    assert {key: value for key, value in openmetrics.items() if key[0] not in changing} == {
        key: value for key, value in classic.items() if key[0] not in changing
    }


def test_openmetrics_names_a_counter_without_its_suffix_and_ends_with_eof() -> None:
    exposition = text(every_family(), Format.OPENMETRICS)
    assert "# TYPE volsync_exporter_source_errors counter\n" in exposition
    assert "\nvolsync_exporter_source_errors_total{" in exposition
    assert exposition.endswith("\n# EOF\n")
    assert exposition.count("# EOF") == 1


def test_packed_and_plain_are_the_same_text() -> None:
    assert [line for line in text(every_family(), packed=True).splitlines() if not _OWN.match(line)] == [
        line for line in text(every_family()).splitlines() if not _OWN.match(line)
    ]


def test_age_is_reckoned_at_the_scrape_and_nothing_else_moves() -> None:
    shown = every_family()
    now, later = samples(text(shown)), samples(text(shown, now=AT + timedelta(seconds=90.5)))
    moved = {key: later[key] - now[key] for key in now if later[key] != now[key] and not _OWN.match(key[0])}
    assert {name for name, _ in moved} == {"volsync_backup_last_sync_age_seconds"}
    assert set(moved.values()) == {90.5}


def test_before_the_first_verdict_the_exporter_speaks_of_itself() -> None:
    found = {name for name, _ in samples(text(None))}
    assert "volsync_exporter_source_up" in found
    assert "volsync_exporter_build_info" in found
    assert not any(name.startswith("volsync_backup") for name in found)


def test_every_one_hot_set_of_the_verdict_has_exactly_one() -> None:
    sums: dict[tuple[object, ...], float] = {}
    one_hot = {
        "volsync_backup_state": "state",
        "volsync_backup_volume_robustness": "robustness",
        "volsync_backup_volume_state": "state",
        "volsync_restore_result": "result",
    }
    for (name, labels), value in samples(text(every_family())).items():
        if name in one_hot:
            rest = frozenset((key, label) for key, label in labels if key != one_hot[name])
            sums[name, rest] = sums.get((name, rest), 0.0) + value
    assert {name for name, _ in sums} == set(one_hot)
    assert set(sums.values()) == {1.0}


PRINTABLE = st.text().map(lambda text: "".join(c for c in text if c.isprintable() or c == "\n"))


@given(PRINTABLE, PRINTABLE)
def test_any_label_value_survives_the_exposition(first: str, second: str) -> None:
    values = (first, second)
    written = one_family(*values)
    lines = b"".join(rendering._lines(rendering._Distinct(written, written.samples(None)))).decode()
    (family,) = parse_text(rendering._header(written, Format.TEXT) + lines)
    (sample,) = family.samples
    assert tuple(sample.labels.values()) == values


def test_hostile_names_cannot_forge_a_series() -> None:
    forged = 'x"} 1\nvolsync_backup_state{namespace="forged'
    exposition = text(verdict(claim("evil", forged)))
    assert all(dict(labels).get("namespace") != "forged" for name, labels in samples(exposition) if "backup" in name)
    assert promtool_check(exposition) == ""


def test_label_value_that_is_no_unicode_does_not_cost_its_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "VERDICT_FAMILIES", (one_family("\ud800"), VERDICT_FAMILIES[0]))
    rendered = render(verdict(claim()))
    assert rendered.failed == ()
    assert (
        'a_family{label_0="\\\\ud800"} 1' in read(Exposition().plain(rendered, telemetry(), AT, Format.TEXT)).decode()
    )


def test_what_a_label_would_make_a_terminal_do_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "VERDICT_FAMILIES", (one_family("a\x1b[2J\u202eb\nc\u200b"),))
    exposition = read(Exposition().plain(render(verdict()), telemetry(), AT, Format.TEXT)).decode()
    assert r'a_family{label_0="a\\x1b[2J\\u202eb\nc\\u200b"} 1' in exposition


def test_second_sample_with_the_same_labels_is_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "VERDICT_FAMILIES", (one_family("a", "b", duplicate=True),))
    rendered = render(verdict())
    exposition = read(Exposition().plain(rendered, telemetry(), AT, Format.TEXT)).decode()
    assert exposition.count("\na_family{") == 1
    assert rendered.duplicates == 1


def test_family_that_fails_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Verdict) -> Never:
        raise RuntimeError("no samples today")

    families = (Family("broken", "Help.", (), broken), VERDICT_FAMILIES[0])
    monkeypatch.setattr(rendering, "VERDICT_FAMILIES", families)
    monkeypatch.setattr(rendering, "TELEMETRY_FAMILIES", (Family("broken", "Help.", (), broken), *TELEMETRY_FAMILIES))
    rendered = render(verdict(claim()))
    found = {name for name, _ in samples(read(Exposition().plain(rendered, telemetry(), AT, Format.TEXT)).decode())}
    assert rendered.failed == ("broken",)
    assert {"volsync_backup_state", "volsync_exporter_build_info"} <= found


@pytest.mark.parametrize("form", Format)
def test_collector_that_fails_does_not_fail_the_scrape(form: Format) -> None:
    exposition = Exposition()

    class Broken:
        def describe(self) -> list[object]:
            return []

        def collect(self) -> Never:
            raise RuntimeError("no process today")

    exposition._process.register(Broken())
    body = read(exposition.plain(render(verdict(claim())), telemetry(), AT, form)).decode()
    assert 'volsync_backup_state{namespace="karakeep",pvc="data-pvc",state="protected"} 1\n' in body
    assert body.endswith("# EOF\n") is (form is Format.OPENMETRICS)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (24.08, "24.08"),
        (999999.0, "999999"),
        (1_000_000.0, "1e+06"),
        (1768741224.0, "1.768741224e+09"),
        (1768741199.92, "1.76874119992e+09"),
        (-1768741224.0, "-1.768741224e+09"),
        (1e21, "1e+21"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (True, "1"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value: float, written: str) -> None:
    assert number(value) == written


@given(st.floats(allow_nan=False))
def test_a_number_reads_back_as_itself(value: float) -> None:
    assert float(number(value)) == value


def test_helps_are_the_same_in_both_formats() -> None:
    """The verdict's families are rendered once for both; only in a help do their escapes differ."""
    assert [family.name for family in FAMILIES if '"' in family.help or "\n" in family.help] == []
    assert [family.name for family in VERDICT_FAMILIES if family.kind is not MetricType.GAUGE] == []


def test_orphans_and_several_sources_of_a_claim_are_no_duplicates() -> None:
    base = claim()
    two = Verdict(
        at=AT,
        claims=(
            type(base)(
                **{f: getattr(base, f) for f in base.__struct_fields__ if f != "sources"},
                sources=(source_verdict("local"), source_verdict("remote", ClaimState.AT_RISK)),
            ),
        ),
        orphans=(orphan(), orphan("old", "blog")),
        policies=(),
        facts=Facts(sources=reports()),
    )
    rendered = render(two)
    assert rendered.duplicates == 0
    assert rendered.failed == ()
