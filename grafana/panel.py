"""What panels have in common: the datasource, how queries are asked, and the defaults of each kind of panel."""

from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.palette import BLUE

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

CLAIM_BOARD = "volsync-backup-claim"
OVERVIEW_BOARD = "volsync-backup-overview"


def now(expression: str, *, ref: str = "A", legend: str = "") -> prometheus.Dataquery:
    """Ask for the values at the end of the time range."""
    return _query(expression, ref, legend).instant()


def rows(expression: str, *, ref: str = "A") -> prometheus.Dataquery:
    """Ask for the values at the end of the time range, as the rows of a table."""
    return _query(expression, ref, "").instant().format(PromQueryFormat.TABLE)


def history(expression: str, legend: str, *, ref: str = "A") -> prometheus.Dataquery:
    """Ask for the values over the time range."""
    return _query(expression, ref, legend).range()


def _query(expression: str, ref: str, legend: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().datasource(DATASOURCE).ref_id(ref).expr(expression)
    return query.legend_format(legend) if legend else query


def steps(*bounds: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    """Colours by bound: each holds from its bound up; the first one's bound is None."""
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=color) for value, color in bounds])
    )


def property_(name: str, value: Any) -> DynamicConfigValue:  # noqa: ANN401 - Grafana's own: each has its shape
    """One property of a field override."""
    return DynamicConfigValue(id_val=name, value=value)


def link(title: str, url: str, *, new_tab: bool = False) -> DynamicConfigValue:
    """A link on the values of a field."""
    return property_("links", [{"title": title, "url": url, "targetBlank": new_tab}])


def to_claim(namespace: str, pvc: str) -> DynamicConfigValue:
    """A link to the dashboard of one claim; *namespace* and *pvc* are Grafana's names of where the names stand."""
    query = "&".join(
        (
            "${datasource:queryparam}",
            "${cluster:queryparam}",
            f"var-namespace=${{{namespace}:percentencode}}",
            f"var-pvc=${{{pvc}:percentencode}}",
            "${__url_time_range}",
        )
    )
    return link("The claim", f"/d/{CLAIM_BOARD}?{query}")


def to_runbook(cause: str) -> DynamicConfigValue:
    """A link to the runbook of the cause that stands in the field *cause*."""
    return link("Runbook", f"${{runbooks}}/${{{cause}}}.md", new_tab=True)


def background(mode: str = "basic") -> DynamicConfigValue:
    """Colour the cells of a table behind their text."""
    return property_("custom.cellOptions", {"type": "color-background", "mode": mode})


def transformation(name: str, **options: object) -> DataTransformerConfig:
    """One step between the answers of the queries and the table."""
    return DataTransformerConfig(id_val=name, options=options)


def columns(names: dict[str, str], hide: tuple[str, ...] = ()) -> DataTransformerConfig:
    """Name the columns of a table and put them into that order; *hide* leaves columns out."""
    return transformation(
        "organize",
        renameByName=names,
        indexByName={name: index for index, name in enumerate(names)},
        excludeByName=dict.fromkeys(("Time", *hide), True),
    )


def stat_panel(title: str, description: str) -> stat.Panel:
    """A number that is read at a glance."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit("short")
        .no_value("no data")
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(BigValueGraphMode.NONE)
        .text_mode(BigValueTextMode.AUTO)
        .thresholds(steps((None, BLUE)))
    )


def table_panel(title: str, description: str, empty: str) -> table.Panel:
    """Rows; *empty* is what it says when there are none.

    Grafana shows a panel's text for no value in empty cells too, unless the field has one of its own.
    """
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit("short")
        .no_value(empty)
        .override_by_regexp("/.*/", [property_("noValue", "-")])
    )


def sorted_by(*fields: tuple[str, bool]) -> list[common.TableSortByFieldState]:
    """The order of a table's rows: `(column, whether the greatest comes first)`."""
    return [common.TableSortByFieldState().display_name(name).desc(descending) for name, descending in fields]


def timeline_panel(title: str, description: str) -> statetimeline.Panel:
    """What held when, a band for each series."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit("short")
        .no_value("no data")
        .show_value(VisibilityMode.NEVER)
        .merge_values(merge_values=True)
        .row_height(0.85)
        .fill_opacity(85)
        .per_page(20)
        .thresholds(steps((None, BLUE)))
        .legend(common.VizLegendOptions().show_legend(show_legend=True).display_mode(LegendDisplayMode.LIST))
    )


def series_panel(title: str, description: str) -> timeseries.Panel:
    """Lines over time."""
    return (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .no_value("no data")
        .min(0)
        .line_width(2)
        .fill_opacity(8)
        .show_points(VisibilityMode.NEVER)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .legend(
            common.VizLegendOptions()
            .show_legend(show_legend=True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )


def bars_panel(title: str, description: str) -> bargauge.Panel:
    """The greatest of many, as bars."""
    return (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .no_value("no data")
        .min(0)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
