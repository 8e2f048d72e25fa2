"""The examples for Alertmanager do what they say: titles that say what is broken, routes by namespace and cluster."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from alerts.build import alert_of, runbook_url
from exporter.chain.causes import Cause
from tests.alerts.lives.notify import notifications
from tests.alerts.lives.watch import Alert
from tests.alerts.stack import await_answer, await_true, free_port

EXAMPLES = Path(__file__).parents[2] / "alerts" / "examples"


def fault(cause: Cause, scope: str, **labels: str) -> dict[str, Any]:
    """An alert as Prometheus sends it."""
    return {
        "labels": {
            "alertname": alert_of(cause),
            "cause": str(cause),
            "scope": scope,
            "severity": "critical",
            "namespace": "monitoring",
            **labels,
        },
        "annotations": {
            "summary": cause.entry.meaning,
            "description": f"{scope}: 1 claim: n8n/data.",
            "command": "kubectl describe pvc data -n n8n",
            "runbook_url": runbook_url(cause),
        },
        "startsAt": datetime.now(UTC).isoformat(),
    }


FAULTED = "A Longhorn volume that the backup needs is faulted, so it cannot be attached."
TWO = [
    fault(Cause.VOLUME_FAULTED, "storage/driver.longhorn.io", cluster="home"),
    fault(Cause.REPOSITORY_PASSWORD, "store/nas"),
]


# --- titles and texts


def rendered(template: str, alerts: list[dict[str, Any]], folder: Path, status: str = "firing") -> str:
    data = {"status": status, "alerts": [alert | {"status": status} for alert in alerts]}
    (folder / "data.json").write_text(json.dumps(data))
    command = ["amtool", "template", "render", f"--template.glob={EXAMPLES}/*.tmpl"]
    command += [f'--template.text={{{{ template "{template}" . }}}}', f"--template.data={folder}/data.json"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("alerts", "status", "title"),
    [
        (TWO[:1], "firing", f"storage/driver.longhorn.io: {FAULTED} (home)"),
        (TWO[:1], "resolved", f"Over: storage/driver.longhorn.io: {FAULTED} (home)"),
        (
            TWO,
            "firing",
            f"storage/driver.longhorn.io: {FAULTED} (home); "
            "store/nas: The repository does not open with the password in the Secret.",
        ),
        (
            [fault(Cause.VOLUME_FAULTED, f"volume/{number}") for number in range(5)],
            "firing",
            "; ".join(f"volume/{number}: {FAULTED}" for number in range(3)) + "; and more",
        ),
        (
            [{"labels": {"alertname": "VolSyncExporterDown"}, "annotations": {"summary": "Nobody watches."}}],
            "firing",
            "Nobody watches.",
        ),
    ],
    ids=["one", "over", "two", "many", "of the exporter"],
)
def test_a_title_says_what_is_broken(
    tool: None, tmp_path: Path, alerts: list[dict[str, Any]], status: str, title: str
) -> None:
    assert rendered("volsync.title", alerts, tmp_path, status) == title


def test_a_text_says_what_to_type_and_where_to_read_on(tool: None, tmp_path: Path) -> None:
    lines = rendered("volsync.text", TWO[:1], tmp_path).splitlines()

    assert lines == [*(TWO[0]["annotations"][name] for name in ("description", "command", "runbook_url"))]


def test_ntfys_template_names_what_alertmanager_sends() -> None:
    template = yaml.safe_load((EXAMPLES / "ntfy.yml").read_text())
    text = template["title"] + template["message"]

    assert set(re.findall(r"\.annotations\.(\w+)", text)) == set(TWO[0]["annotations"])
    assert set(re.findall(r"\.labels\.(\w+)", text)) <= set(TWO[0]["labels"])
    assert text.count("{{") == text.count("}}")
    assert len(re.findall(r"{{ (?:if|range)\b", text)) == len(re.findall(r"{{ end }}", text))


@pytest.fixture(scope="module")
def delivered(tool: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a real Alertmanager sends to Slack, PagerDuty and ntfy of one critical alert, by the example's receivers."""
    got: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got[self.path.strip("/")] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    folder, port = tmp_path_factory.mktemp("receivers"), free_port()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    (folder / "slack-url").write_text(f"{address}/slack")
    (folder / "pagerduty-key").write_text("key")
    (folder / "volsync.tmpl").write_text((EXAMPLES / "volsync.tmpl").read_text())
    config = (EXAMPLES / "receivers.yaml").read_text().replace("/etc/alertmanager", str(folder))
    config = config.replace("https://ntfy.example/backups?template=volsync", f"{address}/ntfy")
    config = config.replace("group_wait: 30s", "group_wait: 0s")
    config = config.replace("      - routing_key_file", f"      - url: {address}/pagerduty\n        routing_key_file")
    (folder / "alertmanager.yaml").write_text(config)
    command = ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yaml", f"--storage.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        await_answer(f"http://127.0.0.1:{port}/-/ready")
        body = json.dumps(TWO[:1]).encode()
        asked = Request(f"http://127.0.0.1:{port}/api/v2/alerts", body, {"Content-Type": "application/json"})
        urlopen(asked, timeout=10).close()
        await_true(lambda: len(got) == 3, 30)
        yield got
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()


