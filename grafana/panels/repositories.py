"""What the buckets hold, how it grows, and when there is no room left."""

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.builders.common import StackingConfig
from grafana_foundation_sdk.models.common import BigValueTextMode, StackingMode

from grafana import palette, panel, queries

_REPOSITORY = ("bucket", "prefix")
_TREND = "7d:30m"
"""Growth is steady over a week: a day has its own rhythm, and prunes come every few days. Half-hourly is plenty."""


def bucket_sizes() -> timeseries.Panel:
    return (
        panel.series_panel(
            "Bucket size",
            "Bytes of all repositories in each bucket, what the bucket can hold where that is configured, and "
            "the size in 30 days if it grows as in the last week.",
        )
        .unit("bytes")
        .with_target(panel.history(queries.of_exporter("volsync_bucket_size_bytes", "bucket"), "{{bucket}}", ref="A"))
        .with_target(panel.history(_forecast(), "{{bucket}} in 30 days", ref="B"))
        .with_target(
            panel.history(
                queries.of_exporter("volsync_bucket_capacity_bytes", "bucket"), "{{bucket}} can hold", ref="C"
            )
        )
        .override_by_regexp("/ in 30 days$/", _dashed(palette.WARN))
        .override_by_regexp("/ can hold$/", _dashed(palette.BAD))
    )


def _dashed(color: str) -> list[panel.DynamicConfigValue]:
    return [
        panel.property_("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}),
        panel.property_("custom.fillOpacity", 0),
        panel.property_("color", {"mode": "fixed", "fixedColor": color}),
    ]


def _forecast() -> str:
    series = f"volsync_bucket_size_bytes{{{queries.CLUSTER}}}[{_TREND}]"
    return f"max by (cluster, bucket) (predict_linear({series}, 30 * 86400))"


def days_left() -> stat.Panel:
    size = queries.of_exporter("volsync_bucket_size_bytes", "bucket")
    capacity = queries.of_exporter("volsync_bucket_capacity_bytes", "bucket")
    growth = f"max by (cluster, bucket) (deriv(volsync_bucket_size_bytes{{{queries.CLUSTER}}}[{_TREND}]))"
    return (
        panel.stat_panel(
            "Bucket is full in",
            "When the bucket has no room left, if it grows as in the last week. Empty where its capacity is not "
            "configured (`buckets[].capacity_bytes`), or where it does not grow.",
        )
        .unit("s")
        .decimals(0)
        .no_value("not in sight")
        .with_target(panel.now(f"({capacity} - {size}) / ({growth} > 0)", legend="{{bucket}}"))
        .thresholds(panel.steps((None, palette.BAD), (14 * 86400, palette.WARN), (60 * 86400, palette.GOOD)))
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
    )


def bucket_now() -> stat.Panel:
    return (
        panel.stat_panel("Bucket size now", "Bytes of all repositories in each bucket, as last measured.")
        .unit("bytes")
        .with_target(panel.now(queries.of_exporter("volsync_bucket_size_bytes", "bucket"), legend="{{bucket}}"))
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
    )


def largest() -> table.Panel:
    size = _size(queries.CLUSTER)
    measured = f'volsync_repository_size_bytes{{{queries.CLUSTER}, type="data"}}'
    growth = f"max by (cluster, namespace, pvc, bucket, prefix) (delta({measured}[{_TREND}]))"
    snapshots = queries.one("volsync_repository_snapshots", *_REPOSITORY, where=queries.CLUSTER)
    newest = queries.one("volsync_repository_last_snapshot_timestamp_seconds", *_REPOSITORY, where=queries.CLUSTER)
    return (
        panel.table_panel(
            "Largest repositories",
            "The twenty largest repositories, with their growth in a week, and their snapshots.",
            "No repository was measured yet.",
        )
        .with_target(panel.rows(f"topk(20, {size})", ref="A"))
        .with_target(panel.rows(f"{growth} and topk(20, {size})", ref="B"))
        .with_target(panel.rows(f"{snapshots} and topk(20, {size})", ref="C"))
        .with_target(panel.rows(f"1000 * {newest} and topk(20, {size})", ref="D"))
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "cluster": "Cluster",
                    "bucket": "Bucket",
                    "prefix": "Repository",
                    "Value #A": "Size",
                    "Value #B": "In a week",
                    "Value #C": "Snapshots",
                    "Value #D": "Newest",
                },
                hide=("namespace", "pvc"),
            )
        )
        .override_by_name("Size", [panel.property_("unit", "bytes")])
        .override_by_name("In a week", [panel.property_("unit", "bytes")])
        .override_by_name("Newest", [panel.property_("unit", "dateTimeFromNow")])
        .sort_by(panel.sorted_by(("Size", True)))
    )


