"""What an alert says: its name, its sentences and its command, as Prometheus' own templates.

A command of the catalogue names things in `<angle brackets>`. What a label or a metric tells is filled in by the
template, for the first of the claims; what neither tells keeps its brackets, and the runbook says how to find it.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from exporter.chain.backup import fill
from exporter.chain.causes import Cause, Link
from exporter.settings import Settings

ALERT_OF_LINK: Mapping[Link, str] = {
    Link.POLICY: "VolSyncBackupPolicyBroken",
    Link.NAMESPACE: "VolSyncBackupNamespaceBroken",
    Link.BASE_SECRET: "VolSyncBackupBaseSecretBroken",
    Link.REPOSITORY_SECRET: "VolSyncBackupRepositorySecretBroken",
    Link.SOURCE: "VolSyncBackupSourceBroken",
    Link.VOLUME: "VolSyncBackupVolumeBroken",
    Link.MOVER: "VolSyncBackupMoverBroken",
    Link.SYNC: "VolSyncBackupSyncBroken",
    Link.REPOSITORY: "VolSyncBackupRepositoryBroken",
    Link.RESTORE: "VolSyncRestoreBroken",
    Link.NONE: "VolSyncRepositoryUnclaimed",
}
"""The family of a cause is its link, and gives the alert its name."""

RECENT = "claim:volsync_backup_problem:recent"
"""The recording rule that lists the claims behind a root cause (`alerts.build`)."""

DEFAULTS = Settings()

_OF_ROOT_CAUSE = "{cause=%q,scope=%q}` $labels.cause $labels.scope"
_CLAIMS = f'printf `{RECENT}{_OF_ROOT_CAUSE} | query | sortByLabel "pvc" | sortByLabel "namespace"'

DESCRIPTION = (
    "{{ with " + _CLAIMS + " }}\n"
    "{{- len . }} claim{{ if gt (len .) 1 }}s{{ end }}:\n"
    "{{- range $i, $claim := . }}{{ if lt $i 10 }}{{ if $i }},{{ end }}"
    " {{ .Labels.namespace }}/{{ .Labels.pvc }}{{ end }}{{ end }}\n"
    "{{- range printf `count(" + RECENT + _OF_ROOT_CAUSE.replace("}`", "}) - 10 > 0`") + " | query }}"
    " and {{ .Value }} more{{ end }}.\n"
    "{{- end }}\n"
    "{{- range printf `min(last_over_time(volsync_backup_problem_since_timestamp_seconds"
    + _OF_ROOT_CAUSE.replace("}`", "}[15m]))`")
    + " | query }}"
    " Since {{ .Value | humanizeTimestamp }}.{{ end }}\n"
    "Scope: {{ $labels.scope }}."
)
"""The claims (up to ten, then a count), since when, and the scope. Lines are folded, as YAML's `>-` does."""


class Annotations(msgspec.Struct, frozen=True):
    """What a rule of one cause says; each text is a template, its lines folded."""

    summary: str
    description: str
    command: str


class Lookup(msgspec.Struct, frozen=True):
    """Where the template finds a name: in the label of the first series that a selector gives for the first claim."""

    metric: str
    label: str
    matchers: str = ""
    only: str = ""
    """A comparison that the series must pass."""
    default: str = ""


_LOOKUPS: Mapping[str, Lookup] = {
    "source": Lookup("volsync_backup_info", "replication_source"),
    "destination": Lookup("volsync_restore_result", "replication_destination"),
    "secret": Lookup("volsync_backup_secret_present", "secret", ',role="repository"'),
    "base_secret": Lookup(
        "volsync_backup_secret_present", "secret", ',role="base"', default=DEFAULTS.chain.base_secret
    ),
    "volume": Lookup("volsync_backup_volume_state", "volume", ',state!="attached"', " == 1"),
    "bucket": Lookup("volsync_repository_present", "bucket"),
    "prefix": Lookup("volsync_repository_present", "prefix"),
}
_LOOKUPS_OF: Mapping[Cause, Mapping[str, Lookup]] = {
    cause: {"volume": Lookup("volsync_backup_volume_robustness", "volume", matchers, " == 1")}
    for cause, matchers in (
        (Cause.VOLUME_FAULTED, ',role=~"data|copy",robustness="faulted"'),
        (Cause.VOLUME_DEGRADED, ',role=~"data|copy",robustness="degraded"'),
    )
}
_FROM_SCOPE: Mapping[str, tuple[str, str]] = {
    "node": ("node", "<node>"),
    "policy": ("policy", DEFAULTS.chain.policy),
    "cluster_external_secret": ("clusterexternalsecret", "<cluster_external_secret>"),
}
"""Names that the scope itself tells where it is of this kind, and what stands for them where it is not."""
_BUILT: Mapping[str, tuple[str, str]] = {
    "job": ("source", "volsync-src-%s"),
    "cache": ("source", "volsync-src-%s-cache"),
    "copy": ("source", "volsync-%s-src"),
    "pod": ("source", "-l job-name=volsync-src-%s"),
    "image": ("destination", "volsync-%s-dest"),
}
"""Names that VolSync makes of another one (its `internal/controller/mover/restic`; it hashes what is over 63)."""
_CONSTANT: Mapping[str, str] = {
    "namespace_label": DEFAULTS.chain.namespace_label,
    "kyverno_namespace": DEFAULTS.chain.kyverno_namespace,
    "longhorn_namespace": DEFAULTS.chain.longhorn_namespace,
    "label": DEFAULTS.claims.label,
}
_WITHOUT_POLICY = "query `absent(volsync_policy_ready)`"
_SYNCING = "printf `volsync_backup_sync_start_timestamp_seconds{namespace=%q,pvc=%q}` $namespace $pvc | query"
_VARIANTS: Mapping[tuple[Cause, str], str] = {
    (Cause.VOLUME_FAULTED, "cache"): (
        'printf `volsync_backup_volume_robustness{namespace=%q,pvc=%q,role="cache",robustness="faulted"} == 1'
        " unless on (namespace, pvc) volsync_backup_volume_robustness"
        '{role=~"data|copy",robustness="faulted"} == 1` $namespace $pvc | query'
    ),
    (Cause.REPOSITORY_SECRET_MISSING, "unmanaged"): _WITHOUT_POLICY,
    (Cause.SOURCE_MISSING, "unmanaged"): _WITHOUT_POLICY,
    (Cause.NEVER_SYNCED, "begun"): _SYNCING,
    (Cause.OVERDUE, "begun"): _SYNCING,
    (Cause.REPOSITORY_SECRET_MISSING, "externalsecret"): "false",
    (Cause.BASE_SECRET_MISSING, "unmanaged"): "false",
    (Cause.BASE_SECRET_MISSING, "clusterexternalsecret"): 'match "^externalsecret/[^/]+$" $labels.scope',
    (Cause.BASE_SECRET_MISSING, "operator"): 'match "^operator/" $labels.scope',
    (Cause.EXTERNAL_SECRET_FAILING, "clusterexternalsecret"): 'match "^externalsecret/[^/]+$" $labels.scope',
    (Cause.EXTERNAL_SECRET_FAILING, "clustersecretstore"): 'match "^secretstore/[^/]+$" $labels.scope',
    (Cause.EXTERNAL_SECRET_FAILING, "secretstore"): 'match "^secretstore/[^/]+/" $labels.scope',
    (Cause.EXTERNAL_SECRET_FAILING, "operator"): 'match "^operator/" $labels.scope',
    (Cause.EXTERNAL_SECRET_STALE, "operator"): 'match "^operator/" $labels.scope',
}
"""When the command of a variant is the one that mends: every variant of the catalogue stands here."""


