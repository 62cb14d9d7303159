"""The rules that all endpoints of OAuth share: forms, parameters that occur once, errors."""

from collections import Counter
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trax_mcp.sign_in.attempts import TooManyAttempts
from trax_mcp.web.posted_forms import FORM, form_fields

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_RETRY_SECONDS: Final = 60


class OAuthError(Exception):
    """An error for a client. Source: RFC 6749, 5.2."""

    def __init__(
        self, error: str, description: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
    ) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


def repeated_parameter(parameters: Iterable[tuple[str, str]]) -> str | None:
    """A parameter that occurs more than once, which none may. Source: RFC 6749, 3.1 and 3.2."""
    names = Counter(name for name, _ in parameters)
    return next((name for name, count in names.items() if count > 1), None)


async def client_form(request: Request) -> Mapping[str, str]:
    """The form that a client has sent, with its `client_id`, and without empty parameters.

    Source: RFC 6749, 3.2 and 4.1.3.

    Raises:
        OAuthError: it is no plain form, repeats a parameter, or names no client.
    """
    form = await form_fields(request)
    if form is None:
        raise OAuthError("invalid_request", f"The body must be {FORM}.")
    if (name := repeated_parameter(form)) is not None:
        raise OAuthError("invalid_request", f"{name} occurs more than once.")
    fields = {name: value for name, value in form if value}
    if "client_id" not in fields:
        raise OAuthError("invalid_client", "client_id is missing.", HTTPStatus.UNAUTHORIZED)
    return fields


def required(form: Mapping[str, str], name: str) -> str:
    """A parameter.

    Raises:
        OAuthError: it is missing.
    """
    if name not in form:
        raise OAuthError("invalid_request", f"{name} is missing.")
    return form[name]


def error_response(_request: Request, error: Exception) -> Response:
    """The answer to a client. TooManyAttempts and SignInUnavailable end by themselves."""
    name, status, headers = "temporarily_unavailable", HTTPStatus.SERVICE_UNAVAILABLE, {**NO_STORE}
    match error:
        case OAuthError():
            name, status = error.error, error.status
        case TooManyAttempts(retry_after=seconds):
            status, headers["Retry-After"] = HTTPStatus.TOO_MANY_REQUESTS, str(seconds)
        case _:
            headers["Retry-After"] = str(_RETRY_SECONDS)
    content = {"error": name, "error_description": str(error)}
    return JSONResponse(content, status, headers)
