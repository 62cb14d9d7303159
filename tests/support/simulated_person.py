"""A simulated person who answers the forms that the SDK's client shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import mcp_types as types

from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mcp.client.context import ClientRequestContext

    FormAnswer = types.ElicitResult | types.ErrorData
    Responder = Callable[[types.ElicitRequestFormParams], Awaitable[FormAnswer]]

Form = types.ElicitRequestFormParams


class Person:
    """Records the forms that it is shown, and answers them."""

    def __init__(self, respond: Responder | None = None) -> None:
        self.forms: list[Form] = []
        self.answer_with(respond or declining)

    def answer_with(self, respond: Responder) -> None:
        """Set the answer to all later forms."""
        self._respond = respond
        self._asked = anyio.Event()

    async def __call__(
        self,
        context: ClientRequestContext,  # noqa: ARG002  the SDK's client hands it over
        params: types.ElicitRequestParams,
    ) -> FormAnswer:
        """Answer a form: the `elicitation_callback` of the SDK's client."""
        assert isinstance(params, Form)
        self.forms.append(params)
        self._asked.set()
        return await self._respond(params)

    async def asked(self) -> None:
        """Wait until a form is shown after the last `answer_with`."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._asked.wait()


class ProgressLog:
    """The progress notifications that a client receives."""

    def __init__(self) -> None:
        self.all: list[tuple[float, float | None, str | None]] = []
        self._news = anyio.Event()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """Record one: the `progress_callback` of the SDK's client."""
        self.all.append((progress, total, message))
        self._news.set()

    async def more(self) -> None:
        """Wait for the next one."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._news.wait()
        self._news = anyio.Event()


def choices(form: Form) -> Sequence[str]:
    """The two choices in a form: yes, then no."""
    no, yes = form.requested_schema["properties"]["choice"]["enum"]
    return yes, no


def chosen(choice: object) -> types.ElicitResult:
    """An accepted form with this choice."""
    return filled_in({"choice": choice})


def filled_in(content: dict[str, Any] | None) -> types.ElicitResult:
    """An accepted form with this content."""
    return types.ElicitResult(action="accept", content=content)


def yes_to(asked: types.InputRequiredResult) -> types.ElicitResult:
    """The yes to a question that came as a result."""
    return chosen(choices(form_of(asked))[0])


def form_of(asked: types.InputRequiredResult) -> Form:
    """The form in a question that came as a result."""
    (request,) = (asked.input_requests or {}).values()
    assert isinstance(request, types.ElicitRequest)
    assert isinstance(request.params, Form)
    return request.params


async def agreeing(form: Form) -> FormAnswer:
    """Choose yes."""
    return chosen(choices(form)[0])


async def refusing(form: Form) -> FormAnswer:
    """Choose no."""
    return chosen(choices(form)[1])


async def declining(_form: Form) -> FormAnswer:
    """Decline the form."""
    return types.ElicitResult(action="decline")


async def cancelling(_form: Form) -> FormAnswer:
    """Close the form."""
    return types.ElicitResult(action="cancel")


async def failing(_form: Form) -> FormAnswer:
    """Fail to show a form that the client said it supports."""
    return types.ErrorData(code=types.INTERNAL_ERROR, message="No window here.")


async def silent(_form: Form) -> FormAnswer:
    """Never answer."""
    await anyio.sleep_forever()
    raise AssertionError("sleep_forever returned")


def filling_in(content: dict[str, Any] | None) -> Responder:
    """Accept the form with this content."""

    async def respond(_form: Form) -> FormAnswer:
        return filled_in(content)

    return respond


def altering(alter: Callable[[str], object]) -> Responder:
    """Choose an altered form of the yes."""

    async def respond(form: Form) -> FormAnswer:
        return chosen(alter(choices(form)[0]))

    return respond
