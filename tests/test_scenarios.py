"""Every scenario, from its files to its verdict; `tests/scenarios/README.md` says what stands in one."""

import os
import random
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter.chain.causes import CATALOGUE, Cause, Link
from exporter.chain.judge import judge
from exporter.chain.verdict import ClaimVerdict, Verdict
from exporter.facts.cluster.dump.files import read_files
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.model import Facts
from exporter.publication.document import ClaimEntry, StatusDocument, document
from exporter.publication.explain import explain
from scripts.compose import compose, whole, written
from tests.corpus import NAMES, ExpectedClaim, files, path, scenario, settings, verdict

NEAR_MISS = "-near-miss"
WRITE_EXPLANATIONS = bool(os.environ.get("WRITE_EXPLANATIONS"))


@cache
def published(name: str) -> StatusDocument:
    return document(verdict(name))


@pytest.mark.parametrize("name", NAMES)
def test_claims_are_judged_as_expected(name: str) -> None:
    expected = scenario(name)
    entries = {f"{entry.namespace}/{entry.pvc}": entry for entry in published(name).claims}
    assert set(entries) == set(expected.claims)
    found = {key: _as_expected(entry, verdict(name), expected.claims[key]) for key, entry in entries.items()}
    assert found == {key: msgspec.structs.asdict(claim) for key, claim in expected.claims.items()}


def _as_expected(entry: ClaimEntry, whole: Verdict, expected: ExpectedClaim) -> dict[str, Any]:
    """*entry* in the form of what is expected of it: where that is a part, the part that is found."""
    claim = whole.claim(entry.namespace, entry.pvc)
    assert claim is not None
    advised = {advisory.cause.value: advisory.command for advisory in claim.advisories}
    return {
        "state": entry.state,
        "cause": entry.cause,
        "scope": entry.scope,
        "advisories": sorted(advisory.cause for advisory in entry.advisories),
        "links": {link: entry.links.get(link) for link in expected.links},
        "absent": [link for link in expected.absent if link not in entry.links],
        "severity": claim.problem.severity if claim.problem and expected.severity else expected.severity,
        "reason": _held(expected.reason, claim.problem.reason if claim.problem else ""),
        "command": _held(expected.command, claim.problem.command if claim.problem else ""),
        "command_of": {cause: _held(parts, advised.get(cause, "")) for cause, parts in expected.command_of.items()},
        "method": claim.sources[0].method if expected.method else None,
        **{
            figure: getattr(entry, figure) if getattr(expected, figure) is not msgspec.UNSET else msgspec.UNSET
            for figure in ("recovery_point", "last_sync", "objective_seconds")
        },
    }


def _held(parts: list[str], text: str) -> list[str]:
    """*parts* where *text* holds them all, in whatever order; else what the text is."""
    return parts if all(part in text for part in parts) else [text]


@pytest.mark.parametrize("name", NAMES)
def test_repositories_without_a_claim_are_found(name: str) -> None:
    expected = scenario(name).orphans
    fields = {field for orphan in expected for field in orphan}
    found = [msgspec.to_builtins(orphan) for orphan in published(name).orphans]
    found = [{field: value for field, value in orphan.items() if not expected or field in fields} for orphan in found]
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("name", [name for name in NAMES if scenario(name).root_causes is not None])
def test_claims_with_one_root_cause_are_one_root_cause(name: str) -> None:
    causes = [cause for cause in verdict(name).root_causes if cause.cause.link is not Link.NONE]
    assert {f"{cause.cause} {cause.scope}": list(cause.claims) for cause in causes} == scenario(name).root_causes


def reported(name: str) -> set[str]:
    whole = verdict(name)
    problems = [problem for claim in whole.claims for problem in claim.problems]
    return {problem.cause.value for problem in (*problems, *(orphan.problem for orphan in whole.orphans))}


@pytest.mark.parametrize("name", [name for name in NAMES if NEAR_MISS in name])
def test_a_near_miss_does_not_report_the_cause_that_it_resembles(name: str) -> None:
    cause = Cause(name.partition(NEAR_MISS)[0])
    assert cause not in reported(name), (
        f"{name} has {cause}, which it only resembles: correct its function in {_module_of(cause)}, or the scenario"
    )


