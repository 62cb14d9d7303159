"""The page on which a person sees who is signed in with their TRaX key, and ends that."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trax_mcp.sign_in.attempts import Attempts, TooManyAttempts, WrongKey
from trax_mcp.sign_in.forms import Forms, ListOpened, address_of
from trax_mcp.sign_in.screens import (
    NO_KEY,
    for_people,
    list_key_screen,
    list_screen,
    page,
    quoted_name,
    too_many_keys,
)
from trax_mcp.sign_in.sign_ins import SignIn, SignIns
from trax_mcp.sign_in.site import Site

_PATH: Final = "/sign-in/sessions"
_LONGEST_KEY: Final = 512
_NONE: Final = "No app is signed in with this key on this server."
"""Says nothing of whether TRaX knows the key: TRaX is not asked."""


class SignInListPage:
    """The page. A key without sign-ins counts as a wrong one in `attempts`."""

    def __init__(self, site: Site, sign_ins: SignIns, *, forms: Forms, attempts: Attempts) -> None:
        self._site = site
        self._sign_ins = sign_ins
        self._forms = forms
        self._attempts = attempts

    def routes(self) -> list[Route]:
        """Its routes."""
        return [
            for_people(self._site, _PATH, self._ask, "GET"),
            for_people(self._site, _PATH, self._show, "POST"),
            for_people(self._site, f"{_PATH}/end", self._end, "POST"),
        ]

    async def _ask(self, _request: Request) -> Response:
        return page(list_key_screen(self._site))

    async def _show(self, request: Request) -> Response:
        """The list of a key."""
        key = (await self._forms.fields(request)).get("key", "").strip()
        if not key or len(key) > _LONGEST_KEY:
            return page(list_key_screen(self._site, problem=NO_KEY), HTTPStatus.BAD_REQUEST)
        person = self._sign_ins.person(key)
        try:
            async with self._attempts.one(address_of(request)):
                if not self._sign_ins.all(person=person):
                    raise WrongKey  # noqa: TRY301  it counts
        except WrongKey:
            return page(list_key_screen(self._site, outcome=_NONE), HTTPStatus.FORBIDDEN)
        except TooManyAttempts as error:
            problem = too_many_keys(error)
            content = list_key_screen(self._site, problem=str(problem))
            return page(content, problem.status, problem.headers)
        return self._list(person)

    async def _end(self, request: Request) -> Response:
        """End one sign-in of the list, or all of them."""
        fields, opened = await self._forms.read(request, ListOpened)
        chosen = fields.get("sign_in", "")
        all_of_them = self._sign_ins.all(person=opened.person)
        if chosen == "all":
            self._sign_ins.revoke_all(person=opened.person)
            ended = all_of_them
        else:
            ended = [it for it in all_of_them if it.id == chosen and self._sign_ins.revoke(it.id)]
        return self._list(opened.person, _outcome(ended))

    def _list(self, person: str, outcome: str = "") -> Response:
        sealed = self._forms.sealed(ListOpened(until=self._forms.deadline(), person=person))
        sign_ins = self._sign_ins.all(person=person)
        return page(list_screen(self._site, sign_ins, sealed, outcome=outcome))


def _outcome(ended: Sequence[SignIn]) -> str:
    match ended:
        case []:
            return "That sign-in had already ended."
        case [it]:
            return f"Ended: {quoted_name(it.client_name)}. It can't use your key any more."
        case _:
            return f"{len(ended)} sign-ins are ended. Those apps can't use your key any more."
