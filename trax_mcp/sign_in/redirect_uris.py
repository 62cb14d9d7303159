"""Which redirect addresses a client may have, and which one a request may name. Pure.

Sources: RFC 9700, section 2.1 (exact comparison), and RFC 8252, section 7, for apps on a computer
or phone. Addresses are held to a strict grammar, so that a browser reads them as we do.
"""

import re
from typing import Final
from urllib.parse import parse_qsl

_MAX_LENGTH: Final = 1000

_APP_SCHEMES: Final = frozenset({"claude", "cursor", "vscode", "vscode-insiders", "windsurf"})
"""The schemes of MCP clients that have no dot. RFC 8252 asks for one, so others are refused."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""`localhost` is discouraged by RFC 8252, but some clients' documents name it alone."""
_ANSWER_PARAMETERS: Final = frozenset({"code", "state", "iss", "error"})
_URI: Final = re.compile(r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_WEB: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<path>/[^?\[\]]*)?(?:\?(?P<query>.*))?"
)
_APP: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<path>/[^?\[\]@]*)(?:\?(?P<query>.*))?")
_DOT_SEGMENT: Final = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


def reason_against(uri: str) -> str | None:
    """Return why a client may not have `uri` as a redirect address, or None if it may.

    The reason continues a sentence that begins with the address: "must not have a fragment".
    """
    if len(uri) > _MAX_LENGTH:
        return f"must have at most {_MAX_LENGTH} characters"
    if "#" in uri:
        return "must not have a fragment"
    parts = _WEB.fullmatch(uri) if uri.startswith(("https:", "http:")) else _APP.fullmatch(uri)
    if parts is None or not _URI.fullmatch(uri):
        return "must have a scheme and a host in small letters, and no blank or user name in it"
    return _refused_query(parts["query"] or "") or _refused_target(parts)


def _refused_query(query: str) -> str | None:
    names = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    answers = names & _ANSWER_PARAMETERS
    return "must not have code, state, iss or error in its query" if answers else None


def _refused_target(parts: re.Match[str]) -> str | None:
    if _DOT_SEGMENT.search(parts["path"] or ""):
        return "must not have . or .. in its path"
    match parts["scheme"]:
        case "https" | "http" if int(parts["port"] or 0) > 65535:  # noqa: PLR2004
            return "must have a port below 65536"
        case "https":
            return None
        case "http":
            is_loopback = parts["host"] in _LOOPBACK
            return None if is_loopback else "must begin with https://, unless it is on loopback"
        case scheme:
            is_app = "." in scheme or scheme in _APP_SCHEMES
            return None if is_app else "must begin with https://, or with the scheme of an app"


def matches(uri: str, registered: str) -> bool:
    """Whether a request may name `uri` if the client has `registered`.

    The two are compared as strings. On loopback any port will do, since an app takes one that is
    free (RFC 8252, section 7.3). An empty path is `/`, as browsers have it.
    """
    if reason_against(uri) or reason_against(registered):
        return False
    return _comparable(uri) == _comparable(registered)


def redirect_host(uri: str) -> str:
    """Where a redirect address leads, for a person: its host, or an app's scheme like `cursor:`."""
    parts = _WEB.fullmatch(uri)
    return parts["host"] if parts else uri.partition(":")[0] + ":"


def is_loopback_uri(uri: str) -> bool:
    """Whether a redirect address leads to a program on the person's own computer."""
    parts = _WEB.fullmatch(uri)
    return parts is not None and parts["scheme"] == "http"


def _comparable(uri: str) -> str | tuple[str, str, str | None]:
    parts = _WEB.fullmatch(uri)
    if parts is None:
        return uri
    host = parts["host"]
    if parts["scheme"] == "https" and parts["port"]:
        host += f":{parts['port']}"
    return f"{parts['scheme']}://{host}", parts["path"] or "/", parts["query"]
