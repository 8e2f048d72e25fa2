"""Series written by hand, for what no cluster does: exporters that hang, lie, die or are blind, and any rhythm."""

from collections.abc import Iterable, Sequence

from exporter.chain.causes import Cause
from tests.alerts.lives.watch import TARGET, Samples, series

Minutes = Iterable[int]


class Story:
    """The series of one cluster, minute by minute."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.samples: Samples = {}

    def put(self, family: str, minutes: Minutes, value: float | None = 1, **labels: str) -> "Story":
        """A series; without a value it is the moment of the sample."""
        of = self.samples.setdefault(series(family, {"cluster": self.name, **labels}), {})
        of.update((minute, 60.0 * minute if value is None else value) for minute in minutes)
        return self

    def exporter(
        self,
        minutes: Minutes,
        *,
        hangs: int | None = None,
        ahead: int = 0,
        blind: Minutes = (),
        source: str = "longhorn",
        failed: Minutes = (),
        **target: str,
    ) -> "Story":
        """An exporter that is scraped at *minutes*.

        It may hang from a minute on, have a clock that is *ahead* seconds ahead, be blind to *source*, and leave out
        families while they failed.
        """
        at = {**TARGET, **target}
        minutes, blind, failed = tuple(minutes), frozenset(blind), frozenset(failed)
        for minute in minutes:
            verdict = 60.0 * min(minute, minute if hangs is None else hangs) + ahead
            self.put("volsync_exporter_verdict_timestamp_seconds", [minute], verdict, **at)
            for name in ("kubernetes", "volsync", "longhorn", "s3"):
                up = float(not (name == source and minute in blind))
                self.put("volsync_exporter_source_up", [minute], up, source=name, **at)
            self.put("volsync_exporter_failed_families", [minute], float(minute in failed), **at)
        self.put("volsync_exporter_build_info", minutes, version="1", **at)
        return self.put("up", minutes, job=at["job"], instance=at["instance"])

    def claims(self, names: Sequence[str], minutes: Minutes, state: str = "protected", **target: str) -> "Story":
        """Claims that are judged, each link of theirs that the stories need."""
        at, minutes = {**TARGET, **target}, tuple(minutes)
        for name in names:
            claim = {**at, "namespace": name, "pvc": "data"}
            for one in ("protected", "at_risk", "unprotected", "starting", "exempt", "unknown"):
                self.put("volsync_backup_state", minutes, float(one == state), state=one, **claim)
            for link in ("volume", "mover"):
                self.put("volsync_backup_link_ok", minutes, link=link, **claim)
        return self

    def broken(
        self,
        cause: Cause,
        scope: str,
        claims: Sequence[str],
        minutes: Minutes,
        severity: str = "critical",
        namespace: str = "",
        link: str = "",
        **target: str,
    ) -> "Story":
        """A root cause and the problems of the claims that it hits; at another *link*, the problems alone."""
        at, minutes = {**TARGET, **target}, tuple(minutes)
        what = {"cause": str(cause), "scope": scope, "link": link or str(cause.link), "severity": severity}
        for name in claims:
            self.put(
                "volsync_backup_problem",
                minutes,
                **{**at, **what, "namespace": name, "pvc": "data", "impact": str(cause.entry.impact)},
            )
        if link:
            return self
        self.put("volsync_root_cause", minutes, len(claims), **{**at, **what, "namespace": namespace})
        return self

    def scrubbed(self, minutes: Minutes, corrupt: float | None, made: int = -1000, **target: str) -> "Story":
        """The repository of claim `a`, which is listed, was *made* at that minute, and is scrubbed.

        Without a value its scrub knows neither of corruption nor of soundness; above zero, the repository is damaged.
        """
        claim = {**TARGET, **target, "namespace": "a", "pvc": "data"}
        at = {**claim, "bucket": "backups", "prefix": "a/data"}
        minutes = tuple(minutes)
        self.put("volsync_repository_created_timestamp_seconds", minutes, 60.0 * made + 10**9, **at)
        self.put("volsync_repository_unread_objects", minutes, 0, **at)
        if corrupt is not None:
            self.put("volsync_repository_corrupt_objects", minutes, corrupt, **at)
        if corrupt:
            return self.broken(Cause.REPOSITORY_DAMAGED, "claim/a/data", ["a"], minutes, namespace="a", **target)
        return self.put("volsync_backup_link_ok", minutes, link="repository", **claim)


def rhythm(begin: int, end: int, on: int, off: int) -> list[int]:
    """The minutes of a flap: so many on, so many off."""
    return [minute for minute in range(begin, end) if (minute - begin) % (on + off) < on]
