"""Reads forms that browsers and clients have posted, and tells from which browser."""

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

_MAX_FIELDS: Final = 32
FORM: Final = "application/x-www-form-urlencoded"
_RANDOM: Final = re.compile(rf"[\w-]{{{len(secrets.token_urlsafe())}}}", re.ASCII)


async def form_fields(request: Request) -> Sequence[tuple[str, str]] | None:
    """The fields of a plain form, in their order. None: the body is something else.

    In `multipart/form-data`, texts may have any encoding. The app around limits the body's size.
    """
    content_type: str = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != FORM:
        return None
    try:
        body = (await request.body()).decode("ascii")
        return parse_qsl(body, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return None


async def read_form(request: Request, *, origin: str) -> Mapping[str, str] | None:
    """The fields of a form of ours. None if another page has sent it, or if it is none.

    Source: OWASP's sheet on cross-site request forgery.
    """
    if request.headers.get("origin") != origin:
        return None
    pairs = await form_fields(request)
    fields = dict(pairs or ())
    return fields if pairs is not None and len(fields) == len(pairs) else None


def address_of(request: Request) -> str:
    """The IP address that a request comes from: the proxy's own, unless that is trusted."""
    return request.client.host if request.client else ""


class BrowserCookie:
    """A random cookie that tells one browser from another. It reveals nothing else."""

    def __init__(self, origin: str, name: str) -> None:
        self._is_secure = origin.startswith("https:")
        self._name = f"__Host-{name}" if self._is_secure else name

    def of(self, request: Request) -> str:
        """The cookie in a request, or an empty text."""
        value = request.cookies.get(self._name, "")
        return value if _RANDOM.fullmatch(value) else ""

    def set(self, response: Response, value: str, *, seconds: int) -> None:
        """Let a browser keep the cookie for some time."""
        response.set_cookie(
            self._name,
            value,
            max_age=seconds,
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )


def is_same(given: str, secret: str) -> bool:
    """Compare in constant time. An empty secret is never right."""
    return bool(secret) and secrets.compare_digest(given.encode(), secret.encode())
