"""Reads a form that a browser has posted to one of our pages, and tells from which browser."""

import re
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

_MAX_BODY_BYTES: Final = 16 * 1024
_MAX_FIELDS: Final = 16
FORM: Final = "application/x-www-form-urlencoded"
_RANDOM: Final = re.compile(rf"[\w-]{{{len(secrets.token_urlsafe())}}}", re.ASCII)


async def read_form(request: Request, *, origin: str) -> Mapping[str, str] | None:
    """The fields of a form of ours. None if another page has sent it, or if it is none.

    Source: OWASP's sheet on cross-site request forgery.
    """
    if request.headers.get("origin") != origin:
        return None
    if not has_form(request):
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            return None
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None


def has_form(request: Request) -> bool:
    """Whether the body is a plain form. In `multipart/form-data`, texts may have any encoding."""
    content_type: str = request.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower() == FORM


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
