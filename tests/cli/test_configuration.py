"""Settings from a file, the environment and flags: which goes before which, and how a wrong one is refused."""

import json
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
    return f"{value.total_seconds():.15g}s" if isinstance(value, timedelta) else str(value)


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


def test_a_variable_sets_a_part_of_a_bucket_that_is_written_as_a_url(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("buckets: ['s3:http://s3:9000/b/']")
    (bucket,) = load(path, {"VOLSYNC_EXPORTER_BUCKETS__0__REGION": "eu-1"}, {}).buckets
    assert (bucket.repository_base, bucket.region) == ("s3:http://s3:9000/b/", "eu-1")


def test_a_variable_sets_a_part_of_one_bucket_though_yaml_wrote_two_as_one(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("buckets: [&first {bucket: a}, *first]")
    buckets = load(path, {"VOLSYNC_EXPORTER_BUCKETS__1__REGION": "eu-1"}, {}).buckets
    assert [bucket.region for bucket in buckets] == ["", "eu-1"]


def test_flags_for_buckets_go_before_what_the_environment_says_of_one() -> None:
    environment = {"VOLSYNC_EXPORTER_BUCKETS__0__REGION": "eu-1"}
    with pytest.raises(ConfigurationError, match=r"^--buckets: 0\.concurrency: 0: should be"):
        load(None, environment, {"buckets": ("{bucket: a, concurrency: 0}",)})
    (bucket,) = load(None, environment, {"buckets": ("{bucket: a}",)}).buckets
    assert (bucket.bucket, bucket.region) == ("a", "")


def test_every_part_of_a_bucket_has_a_variable() -> None:
    for setting in BUCKET_SETTINGS:
        assert len(load(None, {setting.environment: as_text(setting.field.default)}, {}).buckets) == 1


# --- refusals


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("poll: {clustr: 3s}", "config.yaml: poll.clustr: there is no such setting; did you mean poll.cluster?"),
        ("polls: {}", "config.yaml: polls: there is no such setting"),
        (
            "poll: {cluster: 9x}",
            "config.yaml: poll.cluster: '9x' is not a duration: write it like 90m, 3h, 2d or 1h30m",
        ),
        ("poll: {cluster: -9}", "config.yaml: poll.cluster: -9: should be greater than or equal to"),
        ("poll: {cluster: .inf}", "config.yaml: poll.cluster: 'inf' is longer than a duration can be"),
        ("poll: {cluster: 1.0e+300}", "config.yaml: poll.cluster: '1e+300' is longer than a duration can be"),
        ("poll: {page_size: 0}", "config.yaml: poll.page_size: 0: should be greater than or equal to 1"),
        ("scrub: {period: 3s}", "config.yaml: scrub.period: must be at least 30m"),
        ("scrub: {bytes_per_second: 1Ki}", "config.yaml: scrub.bytes_per_second: must be at least 64Ki"),
        ("scrub: {bytes_per_second: fast}", "config.yaml: scrub.bytes_per_second: 'fast' is no quantity"),
        ("secrets: all", "config.yaml: secrets: 'all': should be 'inferred' or 'metadata'"),
        ("log_level: loud", "config.yaml: log_level: 'loud': should be 'debug', 'info', 'warning' or 'error'"),
        ("sources: [volsync, rook]", "config.yaml: sources: rook is none of external_secrets, kubernetes"),
        ("claims: []", "config.yaml: claims: should be a section, with settings of its own"),
        ("buckets: [{bucket: a, concurrency: 0}]", "config.yaml: buckets.0.concurrency: 0: should be greater than"),
        (
            "buckets: [{bucktt: a}]",
            "config.yaml: buckets.0.bucktt: there is no such setting; did you mean buckets.0.bucket?",
        ),
        (
            "buckets: [{bucket: a}, {bucktt: b}]",
            "config.yaml: buckets.1.bucktt: there is no such setting; did you mean buckets.1.bucket?",
        ),
        ("buckets: [3]", "config.yaml: buckets.0: should be a section, with settings of its own"),
        ("1: a", "config.yaml: 1: there is no such setting"),
        ("poll: {1: a}", "config.yaml: poll.1: there is no such setting"),
        ("- poll", "config.yaml: should hold settings by name"),
        ("a: b: c", "config.yaml: is not YAML at line 1, column 5"),
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
        ({"VOLSYNC_EXPORTER_POLL__CLUSTER": "9x"}, "VOLSYNC_EXPORTER_POLL__CLUSTER: '9x' is not a duration"),
        (
            {"VOLSYNC_EXPORTER_POLL__PAGE_SIZE": "many"},
            "VOLSYNC_EXPORTER_POLL__PAGE_SIZE: 'many': should be a valid int",
        ),
        ({"VOLSYNC_EXPORTER_BUCKETS__0__CONCURRENCY": "0"}, "VOLSYNC_EXPORTER_BUCKETS__0__CONCURRENCY: '0': should be"),
        (
            {"VOLSYNC_EXPORTER_POLL_CLUSTER": "9s"},
            "VOLSYNC_EXPORTER_POLL_CLUSTER: there is no such setting; did you mean VOLSYNC_EXPORTER_POLL__CLUSTER?",
        ),
        ({"VOLSYNC_EXPORTER_BUCKETS": "{a"}, "VOLSYNC_EXPORTER_BUCKETS: is not YAML at line 1, column 3"),
        ({"VOLSYNC_EXPORTER_BUCKETS": "[{concurrency: 0}]"}, "VOLSYNC_EXPORTER_BUCKETS: 0.concurrency: 0: should be"),
        ({"VOLSYNC_EXPORTER_BUCKETS__12__CONCURRENCY": "0"}, "VOLSYNC_EXPORTER_BUCKETS__12__CONCURRENCY: '0': should"),
        ({"VOLSYNC_EXPORTER_POLL": "9s"}, "VOLSYNC_EXPORTER_POLL: there is no such setting"),
        ({"VOLSYNC_EXPORTER_BUCKETS__0__NAME": "a"}, "VOLSYNC_EXPORTER_BUCKETS__0__NAME: there is no such setting"),
        ({"VOLSYNC_EXPORTER_SOURCES": "rook"}, "VOLSYNC_EXPORTER_SOURCES: rook is none of"),
    ],
)
def test_a_wrong_variable_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load(None, environment, {})
    assert message in str(refusal.value)


