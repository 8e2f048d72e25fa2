"""Who refuses a mover's pods, by the words of the Job's event."""

import pytest

from exporter.chain.mover.refused import refuser_in


@pytest.mark.parametrize(
    ("words", "refuser"),
    [
        (
            'admission webhook "validate.kyverno.svc-fail" denied the request: \n\nresource Pod/x was blocked due to '
            "the following policies \n\nrequire-limits:\n  check: 'validation error'",
            "require-limits",
        ),
        ('admission webhook "validation.gatekeeper.sh" denied the request: [no-root] runs as root', "no-root"),
        ('admission webhook "pods.example.org" denied the request: not today', "pods.example.org"),
        ('failed calling webhook "pods.example.org": connection refused', "pods.example.org"),
        ("ValidatingAdmissionPolicy 'no-latest' with binding 'b' denied request: tag", "no-latest"),
        ('pods "x" is forbidden: exceeded quota: compute, requested: limits.memory=2Gi', ""),
        ("", ""),
    ],
)
def test_the_words_name_the_policy_or_webhook_that_refuses(words: str, refuser: str) -> None:
    assert refuser_in(words) == refuser
