"""What a user reads is plain, current English: words that nobody would write today, and riddles, are found here."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from exporter.chain.causes import CATALOGUE
from exporter.cli.commands import SUMMARIES, cli
from exporter.configuration import BUCKET_SETTINGS, SETTINGS
from exporter.publication.families import TELEMETRY_FAMILIES, VERDICT_FAMILIES

ROOT: Final = Path(__file__).parents[2]
FORBIDDEN: Final = {
    r"mend(s|ed|ing)?": "fix",
    r"bears?": "has",
    r"anew": "again",
    r"doth|hath|thereof|therein|whereof|wherein|whence|thence|hither|lest|naught|nought|betwixt": "a word of today",
    r"goes before (both|it|the)": "overrides",
    r"VolSync's word|by its owner's word|[\w']+'s word stands": "as reported by …",
    r"net below the net": "say what it does",
    r"for want of": "without, or what ran out",
    r"heed(s|ed)?": "follow, or ignore",
    r"(your|its|their|his) own word": "because … says so",
    r"goes on \w+ing": "keeps …",
    r"difference that is none": "no false difference",
    r"may not (be )?(read|list|see|look|write|delete)(ed|n)?": "cannot, or is not allowed to",
    r"(is|are) told (of|once|twice|as|in)|is told ?[.:]": "alerts, is reported, is inferred",
    r"an own authority|authority of its own": "a private CA",
    r"killed for memory": "OOM-killed",
    r"\w+(?<!no)(?<!any) no more(?= [,.])": "no longer",
    r"any more(?=[,.;:]| |$)": "no longer",
    r"(what|it|all|and|which|that|they) (stands?|lies?|lay) (in|at|on|there|beside|behind|under|before)": "is in …",
    r"stands? (beside|behind)": "is separate, or next to",
    r"(of|with|at) (a|an) \w+ of (its|their) own": "its own …",
    r"(comes?|came) of": "follows from, or the result",
    r"throw-?away": "temporary",
    r"anybody|whoever may": "everyone, or an account that can",
    r"(could|can) ?not be told|be told (apart )?from": "is unknown",
    r"(was|were|is|are|has|have|been) begun": "started",
    r"(brings?|brought) something back|something (comes|came) back": "restores data",
    r"(not|none) to be had": "not available",
    r"(is|are) on (its|their) way": "is in progress",
    r"asks? for (none|no) (?!backup)\w+": "needs no …",
    r"nothing (tells|says) (which|whether|why|what|of)": "is unknown",
    r"for whom|by whom|of whom|for those who": "name the reader or the thing",
    r"(not|never) believed": "not plausible, or not used",
    r"anything else saves": "is backed up elsewhere",
    r"hangs on what": "depends on",
    r"what rests on (it|them)|rests? on": "depends on",
    r"(?<!there )(is|are) no (fault|date|duration|pod|YAML|JSON|function|address|number|time)": "is not a …",
    r"sound (cluster|exporter|replica|hour)": "healthy, or working",
    r"(?<![\d,.])1 (?:claims|volumes|repositories|snapshots|objects|sources|checks|files|PVCs|root causes)": (
        "a count that agrees with its noun"
    ),
}
PAGES: Final = (
    "*.md",
    "docs/**/*.md",
    "alerts/runbooks/*.md",
    "alerts/*.rules.yaml",
    "chart/*.md",
    "chart/*.yaml",
    "chart/templates/NOTES.txt",
    "exporter/publication/page/templates/*.html",
    "exporter/publication/page/words.py",
    "exporter/publication/page/headline.py",
    "exporter/publication/doctor.py",
    "exporter/publication/tables.py",
    "exporter/publication/explain.py",
    "exporter/publication/summary.py",
    "tests/cli/screens/*.txt",
    "exporter/cli/*.py",
    "exporter/chain/summary.py",
    "grafana/panels/*.py",
    "grafana/boards.py",
)


def found_in(text: str) -> Iterator[str]:
    """Each forbidden word in *text*, with its line and what to write in its place."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, better in FORBIDDEN.items():
            if found := re.search(rf"\b(?:{pattern})", line, re.IGNORECASE):
                whole = re.match(r"\w*", line[found.end() :])
                if not (whole and whole[0]):
                    yield f"line {number}: {found[0]!r}: write {better}"


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("Mend the store.", True),
        ("It bears a label.", True),
        ("recommended", False),
        ("bearer token", False),
        ("There are 1 claims.", True),
        ("21 claims", False),
        ("It is told once.", True),
        ("It runs until it is told to end.", False),
        ("What rests on it is unknown.", True),
        ("The rest is unknown.", False),
        ("The restore was begun an hour ago.", True),
        ("It has a Role of its own.", False),
        ("It comes with a Role of its own.", True),
        ("`it` is not there any more.", True),
    ],
)
def test_a_word_is_found_as_a_whole(line: str, is_found: bool) -> None:
    assert bool(list(found_in(line))) is is_found


@pytest.mark.parametrize("pattern", PAGES)
def test_files_that_a_user_reads_are_in_the_words_of_today(pattern: str) -> None:
    files = sorted(ROOT.glob(pattern))
    assert files
    told = [f"{file.relative_to(ROOT)}, {one}" for file in files for one in found_in(file.read_text(encoding="utf-8"))]
    assert told == []


def test_what_the_program_says_of_itself_is_in_the_words_of_today() -> None:
    texts = [entry.meaning for entry in CATALOGUE.values()]
    texts += [family.help for family in (*VERDICT_FAMILIES, *TELEMETRY_FAMILIES)]
    texts += [setting.field.description or "" for setting in (*SETTINGS, *BUCKET_SETTINGS)]
    texts += [CliRunner().invoke(cli, [name, "--help"]).stdout for name in SUMMARIES]
    assert [one for text in texts for one in found_in(text)] == []
