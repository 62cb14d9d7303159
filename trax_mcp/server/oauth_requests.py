"""What the endpoints of OAuth have in common: parameters that occur once, addresses, errors."""

from collections import Counter
from http import HTTPStatus
from typing import Final

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trax_mcp.sign_in.attempts import TooManyAttempts
from trax_mcp.sign_in.grants import SignInUnavailable

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_RETRY_SECONDS: Final = 60


def address_of(request: Request) -> str:
    """The IP address that a request comes from: the proxy's own, unless that is trusted."""
    return request.client.host if request.client else ""


def repeated_parameter(parameters: QueryParams | FormData) -> str | None:
    """A parameter that occurs more than once, which none may. Source: RFC 6749, 3.1 and 3.2."""
    names = Counter(name for name, _ in parameters.multi_items())
    return next((name for name, count in names.items() if count > 1), None)


def oauth_error(
    error: str, description: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
) -> Response:
    """An error for a client. Source: RFC 6749, 5.2."""
    content = {"error": error, "error_description": description}
    return JSONResponse(content, status, NO_STORE)


def not_now(error: SignInUnavailable | TooManyAttempts) -> Response:
    """An error that ends by itself."""
    if isinstance(error, TooManyAttempts):
        status, seconds = HTTPStatus.TOO_MANY_REQUESTS, error.retry_after
    else:
        status, seconds = HTTPStatus.SERVICE_UNAVAILABLE, _RETRY_SECONDS
    response = oauth_error("temporarily_unavailable", str(error), status)
    response.headers["Retry-After"] = str(seconds)
    return response
