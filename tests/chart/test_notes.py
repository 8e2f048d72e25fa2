"""What helm prints after an install says what is still to do, what is not proven, and what to type next."""

import re
import shlex
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.apiserver.server import ApiServer
from tests.chart.tools import (
    CHART,
    CHART_NAME,
    NAMESPACE,
    RELEASE,
    Umbrella,
    Values,
    helm,
    kubectl,
    rendered_together,
    run,
    template,
    the,
    values_of,
)

_NETWORK = {"networkPolicy": {"enabled": True}}
_STORE = {"settings": {"buckets": [{"repository_base": "s3:http://rustfs.storage.svc:9000/backup/"}]}}
_HOSTS = {"enabled": True, "hosts": [{"host": "backups.example"}]}

CASES: dict[str, Values] = {
    **{
        name: values_of(name)
        for name in (
            "default", "client-certificates", "metadata-secrets-cluster-wide", "namespaced", "everything", "s3",
            "pod-monitor", "victoria-metrics",
        )
    },
    "derived": {**_NETWORK, **_STORE},
    "given": {**_STORE, "networkPolicy": {"enabled": True, "egress": {"s3": {"ports": [30292]}}}},
    "hidden": {**_NETWORK, "s3": {"existingSecret": "base"}},
    "no egress": {**_STORE, "networkPolicy": {"enabled": True, "egress": {"enabled": False}}},
    "page for all": {"ingress": _HOSTS},
    "page with a password": {"ingress": _HOSTS, "web": {"configSecret": "exporter-web"}},
}  # fmt: skip

SAID: dict[str, tuple[str, ...]] = {
    "default": (
        "nothing scrapes the exporter yet",
        "no alert is installed",
        "no bucket is read",
        "Recovery points are as reported by VolSync: no bucket is read",
        "Only a restore proves that a backup can be restored",
        "-- volsync-exporter doctor",
        f"helm test {RELEASE} --namespace {NAMESPACE}",
        "create secret generic volsync-store",
        "--set s3.existingSecret=volsync-store",
    ),
    "s3": ("verified in the bucket only for sources that are bound to a repository there", "reach any TCP port"),
    "client-certificates": ("the ServiceMonitor has no `release` label",),
    "metadata-secrets-cluster-wide": ("can list, and so read, every Secret",),
    "namespaced": ("the namespaces home-assistant, karakeep", "the links that need them do not apply"),
    "pod-monitor": (f"port-forward svc/{RELEASE}-{CHART_NAME} 9978:9978",),
    "derived": ("at port 9000, from the endpoints in settings.buckets, and any port in the namespace storage.",),
    "given": ("at port 30292 (from networkPolicy.egress.s3.ports)",),
    "hidden": ("any TCP port, because the store's port is only in the Secret base", "--set 'networkPolicy.egress.s3.ports="),
    "page for all": ("from outside the cluster without a password",),
}
UNSAID: dict[str, tuple[str, ...]] = {
    "everything": ("WARNING",),
    "s3": ("no bucket is read",),
    "victoria-metrics": ("`release` label", "nothing scrapes", "no alert is installed"),
    "pod-monitor": ("helm test", "nothing scrapes"),
    "no egress": ("NetworkPolicy",),
    "default": ("NetworkPolicy",),
    "page with a password": ("without a password",),
}


@cache
def _notes() -> dict[str, str]:
    with TemporaryDirectory() as folder:
        umbrella = Umbrella(CASES, Path(folder))
        installed = umbrella.run("install", RELEASE, "--dry-run=client", "--render-subchart-notes")
    assert not installed.returncode, installed.stderr
    texts = re.split(r"^(?=volsync-exporter reads )", installed.stdout.partition("NOTES:")[2], flags=re.MULTILINE)[1:]
    assert len(texts) == len(CASES)
    notes = {}
    for case, alias in umbrella.aliases.items():
        # `everything` has a name of its own.
        (text,) = (one for one in texts if alias in one or (case == "everything" and "volume-backups" in one))
        notes[case] = text.replace(alias, CHART_NAME)
    return notes


