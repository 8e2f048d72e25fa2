"""Settings from a file, the environment and flags: which goes before which, and how a wrong one is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from exporter.configuration import BUCKET_SETTINGS, SETTINGS, ConfigurationError, load
from exporter.settings import SecretReading, Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("poll: {cluster: 10s, bucket: 20s, jitter: 30s}\nclaims:\n  opt_out: [never]\n")
    return path


def test_without_anything_the_defaults_hold() -> None:
    assert load(None, {}, {}) == Settings()


def test_flags_go_before_the_environment_and_that_before_the_file(file: Path) -> None:
    environment = {"VOLSYNC_EXPORTER_POLL__BUCKET": "21s", "VOLSYNC_EXPORTER_POLL__JITTER": "31s"}
    poll = load(file, environment, {"poll.jitter": "32s"}).poll
    assert [poll.cluster, poll.bucket, poll.jitter] == [timedelta(seconds=s) for s in (10, 21, 32)]


def test_every_setting_can_be_given_in_each_of_the_three_ways(tmp_path: Path) -> None:
    values = {setting.name: setting.field.default for setting in SETTINGS if setting.name != "buckets"}
    texts = {name: as_text(value) for name, value in values.items()}
    environment = {s.environment: texts[s.name] for s in SETTINGS if s.name in texts}
    path = tmp_path / "config.yaml"
    path.write_text("".join(f"{line}\n" for line in as_yaml(texts)))
    assert load(None, {}, texts) == load(None, environment, {}) == load(path, {}, {}) == Settings()


def as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value.total_seconds():g}s" if isinstance(value, timedelta) else str(value)


def as_yaml(texts: dict[str, str]) -> list[str]:
    top = [f"{name}: '{text}'" for name, text in texts.items() if "." not in name]
    sections = dict.fromkeys(name.partition(".")[0] for name in texts if "." in name)
    for section in sections:
        top.append(f"{section}:")
        top += [
            f"  {name.partition('.')[2]}: '{text}'" for name, text in texts.items() if name.startswith(f"{section}.")
        ]
    return top


def test_names_follow_from_the_place_in_the_file() -> None:
    (setting,) = (setting for setting in SETTINGS if setting.name == "grace.mover_start")
    assert setting.environment == "VOLSYNC_EXPORTER_GRACE__MOVER_START"
    assert setting.flag == "--grace-mover-start"


def test_lists_and_choices_are_read_from_text() -> None:
    environment = {"VOLSYNC_EXPORTER_CLAIMS__NAMESPACES": "a, b,", "VOLSYNC_EXPORTER_SECRETS": "metadata"}
    settings = load(None, environment, {"cluster_scoped": "false"})
    assert settings.claims.namespaces == ("a", "b")
    assert settings.secrets is SecretReading.METADATA
    assert settings.cluster_scoped is False


def test_an_empty_variable_is_a_value() -> None:
    assert load(None, {"VOLSYNC_EXPORTER_CHAIN__POLICY": ""}, {}).chain.policy == ""


def test_an_empty_file_or_section_is_the_defaults(tmp_path: Path) -> None:
    for text in ("", "# nothing\n", "poll:\n"):
        path = tmp_path / "config.yaml"
        path.write_text(text)
        assert load(path, {}, {}) == Settings()


# --- buckets


def test_buckets_come_from_a_file_a_variable_or_flags(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("buckets:\n  - {bucket: a, endpoint: 'http://s3:9000'}\n  - s3:http://s3:9000/b/prefix/\n")
    from_file = load(path, {}, {}).buckets
    text = "[{bucket: a, endpoint: 'http://s3:9000'}, 's3:http://s3:9000/b/prefix/']"
    from_environment = load(None, {"VOLSYNC_EXPORTER_BUCKETS": text}, {}).buckets
    flags = ("{bucket: a, endpoint: 'http://s3:9000'}", "s3:http://s3:9000/b/prefix/")
    assert from_file == from_environment == load(None, {}, {"buckets": flags}).buckets
    assert [(b.bucket, b.repository_base) for b in from_file] == [("a", ""), ("", "s3:http://s3:9000/b/prefix/")]


def test_a_variable_sets_one_part_of_one_bucket(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("buckets: [{bucket: a}, {bucket: b}]")
    environment = {"VOLSYNC_EXPORTER_BUCKETS__1__REGION": "eu-1", "VOLSYNC_EXPORTER_BUCKETS__2__BUCKET": "c"}
    buckets = load(path, environment, {}).buckets
    assert [(b.bucket, b.region) for b in buckets] == [("a", ""), ("b", "eu-1"), ("c", "")]


def test_every_part_of_a_bucket_has_a_variable() -> None:
    for setting in BUCKET_SETTINGS:
        assert len(load(None, {setting.environment: as_text(setting.field.default)}, {}).buckets) == 1


# --- refusals


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("poll: {clustr: 3s}", "config.yaml: poll.clustr: there is no such setting; did you mean poll.cluster?"),
        ("polls: {}", "config.yaml: polls: there is no such setting"),
        ("poll: {cluster: 9x}", "config.yaml: poll.cluster: '9x' is no duration: write it like 90m, 3h, 2d or 1h30m"),
        ("poll: {cluster: -9}", "config.yaml: poll.cluster: -9: should be greater than or equal to"),
        ("poll: {page_size: 0}", "config.yaml: poll.page_size: 0: should be greater than or equal to 1"),
        ("secrets: all", "config.yaml: secrets: 'all': should be 'inferred' or 'metadata'"),
        ("log_level: loud", "config.yaml: log_level: 'loud': should be 'debug', 'info', 'warning' or 'error'"),
        ("sources: [volsync, rook]", "config.yaml: sources: rook is none of external_secrets, kubernetes"),
        ("claims: []", "config.yaml: claims: should be a section, with settings of its own"),
        ("buckets: [{bucket: a, concurrency: 0}]", "config.yaml: buckets.0.concurrency: 0: should be greater than"),
        (
            "buckets: [{bucktt: a}]",
            "config.yaml: buckets.0.bucktt: there is no such setting; did you mean buckets.0.bucket?",
        ),
        ("- poll", "config.yaml: should hold settings by name"),
        ("a: b: c", "config.yaml: is no YAML"),
    ],
)
def test_a_wrong_setting_of_the_file_is_named_as_it_stands_there(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        load(path, {}, {})
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"VOLSYNC_EXPORTER_POLL__CLUSTER": "9x"}, "VOLSYNC_EXPORTER_POLL__CLUSTER: '9x' is no duration"),
        (
            {"VOLSYNC_EXPORTER_POLL__PAGE_SIZE": "many"},
            "VOLSYNC_EXPORTER_POLL__PAGE_SIZE: 'many': should be a valid int",
        ),
        ({"VOLSYNC_EXPORTER_BUCKETS__0__CONCURRENCY": "0"}, "VOLSYNC_EXPORTER_BUCKETS__0__CONCURRENCY: '0': should be"),
        (
            {"VOLSYNC_EXPORTER_POLL_CLUSTER": "9s"},
            "VOLSYNC_EXPORTER_POLL_CLUSTER: there is no such setting; did you mean VOLSYNC_EXPORTER_POLL__CLUSTER?",
        ),
        ({"VOLSYNC_EXPORTER_BUCKETS": "{a"}, "VOLSYNC_EXPORTER_BUCKETS: is no YAML"),
        ({"VOLSYNC_EXPORTER_BUCKETS__0__NAME": "a"}, "VOLSYNC_EXPORTER_BUCKETS__0__NAME: there is no such setting"),
        ({"VOLSYNC_EXPORTER_SOURCES": "rook"}, "VOLSYNC_EXPORTER_SOURCES: rook is none of"),
    ],
)
def test_a_wrong_variable_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load(None, environment, {})
    assert message in str(refusal.value)


def test_a_wrong_flag_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^--grace-mover-start: 'soon' is no duration"):
        load(None, {}, {"grace.mover_start": "soon"})


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load(None, {"VOLSYNC_EXPORTER_POLL__CLUSTER": "9x"}, {"grace.restore": "9y"})
    assert len(str(refusal.value).splitlines()) == 2


def test_what_kubernetes_says_of_a_service_of_this_name_is_no_setting() -> None:
    environment = {
        "VOLSYNC_EXPORTER_SERVICE_HOST": "10.96.0.17",
        "VOLSYNC_EXPORTER_SERVICE_PORT": "9978",
        "VOLSYNC_EXPORTER_SERVICE_PORT_METRICS": "9978",
        "VOLSYNC_EXPORTER_PORT": "tcp://10.96.0.17:9978",
        "VOLSYNC_EXPORTER_PORT_9978_TCP": "tcp://10.96.0.17:9978",
        "VOLSYNC_EXPORTER_PORT_9978_TCP_ADDR": "10.96.0.17",
        "VOLSYNC_EXPORTER_METRICS_SERVICE_HOST": "10.96.0.18",
    }
    assert load(None, environment, {}) == Settings()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.yaml: cannot be read: No such file or directory"):
        load(tmp_path / "config.yaml", {}, {})
