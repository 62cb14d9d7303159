"""Two documents that clients read before they sign in, compared field by field, and the way there.

Sources: RFC 8414, RFC 9728, RFC 9207.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.world.sign_in import registered, signing_in
from tests.world.wire import opening, request
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path

URL: Final = "https://trax.example.com"
INSPECTOR: Final = "https://inspector.example"
SERVER: Final = "/.well-known/oauth-authorization-server"
RESOURCE: Final = "/.well-known/oauth-protected-resource"
SERVER_METADATA: Final[dict[str, Any]] = {
    "issuer": URL,
    "authorization_endpoint": f"{URL}/authorize",
    "token_endpoint": f"{URL}/token",
    "registration_endpoint": f"{URL}/register",
    "revocation_endpoint": f"{URL}/revoke",
    "scopes_supported": ["read", "run"],
    "response_types_supported": ["code"],
    "response_modes_supported": ["query"],
    "grant_types_supported": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_methods_supported": ["none"],
    "revocation_endpoint_auth_methods_supported": ["none"],
    "code_challenge_methods_supported": ["S256"],
    "client_id_metadata_document_supported": True,
    "authorization_response_iss_parameter_supported": True,
}
RESOURCE_METADATA: Final[dict[str, Any]] = {
    "resource": f"{URL}/mcp",
    "authorization_servers": [URL],
    "scopes_supported": ["read", "run"],
    "bearer_methods_supported": ["header"],
    "resource_name": "TRaX",
}
DOCUMENTS: Final = {
    SERVER: SERVER_METADATA,
    f"{RESOURCE}/mcp": RESOURCE_METADATA,
    RESOURCE: RESOURCE_METADATA,
}


async def test_metadata_has_these_fields_and_any_page_may_read_it(tmp_path: Path) -> None:
    """Under the public URL, whatever address the request came to. A web page may ask in advance."""
    asked_in_advance = {
        "Origin": INSPECTOR,
        "Access-Control-Request-Headers": "content-type, mcp-protocol-version",
    }
    async with signing_in(tmp_path, public_url=URL) as it:
        for path, document in DOCUMENTS.items():
            answer = await it.http.get(path, headers={"Origin": INSPECTOR})
            head = await it.http.head(path)
            assert answer.status_code == 200
            assert answer.json() == document
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["cache-control"] == "public, max-age=3600"
            assert answer.headers["access-control-allow-origin"] == "*"
            assert (head.status_code, head.content) == (200, b"")
        for path, method in ((SERVER, "GET"), ("/token", "POST"), ("/register", "POST")):
            headers = {**asked_in_advance, "Access-Control-Request-Method": method}
            answer = await it.http.options(path, headers=headers)
            assert answer.status_code == 200, path
            assert answer.headers["access-control-allow-origin"] == "*"
        page = await it.http.options("/authorize", headers=headers)
        assert page.status_code == 405
        assert "access-control-allow-origin" not in page.headers


async def test_an_operator_may_switch_registration_off(tmp_path: Path) -> None:
    """It is neither named nor there."""
    async with signing_in(tmp_path, public_url=URL, TRAX_SIGN_IN_REGISTRATION="0") as it:
        metadata = (await it.http.get(SERVER)).json()
        answer = await it.http.post("/register", json={"redirect_uris": ["http://localhost/x"]})
    rest = {name: it for name, it in SERVER_METADATA.items() if name != "registration_endpoint"}
    assert metadata == rest
    assert answer.status_code == 404


async def test_an_unknown_path_is_not_found_without_a_token(tmp_path: Path) -> None:
    """A 401 would send clients looking for OAuth where there is nothing.

    Behind a proxy, a redirect from an address with a slash would take a code or a key to http.
    """
    paths = ("/.well-known/openid-configuration", "/", "/mcpx", "//mcp", "/token/", "/sign-in/")
    async with signing_in(tmp_path) as it:
        for path in paths:
            for method in ("GET", "POST"):
                answer = await it.http.request(method, f"{it.address}{path}")
                assert answer.status_code == 404, path
                assert "www-authenticate" not in answer.headers
                assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_endpoint_with_a_slash_is_the_endpoint(era: str, tmp_path: Path) -> None:
    """A redirect would lead to http behind a proxy, with the token of some clients."""
    async with registered(tmp_path) as (it, steps):
        caller = it.signed_in(await steps.sign_in(MINE), era)
        message = next(iter(opening(era)), request(era, "tools/list"))
        answer = await it.http.post("/mcp/", json=message, headers=caller.all_headers(message))
        assert answer.status_code == 200
        assert (await it.http.post("/mcp/", json=message)).status_code == 401