def test_every_receiver_gets_a_title_that_says_what_is_broken(delivered: dict[str, Any]) -> None:
    title = f"storage/driver.longhorn.io: {FAULTED} (home)"

    assert delivered["slack"]["attachments"][0]["title"] == title
    assert delivered["slack"]["attachments"][0]["title_link"] == runbook_url(Cause.VOLUME_FAULTED)
    assert "kubectl describe pvc data -n n8n" in delivered["slack"]["attachments"][0]["text"]
    assert delivered["pagerduty"]["payload"]["summary"] == title
    assert delivered["pagerduty"]["payload"]["severity"] == "critical"
    assert delivered["ntfy"]["alerts"][0]["annotations"]["summary"] == FAULTED


# --- routes


def as_the_operator_makes_it(configs: list[dict[str, Any]]) -> dict[str, Any]:
    """The configuration of prometheus-operator: each AlertmanagerConfig behind its own namespace."""

    def snake(value: Any) -> Any:
        if isinstance(value, dict):
            return {re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", key): snake(v) for key, v in value.items()}
        return [snake(one) for one in value] if isinstance(value, list) else value

    routes, receivers = [], [{"name": "null"}]
    for config in configs:
        namespace, spec = config["metadata"]["namespace"], snake(config["spec"])
        prefix = f"{namespace}/{config['metadata']['name']}"
        matchers = [f'{one["name"]}{one["match_type"]}"{one["value"]}"' for one in spec["route"]["matchers"]]
        route = spec["route"] | {"matchers": [f'namespace="{namespace}"', *matchers], "continue": True}
        routes.append(route | {"receiver": f"{prefix}/{route['receiver']}"})
        receivers += [one | {"name": f"{prefix}/{one['name']}"} for one in spec["receivers"]]
    return {"route": {"receiver": "null", "routes": routes}, "receivers": receivers}


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (
            "alertname=VolSyncVolumeFaulted severity=critical namespace=monitoring",
            "monitoring/volsync-backups/platform",
        ),
        ("alertname=VolSyncSourcePaused severity=warning namespace=my-team", "my-team/volsync-backups/team"),
        ("alertname=VolSyncCatchingUp severity=info namespace=my-team", "null"),
        ("alertname=VolSyncSourcePaused severity=warning namespace=another", "null"),
    ],
)
def test_an_operators_configuration_routes_by_namespace(tool: None, tmp_path: Path, labels: str, receiver: str) -> None:
    configs = list(yaml.safe_load_all((EXAMPLES / "operators" / "alertmanagerconfig.yaml").read_text()))
    file = tmp_path / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(as_the_operator_makes_it(configs)))

    assert routed(file, labels) == receiver


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=VolSyncVolumeFaulted severity=critical cluster=production-1", "pager"),
        ("alertname=VolSyncVolumeFaulted severity=critical cluster=staging", "tickets"),
        ("alertname=VolSyncCatchingUp severity=info cluster=production-1", "nobody"),
    ],
)
def test_several_clusters_are_routed_by_their_names(tool: None, labels: str, receiver: str) -> None:
    assert routed(EXAMPLES / "several-clusters.yaml", labels) == receiver


def routed(config: Path, labels: str) -> str:
    command = ["amtool", "config", "routes", "test", f"--config.file={config}", *labels.split()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_clusters_page_inhibits_no_ticket_of_another_one() -> None:
    config = yaml.safe_load((EXAMPLES / "several-clusters.yaml").read_text())
    what = {"alertname": "VolSyncVolumeFaulted", "cause": "volume_faulted", "scope": "volume/x"}
    alerts: set[Alert] = {
        frozenset({**what, "severity": severity, "cluster": cluster}.items())
        for cluster, severity in (("production-1", "critical"), ("production-1", "warning"), ("staging", "warning"))
    }
    told = {(one.receiver, dict(alert)["cluster"]) for one in notifications(config, [alerts] * 3) for alert in one.news}

    assert told == {("pager", "production-1"), ("tickets", "staging")}
