"""How long syncs take, and those that are under way or fail."""

from grafana_foundation_sdk.builders import table, timeseries

from grafana import palette, panel, queries

_SOURCE = ("replication_source",)


def durations() -> timeseries.Panel:
    seconds = queries.one("volsync_backup_last_sync_duration_seconds", *_SOURCE)
    return (
        panel.series_panel(
            "Sync durations",
            "How long the last successful sync of each ReplicationSource took: median, 90th percentile, "
            "and the longest.",
        )
        .unit("s")
        .with_target(panel.history(f"quantile(0.5, {seconds})", "half take less", ref="A"))
        .with_target(panel.history(f"quantile(0.9, {seconds})", "nine of ten take less", ref="B"))
        .with_target(panel.history(f"max({seconds})", "the longest", ref="C"))
    )


def longest() -> table.Panel:
    seconds = queries.one("volsync_backup_last_sync_duration_seconds", *_SOURCE)
    interval = queries.one("volsync_backup_interval_seconds", *_SOURCE)
    return (
        panel.table_panel(
            "Longest syncs",
            "The ten longest syncs, and how much of the time between two backups each takes: at 100 % the next "
            "one is late.",
            "No sync has ended yet.",
        )
        .with_target(panel.rows(f"topk(10, {seconds})", ref="A"))
        .with_target(panel.rows(f"topk(10, {seconds}) / {interval}", ref="B"))
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "cluster": "Cluster",
                    "namespace": "Namespace",
                    "pvc": "PVC",
                    "replication_source": "ReplicationSource",
                    "Value #A": "Took",
                    "Value #B": "Of the interval",
                }
            )
        )
        .override_by_name("Took", [panel.property_("unit", "s")])
        .override_by_name("Of the interval", [panel.property_("unit", "percentunit"), panel.property_("decimals", 0)])
        .override_by_name("PVC", [panel.to_claim("__data.fields.Namespace", "__data.fields.PVC")])
        .sort_by(panel.sorted_by(("Took", True)))
    )


def running() -> table.Panel:
    since = queries.one("volsync_backup_sync_start_timestamp_seconds", *_SOURCE)
    failures = queries.one("volsync_backup_mover_failures", *_SOURCE)
    return (
        panel.table_panel(
            "Syncs under way",
            "Syncs that are running or failing now: since when, and how many of the mover's pods have failed.",
            "No sync is running.",
        )
        .with_target(panel.rows(f"1000 * {since}", ref="A"))
        .with_target(panel.rows(f"{failures} and on (cluster, namespace, pvc, replication_source) {since}", ref="B"))
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "cluster": "Cluster",
                    "namespace": "Namespace",
                    "pvc": "PVC",
                    "replication_source": "ReplicationSource",
                    "Value #A": "Since",
                    "Value #B": "Failed pods",
                }
            )
        )
        .override_by_name("Since", [panel.property_("unit", "dateTimeFromNow")])
        .override_by_name("PVC", [panel.to_claim("__data.fields.Namespace", "__data.fields.PVC")])
        .sort_by(panel.sorted_by(("Since", False)))
    )


def of_claim() -> timeseries.Panel:
    return (
        panel.series_panel(
            "Its mover",
            "How long each sync took, against the time between two backups, and for how long the one that is under "
            "way has been running.",
        )
        .unit("s")
        .with_target(
            panel.history(
                queries.one("volsync_backup_last_sync_duration_seconds", *_SOURCE, where=queries.CLAIM),
                "took {{replication_source}}",
                ref="A",
            )
        )
        .with_target(
            panel.history(
                f"time() - {queries.one('volsync_backup_sync_start_timestamp_seconds', *_SOURCE, where=queries.CLAIM)}",
                "running for {{replication_source}}",
                ref="B",
            )
        )
        .with_target(
            panel.history(
                queries.one("volsync_backup_interval_seconds", *_SOURCE, where=queries.CLAIM),
                "interval {{replication_source}}",
                ref="C",
            )
        )
        .override_by_regexp("/^running/", [panel.property_("color", {"mode": "fixed", "fixedColor": palette.WARN})])
    )


def sources_of_claim() -> table.Panel:
    moments = {
        "Last sync": "volsync_backup_last_sync_timestamp_seconds",
        "Next sync": "volsync_backup_next_sync_timestamp_seconds",
        "Under way since": "volsync_backup_sync_start_timestamp_seconds",
        "Last prune": "volsync_backup_last_prune_timestamp_seconds",
    }
    info = queries.one(
        "volsync_backup_info", *_SOURCE, "method", "schedule", "copy_method", "storage_class", where=queries.CLAIM
    )
    built = panel.table_panel(
        "Its ReplicationSources",
        "How and when the claim is backed up: the last sync, the next sync, the running sync, and the last prune.",
        "No ReplicationSource backs up this claim.",
    ).with_target(panel.rows(info, ref="A"))
    for ref, family in zip("BCDE", moments.values(), strict=True):
        built = built.with_target(panel.rows(f"1000 * {queries.one(family, *_SOURCE, where=queries.CLAIM)}", ref=ref))
    failures = queries.one("volsync_backup_mover_failures", *_SOURCE, where=queries.CLAIM)
    built = (
        built.with_target(panel.rows(failures, ref="F"))
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "replication_source": "ReplicationSource",
                    "method": "Method",
                    "schedule": "Schedule",
                    "copy_method": "Copy",
                    "storage_class": "Storage class",
                    **{f"Value #{ref}": name for ref, name in zip("BCDE", moments, strict=True)},
                    "Value #F": "Failed pods",
                },
                hide=("cluster", "namespace", "pvc", "Value #A"),
            )
        )
    )
    for name in moments:
        built = built.override_by_name(name, [panel.property_("unit", "dateTimeFromNow")])
    return built


def restores_of_claim() -> table.Panel:
    destination = ("replication_destination",)
    result = queries.one("volsync_restore_result", *destination, "result", where=queries.CLAIM)
    last = queries.one("volsync_restore_last_sync_timestamp_seconds", *destination, where=queries.CLAIM)
    since = queries.one("volsync_restore_running_since_timestamp_seconds", *destination, where=queries.CLAIM)
    return (
        panel.table_panel(
            "Its restores",
            "The claim's ReplicationDestinations. A restore that fails or hangs does not stop backups.",
            "The claim has no ReplicationDestination.",
        )
        .with_target(panel.rows(f"{result} == 1", ref="A"))
        .with_target(panel.rows(f"1000 * {last}", ref="B"))
        .with_target(panel.rows(f"1000 * {since}", ref="C"))
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "replication_destination": "ReplicationDestination",
                    "result": "Result",
                    "Value #B": "Last restore",
                    "Value #C": "Running since",
                },
                hide=("cluster", "namespace", "pvc", "Value #A"),
            )
        )
        .override_by_name("Last restore", [panel.property_("unit", "dateTimeFromNow")])
        .override_by_name("Running since", [panel.property_("unit", "dateTimeFromNow")])
        .override_by_name(
            "Result",
            [
                panel.property_(
                    "mappings",
                    [
                        palette.colours(
                            {
                                "successful": palette.GOOD,
                                "failed": palette.BAD,
                                "running": palette.NEW,
                                "none": palette.NEUTRAL,
                            }
                        )
                    ],
                ),
                panel.background(),
            ],
        )
    )
