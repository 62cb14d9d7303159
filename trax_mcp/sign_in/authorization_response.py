"""The address that takes a browser back to the client, with a code or an error. Pure."""

from typing import Final
from urllib.parse import urlencode

from trax_mcp.sign_in.grants import AuthorizationRequest

ACCESS_DENIED: Final = "access_denied"


def response_address(request: AuthorizationRequest, *, issuer: str, **parameters: str) -> str:
    """The redirect address with `parameters`, the client's `state`, and `iss`.

    Source: RFC 6749, sections 4.1.2 and 4.1.2.1, and RFC 9207.
    """
    state = {} if request.state is None else {"state": request.state}
    separator = "&" if "?" in request.redirect_uri else "?"
    query = urlencode({**parameters, **state, "iss": issuer})
    return f"{request.redirect_uri}{separator}{query}"
