"""The host of an address of a stream, if all clients would connect to the same one."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

_ADDRESS: Final = re.compile(
    r"""
    (?P<scheme> [a-z][a-z0-9+.-]* ) ://
    (?P<user> [A-Za-z0-9._~!$&'()*+,;=:%-]* @ )?
    (?P<host> \[ [0-9A-Fa-f:.]+ \] | [A-Za-z0-9._-]+ )
    (?: : [0-9]{1,5} )?
    (?: / [!-\[\]-~]* | [?\#] [!-?A-\[\]-~]* )?  # visible ASCII without a backslash
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_HOST: Final = 253  # RFC 1035, section 2.3.4


def host_of(address: str) -> str | None:
    """The host in lower case. None if it is missing, or if clients may read it differently.

    RFC 3986, the URL standard of browsers and the streaming tools differ over backslashes, blanks,
    non-ASCII letters, missing slashes, several `@`, an `@` after `?` or `#`, and numbers as hosts.
    """
    if (parts := _ADDRESS.fullmatch(address)) is None:
        return None
    if parts["user"] and parts["scheme"].lower().startswith("rtmp"):
        return None  # librtmp knows no user: it connects to what stands before the first colon
    host = parts["host"].lower()
    return host if _is_host(host) else None


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return _is_ip(host[1:-1], IPv6Address)
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):  # the URL standard reads 1, 0x7f.1 and 010.0.0.1 as IPv4
        return _is_ip(host, IPv4Address)
    return len(host) <= _LONGEST_HOST and all(_LABEL.fullmatch(it) for it in labels)


def _is_ip(text: str, kind: type[IPv4Address] | type[IPv6Address]) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return True
