"""The forms of people and of clients. Nothing is kept of a sign-in: each form carries it, sealed.

Only this process can open what a form carries, so a restart ends the sign-ins that are under way.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from trax_mcp.clock import Clock
from trax_mcp.sealing import seal, unseal
from trax_mcp.sign_in.client_descriptions import OAuthError
from trax_mcp.sign_in.sign_ins import Scope

_FORM: Final = "application/x-www-form-urlencoded"
_CARRIED_SECONDS: Final = 600
_MAX_FIELDS: Final = 32
ENDED: Final = (
    "Ten minutes have passed, or this server was restarted. Nothing was done. Go back to where you"
    " started, and try again."
)
_FOREIGN: Final = (
    "Your browser sent something that isn't from this page. Nothing was done. Go back to where you"
    " started, and try again."
)


class Carried(BaseModel):
    """The sealed content of a form. After `until`, in seconds of the clock, it counts no more."""

    model_config = ConfigDict(frozen=True)
    ended: ClassVar[str] = "This sign-in has ended"

    until: float


class PendingSignIn(Carried):
    """The request of a client. With `key` and `access`, what a person has answered so far.

    A person chooses from `offered`. `state` goes back to the client as it came. `client_host` is
    the host that vouches for the client, if there is one. Source: RFC 6749.
    """

    client_id: str
    client_name: str
    client_host: str | None
    redirect_uri: str
    challenge: str
    offered: tuple[Scope, ...]
    state: str | None
    key: str = Field(default="", repr=False)
    access: Scope = Scope.READ

    def response_address(self, *, issuer: str, **parameters: str) -> str:
        """The redirect address with `parameters`, the client's `state`, and `iss`.

        Source: RFC 6749, sections 4.1.2 and 4.1.2.1, and RFC 9207.
        """
        state = {} if self.state is None else {"state": self.state}
        separator = "&" if "?" in self.redirect_uri else "?"
        query = urlencode({**parameters, **state, "iss": issuer})
        return f"{self.redirect_uri}{separator}{query}"


class ListOpened(Carried):
    """The list of a person's sign-ins that is open."""

    ended: ClassVar[str] = "This list has ended"

    person: str


CarriedT = TypeVar("CarriedT", bound=Carried)


class PageProblem(Exception):
    """Why a person cannot go on, for a page of its own. `back_to` is the client's address."""

    def __init__(
        self,
        status: HTTPStatus,
        title: str,
        text: str,
        *,
        back_to: str = "",
    ) -> None:
        super().__init__(text)
        self.status = status
        self.title = title
        self.back_to = back_to


class FormProblem(Exception):
    """Why a form is shown again."""

    def __init__(
        self, status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


class Forms:
    """The forms of one server. `origin` is its own."""

    def __init__(self, origin: str, clock: Clock) -> None:
        self._origin = origin
        self._clock = clock
        self._secret = secrets.token_urlsafe()

    def deadline(self) -> float:
        """When a form that is shown for the first time now can no longer be sent."""
        return self._clock.seconds() + _CARRIED_SECONDS

    def sealed(self, carried: Carried) -> str:
        """The value of a form's hidden field."""
        content = carried.model_dump_json().encode()
        sealed = seal(content, secret=self._secret, name=type(carried).__name__)
        return urlsafe_b64encode(sealed).decode()

    async def read(
        self, request: Request, kind: type[CarriedT]
    ) -> tuple[Mapping[str, str], CarriedT]:
        """The fields of a form of ours, and its sealed content.

        Raises:
            PageProblem: another page has sent it, or it has ended.
        """
        fields = await self.fields(request)
        try:
            content = urlsafe_b64decode(fields.get("carried", ""))
        except ValueError:
            content = b""
        opened = unseal(content, secret=self._secret, name=kind.__name__)
        carried = None if opened is None else kind.model_validate_json(opened)
        if carried is None or self._clock.seconds() >= carried.until:
            raise PageProblem(HTTPStatus.GONE, kind.ended, ENDED)
        return fields, carried

    async def fields(self, request: Request) -> Mapping[str, str]:
        """The fields of a form of ours. Source: OWASP's sheet on cross-site request forgery.

        Raises:
            PageProblem: another page has sent it, or it is none.
        """
        pairs = await _form_fields(request)
        is_own = request.headers.get("origin") == self._origin
        if not is_own or not pairs or repeated_parameter(pairs) is not None:
            title = "Only the sign-in page itself can do this"
            raise PageProblem(HTTPStatus.FORBIDDEN, title, _FOREIGN)
        return dict(pairs)


def check_resource(asked: str | None, resource: str) -> None:
    """Check that a client names this resource, with a slash at the end or without, or none.

    An empty parameter counts as none. Sources: RFC 6749, 3.1 and 3.2, and MCP 2025-11-25, which
    takes both spellings for valid; RFC 3986, 6.2.2.1, for capitals in scheme and host.

    Raises:
        OAuthError: it names another.
    """
    if asked and _comparable(asked) != _comparable(resource):
        raise OAuthError("invalid_target", f"Tokens are for {resource} only.")


def _comparable(resource: str) -> tuple[str, str, str]:
    scheme, _, rest = resource.partition("://")
    host, slash, path = rest.partition("/")
    return scheme.lower(), host.lower(), (slash + path).removesuffix("/")


async def client_form(request: Request) -> Mapping[str, str]:
    """The form that a client has sent, with its `client_id`, and without empty parameters.

    Source: RFC 6749, 3.2 and 4.1.3.

    Raises:
        OAuthError: it is no plain form, repeats a parameter, or names no client.
    """
    form = await _form_fields(request)
    if form is None:
        raise OAuthError("invalid_request", f"The body must be {_FORM}.")
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


def repeated_parameter(parameters: Iterable[tuple[str, str]]) -> str | None:
    """A parameter that occurs more than once, which none may. Source: RFC 6749, 3.1 and 3.2."""
    names = Counter(name for name, _ in parameters)
    return next((name for name, count in names.items() if count > 1), None)


def address_of(request: Request) -> str:
    """The IP address that a request comes from: the proxy's own, unless that is trusted."""
    return request.client.host if request.client else ""


async def _form_fields(request: Request) -> Sequence[tuple[str, str]] | None:
    """The fields of a plain form, in their order. None: the body is something else.

    In `multipart/form-data`, texts may have any encoding.
    """
    content_type: str = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != _FORM:
        return None
    try:
        body = (await request.body()).decode("ascii")
        return parse_qsl(body, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return None
