"""The person in front of a client that can show forms: they see the form, and decide.

Knows forms, and nothing of tools. What they decide is the scenes' affair, and told beforehand.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from pydantic import ValidationError

from trax_mcp.cli.answers import Form
from trax_mcp.cli.story import Story
from trax_mcp.cli.toolbox import Unexpected

_TITLE: Final = "Your client asks you"


async def _nothing() -> None:
    """Do nothing while thinking."""


class Person:
    """Whoever watches the story. `decided_at` is when they last did, on anyio's clock."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._agrees = False
        self._meanwhile: Callable[[], Awaitable[None]] = _nothing
        self._forms = 0
        self._problem: Unexpected | None = None
        self.decided_at = 0.0

    def will(self, *, agree: bool, meanwhile: Callable[[], Awaitable[None]] = _nothing) -> None:
        """Say what they will decide about the next form, and what happens while they think."""
        self._agrees, self._meanwhile = agree, meanwhile
        self._forms, self._problem = 0, None

    async def decide(
        self,
        context: ClientRequestContext,  # noqa: ARG002  the SDK's name
        params: ElicitRequestParams,
    ) -> ElicitResult:
        """Show a form, and fill it in. What is wrong with it is said by `must_have_decided`."""
        self._forms += 1
        try:
            return await self._fill_in(params)
        except Unexpected as problem:
            # Raised here, it would come out of the SDK as something else.
            self._problem = problem
            return ElicitResult(action="cancel")

    def must_have_decided(self, tool: str) -> None:
        """See that they were asked about a call, once.

        Raises:
            Unexpected: they were not, or what they were asked is not as it should be.
        """
        if self._problem is not None:
            raise self._problem
        if self._forms != 1:
            seen = f"asked {self._forms} times" if self._forms else "it was not asked"
            raise Unexpected(f"{tool} asks you, once.", seen=seen)

    async def _fill_in(self, params: ElicitRequestParams) -> ElicitResult:
        if not isinstance(params, ElicitRequestFormParams):
            raise Unexpected("The question is a form.", seen=params.mode)
        form = _read(params)
        self._story.shown(_TITLE, params.message, choices=form.choices)
        await self._meanwhile()
        choice = form.choices[0 if self._agrees else 1]
        self._story.you(choice)
        self.decided_at = anyio.current_time()
        return ElicitResult(action="accept", content=form.filled_in(choice))


def _read(params: ElicitRequestFormParams) -> Form:
    try:
        return Form.model_validate(params.requested_schema)
    except ValidationError as error:
        expected = "The form has one choice of two, which must be made."
        raise Unexpected.odd(expected, error) from error
