"""The exporter's own health: what it reads, and how old its verdict is."""

from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models.common import BigValueTextMode, GraphDrawStyle

from grafana import palette, panel, queries


def verdict_age() -> stat.Panel:
    return (
        panel.stat_panel(
            "Verdict's age",
            "How long ago the exporter last judged the claims. A verdict older than a few minutes is out of date.",
        )
        .unit("s")
        .decimals(0)
        .with_target(
            panel.now(f"time() - max by (cluster) (volsync_exporter_verdict_timestamp_seconds{{{queries.CLUSTER}}})")
        )
        .thresholds(panel.steps((None, palette.GOOD), (300, palette.WARN), (900, palette.BAD)))
        .text_mode(BigValueTextMode.VALUE)
    )


def health() -> statetimeline.Panel:
    return (
        panel.timeline_panel(
            "What the exporter reads",
            "Whether each source of facts could be read. Links that need a source that is down become unknown "
            "after a few polls.",
        )
        .with_target(panel.history(queries.of_exporter("volsync_exporter_source_up", "source"), "{{source}}"))
        .mappings([palette.words((0, "down", palette.BAD), (1, "up", palette.GOOD))])
    )


def reads() -> table.Panel:
    last = queries.of_exporter("volsync_exporter_source_last_success_timestamp_seconds", "source")
    return (
        panel.table_panel(
            "Last reads",
            "When each source was last read successfully, and how long a read takes.",
            "Nothing was read yet.",
        )
        .with_target(panel.rows(f"1000 * {last}", ref="A"))
        .with_target(panel.rows(queries.of_exporter("volsync_exporter_source_duration_seconds", "source"), ref="B"))
        .with_target(panel.rows(queries.of_exporter("volsync_exporter_source_interval_seconds", "source"), ref="C"))
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "cluster": "Cluster",
                    "source": "Source",
                    "Value #A": "Last success",
                    "Value #B": "Takes",
                    "Value #C": "Every",
                }
            )
        )
        .override_by_name("Last success", [panel.property_("unit", "dateTimeFromNow")])
        .override_by_name("Takes", [panel.property_("unit", "s")])
        .override_by_name("Every", [panel.property_("unit", "s")])
        .sort_by(panel.sorted_by(("Last success", False)))
    )


def errors() -> timeseries.Panel:
    rate = f"rate(volsync_exporter_source_errors_total{{{queries.CLUSTER}}}[$__rate_interval])"
    return (
        panel.series_panel("Failed reads", "Failed reads and implausible responses, by source and reason.")
        .unit("cpm")
        .no_value("none")
        .draw_style(GraphDrawStyle.BARS)
        .fill_opacity(70)
        .with_target(panel.history(f"60 * sum by (cluster, source, reason) ({rate}) > 0", "{{source}}: {{reason}}"))
    )


def malformed() -> stat.Panel:
    return (
        panel.stat_panel(
            "Malformed objects",
            "Objects that could not be understood. Claims that depend on them are unknown; the others are judged.",
        )
        .no_value("none")
        .with_target(panel.now(queries.of_exporter("volsync_exporter_malformed_objects", "kind"), legend="{{kind}}"))
        .thresholds(panel.steps((None, palette.NEUTRAL), (1, palette.WARN)))
    )


def version() -> stat.Panel:
    return (
        panel.stat_panel("Exporter", "The version of the exporter that is scraped.")
        .with_target(panel.now(queries.of_exporter("volsync_exporter_build_info", "version"), legend="{{version}}"))
        .text_mode(BigValueTextMode.NAME)
        .thresholds(panel.steps((None, palette.NEUTRAL)))
    )
