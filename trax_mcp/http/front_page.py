"""What a browser shows at `/` and at the MCP endpoint: that the server runs, and its address."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem;"
    "overflow-wrap:anywhere}"
    "h1{font-size:1.375rem}"
)
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>trax-mcp is running</title>
  <style>{style}</style>
</head>
<body>
  <h1>trax-mcp is running</h1>
  <p>Give your assistant this address: <b>{address}</b></p>
  <p>For how to add it, see docs/clients.md.</p>
  <p>{practice}</p>
</body>
</html>
"""
_PRACTICE: Final = "Practice studios: nothing is real."
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Vary": "Accept",
}


def is_browser(scope: Scope) -> bool:
    """Whether a person opens this address in a browser. MCP clients ask for other content."""
    headers = Headers(scope=scope)
    accepted = headers.get("accept", "")
    return (
        scope["method"] == "GET"
        and "text/html" in accepted
        and "text/event-stream" not in accepted
        and not any(it.startswith("mcp-") for it in headers)
    )


def front_page(host: str, path: str, *, is_practice: bool) -> Response:
    """The page. `host` is a name of this server. Behind a proxy the scheme is not known."""
    content = _PAGE.format(
        style=_STYLE,
        address=escape(host + path),
        practice=_PRACTICE if is_practice else "",
    )
    return HTMLResponse(content, headers=_HEADERS)
