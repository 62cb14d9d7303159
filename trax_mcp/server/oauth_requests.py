"""The rules that all endpoints of OAuth share: forms, parameters that occur once, errors."""

from collections import Counter
from http import HTTPStatus
from typing import Final

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trax_mcp.sign_in.attempts import TooManyAttempts
from trax_mcp.sign_in.grants import SignInUnavailable
from trax_mcp.web.posted_forms import FORM, has_form

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_RETRY_SECONDS: Final = 60


def repeated_parameter(parameters: QueryParams | FormData) -> str | None:
    """A parameter that occurs more than once, which none may. Source: RFC 6749, 3.1 and 3.2."""
    names = Counter(name for name, _ in parameters.multi_items())
    return next((name for name, count in names.items() if count > 1), None)


async def form_of(request: Request) -> FormData | Response:
    """The form that a client has sent, or the refusal. The SDK's handler gets the same one.

    Source: RFC 6749, 4.1.3.
    """
    if not has_form(request):
        return oauth_error("invalid_request", f"The body must be {FORM}.")
    form = await request.form()
    if (name := repeated_parameter(form)) is not None:
        return oauth_error("invalid_request", f"{name} occurs more than once.")
    return form


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
