"""Hours of scrapes in seconds: expositions rendered at a row of clock times, and a Prometheus that holds them."""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from exporter.chain.judge import judge
from exporter.chain.verdict import Verdict
from exporter.facts.bucket.model import Proof, Repository, Scrub, Totals
from exporter.facts.cluster.dump.files import read_files
from exporter.facts.model import Facts
from exporter.facts.reading import Reason, Source
from exporter.publication.families import Telemetry
from exporter.publication.render import Exposition, Format, render
from exporter.settings import Settings
from tests.corpus import files

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

SOUND_UNTIL = datetime(2026, 1, 18, 9, 40, tzinfo=UTC)
"""When the pods were restarted, all at once."""
BAD_FROM = datetime(2026, 1, 18, 14, 20, tzinfo=UTC)
HEALED_FROM = datetime(2026, 1, 18, 15, 20, tzinfo=UTC)
LENGTH = 30 * MINUTE

SOUND, BAD, HEALED = SOUND_UNTIL - MINUTE, BAD_FROM + LENGTH - MINUTE, HEALED_FROM + LENGTH - MINUTE
"""The last scrape of each part."""
CAPACITY = 10**12
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


def facts_of(scenario: str, into: Path, moment: datetime, *, later: timedelta = timedelta(0)) -> Facts:
    """What the files of *scenario* say at *moment*, with every time in them moved by *later*."""

    def moved(found: re.Match[str]) -> str:
        return (datetime.fromisoformat(found[0]) + later).isoformat().replace("+00:00", "Z")

    folder = into / f"{scenario}{later.total_seconds():+.0f}"
    folder.mkdir()
    for source in files(scenario):
        (folder / source.name).write_text(_TIME.sub(moved, source.read_text()))
    return _with_room(read_files([folder], moment, Settings()))


def _with_room(facts: Facts) -> Facts:
    """Give the bucket a capacity, which no listing tells."""
    buckets = tuple(msgspec.structs.replace(bucket, capacity_bytes=CAPACITY) for bucket in facts.buckets)
    return msgspec.structs.replace(facts, buckets=buckets)


def _grown(facts: Facts, now: datetime) -> Facts:
    """As much data again in every repository, now scrubbed, and the lock of a mover that is at work in the first."""

    def grow(repository: Repository) -> Repository:
        totals = {kind: Totals(total.objects, 2 * total.bytes) for kind, total in repository.totals.items()}
        scrub = Scrub(scrubbed={Proof.CONTENT: 1000}, oldest=now - timedelta(days=9), corrupt_objects=0)
        return msgspec.structs.replace(repository, totals=totals, scrub=scrub)

    (bucket,) = facts.buckets
    first, *others = (grow(repository) for repository in bucket.repositories)
    locked = msgspec.structs.replace(first, oldest_lock=now)
    bucket = msgspec.structs.replace(bucket, repositories=(locked, *others))
    return msgspec.structs.replace(facts, buckets=(bucket,))