def runbook_url(page: str) -> str:
    """The address of a runbook page under the default base."""
    return f"{DEFAULTS.web.runbook_base}/{page}.md"


def annotations(cause: Cause) -> Annotations:
    """What the rule of *cause* says."""
    return Annotations(cause.entry.meaning, DESCRIPTION, _command(cause))


def _command(cause: Cause) -> str:
    commands = {"": cause.entry.command, **cause.entry.variants}
    used = {word for command in commands.values() for word in re.findall(r"<([a-z_]+)>", command)}
    known = {word: f"{{{{ ${word} }}}}" for word in used if _known(word)}
    known.update(_CONSTANT)
    if cause is Cause.NOT_COVERED:  # the label with another value: only the policy knows which
        known["label"] = f"{DEFAULTS.claims.label}=<value>"
    text = fill(commands.pop(""), known)
    for variant, command in commands.items():
        text = (
            f"{{{{ if {_VARIANTS[cause, variant]} -}}}}\n{fill(command, known)}\n"
            f"{{{{- else -}}}}\n{text}\n{{{{- end }}}}"
        )
    names = "\n".join(_names(cause, used))
    if not names:
        return text
    return f"{names.removesuffix(' }}')} -}}}}\n{text}"


def _known(word: str) -> bool:
    tables: tuple[Mapping[str, object], ...] = (_LOOKUPS, _FROM_SCOPE, _BUILT)
    return word in ("namespace", "pvc") or any(word in table for table in tables)


def _names(cause: Cause, used: set[str]) -> Iterator[str]:
    """The template's lines that find the names that *used* asks for."""
    restores = cause.link is Link.RESTORE
    lookups = {**_LOOKUPS, **_LOOKUPS_OF.get(cause, {})}
    built = {word: _restoring(how) if restores else how for word, how in _BUILT.items() if word in used}
    wanted = used | {base for base, _ in built.values()}
    asked = [word for word in lookups if word in wanted]
    if asked or wanted & {"namespace", "pvc"}:
        yield '{{ $namespace := "<namespace>" }}{{ $pvc := "<pvc>" }}'
        yield (
            "{{- with " + _CLAIMS + " }}"
            '{{ $namespace = . | first | label "namespace" }}{{ $pvc = . | first | label "pvc" }}{{ end }}'
        )
    for word in asked:
        lookup = lookups[word]
        yield f'{{{{- ${word} := "{lookup.default or f"<{word}>"}" }}}}'
        yield (
            f"{{{{- with printf `{lookup.metric}{{namespace=%q,pvc=%q{lookup.matchers}}}{lookup.only}`"
            f' $namespace $pvc | query | sortByLabel "{lookup.label}" }}}}'
            f'{{{{ ${word} = . | first | label "{lookup.label}" }}}}{{{{ end }}}}'
        )
    for word, (base, form) in built.items():
        yield f'{{{{- ${word} := printf "{form}" ${base} }}}}'
    for word in (word for word in _FROM_SCOPE if word in used):
        kind, default = _FROM_SCOPE[word]
        yield f'{{{{- ${word} := "{default}" }}}}'
        yield (
            f'{{{{- if match "^{kind}/" $labels.scope }}}}'
            f'{{{{ ${word} = reReplaceAll "^[^/]+/" "" $labels.scope }}}}{{{{ end }}}}'
        )


def _restoring(how: tuple[str, str]) -> tuple[str, str]:
    """How VolSync makes a name where it restores: of the ReplicationDestination, with `dst` in place of `src`."""
    return "destination", how[1].replace("-src-", "-dst-")
