"""The metadata documents by which a client finds out how to sign in. Pure.

Plain text, since issuers and resources are compared as strings, and the SDK's models would add a
slash. Sources: RFC 8414, RFC 9728, RFC 9207, and the draft on Client ID Metadata Documents.
"""

from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.sign_in.grants import Access

AUTHORIZE: Final = "/authorize"
TOKEN: Final = "/token"  # noqa: S105  a path
REVOKE: Final = "/revoke"
REGISTER: Final = "/register"
SERVER_METADATA: Final = "/.well-known/oauth-authorization-server"
RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"

SCOPES: Final = [access.value for access in Access]
_PUBLIC_CLIENTS: Final = ["none"]


def is_resource(asked: object, resource: str) -> bool:
    """Whether a client names this resource, with a slash at the end or without, or none at all.

    An empty parameter counts as none. Sources: RFC 6749, 3.1 and 3.2, and MCP 2025-11-25, which
    takes both spellings for valid.
    """
    return asked in {None, "", resource, f"{resource}/"}


def server_metadata(issuer: str, *, has_registration: bool) -> JsonObject:
    """The abilities of the authorization server."""
    registration = {"registration_endpoint": issuer + REGISTER} if has_registration else {}
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "revocation_endpoint": issuer + REVOKE,
        **registration,
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": _PUBLIC_CLIENTS,
        "revocation_endpoint_auth_methods_supported": _PUBLIC_CLIENTS,
        "code_challenge_methods_supported": ["S256"],
        "client_id_metadata_document_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }


def resource_metadata(issuer: str, *, resource: str) -> JsonObject:
    """Which authorization server guards the MCP endpoint, and how a token is sent to it."""
    return {
        "resource": resource,
        "authorization_servers": [issuer],
        "scopes_supported": SCOPES,
        "bearer_methods_supported": ["header"],
        "resource_name": "TRaX",
    }
