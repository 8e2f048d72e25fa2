"""What is broken: the root causes, whatever the number of claims behind each."""

from grafana_foundation_sdk.builders import table

from grafana import palette, panel, queries

_PROBLEM = ("link", "cause", "scope", "severity", "impact")


def burning() -> table.Panel:
    """One row for each cause and scope."""
    problems = queries.one("volsync_backup_problem", *_PROBLEM, where=f'{queries.CLAIMS}, link!="none"')
    since = queries.one("volsync_backup_problem_since_timestamp_seconds", "cause", "scope")
    grouped = {"aggregations": [], "operation": "groupby"}
    worst = {"aggregations": ["first"], "operation": "aggregate"}
    return (
        panel.table_panel(
            "Root causes now",
            "One row for each cause and scope. Fixing it fixes all its claims. Each cause links to its runbook.",
            "Nothing is broken.",
        )
        .with_target(panel.rows(f'label_join({problems}, "claim", "/", "namespace", "pvc")', ref="A"))
        .with_target(panel.rows(f"1000 * {since}", ref="B"))
        .with_transformation(panel.transformation("merge"))
        # Blocking before advisory, so that the first of each group is its worst.
        .with_transformation(panel.transformation("sortBy", fields={}, sort=[{"field": "impact", "desc": True}]))
        .with_transformation(
            panel.transformation(
                "groupBy",
                fields={
                    **dict.fromkeys(("cluster", "cause", "scope", "link"), grouped),
                    **dict.fromkeys(("impact", "severity"), worst),
                    "claim": {"aggregations": ["count", "uniqueValues"], "operation": "aggregate"},
                    "Value #B": {"aggregations": ["min"], "operation": "aggregate"},
                },
            )
        )
        .with_transformation(
            panel.columns(
                {
                    "cluster": "Cluster",
                    "impact (first)": "Impact",
                    "severity (first)": "Severity",
                    "cause": "Cause",
                    "scope": "Scope",
                    "claim (count)": "Number",
                    "claim (uniqueValues)": "Claims",
                    "Value #B (min)": "Since",
                    "link": "Link",
                }
            )
        )
        .override_by_name("Cause", [panel.to_runbook("__data.fields.Cause")])
        .override_by_name("Severity", [panel.property_("mappings", [palette.SEVERITY_COLOURS]), panel.background()])
        .override_by_name("Impact", [panel.property_("mappings", [palette.IMPACT_COLOURS]), _colour_text()])
        .override_by_name("Since", [panel.property_("unit", "dateTimeFromNow")])
        .override_by_name("Number", [panel.property_("custom.width", 90)])
        .sort_by(panel.sorted_by(("Impact", True), ("Number", True)))
    )


def of_claim() -> table.Panel:
    """What is broken for one claim."""
    return (
        panel.table_panel(
            "What is broken",
            "The claim's blocking and advisory problems. Each cause links to its runbook.",
            "Nothing is broken.",
        )
        .with_target(panel.rows(queries.one("volsync_backup_problem", *_PROBLEM, where=queries.CLAIM), ref="A"))
        .with_target(
            panel.rows(
                "1000 * "
                + queries.one("volsync_backup_problem_since_timestamp_seconds", "cause", "scope", where=queries.CLAIM),
                ref="B",
            )
        )
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "impact": "Impact",
                    "severity": "Severity",
                    "cause": "Cause",
                    "scope": "Scope",
                    "link": "Link",
                    "Value #B": "Since",
                },
                hide=("cluster", "namespace", "pvc", "Value #A"),
            )
        )
        .override_by_name("Cause", [panel.to_runbook("__data.fields.Cause")])
        .override_by_name("Severity", [panel.property_("mappings", [palette.SEVERITY_COLOURS]), panel.background()])
        .override_by_name("Impact", [panel.property_("mappings", [palette.IMPACT_COLOURS]), _colour_text()])
        .override_by_name("Since", [panel.property_("unit", "dateTimeFromNow")])
        .sort_by(panel.sorted_by(("Impact", True)))
    )


def orphans() -> table.Panel:
    """Repositories that belong to no claim."""
    problems = queries.one(
        "volsync_backup_problem", "cause", "scope", "severity", where=f'{queries.CLUSTER}, link="none"'
    )
    parts = queries.one("volsync_repository_size_bytes", "bucket", "prefix", "type", where=queries.CLUSTER)
    size = f"sum by (cluster, namespace, pvc) ({parts})"
    return (
        panel.table_panel(
            "Repositories without a claim",
            "Repositories in a bucket that no claim writes to any longer. They use space, or their claim was "
            "removed by mistake.",
            "Every repository belongs to a claim.",
        )
        .with_target(panel.rows(problems, ref="A"))
        .with_target(panel.rows(f"{size} and on (cluster, namespace, pvc) {problems}", ref="B"))
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "cluster": "Cluster",
                    "severity": "Severity",
                    "cause": "Cause",
                    "scope": "Scope",
                    "namespace": "Namespace",
                    "pvc": "PVC",
                    "Value #B": "Size",
                },
                hide=("Value #A",),
            )
        )
        .override_by_name("Size", [panel.property_("unit", "bytes")])
        .override_by_name("Cause", [panel.to_runbook("__data.fields.Cause")])
        .override_by_name("Severity", [panel.property_("mappings", [palette.SEVERITY_COLOURS]), panel.background()])
    )


def alerts_of_claim() -> table.Panel:
    """The alerts behind which this claim stands: they are raised by cause and by the scope that a fault began in.

    The rules remember which fault a scope belongs to, and which claims it hit and may not be healed of.
    """
    hit = f"max by (cluster, cause, scope) (claim:volsync_root_cause:hit{{{queries.CLAIM}}})"
    fault = f"scope:volsync_root_cause:fault{{{queries.CLUSTER}}} and on (cluster, cause, scope) {hit}"
    faults = f'label_join(max by (cluster, cause, fault) ({fault}), "scope", "", "fault")'
    alerts = f'max by (cluster, alertname, alertstate, severity, cause, scope) (ALERTS{{{queries.CLUSTER}, cause!=""}})'
    return (
        panel.table_panel(
            "Its alerts",
            "Alerts that fire for a root cause of this claim. One alert covers all affected claims.",
            "No alert fires for this claim.",
        )
        .with_target(panel.rows(f"{alerts} and on (cluster, cause, scope) {faults}"))
        .with_transformation(
            panel.columns(
                {
                    "alertname": "Alert",
                    "alertstate": "State",
                    "severity": "Severity",
                    "cause": "Cause",
                    "scope": "Scope",
                },
                hide=("cluster", "Value"),
            )
        )
        .override_by_name("Cause", [panel.to_runbook("__data.fields.Cause")])
        .override_by_name("Severity", [panel.property_("mappings", [palette.SEVERITY_COLOURS]), panel.background()])
    )


def _colour_text() -> panel.DynamicConfigValue:
    return panel.property_("custom.cellOptions", {"type": "color-text"})
