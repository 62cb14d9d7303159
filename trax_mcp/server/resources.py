"""What can be read at an address, and which of it can be subscribed to.

A resource stands on an operation and is offered where that operation's tool is. Reading and
watching are other rooms' work; here addresses are found, listed and answered.
"""

from collections.abc import Sequence
from typing import Any, Final

import mcp_types as types
from pydantic import BaseModel

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Studio
from trax_mcp.api.operations import GetOpenapi, GetStreamStatus, GetStudio, ListStudios
from trax_mcp.api.tool_input import ToolInput
from trax_mcp.chat.wait import WaitForChatMessages, read_chat
from trax_mcp.chat.watcher import Watcher
from trax_mcp.chat.watchers import Watchers
from trax_mcp.server.error_boundary import NoSuchResourceError, WrongRequestError
from trax_mcp.server.resource_uris import ADDRESSES
from trax_mcp.server.tool_filter import ToolFilter
from trax_mcp.server.untrusted import chat_payload, write_json
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.list_cache import ListCache
from trax_mcp.studio.pages import read_all_pages

_HAS_NONE: Final = frozenset({"no_key", "insufficient_scope"})


class Resources:
    """The resources that are offered."""

    def __init__(self, client: Client, directory: ListCache, offer: ToolFilter) -> None:
        self._client = client
        self._directory = directory
        offered = offer.kinds()
        self._addresses = [it for it in ADDRESSES if it.is_offered(offered)]
        self._names_studios = ListStudios in offered

    @property
    def can_be_subscribed(self) -> bool:
        """Whether anything that is offered can be subscribed to."""
        return any(address.is_subscribable for address in self._addresses)

    def templates(self) -> list[types.ResourceTemplate]:
        """What can be read of each studio."""
        return [it.template() for it in self._addresses if it.uri.variable_names]

    def variables(self, template: str) -> Sequence[str]:
        """What is left open in a template.

        Raises:
            WrongRequestError: there is no such template here.
        """
        for address in self._addresses:
            if str(address.uri) == template and address.uri.variable_names:
                return address.uri.variable_names
        raise WrongRequestError("There is no such resource template.")

    async def listings(self, caller: Caller) -> list[types.Resource]:
        """What can be read of no studio, and what can be subscribed to of each one of the caller's.

        A key that is missing, or may not list studios, has none to tell of.

        Raises:
            TraxError: there may be studios, and they could not be read.
        """
        plain = [it.listing() for it in self._addresses if not it.uri.variable_names]
        subscribable = [it for it in self._addresses if it.is_subscribable and self._names_studios]
        try:
            studios = await self._directory.studios(caller) if subscribable else ()
        except TraxError as error:
            if error.failure.code not in _HAS_NONE:
                raise
            studios = ()
        return [*plain, *(it.of(studio) for studio in studios for it in subscribable)]

    async def read(self, uri: str, caller: Caller, watchers: Watchers) -> str:
        """What stands at a URI, as JSON in which nothing is invisible.

        Raises:
            NoSuchResourceError: there is no such address here.
            TraxError: it could not be read.
        """
        return write_json(await self._read(self._find(uri), caller, watchers))

    def watcher(self, uri: str, caller: Caller, watchers: Watchers) -> Watcher[Any]:
        """The watcher of what stands at a URI.

        Raises:
            NoSuchResourceError: there is no such address here.
            WrongRequestError: it cannot be subscribed to.
        """
        match self._find(uri):
            case GetStreamStatus(studio_id=studio):
                return watchers.stream_status(caller, studio)
            case WaitForChatMessages(studio_id=studio, after=None):
                return watchers.chat(caller, studio)
        raise WrongRequestError(
            "Only chat (without `after`) and stream-status of a studio can be subscribed to."
        )

    def _find(self, uri: str) -> ToolInput:
        for address in self._addresses:
            if (value := address.read(uri)) is not None:
                return value
        raise NoSuchResourceError(uri)

    async def _read(self, value: ToolInput, caller: Caller, watchers: Watchers) -> JsonObject:
        match value:
            case GetOpenapi():
                return CONTRACT.document
            case ListStudios():
                return {"data": _dump(await read_all_pages(self._client, value, caller))}
            case GetStudio():
                facts = await FactReader(self._client, value, caller).see()
                # What belongs to it may be unknown; where it is itself, this fails and says why.
                return _told(facts.studio or await self._client.read(value, caller), facts)
            case WaitForChatMessages(studio_id=studio, after=after):
                return chat_payload(studio, await read_chat(watchers.chat(caller, studio), after))
            case GetStreamStatus(studio_id=studio):
                status = await self._client.read(value, caller)
                watchers.saw_stream_status(caller, studio, status)
                return _as_sent(status)
        raise AssertionError(value)


def _told(studio: Studio, facts: Facts) -> JsonObject:
    """A studio and what belongs to it; None is what this key may not read."""
    told = {
        **_as_sent(studio),
        "destinations": _dump(facts.destinations),
        "sources": _dump(facts.sources),
        "status": _dump(facts.status),
    }
    unknown = [f"{it.what}: {it.why}" for it in facts.unknown]
    return {**told, "unknown": unknown} if unknown else told


def _as_sent(read: BaseModel) -> JsonObject:
    return read.model_dump(by_alias=True, exclude_unset=True)


def _dump(read: Any) -> Any:  # noqa: ANN401  a model, several, or none
    """As TRaX sent it."""
    match read:
        case BaseModel():
            return _as_sent(read)
        case None:
            return None
        case _:
            return [_dump(item) for item in read]
