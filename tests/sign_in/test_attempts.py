"""How often an address may try."""

import pytest

from tests.support.product.still_clock import StillClock
from trax_mcp.sign_in.attempts import Attempts, TooManyAttempts


def refused_for(attempts: Attempts, address: str) -> int:
    """Seconds until the address may try again."""
    with pytest.raises(TooManyAttempts) as refused:
        attempts.take(address)
    return refused.value.retry_after


def test_an_address_has_its_attempts_and_no_more_within_ten_minutes() -> None:
    clock = StillClock()
    attempts = Attempts(clock, limit=3)
    for _ in range(3):
        attempts.take("8.8.8.8")
        clock.at += 60

    assert refused_for(attempts, "8.8.8.8") == 420
    clock.at += 419.5
    assert refused_for(attempts, "8.8.8.8") == 1
    clock.at += 0.5
    attempts.take("8.8.8.8")
    assert refused_for(attempts, "8.8.8.8") == 60


def test_a_refused_attempt_does_not_prolong_the_wait() -> None:
    clock = StillClock()
    attempts = Attempts(clock, limit=1)
    attempts.take("8.8.8.8")

    for _ in range(50):
        clock.at += 10
        refused_for(attempts, "8.8.8.8")

    clock.at += 100
    attempts.take("8.8.8.8")


def test_addresses_do_not_share_their_attempts() -> None:
    attempts = Attempts(StillClock(), limit=1)

    for address in ("8.8.8.8", "8.8.4.4", "2606:4700:1:1::1", "2606:4700:1:2::1", ""):
        attempts.take(address)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2606:4700:1:1::1", "2606:4700:1:1:ffff::2"),
        ("2606:4700:1:1::1", "2606:4700:0001:0001:0:0:0:1"),
        ("8.8.8.8", "::ffff:8.8.8.8"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_one_customer_has_one_number_of_attempts(one: str, other: str) -> None:
    attempts = Attempts(StillClock(), limit=1)
    attempts.take(one)

    refused_for(attempts, other)


def test_an_attempt_that_was_right_does_not_count() -> None:
    attempts = Attempts(StillClock(), limit=2)
    for _ in range(20):
        attempts.take("8.8.8.8")
        attempts.give_back("8.8.8.8")

    attempts.take("8.8.8.8")
    attempts.take("8.8.8.8")
    refused_for(attempts, "8.8.8.8")


def test_many_addresses_together_have_a_limit_too() -> None:
    clock = StillClock()
    attempts = Attempts(clock, limit=2)
    for number in range(100):
        attempts.take(f"8.8.{number}.8")

    assert refused_for(attempts, "9.9.9.9") == 600
    clock.at += 600
    attempts.take("9.9.9.9")


def test_a_site_with_many_networks_does_not_make_others_wait() -> None:
    attempts = Attempts(StillClock(), limit=2)
    for number in range(8):
        attempts.take(f"2606:4700:1:{number}::1")

    assert refused_for(attempts, "2606:4700:1:ffff::1") == 600
    attempts.take("2606:4700:2::1")
    attempts.take("8.8.8.8")


def test_an_attempt_that_was_right_does_not_count_for_its_site() -> None:
    attempts = Attempts(StillClock(), limit=2)
    for number in range(200):
        attempts.take(f"2606:4700:1:{number}::1")
        attempts.give_back(f"2606:4700:1:{number}::1")

    attempts.take("2606:4700:1:ffff::1")