def test_a_wrong_flag_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^--grace-mover-start: 'soon' is not a duration"):
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


# --- what no message shows


SECRET = "hunter2"


@pytest.mark.parametrize(
    "content",
    [
        f"a: [{SECRET}",
        f"a: *{SECRET}",
        f"{SECRET}: b: c",
        f"a: !{SECRET} b",
        f"a: !!int {SECRET}",
        f"a: !!bool {SECRET}",
        f"a: !!float {SECRET}",
        f"a: !!timestamp {SECRET}",
        f"a: !!binary é{SECRET}",
        f"a: 2026-13-01 {SECRET}\nb: 2026-13-01",
        f"? [{SECRET}]\n: 1",
        f"{SECRET}: \x07",
        "[" * 5000 + SECRET,
    ],
)
def test_what_is_no_yaml_is_never_quoted(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(content)
    for file, environment in ((path, {}), (None, {"VOLSYNC_EXPORTER_BUCKETS": content})):
        with pytest.raises(ConfigurationError, match="is not YAML") as refusal:
            load(file, environment, {})
        assert SECRET not in str(refusal.value)


def test_bytes_that_are_no_text_are_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"a: \xff")
    with pytest.raises(ConfigurationError, match=r"config\.yaml: is not UTF-8$"):
        load(path, {}, {})


@pytest.mark.parametrize("password", [SECRET, f"p@{SECRET}", f"a/{SECRET}", f"a'\"{SECRET}", f"a {SECRET}"])
@pytest.mark.parametrize("name", ["poll.cluster", "log_level", "sources", "buckets"])
@pytest.mark.parametrize("scheme", ["https://", "s3:http://", "s3:"])
def test_the_credentials_in_a_url_are_masked_in_a_refusal(name: str, scheme: str, password: str) -> None:
    url = f"{scheme}user:{password}@host/bucket"
    value = (json.dumps({"concurrency": url}),) if name == "buckets" else url
    with pytest.raises(ConfigurationError) as refusal:
        load(None, {}, {name: value})
    assert SECRET not in str(refusal.value)
    assert "***@host" in str(refusal.value)


@pytest.mark.parametrize("part", ["repository_base", "endpoint"])
@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:hunter2@host:9000/bucket/a@b/", "https://host:9000/bucket/a@b/"),
        ("s3:http://user:p@hunter2@host/bucket/", "s3:http://host/bucket/"),
        ("s3://user:hunter2@host/bucket/", "s3://host/bucket/"),
        ("s3:user:hunter2@host/bucket/", "s3:host/bucket/"),
        ("s3:host:9000/bucket/", "s3:host:9000/bucket/"),
        ("https://[::1]:9000", "https://[::1]:9000"),
        ("", ""),
    ],
)
def test_the_settings_keep_no_credentials_of_a_buckets_url(part: str, url: str, kept: str) -> None:
    (bucket,) = load(None, {}, {"buckets": (json.dumps({part: url}),)}).buckets
    assert getattr(bucket, part) == kept


@pytest.mark.parametrize("url", ["https://user:a/hunter2@host", "s3:http://[hunter2/bucket", "http://host:hunter2/b"])
def test_a_url_that_cannot_be_read_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load(None, {"VOLSYNC_EXPORTER_BUCKETS__0__ENDPOINT": url}, {})
    assert str(refusal.value) == "VOLSYNC_EXPORTER_BUCKETS__0__ENDPOINT: is no URL: its host and port cannot be read"
