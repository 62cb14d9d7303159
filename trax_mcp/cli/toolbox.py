"""The client's side of a tool call: make it, show it, and accept nothing but what should come back.

Knows MCP and the shapes of answers. Which tools are used, and why, is the scenes' affair.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Self, TypeVar

import anyio
from mcp import Client, MCPError
from mcp.types import CallToolResult
from pydantic import BaseModel, ConfigDict, ValidationError

from trax_mcp.cli.story import Story

PAUSE_SECONDS: Final = 0.2
MOST_LOOKS: Final = 75
"""Together 15 s for one thing: more than twice the longest that the sandbox lets anyone wait."""

ModelT = TypeVar("ModelT", bound=BaseModel)
FoundT = TypeVar("FoundT")


class Unexpected(Exception):
    """A step is not as it should be: what was expected, and what was seen instead."""

    def __init__(self, expected: str, *, seen: object) -> None:
        super().__init__(expected, seen)
        self.expected = expected
        self.seen = str(seen)


class Preview(BaseModel):
    """What a guarded call would do."""

    model_config = ConfigDict(frozen=True)

    operation: str
    effects: tuple[str, ...]
    warnings: tuple[str, ...]


class Refusal(BaseModel):
    """The answer to a guarded call that nobody has agreed to."""

    model_config = ConfigDict(frozen=True)

    status: str
    preview: Preview


class Toolbox:
    """The server's tools, as a client uses them. `names` is what they are called."""

    def __init__(self, client: Client, story: Story, names: frozenset[str]) -> None:
        self._client = client
        self._story = story
        self.names = names

    @classmethod
    async def of(cls, client: Client, story: Story) -> Self:
        """Ask a server for its tools.

        Raises:
            MCPError: it does not tell.
        """
        tools = (await client.list_tools()).tools
        return cls(client, story, frozenset(tool.name for tool in tools))

    async def call(self, kind: type[ModelT], tool: str, **arguments: object) -> ModelT:
        """Show a call, make it and read its answer."""
        self._story.call(tool, arguments)
        return await self.look(kind, tool, **arguments)

    async def look(self, kind: type[ModelT], tool: str, **arguments: object) -> ModelT:
        """Make a call and read its answer, without showing the call.

        Raises:
            Unexpected: it failed, or its answer is not of this kind.
        """
        result = await self.send(tool, **arguments)
        if result.is_error:
            raise Unexpected(f"{tool} succeeds.", seen=_text(result))
        return _read(kind, tool, result)

    async def refused(self, tool: str, **arguments: object) -> Preview:
        """Show a guarded call, make it and see that it is refused.

        Raises:
            Unexpected: it was not refused for want of a yes.
        """
        self._story.call(tool, arguments)
        result = await self.send(tool, **arguments)
        expected = f"{tool} without confirm is refused: confirmation_required."
        if not result.is_error:
            raise Unexpected(expected, seen=f"it ran: {_text(result)}")
        refusal = _read(Refusal, tool, result)
        if refusal.status != "confirmation_required":
            raise Unexpected(expected, seen=refusal.status)
        self._story.refused(refusal.status)
        return refusal.preview

    async def send(self, tool: str, **arguments: object) -> CallToolResult:
        """Make a call, whatever comes back.

        Raises:
            Unexpected: no answer came, or one that breaks the protocol or the tool's own schema.
        """
        try:
            return await self._client.call_tool(tool, arguments)
        except (MCPError, RuntimeError, ValidationError) as error:
            raise Unexpected(f"{tool} is answered.", seen=error) from error

    async def until(
        self, look: Callable[[], Awaitable[FoundT | None]], reason: str, *, expected: str
    ) -> FoundT:
        """Look again and again, a bounded number of times; `reason` tells the reader why.

        Raises:
            Unexpected: it was never found.
        """
        with self._story.waiting(reason):
            for _ in range(MOST_LOOKS):
                if (found := await look()) is not None:
                    return found
                await anyio.sleep(PAUSE_SECONDS)
        raise Unexpected(expected, seen=f"nothing of the kind, in {MOST_LOOKS} looks")


def _read(kind: type[ModelT], tool: str, result: CallToolResult) -> ModelT:
    try:
        return kind.model_validate(result.structured_content)
    except ValidationError as error:
        what = error.errors(include_url=False, include_input=False)[0]
        seen = f"{'.'.join(str(part) for part in what['loc'])}: {what['msg']}"
        raise Unexpected(f"The answer of {tool} is a {kind.__name__}.", seen=seen) from error


def _text(result: CallToolResult) -> str:
    return " ".join(block.text for block in result.content if block.type == "text")
