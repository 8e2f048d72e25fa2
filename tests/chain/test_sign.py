"""What two errors have in common stays, what differs from one claim to the next goes."""

import pytest

from exporter.chain.text import sign_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            'Attach failed for "pvc-1" : volume pvc-ae5ec1fb-401c-555e-adee-1e88174eca4e is not ready for workloads',
            'Attach failed for "pvc-2" : volume pvc-0cc3c9e6-9177-569a-bfec-8d586181b800 is not ready for workloads',
        ),
        (
            "mount.nfs: Connection timed out for 10.43.7.0:/pvc-8347cbd3",
            "mount.nfs: Connection timed out for 10.43.7.1:/pvc-0852d534",
        ),
        ("4 Insufficient memory", "120 Insufficient memory"),
    ],
)
def test_the_same_error_of_two_claims_has_one_sign(one: str, other: str) -> None:
    assert sign_of(one) == sign_of(other) != ""


def test_different_errors_have_different_signs() -> None:
    assert sign_of("4 Insufficient memory") != sign_of("4 Insufficient cpu")


def test_names_that_are_given_go_too() -> None:
    assert sign_of("pod data is refused", "data") == sign_of("pod media is refused", "media")
