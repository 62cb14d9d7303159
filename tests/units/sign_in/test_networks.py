"""Which addresses are of one customer, who has one number of wrong keys."""

from typing import Final

from trax_mcp.sign_in.attempts import network_of

ONE: Final = (
    ("2606:4700:1:1::1", "2606:4700:1:1:ffff::2"),  # the first 64 bits of IPv6
    ("2606:4700:1:1::1", "2606:4700:0001:0001:0:0:0:1"),
    ("8.8.8.8", "::ffff:8.8.8.8"),
)
TWO: Final = (
    ("2606:4700:1:1::1", "2606:4700:1:2::1"),
    ("8.8.8.8", "8.8.4.4"),
)


def test_one_customer_has_one_network() -> None:
    assert [pair for pair in ONE if network_of(pair[0]) != network_of(pair[1])] == []
    assert [pair for pair in TWO if network_of(pair[0]) == network_of(pair[1])] == []
