"""Which redirect addresses a client may have, and which one a request may name. Pure.

Sources: RFC 9700, section 2.1 (exact comparison), and RFC 8252, section 7, for apps on a computer
or phone. Addresses are held to a strict grammar, so that a browser reads them as we do.
"""

import re
from typing import Final
from urllib.parse import parse_qsl

RULE: Final = (
    "A redirect address begins with https://, with http:// on loopback, or with the scheme of an"
    " app. Its host is in small letters. It has no user name, no fragment, no . or .. in its"
    " path, and no code, state, iss or error in its query."
)
_MAX_LENGTH: Final = 1000
_MAX_PORT: Final = 65535
_APP_SCHEMES: Final = frozenset({"claude", "cursor", "vscode", "vscode-insiders", "windsurf"})
"""The schemes of MCP clients that have no dot. RFC 8252 asks for one, so others are refused."""
_ANSWER_PARAMETERS: Final = frozenset({"code", "state", "iss", "error"})
_URI: Final = re.compile(r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_WEB: Final = re.compile(
    r"(?P<origin>https://(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\])"
    r"|http://(?:localhost|127\.0\.0\.1|\[::1\]))"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<path>/[^?\[\]]*)?(?:\?(?P<query>.*))?"
)
"""`localhost` is discouraged by RFC 8252, but some clients' documents name it alone."""
_APP: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<path>/[^?\[\]@]*)(?:\?(?P<query>.*))?")
DOT_SEGMENT: Final = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


def is_safe(uri: str) -> bool:
    """Whether a client may have `uri` as a redirect address, by `RULE`."""
    web, app = _WEB.fullmatch(uri), _APP.fullmatch(uri)
    parts = web or app
    if parts is None or len(uri) > _MAX_LENGTH or not _URI.fullmatch(uri):
        return False
    names = {name for name, _ in parse_qsl(parts["query"] or "", keep_blank_values=True)}
    if names & _ANSWER_PARAMETERS or DOT_SEGMENT.search(parts["path"] or ""):
        return False
    if web is not None:
        return int(web["port"] or 0) <= _MAX_PORT
    return "." in parts["scheme"] or parts["scheme"] in _APP_SCHEMES


def matches(uri: str, registered: str) -> bool:
    """Whether a request may name `uri` if the client has `registered`.

    The two are compared as strings. On loopback any port will do, since an app takes one that is
    free (RFC 8252, section 7.3). An empty path is `/`, as browsers have it.
    """
    are_safe = is_safe(uri) and is_safe(registered)
    return are_safe and _comparable(uri) == _comparable(registered)


def redirect_host(uri: str) -> str:
    """Where a redirect address leads, for a person: its host, or an app's scheme like `cursor:`."""
    parts = _WEB.fullmatch(uri)
    return parts["origin"].partition("//")[2] if parts else uri.partition(":")[0] + ":"


def is_loopback_uri(uri: str) -> bool:
    """Whether a redirect address leads to a program on the person's own computer."""
    parts = _WEB.fullmatch(uri)
    return parts is not None and parts["origin"].startswith("http:")


def _comparable(uri: str) -> tuple[str | None, ...]:
    parts = _WEB.fullmatch(uri)
    if parts is None:
        return (uri,)
    port = None if is_loopback_uri(uri) else parts["port"]
    return parts["origin"], port, parts["path"] or "/", parts["query"]
