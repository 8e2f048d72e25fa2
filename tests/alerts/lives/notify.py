"""What an Alertmanager sends of alerts that fire minute by minute: routes, groups and inhibitions of a configuration.

A model of Alertmanager 0.25 (`dispatch/dispatch.go`, `notify/notify.go` DedupStage, `inhibit/inhibit.go`) with minutes
for time: it knows matchers, `continue`, grouping, waits and inhibitions, and that a receiver is told again only of what
it was not told of before, or when something is over.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from exporter.durations import parse_duration
from tests.alerts.lives.watch import Alert

EXAMPLES = Path(__file__).parents[3] / "alerts" / "examples"
CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {
    name: yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text()) for name in ("alertmanager", "kube-prometheus-stack")
}
"""Ours, and kube-prometheus-stack's default."""

_MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*$')


class Notification(msgspec.Struct, frozen=True):
    """One message to one receiver."""

    minute: int
    receiver: str
    news: frozenset[Alert]
    """The alerts that began since the last message of the group; none: all of the group are over, or some."""
    firing: frozenset[Alert]


class _Route(msgspec.Struct, frozen=True):
    receiver: str
    matchers: tuple[str, ...]
    group_by: tuple[str, ...]
    wait: int
    interval: int
    repeat: int
    goes_on: bool
    routes: tuple["_Route", ...]


class _Group(msgspec.Struct):
    route: _Route
    next: int
    alerts: set[Alert]
    told: frozenset[Alert] = frozenset()
    told_at: int = 0


def notifications(config: Mapping[str, Any], firing: Sequence[set[Alert]]) -> Iterator[Notification]:
    """The messages of a life, in their order; those to receivers that send nothing are among them."""
    root = _route(config["route"], None)
    groups: dict[tuple[object, ...], _Group] = {}
    for minute, alerts in enumerate(firing):
        audible = {alert for alert in alerts if not _is_inhibited(alert, alerts, config.get("inhibit_rules", ()))}
        present: dict[tuple[object, ...], set[Alert]] = {}
        for alert in alerts:
            for route in _routes_of(root, dict(alert)):
                key = (route, tuple(dict(alert).get(label, "") for label in route.group_by))
                present.setdefault(key, set()).add(alert)
        for key in present.keys() - groups.keys():
            route = key[0]
            assert isinstance(route, _Route)
            groups[key] = _Group(route, minute + route.wait, set())
        for key, group in list(groups.items()):
            if minute < group.next:
                continue
            group.next = minute + group.route.interval
            now = frozenset(present.get(key, set()) & audible)
            news, over = now - group.told, group.told - frozenset(present.get(key, set()))
            is_repeat = bool(now) and minute - group.told_at >= group.route.repeat
            if news or over or is_repeat:
                yield Notification(minute, group.route.receiver, news, now)
                group.told, group.told_at = now, minute
            if key not in present:
                del groups[key]


def _route(config: Mapping[str, Any], above: _Route | None) -> _Route:
    def minutes(name: str, default: str) -> int:
        if name in config:
            return max(1, round(parse_duration(config[name]).total_seconds() / 60))
        field = name.removeprefix("group_").removesuffix("_interval")
        return getattr(above, field) if above else max(1, round(parse_duration(default).total_seconds() / 60))

    own = _Route(
        receiver=config.get("receiver", above.receiver if above else ""),
        matchers=tuple(config.get("matchers", ())),
        group_by=tuple(config.get("group_by", above.group_by if above else ())),
        wait=minutes("group_wait", "30s"),
        interval=minutes("group_interval", "5m"),
        repeat=minutes("repeat_interval", "4h"),
        goes_on=config.get("continue", False),
        routes=(),
    )
    return msgspec.structs.replace(own, routes=tuple(_route(one, own) for one in config.get("routes", ())))


def _routes_of(route: _Route, labels: Mapping[str, str]) -> Iterator[_Route]:
    found = False
    for one in route.routes:
        if _matches(one.matchers, labels):
            found = True
            yield from _routes_of(one, labels)
            if not one.goes_on:
                return
    if not found:
        yield route


def _matches(matchers: Sequence[str], labels: Mapping[str, str]) -> bool:
    return all(_match(matcher, labels) for matcher in matchers)


def _match(matcher: str, labels: Mapping[str, str]) -> bool:
    parsed = _MATCHER.match(matcher)
    assert parsed, matcher
    label, how, wanted = parsed.groups()
    value = labels.get(label, "")
    holds = bool(re.fullmatch(wanted, value)) if "~" in how else value == wanted
    return holds is not how.startswith("!")


def _is_inhibited(alert: Alert, alerts: set[Alert], rules: Sequence[Mapping[str, Any]]) -> bool:
    labels = dict(alert)
    for rule in rules:
        if not _matches(rule["target_matchers"], labels):
            continue
        for other in alerts - {alert}:
            source = dict(other)
            if _matches(rule["source_matchers"], source) and all(
                source.get(label, "") == labels.get(label, "") for label in rule.get("equal", ())
            ):
                return True
    return False
