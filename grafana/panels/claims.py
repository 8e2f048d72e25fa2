"""How many claims are in each state, how old their recovery points are, and each of them in a row."""

from grafana_foundation_sdk.builders import bargauge, stat, statetimeline, table
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import Threshold, ValueMap, ValueMappingResult

from grafana import palette, panel, queries


def needing_someone() -> stat.Panel:
    expression = queries.holding("unprotected|at_risk|unknown")
    return (
        panel.stat_panel(
            "Claims that need someone",
            "Claims that are unprotected, at risk or unknown. Zero means that all is well.",
        )
        .with_target(panel.now(expression))
        .mappings([ValueMap(options={"0": ValueMappingResult(text="All is well", color=palette.GOOD, index=0)})])
        .thresholds(panel.steps((None, palette.GOOD), (1, palette.BAD)))
        .text_mode(BigValueTextMode.VALUE)
    )


def by_state() -> stat.Panel:
    built = panel.stat_panel(
        "Claims by state",
        "How many claims are in each state. A claim is a PVC that asks for a backup; it is in exactly one state.",
    ).text_mode(BigValueTextMode.VALUE_AND_NAME)
    order = ("unprotected", "at_risk", "unknown", "starting", "protected", "exempt")
    for ref, state in zip("ABCDEF", order, strict=True):
        _, word, color = palette.STATES[state]
        built = built.with_target(panel.now(queries.holding(state), ref=ref, legend=word)).override_by_query(
            ref,
            [
                panel.property_("displayName", word),
                panel.property_(
                    "thresholds",
                    {
                        "mode": "absolute",
                        "steps": [Threshold(value=None, color=palette.NEUTRAL), Threshold(value=1, color=color)],
                    },
                ),
            ],
        )
    return built


def error_budget() -> stat.Panel:
    # As `volsync:volsync_backup_state:error_budget_ratio`, and for the namespaces that are chosen: exempt and unknown
    # claims are in neither number, and a time that was not recorded spent nothing. Half-hourly, and three series for
    # each claim: a thousand claims stay far below Prometheus' limit.
    without = queries.holding("unprotected")
    left_out = queries.one("volsync_backup_state", where=f'{queries.CLAIMS}, state=~"exempt|unknown"')
    spent = f"sum_over_time(({without} / count({left_out} == 0))[14d:30m]) / {14 * 48}"
    return (
        panel.stat_panel(
            "Error budget left",
            "What is left of the objective's error budget: over 14 days, 99 % of the claims have a recovery point "
            "within their own objective. Below zero it is overspent.",
        )
        .unit("percentunit")
        .decimals(0)
        .with_target(panel.now(f"1 - {spent} / (1 - 0.99)"))
        .thresholds(panel.steps((None, palette.BAD), (0, palette.WARN), (0.5, palette.GOOD)))
    )


def oldest_recovery_points() -> bargauge.Panel:
    return (
        panel.bars_panel(
            "Oldest recovery points against their objectives",
            "The age of what a restore would bring back, as a share of the claim's own objective: above 100 % the "
            "claim is unprotected. A claim without a recovery point has no bar; it is in the table of claims.",
        )
        .unit("percentunit")
        .decimals(0)
        .max(1.5)
        .with_target(panel.now(f"topk(10, {queries.objective_used()})", legend="{{namespace}}/{{pvc}}"))
        .thresholds(panel.steps((None, palette.GOOD), (0.8, palette.WARN), (1, palette.BAD)))
        .override_by_field_type("number", [panel.to_claim("__field.labels.namespace", "__field.labels.pvc")])
    )


def state_over_time() -> statetimeline.Panel:
    return (
        panel.timeline_panel("State of every claim", "Which state each claim was in, and when it changed.")
        .with_target(panel.history(queries.state_number(), "{{namespace}}/{{pvc}}"))
        .mappings([palette.STATE_WORDS])
        .override_by_field_type("number", [panel.to_claim("__field.labels.namespace", "__field.labels.pvc")])
    )


def every_claim() -> table.Panel:
    return (
        panel.table_panel(
            "Claims",
            "Every claim with its state, the age of its recovery point, its objective, and when a restore last brought "
            "something back. A name leads to the claim.",
            "No claim asks for a backup.",
        )
        .with_target(panel.rows(queries.state_number(), ref="A"))
        .with_target(panel.rows(queries.recovery_age(), ref="B"))
        .with_target(panel.rows(queries.one("volsync_backup_objective_seconds"), ref="C"))
        .with_target(panel.rows(queries.objective_used(), ref="D"))
        .with_target(panel.rows(f"1000 * {queries.one('volsync_backup_restore_proven_timestamp_seconds')}", ref="E"))
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "cluster": "Cluster",
                    "namespace": "Namespace",
                    "pvc": "PVC",
                    "Value #A": "State",
                    "Value #B": "Recovery point age",
                    "Value #C": "Objective",
                    "Value #D": "Objective used",
                    "Value #E": "Restore proven",
                }
            )
        )
        .override_by_name("Restore proven", [panel.property_("unit", "dateTimeFromNow")])
        .override_by_name("State", [panel.property_("mappings", [palette.STATE_WORDS]), panel.background()])
        .override_by_name("PVC", [panel.to_claim("__data.fields.Namespace", "__data.fields.PVC")])
        .override_by_name("Recovery point age", [panel.property_("unit", "s")])
        .override_by_name("Objective", [panel.property_("unit", "s")])
        .override_by_name(
            "Objective used",
            [
                panel.property_("unit", "percentunit"),
                panel.property_("decimals", 0),
                panel.property_("min", 0),
                panel.property_("max", 1.5),
                panel.property_("custom.cellOptions", {"type": "gauge", "mode": "basic"}),
                panel.property_(
                    "thresholds",
                    {
                        "mode": "absolute",
                        "steps": [
                            Threshold(value=None, color=palette.GOOD),
                            Threshold(value=0.8, color=palette.WARN),
                            Threshold(value=1, color=palette.BAD),
                        ],
                    },
                ),
            ],
        )
        .sort_by(panel.sorted_by(("State", True), ("Objective used", True)))
    )