class History:
    """A sound hour, the bad day, and an hour after it; each scraped once a minute."""

    def __init__(self, folder: Path) -> None:
        self.verdicts: dict[datetime, Verdict] = {}
        self.text = folder / "history.txt"
        with self.text.open("w") as file:
            for moment, facts, instance in self._moments(folder):
                verdict = judge(facts, Settings(), moment)
                self.verdicts[moment] = verdict
                file.writelines(_scrape(verdict, instance))
            for moment, verdict in self.verdicts.items():
                if BAD_FROM <= moment < HEALED_FROM:
                    file.writelines(_alert(moment, verdict))
            file.write("# EOF\n")

    @staticmethod
    def _moments(folder: Path) -> Iterator[tuple[datetime, Facts, str]]:
        """The clock at each scrape, what was known then, and which of two exporters was scraped."""
        hours = {later: facts_of("sound", folder, BAD_FROM + later, later=later) for later in (-6 * HOUR, -5 * HOUR)}
        moment = SOUND_UNTIL - HOUR
        while moment < SOUND_UNTIL:
            # The scenario's syncs end within eight minutes of the full hour.
            later = -5 * HOUR if moment.replace(minute=8) <= moment and moment.hour == 9 else -6 * HOUR
            yield moment, hours[later], "a"
            moment += MINUTE
        for scenario, begin, instance in (("bad-day", BAD_FROM, "b"), ("bad-day-healed", HEALED_FROM, "b")):
            facts = facts_of(scenario, folder, begin)
            if begin == HEALED_FROM:
                facts = _grown(facts, begin)
            for minute in range(LENGTH // MINUTE):
                yield begin + minute * MINUTE, facts, instance


def _scrape(verdict: Verdict, instance: str) -> Iterator[str]:
    at = verdict.at
    down = at >= HEALED_FROM
    reports = tuple(
        msgspec.structs.replace(report, last_success=at, duration=timedelta(seconds=0.3))
        for report in verdict.facts.sources
    )
    telemetry = Telemetry(
        version="0.1.0",
        started=at - HOUR,
        reports=reports,
        errors={(Source.LONGHORN, Reason.TIMEOUT): int((at - HEALED_FROM) / MINUTE)} if down else {},
        intervals=dict.fromkeys(Source, MINUTE),
        verdict_at=at,
        judging=timedelta(milliseconds=4),
        malformed={"Job": 1} if down else {},
    )
    stream = Exposition().plain(render(verdict), telemetry, at, Format.OPENMETRICS)
    for line in b"".join(stream.chunks).decode().splitlines():
        if line.startswith("volsync_"):
            found = _SERIES.match(line)
            assert found is not None, line
            labels = ",".join(filter(None, (found[2], f'job="volsync-exporter",instance="{instance}:9978"')))
            yield f"{found[1]}{{{labels}}} {found[3]} {at.timestamp():.0f}\n"


def _alert(moment: datetime, verdict: Verdict) -> Iterator[str]:
    """An alert of a fault that began at one volume and shows in the whole storage, and what the rules remember."""
    began, at = "volume/pvc-first", f"1 {moment.timestamp():.0f}\n"
    what = 'cause="volume_faulted"'
    name = 'alertname="VolSyncVolumeFaulted",alertstate="firing"'
    yield f'ALERTS{{{name},{what},scope="{began}",severity="critical"}} {at}'
    for root in verdict.root_causes:
        if root.cause == "volume_faulted":
            yield f'scope:volsync_root_cause:fault{{{what},scope="{root.scope}",fault="{began}"}} {at}'
            for claim in root.claims:
                namespace, _, pvc = claim.partition("/")
                labels = f'{what},scope="{root.scope}",namespace="{namespace}",pvc="{pvc}"'
                yield f"claim:volsync_root_cause:hit{{{labels}}} {at}"


class Prometheus:
    """A Prometheus on a storage that was filled beforehand."""

    def __init__(self, folder: Path, text: Path) -> None:
        storage = folder / "storage"
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(storage)],
            check=True,
            capture_output=True,
            timeout=60,
        )
        configuration = folder / "prometheus.yml"
        configuration.write_text("scrape_configs: []\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        with (folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={configuration}",
                    f"--storage.tsdb.path={storage}",
                    "--storage.tsdb.retention.time=100y",
                    f"--web.listen-address={self.address}",
                    "--log.level=error",
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self._await_ready(time.monotonic() + 60)

    def _await_ready(self, deadline: float) -> None:
        while True:
            try:
                urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5).close()
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.close()
                    raise
                time.sleep(0.05)
            else:
                return

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def now(self, query: str, at: datetime) -> list[tuple[dict[str, str], float]]:
        """The series and their values at one moment."""
        result = self._ask("query", query=query, time=f"{at.timestamp():.0f}")
        if result["resultType"] == "scalar":
            return [({}, float(result["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in result["result"]]

    def over(self, query: str, start: datetime, end: datetime) -> list[tuple[dict[str, str], list[float]]]:
        """The series and their values over a time."""
        result = self._ask(
            "query_range", query=query, start=f"{start.timestamp():.0f}", end=f"{end.timestamp():.0f}", step="60"
        )
        return [(series["metric"], [float(value) for _, value in series["values"]]) for series in result["result"]]

    def _ask(self, what: str, **parameters: str) -> dict[str, Any]:
        body = urllib.parse.urlencode(parameters).encode()
        try:
            with urllib.request.urlopen(f"http://{self.address}/api/v1/{what}", body, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            message = json.load(error)["error"]
            raise AssertionError(f"{message}: {parameters['query']}") from None
