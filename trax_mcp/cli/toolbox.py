"""The client's side of a tool call: make it, show it, and accept nothing but what should come back.

Knows MCP and the shapes of answers. Which tools are used, and why, is the scenes' affair.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Self, TypeVar

import anyio
from mcp import Client, MCPError
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CallToolResult
from pydantic import BaseModel, ValidationError

from trax_mcp.cli.answers import Refusal
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

    @classmethod
    def odd(cls, expected: str, error: ValidationError) -> Self:
        """Something has not the shape that it should have."""
        what = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in what["loc"])
        return cls(expected, seen=f"{where}: {what['msg']}")


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
        """Show a call, make it and read its answer; its progress is shown while it lasts.

        Raises:
            Unexpected: it failed, or its answer is not of this kind.
        """
        self._story.call(tool, arguments)
        with self._story.waiting() as tell:
            return _read(kind, tool, await self._send(tool, arguments, _telling(tell)))

    async def look(self, kind: type[ModelT], tool: str, **arguments: object) -> ModelT:
        """Make a call and read its answer, and show nothing.

        Raises:
            Unexpected: it failed, or its answer is not of this kind.
        """
        return _read(kind, tool, await self._send(tool, arguments))

    async def refused(self, code: str, tool: str, **arguments: object) -> Refusal:
        """Show a guarded call, make it and see that it is refused, for this very reason.

        Raises:
            Unexpected: it ran, or was refused for another reason.
        """
        self._story.call(tool, arguments)
        expected = f"{tool} is refused: {code}."
        result = await self._send(tool, arguments)
        if not result.is_error:
            raise Unexpected(expected, seen=f"it ran: {_text(result)}")
        refusal = _refusal(tool, result)
        if refusal.code != code:
            raise Unexpected(expected, seen=refusal.code)
        self._story.refused(refusal.status, refusal.why)
        return refusal

    async def until(
        self, look: Callable[[], Awaitable[FoundT | None]], reason: str, *, expected: str
    ) -> FoundT:
        """Look again and again, a bounded number of times; `reason` tells the reader why.

        Raises:
            Unexpected: it was never found.
        """
        with self._story.waiting() as tell:
            tell(reason)
            for _ in range(MOST_LOOKS):
                if (found := await look()) is not None:
                    return found
                await anyio.sleep(PAUSE_SECONDS)
        raise Unexpected(expected, seen=f"nothing of the kind, in {MOST_LOOKS} looks")

    async def _send(
        self, tool: str, arguments: dict[str, object], progress: ProgressFnT | None = None
    ) -> CallToolResult:
        """Make a call, whatever comes back.

        Raises:
            Unexpected: no answer came, or one that breaks the protocol or the tool's own schema.
        """
        try:
            return await self._client.call_tool(tool, arguments, progress_callback=progress)
        except (MCPError, RuntimeError, ValidationError) as error:
            raise Unexpected(f"{tool} is answered.", seen=error) from error


def _telling(tell: Callable[[str], None]) -> ProgressFnT:
    async def told(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001  the SDK's names
        tell(message or "")

    return told


def _refusal(tool: str, result: CallToolResult) -> Refusal:
    try:
        return Refusal.read(result.structured_content, _text(result))
    except ValidationError as error:
        raise Unexpected.odd(f"The answer of {tool} is a Refusal.", error) from error


def _read(kind: type[ModelT], tool: str, result: CallToolResult) -> ModelT:
    if result.is_error:
        raise Unexpected(f"{tool} succeeds.", seen=_text(result))
    try:
        return kind.model_validate(result.structured_content)
    except ValidationError as error:
        raise Unexpected.odd(f"The answer of {tool} is a {kind.__name__}.", error) from error


def _text(result: CallToolResult) -> str:
    return " ".join(block.text for block in result.content if block.type == "text")