def scrubbed() -> table.Panel:
    """How much of each repository was read, and what was found."""
    read = queries.one("volsync_repository_scrubbed_bytes", *_REPOSITORY, "proof", where=queries.CLUSTER)
    share = f"sum by (cluster, namespace, pvc, bucket, prefix) ({read}) / {_size(queries.CLUSTER)}"
    corrupt, unread, oldest = (
        queries.one(f"volsync_repository_{family}", *_REPOSITORY, where=queries.CLUSTER)
        for family in ("corrupt_objects", "unread_objects", "scrub_oldest_timestamp_seconds")
    )
    return (
        panel.table_panel(
            "Scrubbed repositories",
            "How much of each repository was compared with its objects' names since the exporter started, the least "
            "first; when the oldest part of it was, once all was; the objects that are corrupt, and those that could "
            "not be read.",
            "Repositories are not scrubbed (`scrub.enabled`).",
        )
        .with_target(panel.rows(share, ref="A"))
        .with_target(panel.rows(f"1000 * {oldest}", ref="B"))
        .with_target(panel.rows(corrupt, ref="C"))
        .with_target(panel.rows(unread, ref="D"))
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "cluster": "Cluster",
                    "bucket": "Bucket",
                    "prefix": "Repository",
                    "Value #A": "Scrubbed",
                    "Value #B": "Oldest",
                    "Value #C": "Corrupt",
                    "Value #D": "Unread",
                },
                hide=("namespace", "pvc"),
            )
        )
        .override_by_name("Scrubbed", [panel.property_("unit", "percentunit"), panel.property_("max", 1)])
        .override_by_name("Oldest", [panel.property_("unit", "dateTimeFromNow")])
        .sort_by(panel.sorted_by(("Corrupt", True), ("Scrubbed", False)))
    )


def _size(where: str) -> str:
    of_type = queries.one("volsync_repository_size_bytes", *_REPOSITORY, "type", where=where)
    return f"sum by (cluster, namespace, pvc, bucket, prefix) ({of_type})"


def size_of_claim() -> timeseries.Panel:
    return (
        panel.series_panel("Its repository", "Bytes of the claim's repository by type of object, as last measured.")
        .unit("bytes")
        .with_target(
            panel.history(
                queries.one("volsync_repository_size_bytes", *_REPOSITORY, "type", where=queries.CLAIM),
                "{{type}} {{bucket}}",
            )
        )
        .stacking(StackingConfig().mode(StackingMode.NORMAL))
        .fill_opacity(40)
    )


def snapshots_of_claim() -> timeseries.Panel:
    return (
        panel.series_panel(
            "Snapshots and stale locks",
            "Snapshots in the claim's repository, and stale locks of dead clients: while there is a stale lock, "
            "nothing is pruned.",
        )
        .unit("short")
        .decimals(0)
        .with_target(
            panel.history(
                queries.one("volsync_repository_snapshots", *_REPOSITORY, where=queries.CLAIM),
                "snapshots {{bucket}}",
                ref="A",
            )
        )
        .with_target(
            panel.history(
                queries.one("volsync_repository_stale_locks", *_REPOSITORY, where=queries.CLAIM),
                "stale locks {{bucket}}",
                ref="B",
            )
        )
        .override_by_regexp("/^stale locks/", [panel.property_("color", {"mode": "fixed", "fixedColor": palette.BAD})])
    )


def facts_of_claim() -> table.Panel:
    """The moments that the claim's repository remembers."""
    moments = {
        "Made": "volsync_repository_created_timestamp_seconds",
        "Oldest snapshot": "volsync_repository_first_snapshot_timestamp_seconds",
        "Newest snapshot": "volsync_repository_last_snapshot_timestamp_seconds",
        "Oldest lock": "volsync_repository_oldest_lock_timestamp_seconds",
        "Measured": "volsync_repository_data_measured_timestamp_seconds",
    }
    built = panel.table_panel(
        "Its repository's dates",
        "When the repository was made, its oldest and newest snapshot, its oldest lock, and when its data was last "
        "listed in full. By the store's clock.",
        "Nothing is known of the repository.",
    )
    for ref, family in zip("ABCDE", moments.values(), strict=True):
        built = built.with_target(
            panel.rows(f"1000 * {queries.one(family, *_REPOSITORY, where=queries.CLAIM)}", ref=ref)
        )
    built = built.with_transformation(panel.transformation("merge")).with_transformation(
        panel.columns(
            {
                "bucket": "Bucket",
                "prefix": "Repository",
                **{f"Value #{ref}": name for ref, name in zip("ABCDE", moments, strict=True)},
            },
            hide=("cluster", "namespace", "pvc"),
        )
    )
    for name in moments:
        built = built.override_by_name(name, [panel.property_("unit", "dateTimeFromNow")])
    return built
