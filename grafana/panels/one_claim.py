"""One claim: its state, its chain link by link, its history."""

from grafana_foundation_sdk.builders import stat, statetimeline, timeseries
from grafana_foundation_sdk.models.common import BigValueTextMode

from exporter.publication.families import LINKS
from exporter.publication.page.words import LINKS as LINK_NAMES
from grafana import palette, panel, queries

_LINK_WORDS = palette.words((-1, "no verdict", palette.NEUTRAL), (0, "broken", palette.BAD), (1, "ok", palette.GOOD))


def state() -> stat.Panel:
    return (
        panel.stat_panel("State", "Whether the claim could be restored now.")
        .no_value("no such claim")
        .with_target(panel.now(queries.state_number(queries.CLAIM)))
        .mappings([palette.STATE_WORDS])
        .text_mode(BigValueTextMode.VALUE)
    )


def recovery_point() -> stat.Panel:
    return (
        panel.stat_panel("Recovery point's age", "The age of the data that a restore would bring back now.")
        .unit("s")
        .no_value("none")
        .with_target(panel.now(queries.recovery_age(queries.CLAIM)))
        .text_mode(BigValueTextMode.VALUE)
    )


def used() -> stat.Panel:
    return (
        panel.stat_panel(
            "Objective used",
            "The age of the recovery point as a share of the claim's objective. Above 100 % it is unprotected.",
        )
        .unit("percentunit")
        .decimals(0)
        .no_value("none")
        .with_target(panel.now(queries.objective_used(queries.CLAIM)))
        .thresholds(panel.steps((None, palette.GOOD), (0.8, palette.WARN), (1, palette.BAD)))
        .text_mode(BigValueTextMode.VALUE)
    )


def objective() -> stat.Panel:
    return (
        panel.stat_panel("Objective", "The maximum age of the recovery point.")
        .unit("s")
        .no_value("none")
        .with_target(panel.now(queries.one("volsync_backup_objective_seconds", where=queries.CLAIM)))
        .thresholds(panel.steps((None, palette.NEUTRAL)))
        .text_mode(BigValueTextMode.VALUE)
    )


def proven() -> stat.Panel:
    """When data last came back, of which moment it was, and how long that took."""
    built = (
        panel.stat_panel(
            "Proven by a restore",
            "When a restore of this claim last brought data back, the point in time of that data, and how long it "
            "took. Empty: no such restore is known.",
        )
        .no_value("never seen")
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
        .thresholds(panel.steps((None, palette.NEUTRAL)))
    )
    shown = (
        ("A", "Restored", "1000 * ", "volsync_backup_restore_proven_timestamp_seconds", "dateTimeFromNow"),
        (
            "B",
            "Data of",
            "1000 * ",
            "volsync_backup_restore_proven_recovery_point_timestamp_seconds",
            "dateTimeFromNow",
        ),
        ("C", "Took", "", "volsync_backup_restore_proven_duration_seconds", "s"),
    )
    for ref, name, factor, family, unit in shown:
        query = f"{factor}{queries.one(family, where=queries.CLAIM)}"
        built = built.with_target(panel.now(query, ref=ref, legend=name)).override_by_query(
            ref, [panel.property_("displayName", name), panel.property_("unit", unit)]
        )
    return built


def chain() -> stat.Panel:
    """Each link in the order of the chain; one that is unknown or does not apply has no series, and reads so."""
    built = (
        panel.stat_panel(
            "The chain",
            "Each link from the policy to the object in the bucket, in order; the restore is separate from the "
            "chain. No verdict: unknown, or it does not apply here.",
        )
        .mappings([_LINK_WORDS])
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
    )
    for ref, link in zip("ABCDEFGHIJ", LINKS, strict=True):
        where = f'{queries.CLAIM}, link="{link}"'
        name = LINK_NAMES[link]
        built = built.with_target(
            panel.now(f"max(volsync_backup_link_ok{{{where}}}) or vector(-1)", ref=ref, legend=name)
        )
    return built


def chain_over_time() -> statetimeline.Panel:
    return (
        panel.timeline_panel("The chain over time", "When each link was ok, and when it was broken.")
        .with_target(panel.history(f"max by (link) (volsync_backup_link_ok{{{queries.CLAIM}}})", "{{link}}"))
        .mappings([_LINK_WORDS])
    )


def state_over_time() -> statetimeline.Panel:
    return (
        panel.timeline_panel("State over time", "Which state the claim was in, and when it changed.")
        .with_target(panel.history(queries.state_number(queries.CLAIM), "state"))
        .mappings([palette.STATE_WORDS])
    )


def age_over_time() -> timeseries.Panel:
    return (
        panel.series_panel(
            "Recovery point against objective",
            "The age of the recovery point, which falls with each backup. Above the dashed line the claim is "
            "unprotected.",
        )
        .unit("s")
        .with_target(panel.history(queries.recovery_age(queries.CLAIM), "recovery point", ref="A"))
        .with_target(
            panel.history(queries.one("volsync_backup_objective_seconds", where=queries.CLAIM), "objective", ref="B")
        )
        .override_by_name(
            "objective",
            [
                panel.property_("color", {"mode": "fixed", "fixedColor": palette.BAD}),
                panel.property_("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}),
                panel.property_("custom.fillOpacity", 0),
            ],
        )
    )