@pytest.mark.parametrize("case", SAID)
def test_they_say_what_is_still_to_do_and_what_is_not_proven(case: str) -> None:
    for sentence in SAID[case]:
        assert sentence in _notes()[case]


@pytest.mark.parametrize("case", UNSAID)
def test_they_do_not_say_what_is_done(case: str) -> None:
    for sentence in UNSAID[case]:
        assert sentence not in _notes()[case]


def _typed(program: str, case: str) -> list[list[str]]:
    text = re.sub(r"<([^<>]+)>", "x", _notes()[case].replace("\\\n", " "))
    return [shlex.split(line, comments=True) for line in re.findall(rf"^ *({program} .*)$", text, re.MULTILINE)]


def test_what_they_would_have_typed_to_upgrade_sets_values_that_the_chart_takes() -> None:
    commands = [
        words for case in ("default", "client-certificates", "hidden") for words in _typed("helm upgrade", case)
    ]
    assert len(commands) >= 6
    for words in commands:
        assert words[:4] == ["helm", "upgrade", RELEASE, "./chart"]
        assert words[4:8] == ["--namespace", NAMESPACE, "--reset-then-reuse-values", "--set"]

    settings = sorted({words[8].replace("{x}", "{9000}") for words in commands})
    upgraded = template("default", *(word for setting in settings for word in ("--set", setting)))

    assert not upgraded.returncode, upgraded.stderr


@pytest.mark.parametrize("words", [pytest.param(number, id=str(number)) for number in range(5)])
def test_kubectl_understands_what_they_would_have_typed(words: int) -> None:
    command = _typed("kubectl", "default")[words]

    asked = run(str(kubectl()), "--server=http://127.0.0.1:9", *command[1:])

    assert re.search(r"connection to the server|connect: connection refused", asked.stderr)


def test_the_secret_that_they_would_have_made_is_the_one_that_the_chart_reads() -> None:
    (made,) = (command for command in _typed("kubectl", "default") if "create" in command)
    keys = {word.partition("=")[2].partition("=")[0] for word in made if word.startswith("--from-literal=")}

    objects = rendered_together({"next": {"s3": {"existingSecret": made[made.index("generic") + 1]}}})["next"]

    (container,) = the("Deployment", objects)["spec"]["template"]["spec"]["containers"]
    references = [entry["valueFrom"]["secretKeyRef"] for entry in container["env"] if "valueFrom" in entry]
    assert {(one["name"], one["key"]) for one in references} == {("volsync-store", key) for key in keys}


def _prometheus(name: str, **spec: object) -> dict[str, object]:
    metadata = {"name": name, "namespace": "monitoring"}
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": metadata, "spec": spec}


ENFORCING = _prometheus("enforcing", enforcedNamespaceLabel="namespace")
OVERRIDING = _prometheus("overriding", overrideHonorLabels=True)
PLAIN = _prometheus("plain", overrideHonorLabels=False)


@pytest.mark.parametrize(
    ("there", "warnings"), [((ENFORCING, OVERRIDING, PLAIN), 2), ((PLAIN,), 0)], ids=["all", "plain"]
)
def test_a_prometheus_that_takes_the_claims_namespace_from_them_is_told(
    there: tuple[dict[str, object], ...], warnings: int, tmp_path: Path
) -> None:
    """Helm asks a stand-in of the API server, as it asks the cluster that it installs into."""
    with ApiServer(there, token=None) as server:
        kubeconfig = server.write_kubeconfig(tmp_path)
        installed = run(
            str(helm()), "install", RELEASE, str(CHART), "--namespace", NAMESPACE, "--kubeconfig", str(kubeconfig),
            "--dry-run=server", "--disable-openapi-validation", "--set", "serviceMonitor.enabled=true",
        )  # fmt: skip

    assert not installed.returncode, installed.stderr
    assert installed.stdout.count("`exported_namespace`") == warnings
    assert ("`excludedFromEnforcement` of the Prometheus" in installed.stdout) == (ENFORCING in there)
    assert ("monitoring/overriding has overrideHonorLabels" in installed.stdout) == (OVERRIDING in there)
