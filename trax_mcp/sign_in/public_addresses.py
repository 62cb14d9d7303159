"""Which IP addresses belong to the public internet. Pure.

A client says where its document lies. Without this rule it could make the server read from its own
network. Sources: the registries of RFC 6890, and draft-ietf-oauth-client-id-metadata-document-02,
section 8.6.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_NOT_PUBLIC: Final = tuple(
    ip_network(it)
    for it in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # a public number, but inside Azure it is the host of the machine
        "169.254.0.0/16",  # link-local, with the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, with the metadata of Oracle's cloud
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments, with Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
_UNICAST: Final = IPv6Network("2000::/3")
"""All that IPv6 has in public use. IPv4-mapped and local addresses are outside."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""How a host without IPv4 reaches it; the IPv4 address is in the last 32 bits (RFC 6052)."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet. False if it is not an IP address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip.scope_id is not None:
            return False
        if ip in _NAT64:
            return is_public(str(IPv4Address(int(ip) & 0xFFFF_FFFF)))
        if ip not in _UNICAST:
            return False
    return not any(ip.version == it.version and ip in it for it in _NOT_PUBLIC)
