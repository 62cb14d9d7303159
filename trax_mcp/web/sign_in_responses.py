"""Responses of the pages of signing in, with headers that tell browsers what a page may do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.responses import HTMLResponse, Response

from trax_mcp.sign_in.attempts import TooManyAttempts
from trax_mcp.web.local_requests import PAGE_HEADERS
from trax_mcp.web.markup import NOTHING, Html
from trax_mcp.web.sign_in_screens import Site, message_screen, too_many_text

_NO_HEADERS: Final[Mapping[str, str]] = {}
SIGN_IN_HEADERS: Final = {
    **{name: it for name, it in PAGE_HEADERS.items() if name != "Cross-Origin-Opener-Policy"},
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'"
    ),
    # With `no-referrer`, browsers send `Origin: null` with a form.
    "Referrer-Policy": "same-origin",
}
"""No opener policy: clients open this page in a window, and wait for that window to come back."""


class FormProblem(Exception):
    """Why the form is shown once more."""

    def __init__(
        self, status: HTTPStatus, text: str, headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers


def html_response(
    content: Html, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] = _NO_HEADERS
) -> HTMLResponse:
    """A page with the headers of signing in."""
    return HTMLResponse(content, status, {**SIGN_IN_HEADERS, **headers})


def message(
    site: Site,
    status: HTTPStatus,
    title: str,
    text: str,
    *,
    link: Html = NOTHING,
    headers: Mapping[str, str] = _NO_HEADERS,
) -> HTMLResponse:
    """A page that says why a person cannot go on. The `link` leads to another one."""
    return html_response(message_screen(site, title, text, link), status, headers)


def see_other(path: str) -> Response:
    """Let the browser open another page of ours, so that a reload sends no form again."""
    headers = {**SIGN_IN_HEADERS, "Location": path}
    return Response(status_code=HTTPStatus.SEE_OTHER, headers=headers)


def too_many_keys(error: TooManyAttempts) -> FormProblem:
    """Too many wrong keys came from an address."""
    headers = {"Retry-After": str(error.retry_after)}
    return FormProblem(HTTPStatus.TOO_MANY_REQUESTS, too_many_text(error.retry_after), headers)
