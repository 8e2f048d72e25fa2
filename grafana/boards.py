"""The two dashboards: which panels they have, and where."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from exporter.settings import WebSettings
from grafana.panel import CLAIM_BOARD, DATASOURCE, OVERVIEW_BOARD
from grafana.panels import causes, chain, claims, one_claim, repositories, sources, syncs

_TAG = "volsync-exporter"


def overview() -> Dashboard:
    """Whether all is well, and which one thing to fix if not."""
    board = (
        _board("VolSync backups", OVERVIEW_BOARD, "Whether every claim could be restored, and what to fix if not.")
        .time("now-24h", "now")
        .with_variable(_namespace(every=True))
    )
    _row(
        board,
        "",
        (claims.needing_someone(), 5, 4),
        (claims.by_state(), 13, 4),
        (claims.error_budget(), 3, 4),
        (sources.verdict_age(), 3, 4),
    )
    _row(board, "", (causes.burning(), 24, 7))
    _row(board, "", (claims.oldest_recovery_points(), 10, 9), (claims.state_over_time(), 14, 9))
    _row(board, "Claims", (claims.every_claim(), 24, 10))
    _row(board, "Chain", (chain.volumes(), 14, 9), (chain.secrets_by_namespace(), 10, 9))
    _row(board, "", (chain.robustness_over_time(), 10, 7), (chain.policy(), 5, 7), (chain.longhorn_settings(), 9, 7))
    _row(
        board,
        "Repositories",
        (repositories.bucket_sizes(), 14, 9),
        (repositories.bucket_now(), 5, 9),
        (repositories.days_left(), 5, 9),
    )
    _row(board, "", (repositories.largest(), 14, 9), (causes.orphans(), 10, 9))
    _row(board, "", (repositories.scrubbed(), 24, 8))
    _row(board, "Syncs", (syncs.durations(), 9, 8), (syncs.longest(), 8, 8), (syncs.running(), 7, 8))
    _row(
        board,
        "Exporter",
        (sources.health(), 9, 7),
        (sources.reads(), 6, 7),
        (sources.errors(), 5, 7),
        (sources.malformed(), 2, 7),
        (sources.version(), 2, 7),
    )
    return _numbered(board)


def one() -> Dashboard:
    """All that is known of one claim."""
    board = (
        _board("VolSync backups: one claim", CLAIM_BOARD, "One claim: its chain link by link, and its history.")
        .time("now-7d", "now")
        .with_variable(_namespace(every=False))
        .with_variable(
            _query_variable(
                "pvc", "PVC", 'label_values(volsync_backup_state{cluster=~"$cluster", namespace="$namespace"}, pvc)'
            )
        )
    )
    _row(
        board,
        "",
        (one_claim.state(), 6, 4),
        (one_claim.recovery_point(), 6, 4),
        (one_claim.used(), 6, 4),
        (one_claim.objective(), 6, 4),
    )
    _row(board, "", (one_claim.chain(), 24, 4))
    _row(board, "", (causes.of_claim(), 14, 6), (causes.alerts_of_claim(), 10, 6))
    _row(board, "History", (one_claim.state_over_time(), 24, 4))
    _row(board, "", (one_claim.age_over_time(), 12, 9), (one_claim.chain_over_time(), 12, 9))
    _row(board, "Mover", (syncs.sources_of_claim(), 24, 5))
    _row(board, "", (syncs.of_claim(), 12, 8), (chain.robustness_of_claim(), 12, 8))
    _row(board, "Repository", (repositories.size_of_claim(), 12, 8), (repositories.snapshots_of_claim(), 12, 8))
    _row(board, "", (repositories.facts_of_claim(), 24, 5))
    _row(
        board,
        "Secrets and restores",
        (chain.secrets_of_claim(), 8, 6),
        (one_claim.proven(), 6, 6),
        (syncs.restores_of_claim(), 10, 6),
    )
    return _numbered(board)


def _board(title: str, uid: str, description: str) -> dashboard.Dashboard:
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([_TAG])
        .readonly()
        .refresh("1m")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("VolSync backups")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([_TAG])
            .include_vars(include_vars=True)
            .keep_time(keep_time=True)
        )
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(
            _query_variable("cluster", "Cluster", "label_values(volsync_backup_state, cluster)")
            .include_all(include_all=True)
            .all_value(".*")
            .multi(multi=True)
            .current(VariableOption(text=["All"], value=["$__all"]))
        )
        .with_variable(
            dashboard.ConstantVariable("runbooks")
            .label("Runbooks")
            .description("The address under which the runbook pages stand.")
            .value(WebSettings().runbook_base)
        )
    )


def _namespace(*, every: bool) -> dashboard.QueryVariable:
    variable = _query_variable(
        "namespace", "Namespace", 'label_values(volsync_backup_state{cluster=~"$cluster"}, namespace)'
    )
    if not every:
        return variable
    return (
        variable.include_all(include_all=True)
        .all_value(".*")
        .multi(multi=True)
        .current(VariableOption(text=["All"], value=["$__all"]))
    )


def _query_variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(query)
        .definition(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .hide(VariableHide.DONT_HIDE)
    )


def _row(board: dashboard.Dashboard, title: str, *panels: tuple[Any, int, int]) -> None:
    """Put panels side by side, each with its width (24 in all) and height; a title starts a row of its own."""
    if title:
        board.with_row(dashboard.Row(title))
    for panel, width, height in panels:
        board.with_panel(panel.span(width).height(height))


def _numbered(board: dashboard.Dashboard) -> Dashboard:
    """Give every panel its id: the builder leaves them out, and links to a panel need them.

    And leave a link where it is seen: the builder's default hides it in a menu.
    """
    built = board.build()
    for link in built.links or []:
        link.placement = None
    for number, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number
    return built
