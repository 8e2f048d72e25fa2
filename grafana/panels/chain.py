"""The parts of the chain that many claims share: volumes, Secrets, the policy, Longhorn's settings."""

from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.common import StackingConfig
from grafana_foundation_sdk.models.common import BigValueTextMode, StackingMode

from grafana import palette, panel, queries

_VOLUME = ("volume", "role")
_PRESENT = palette.words((0, "missing", palette.BAD), (1, "present", palette.GOOD))


def volumes(where: str = queries.CLAIMS) -> table.Panel:
    """Longhorn's word about each volume that a backup needs."""
    return (
        panel.table_panel(
            "Longhorn volumes that matter",
            "Volumes that a backup uses: the data, the mover's cache, a copy, a restore. "
            "For a detached volume, `unknown` is normal.",
            "No Longhorn volume is used by a backup.",
        )
        .with_target(
            panel.rows(f"{queries.one('volsync_backup_volume_robustness', *_VOLUME, 'robustness', where=where)} == 1")
        )
        .with_target(
            panel.rows(f"{queries.one('volsync_backup_volume_state', *_VOLUME, 'state', where=where)} == 1", ref="B")
        )
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {
                    "cluster": "Cluster",
                    "namespace": "Namespace",
                    "pvc": "PVC",
                    "role": "Role",
                    "robustness": "Robustness",
                    "state": "State",
                    "volume": "Volume",
                },
                hide=("Value #A", "Value #B"),
            )
        )
        .override_by_name(
            "Robustness", [panel.property_("mappings", [palette.colours(palette.ROBUSTNESS)]), panel.background()]
        )
        .override_by_name("PVC", [panel.to_claim("__data.fields.Namespace", "__data.fields.PVC")])
        .sort_by(panel.sorted_by(("Robustness", False)))
    )


def robustness_over_time(where: str = queries.CLAIMS) -> timeseries.Panel:
    one = queries.one("volsync_backup_volume_robustness", "volume", "role", "robustness", where=where)
    built = (
        panel.series_panel(
            "Volumes by robustness",
            "How many of the volumes that a backup uses have each robustness. Many faulted volumes at once usually "
            "follow a mass restart.",
        )
        .unit("short")
        .decimals(0)
        .with_target(panel.history(f"sum by (robustness) ({one})", "{{robustness}}"))
        .stacking(StackingConfig().mode(StackingMode.NORMAL))
        .fill_opacity(50)
    )
    for robustness, color in palette.ROBUSTNESS.items():
        built = built.override_by_name(robustness, [panel.property_("color", {"mode": "fixed", "fixedColor": color})])
    return built


def robustness_of_claim() -> statetimeline.Panel:
    numbers = {"unknown": 0, "healthy": 1, "degraded": 2, "faulted": 3}
    terms = " or ".join(
        queries.one(
            "volsync_backup_volume_robustness",
            "volume",
            "role",
            "robustness",
            where=f'{queries.CLAIM}, robustness="{robustness}"',
        )
        + f" * {number}"
        for robustness, number in numbers.items()
    )
    shown = {"unknown": "unknown (at rest)"}
    return (
        panel.timeline_panel(
            "Its volumes' robustness", "Longhorn's robustness of each volume that this claim's backup uses."
        )
        .with_target(panel.history(f"sum by (volume, role) ({terms})", "{{role}} {{volume}}"))
        .mappings(
            [palette.words(*((n, shown.get(word, word), palette.ROBUSTNESS[word]) for word, n in numbers.items()))]
        )
    )


def secrets_by_namespace() -> table.Panel:
    """Whether every claim of a namespace has its Secrets."""

    def of_role(role: str) -> str:
        where = f'{queries.CLAIMS}, role="{role}"'
        return f"min by (cluster, namespace) ({queries.one('volsync_backup_secret_present', 'secret', where=where)})"

    present = [panel.property_("mappings", [_PRESENT]), panel.background()]
    return (
        panel.table_panel(
            "Secrets by namespace",
            "Whether the base Secret, and the repository Secret of every claim, exist. "
            "Empty: unknown. No value of a Secret is ever read.",
            "Nothing is known of any Secret.",
        )
        .with_target(panel.rows(of_role("base"), ref="A"))
        .with_target(panel.rows(of_role("repository"), ref="B"))
        .with_transformation(panel.transformation("merge"))
        .with_transformation(
            panel.columns(
                {"cluster": "Cluster", "namespace": "Namespace", "Value #A": "Base", "Value #B": "Repository"}
            )
        )
        .override_by_name("Base", present)
        .override_by_name("Repository", present)
        .sort_by(panel.sorted_by(("Base", False), ("Repository", False)))
    )


def secrets_of_claim() -> stat.Panel:
    return (
        panel.stat_panel("Its Secrets", "Whether the Secrets that this claim's backup needs exist.")
        .no_value("unknown")
        .with_target(
            panel.now(
                f"min by (role, secret) (volsync_backup_secret_present{{{queries.CLAIM}}})",
                legend="{{role}}: {{secret}}",
            )
        )
        .mappings([_PRESENT])
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
    )


def policy() -> stat.Panel:
    return (
        panel.stat_panel("Policy", "Whether the policy that generates the backup's objects is ready.")
        .no_value("no policy is read")
        .with_target(panel.now(queries.of_exporter("volsync_policy_ready", "policy"), legend="{{policy}}"))
        .mappings([palette.words((0, "not ready", palette.BAD), (1, "ready", palette.GOOD))])
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
    )


def longhorn_settings() -> table.Panel:
    return (
        panel.table_panel(
            "Longhorn's settings", "Settings of Longhorn that backups depend on.", "Longhorn's settings are not read."
        )
        .with_target(panel.rows(queries.of_exporter("volsync_longhorn_setting_info", "setting", "value")))
        .with_transformation(
            panel.columns({"cluster": "Cluster", "setting": "Setting", "value": "Set to"}, hide=("Value",))
        )
    )
