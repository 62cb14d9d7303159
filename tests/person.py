"""The person before a client: who is shown forms, and what they do with one.

It knows forms as the SDK's client hands them over, and nothing of what they are about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import mcp_types as types

from tests.processes import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mcp.client.context import ClientRequestContext

    Said = types.ElicitResult | types.ErrorData
    Saying = Callable[[types.ElicitRequestFormParams], Awaitable[Said]]

Form = types.ElicitRequestFormParams


class Person:
    """Is shown forms, and answers as they will."""

    def __init__(self) -> None:
        self.forms: list[Form] = []
        self.will(declining)

    def will(self, say: Saying) -> None:
        """Answer so from now on."""
        self._say = say
        self._asked = anyio.Event()

    async def __call__(
        self,
        context: ClientRequestContext,  # noqa: ARG002  the SDK's client hands it over
        params: types.ElicitRequestParams,
    ) -> Said:
        """Answer a form, as the SDK's client wants it."""
        assert isinstance(params, Form)
        self.forms.append(params)
        self._asked.set()
        return await self._say(params)

    async def asked(self) -> None:
        """Wait until a form is shown, since it was last said how to answer."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._asked.wait()


class Told:
    """What a client is told about progress."""

    def __init__(self) -> None:
        self.all: list[tuple[float, float | None, str | None]] = []
        self._news = anyio.Event()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """Take it, as the SDK's client hands it over."""
        self.all.append((progress, total, message))
        self._news.set()

    async def more(self) -> None:
        """Wait for the next."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._news.wait()
        self._news = anyio.Event()


def choices(form: Form) -> Sequence[str]:
    """What a form lets a person choose from: the act, and not to do it."""
    offered: list[str] = form.requested_schema["properties"]["choice"]["enum"]
    return offered


def chosen(choice: object) -> types.ElicitResult:
    """A form with this choice."""
    return filled_in({"choice": choice})


def filled_in(content: dict[str, Any] | None) -> types.ElicitResult:
    """A form that was accepted with this in it."""
    return types.ElicitResult(action="accept", content=content)


def yes_to(asked: types.InputRequiredResult) -> types.ElicitResult:
    """The act, chosen in the form of a question that came as a result."""
    return chosen(choices(form_of(asked))[0])


def form_of(asked: types.InputRequiredResult) -> Form:
    """The form in a question that came as a result."""
    (request,) = (asked.input_requests or {}).values()
    assert isinstance(request, types.ElicitRequest)
    assert isinstance(request.params, Form)
    return request.params


async def agreeing(form: Form) -> Said:
    """Choose the act."""
    return chosen(choices(form)[0])


async def refusing(form: Form) -> Said:
    """Choose the other choice."""
    return chosen(choices(form)[1])


async def declining(_form: Form) -> Said:
    """Say no to the form itself."""
    return types.ElicitResult(action="decline")


async def cancelling(_form: Form) -> Said:
    """Close the form."""
    return types.ElicitResult(action="cancel")


async def failing(_form: Form) -> Said:
    """Declare forms, and then be unable to show one."""
    return types.ErrorData(code=types.INTERNAL_ERROR, message="No window here.")


async def silent(_form: Form) -> Said:
    """Never answer."""
    await anyio.sleep_forever()
    raise AssertionError("for ever is over")


def filling_in(content: dict[str, Any] | None) -> Saying:
    """Accept with this in the form."""

    async def say(_form: Form) -> Said:
        return filled_in(content)

    return say


def nearly(spoil: Callable[[str], object]) -> Saying:
    """Choose something that is almost the offered act."""

    async def say(form: Form) -> Said:
        return chosen(spoil(choices(form)[0]))

    return say
