"""What is read in the strings of a policy, and that no string takes more than its length's time."""

import time

import pytest

from exporter.chain.kyverno.expressions import secret_variables, secrets_in_cel, unknown_function

NAMESPACE = "{{request.object.metadata.namespace}}"


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("{{ concat('a', 'b') }}", "concat"),
        ("{{ base64_encode(join('', [a, 'concat(b)'])) }}", None),
        ("{{ trim_prefix(a, 'pvc-') }} concat(a)", None),
        ("{{ sha256(a) }}{{ round(`1.5`, `0`) }}{{ is_external_url(a) }}", None),
        ("{{ a.concat }} {{ 'it\\'s concat(1)' }}", None),
        ("{{ to_upper(concat (a)) }}", "concat"),
        ("{{ concat(a", None),
    ],
)
def test_a_function_that_no_version_of_kyverno_has_is_found_in_expressions_alone(
    text: str, function: str | None
) -> None:
    assert unknown_function({"data": [{"key": text}]}) == function


def test_a_secret_that_a_rule_reads_in_the_claims_namespace_is_known_by_name() -> None:
    context = [
        {"name": "base", "apiCall": {"urlPath": f"/api/v1/namespaces/{NAMESPACE}/secrets/store-credentials"}},
        {"name": "other", "apiCall": {"urlPath": "/api/v1/namespaces/vault/secrets/store-credentials"}},
        {"name": "named", "apiCall": {"urlPath": f"/api/v1/namespaces/{NAMESPACE}/secrets/{{{{ x }}}}"}},
        {"name": "count", "apiCall": {"urlPath": f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims"}},
        {"name": "odd", "apiCall": {"urlPath": ["/secrets/"]}},
        "odd",
    ]
    assert secret_variables(context) == {"base": "store-credentials", "other": None, "named": None}


def test_a_secret_that_cel_reads_in_the_claims_namespace_is_known_by_name() -> None:
    read = 'resource.Get("v1", "secrets", variables.ns, "store-credentials").data'
    elsewhere = 'resource.Get("v1", "secrets", "vault", "store-credentials").data'
    assert list(secrets_in_cel(read)) == ["store-credentials"]
    assert list(secrets_in_cel(elsewhere)) == []


HOSTILE = [
    "{{",
    "{{ a }}",
    "{{ '",
    "{{ \\'",
    "'\\",
    '"',
    "`",
    "a",
    "a(",
    " ",
    "{{ a  (",
    'resource.Get("v1", "secrets", ',
]


@pytest.mark.parametrize("part", HOSTILE)
@pytest.mark.parametrize("frame", ["{}", "{{{{ {} }}}}", "{{{{ '{} }}}}"])
def test_a_scan_takes_time_in_proportion_to_the_text(part: str, frame: str) -> None:
    """Eight times the text takes eight times as long: far from the sixty-four times of a scan that looks back."""

    def cost(size: int) -> float:
        text = frame.format(part * (size // len(part)))
        costs = []
        for _ in range(3):
            began = time.process_time()
            unknown_function(text)
            list(secrets_in_cel(text))
            costs.append(time.process_time() - began)
        return min(costs)

    assert cost(800_000) < 24 * cost(100_000) + 0.05
