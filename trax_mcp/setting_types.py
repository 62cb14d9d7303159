"""The types of settings: how each value is read from text, and what is wrong with it."""

import ipaddress
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

KEY_PREFIX: Final = "sk_live_"
"""Every TRaX key begins with it."""
_LONGEST_SECONDS: Final = 600
_ADDRESS: Final = re.compile(r"https?://[\w.:\[\]-]+(/[\w.~/-]*)?", re.ASCII | re.IGNORECASE)
_HOST: Final = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-f:]+\](:\d+)?", re.ASCII)
_STORE: Final = re.compile(r"(rediss?|unix)://\S+")
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether a host is certainly this machine. No name is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_switch(value: object) -> object:
    switches = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}
    if isinstance(value, str):
        if value.lower() not in switches:
            raise ValueError("must be 1 or 0")
        return switches[value.lower()]
    return value


def _read_list(value: object) -> object:
    if isinstance(value, str):
        return tuple(item for item in (part.strip() for part in value.split(",")) if item)
    return value


def _read_base_url(value: object) -> object:
    address = str(value)
    parts = _split_address(address)
    if parts is None or urlsplit(address).path.rstrip("/").endswith("/v1"):
        raise ValueError("must be an address such as https://host, without user, /v1 or query")
    scheme, host = parts
    if scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https:// (http only on loopback): keys travel over it")
    return value


def _split_address(address: str) -> tuple[str, str] | None:
    """Scheme and host. None if it is no address of the web, or has a user or a query."""
    with suppress(ValueError):  # an impossible port, or no address between the brackets
        url = urlsplit(address)
        if _ADDRESS.fullmatch(address) and url.hostname and url.port != 0:
            return url.scheme, url.hostname
    return None


def _read_public_url(value: object) -> object:
    address = str(value).removesuffix("/")
    parts = _split_address(address)
    if parts is None or (url := urlsplit(address)).path:
        raise ValueError(
            "must be an address such as https://trax.example.com, without user, path or query"
        )
    scheme, host = parts
    if scheme != "https" and not is_loopback(host):
        raise ValueError("must begin with https:// (http only on loopback): keys are typed there")
    # Clients compare it as a string, so there is one spelling.
    name = f"[{host}]" if ":" in host else host
    is_usual = url.port in {None, {"http": 80, "https": 443}[scheme]}
    return f"{scheme}://{name}" if is_usual else f"{scheme}://{name}:{url.port}"


def _check_proxies(proxies: tuple[str, ...]) -> tuple[str, ...]:
    with suppress(ValueError):  # no address, or one with bits outside of its network
        networks = [ipaddress.ip_network(proxy) for proxy in proxies]
        if all(network.prefixlen for network in networks):
            return proxies
    raise ValueError("must hold addresses or networks such as 10.0.0.2 or 10.0.0.0/8, not all")


def _read_level(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _read_seconds(value: object) -> float:
    with suppress(ValueError):  # not a number
        seconds = float(str(value))
        if 0 < seconds <= _LONGEST_SECONDS:
            return seconds
    raise ValueError(f"must be a number of seconds above 0 and at most {_LONGEST_SECONDS}")


def _read_drain(value: object) -> float:
    with suppress(ValueError):  # not a number
        seconds = float(str(value))
        if 0 <= seconds <= _LONGEST_SECONDS:
            return seconds
    raise ValueError(f"must be a number of seconds from 0 to {_LONGEST_SECONDS}")


def _read_folders(value: object) -> object:
    if not isinstance(value, str):
        return value
    with suppress(OSError, RuntimeError):  # an unreadable folder, or the home of an unknown user
        folders = tuple(Path(it).expanduser() for it in value.split(os.pathsep) if it.strip())
        if all(folder.is_absolute() and folder.is_dir() for folder in folders):
            return folders
    raise ValueError(f"must hold whole paths of folders that exist, separated by `{os.pathsep}`")


def _check_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError("must hold host names such as mcp.example.com, without scheme or path")
    return tuple(host.lower() for host in hosts)


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("must hold origins such as https://host, without path or slash at the end")
    return origins


def _check_store(url: SecretStr) -> SecretStr:
    if not _STORE.match(url.get_secret_value()):
        raise ValueError(
            "must be an address such as redis://host:6379/0, rediss://host:6379/0 or unix:///path"
        )
    return url


def _check_token(token: SecretStr) -> SecretStr:
    if not token.get_secret_value():  # an unset secret must not switch off authentication
        raise ValueError("is set and empty: give a token, or do not set it")
    if not token.get_secret_value().isascii():
        raise ValueError("must be ASCII: HTTP headers carry nothing else")
    if token.get_secret_value().startswith(KEY_PREFIX):
        raise ValueError(f"must not begin with {KEY_PREFIX}: it is this server's own, no TRaX key")
    return token


BaseUrl = Annotated[str, BeforeValidator(_read_base_url)]
Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_read_level)]
Confirm = Annotated[
    Literal["auto", "human", "preview", "flag"],
    BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
]
Switch = Annotated[bool, BeforeValidator(_read_switch)]
Names = Annotated[tuple[str, ...], BeforeValidator(_read_list)]
Channels = Annotated[tuple[Literal["form", "panel", "page"], ...], BeforeValidator(_read_list)]
Folders = Annotated[tuple[Path, ...], BeforeValidator(_read_folders)]
Hosts = Annotated[Names, AfterValidator(_check_hosts)]
Origins = Annotated[Names, AfterValidator(_check_origins)]
Proxies = Annotated[Names, AfterValidator(_check_proxies)]
PublicUrl = Annotated[str, BeforeValidator(_read_public_url)]
Seconds = Annotated[float, BeforeValidator(_read_seconds)]
Drain = Annotated[float, BeforeValidator(_read_drain)]
Store = Annotated[SecretStr, AfterValidator(_check_store)]
Token = Annotated[SecretStr, AfterValidator(_check_token)]