@pytest.mark.parametrize("name", [n for n in NAMES if NEAR_MISS not in n and n.partition("-")[0] in list(Cause)])
def test_a_scenario_reports_the_cause_that_it_is_named_after(name: str) -> None:
    cause = Cause(name.partition("-")[0])
    assert cause in reported(name), (
        f"nothing finds {cause} in {name}: write its function in {_module_of(cause)} and call it from there, "
        f"or correct the scenario. Found: {', '.join(sorted(reported(name))) or 'nothing'}"
    )


def _module_of(cause: Cause) -> str:
    """Where the function of a cause stands, or the judge that calls it."""
    return "exporter/chain/orphans.py" if cause.link is Link.NONE else f"exporter/chain/links/{cause.link}.py"


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_scenario_and_one_that_only_resembles_it(cause: Cause) -> None:
    assert cause in NAMES, (
        f"write tests/scenarios/{cause}.yaml: a base, what {cause} changes in it, and the verdict that this must give "
        f"(tests/scenarios/README.md)"
    )
    assert any(name.startswith(f"{cause}{NEAR_MISS}") for name in NAMES), (
        f"write tests/scenarios/{cause}{NEAR_MISS}.yaml: a cluster that looks like {cause} and must not report it"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_files_and_objects_does_not_matter(name: str, tmp_path: Path) -> None:
    at = scenario(name).at
    backwards = tmp_path / "backwards.yaml"
    backwards.write_text(written(reversed(whole(compose(name).objects.values()))))
    listings = [file for file in files(name) if file.suffix == ".json"]
    facts = read_files([*reversed(listings), backwards], at, settings(name))
    again = judge(_shuffled(facts, random.Random(name)), settings(name), at)
    assert again.claims == verdict(name).claims
    assert document(again) == published(name)


def _shuffled(facts: Facts, chance: random.Random) -> Facts:
    def shuffle(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(chance.sample(items, len(items)))

    listings = {field: facts.cluster.list_of(field) for field in (kind.field for kind in KINDS)}
    mixed = {
        field: msgspec.structs.replace(listing, items=shuffle(listing.items)) for field, listing in listings.items()
    }
    buckets = tuple(
        msgspec.structs.replace(bucket, repositories=shuffle(bucket.repositories)) for bucket in facts.buckets
    )
    return msgspec.structs.replace(facts, cluster=ClusterFacts().with_lists(mixed), buckets=buckets)


EXPLAINED = [name for name in NAMES if scenario(name).explain is not None]
"""A scenario to which `explain: ""` is added gets its text from `WRITE_EXPLANATIONS=1 pytest -k explain`."""


@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_walks_the_chain(name: str) -> None:
    text = "\n".join(line.rstrip() for line in explain(_explained(name), verdict(name).at).plain.splitlines()) + "\n"
    if WRITE_EXPLANATIONS:
        path(name).write_text(with_explanation(path(name).read_text(), text))
    else:
        assert text == scenario(name).explain


def _explained(name: str) -> ClaimVerdict:
    """The claim that is explained."""
    chosen = scenario(name).explain_of
    claims = verdict(name).claims
    if chosen:
        return next(claim for claim in claims if claim.key == chosen)
    return next((claim for claim in claims if claim.problems), claims[0])


def with_explanation(file: str, text: str) -> str:
    """A scenario's *file* with *text* as its `explain`, which stands last; the rest stays byte for byte."""
    head, found, _ = file.partition("\nexplain:")
    assert found
    return f"{head}\nexplain: |\n{textwrap.indent(text, '  ')}"


def test_an_explanation_is_written_anew_and_the_rest_stays() -> None:
    head = 'about: "It says: explain"\nbase:   sound # odd on purpose\n'
    assert with_explanation(f'{head}explain: ""\n', "a\n\nb\n") == f"{head}explain: |\n  a\n\n  b\n"
    assert with_explanation(f"{head}explain: |\n  old\n\n  older\n", "a\n") == f"{head}explain: |\n  a\n"


@pytest.mark.parametrize("cause", [cause for cause, entry in CATALOGUE.items() if entry.link is not Link.NONE])
def test_every_cause_of_a_claim_is_explained(cause: Cause) -> None:
    assert cause in EXPLAINED, (
        f'end tests/scenarios/{cause}.yaml with `explain: ""`, then run '
        f"`WRITE_EXPLANATIONS=1 .venv/bin/pytest tests/test_scenarios.py -k explain` and read what it wrote"
    )
