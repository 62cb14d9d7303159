"""Why the SDK's authorization server is not used. When all of these fail, it could be.

Each names the part that is our own. Seen in `mcp` 2.3.0.
"""

from __future__ import annotations

from typing import Final

import pytest
from mcp.server.auth.handlers.authorize import AuthorizationErrorResponse, AuthorizationRequest
from mcp.server.auth.handlers.revoke import RevocationRequest
from mcp.server.auth.routes import build_metadata
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from pydantic import AnyHttpUrl, ValidationError

ASKED: Final = {"client_id": "x", "response_type": "code", "code_challenge": "c" * 43}


def test_the_sdk_revokes_no_token_of_a_public_client() -> None:
    """`AuthorizationServer._revoke`."""
    with pytest.raises(ValidationError, match="client_secret"):
        RevocationRequest.model_validate({"token": "t", "client_id": "x"})


def test_the_sdk_takes_a_challenge_without_a_method_for_s256() -> None:
    """`SignInPage._check`."""
    assert AuthorizationRequest.model_validate(ASKED).code_challenge_method == "S256"


def test_the_sdk_reads_another_redirect_address_than_was_sent() -> None:
    """`SignInPage._read`, and `AuthorizationServer._redeem` alike."""
    sent = "http://127.0.0.1:7777"
    read = AuthorizationRequest.model_validate({**ASKED, "redirect_uri": sent})
    assert str(read.redirect_uri) == f"{sent}/"


def test_the_sdk_sends_errors_without_an_issuer() -> None:
    """`SignInPage._error_to_client`."""
    assert "iss" not in AuthorizationErrorResponse.model_fields


def test_the_sdk_describes_another_server_than_this_one() -> None:
    """`AuthorizationServer._server_metadata`."""
    metadata = build_metadata(
        AnyHttpUrl("https://trax.example.com"),
        None,
        ClientRegistrationOptions(enabled=True),
        RevocationOptions(enabled=True),
    )
    assert str(metadata.issuer) == "https://trax.example.com/"
    assert "none" not in (metadata.token_endpoint_auth_methods_supported or ())
    assert metadata.client_id_metadata_document_supported is None
    assert metadata.authorization_response_iss_parameter_supported is None
