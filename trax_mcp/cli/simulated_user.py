"""The demo's user: answers the forms that the client shows, as each step prepares."""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from pydantic import ValidationError

from trax_mcp.cli.checked_calls import Unexpected
from trax_mcp.cli.demo_output import DemoOutput
from trax_mcp.cli.expected_answers import Form

_TITLE: Final = "Your client asks you"


async def _do_nothing() -> None:
    """The default of `meanwhile`."""


class SimulatedUser:
    """Answers forms. `decided_at` is the time of the last answer on anyio's clock."""

    def __init__(self, output: DemoOutput) -> None:
        self._output = output
        self._agrees = False
        self._meanwhile: Callable[[], Awaitable[None]] = _do_nothing
        self._forms = 0
        self._problem: Unexpected | None = None
        self.decided_at = 0.0

    def prepare(
        self, *, agree: bool, meanwhile: Callable[[], Awaitable[None]] = _do_nothing
    ) -> None:
        """Set the answer to the next form, and what happens before it is given."""
        self._agrees, self._meanwhile = agree, meanwhile
        self._forms, self._problem = 0, None

    async def decide(
        self,
        context: ClientRequestContext,  # noqa: ARG002  the SDK's name
        params: ElicitRequestParams,
    ) -> ElicitResult:
        """Print a form and answer it. `check_was_asked` raises what is wrong with it."""
        self._forms += 1
        try:
            return await self._answer(params)
        except Unexpected as problem:
            # The SDK would turn it into another exception.
            self._problem = problem
            return ElicitResult(action="cancel")

    def check_was_asked(self, tool: str) -> None:
        """Check that a call asked the user once.

        Raises:
            Unexpected: it did not, or the form is not as expected.
        """
        if self._problem is not None:
            raise self._problem
        if self._forms != 1:
            seen = f"asked {self._forms} times" if self._forms else "it was not asked"
            raise Unexpected(f"{tool} asks you, once.", seen=seen)

    async def _answer(self, params: ElicitRequestParams) -> ElicitResult:
        if not isinstance(params, ElicitRequestFormParams):
            raise Unexpected("The question is a form.", seen=params.mode)
        form = _parse_form(params)
        self._output.preview(_TITLE, params.message, choices=form.choices)
        await self._meanwhile()
        choice = form.choices[0 if self._agrees else 1]
        self._output.you(choice)
        self.decided_at = anyio.current_time()
        return ElicitResult(action="accept", content=form.answer(choice))


def _parse_form(params: ElicitRequestFormParams) -> Form:
    try:
        return Form.model_validate(params.requested_schema)
    except ValidationError as error:
        expected = "The form has one choice of two, which must be made."
        raise Unexpected.invalid(expected, error) from error
