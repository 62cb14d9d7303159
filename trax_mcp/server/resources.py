"""Lists and reads resources, and finds the watchers of those that can be subscribed to.

A resource is offered if the tools that return the same data are.
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
from trax_mcp.server.resource_uris import RESOURCE_URIS, ResourceUri
from trax_mcp.server.tool_filter import ToolFilter
from trax_mcp.server.untrusted import chat_payload, write_json
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.facts import Fact, Facts, Unknown
from trax_mcp.studio.list_cache import ListCache
from trax_mcp.studio.pages import ItemList, read_all_pages

_STUDIO_FACTS: Final = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS, Fact.SOURCES)
_CANNOT_LIST_STUDIOS: Final = frozenset({"no_key", "insufficient_scope"})
"""The codes of failures that mean so, and are no error of a list of resources."""


class Resources:
    """The resources that are offered."""

    def __init__(self, client: Client, list_cache: ListCache, tool_filter: ToolFilter) -> None:
        self._client = client
        self._list_cache = list_cache
        offered = tool_filter.kinds()
        self._uris = [it for it in RESOURCE_URIS if it.is_offered(offered)]
        self._can_list_studios = ListStudios in offered

    @property
    def can_be_subscribed(self) -> bool:
        """Whether any offered resource can be subscribed to."""
        return any(it.is_subscribable for it in self._uris)

    def templates(self) -> list[types.ResourceTemplate]:
        """The resource templates."""
        return [it.template() for it in self._uris if it.uri.variable_names]

    def variables(self, template: str) -> Sequence[str]:
        """The names of a template's variables.

        Raises:
            WrongRequestError: there is no such template.
        """
        for it in self._uris:
            if str(it.uri) == template and it.uri.variable_names:
                return it.uri.variable_names
        raise WrongRequestError("There is no such resource template.")

    async def listings(self, caller: Caller) -> list[types.Resource]:
        """Resources without variables, and those of each studio that can be subscribed to.

        Without a key, or if the key may not list studios, there are none of studios.

        Raises:
            TraxError: the studios could not be read.
        """
        fixed = [it for it in self._uris if not it.uri.variable_names]
        subscribable = [it for it in self._uris if it.is_subscribable and self._can_list_studios]
        try:
            studios = (
                await self._list_cache.get(ListStudios(), caller) if subscribable else ItemList()
            )
        except TraxError as error:
            if error.failure.code not in _CANNOT_LIST_STUDIOS:
                raise
            studios = ItemList()
        return [
            *(_listing(it, studios) for it in fixed),
            *(it.listing_for(studio) for studio in studios.items for it in subscribable),
        ]

    async def read(self, uri: str, caller: Caller, watchers: Watchers) -> str:
        """Read a resource as JSON without invisible characters.

        Raises:
            NoSuchResourceError: there is no resource at this URI.
            TraxError: it could not be read.
        """
        return write_json(await self._read(self._parse(uri), caller, watchers))

    def watcher(self, uri: str, caller: Caller, watchers: Watchers) -> Watcher[Any]:
        """The watcher of a resource.

        Raises:
            NoSuchResourceError: there is no resource at this URI.
            WrongRequestError: it cannot be subscribed to.
        """
        match self._parse(uri):
            case GetStreamStatus(studio_id=studio):
                return watchers.stream_status(caller, studio)
            case WaitForChatMessages(studio_id=studio, after=None):
                return watchers.chat(caller, studio)
        raise WrongRequestError(
            "Only chat (without `after`) and stream-status of a studio can be subscribed to."
        )

    def _parse(self, uri: str) -> ToolInput:
        for it in self._uris:
            if (value := it.parse(uri)) is not None:
                return value
        raise NoSuchResourceError(uri)

    async def _read(self, value: ToolInput, caller: Caller, watchers: Watchers) -> JsonObject:
        match value:
            case GetOpenapi():
                return CONTRACT.document
            case ListStudios():
                found = (await read_all_pages(self._client, value, caller)).usable()
                return _with_unknown({"data": _dump(found.items)}, _unknown_studios(found))
            case GetStudio():
                facts = await FactReader(self._client, caller, value.studio_id).read(_STUDIO_FACTS)
                # The rest may be unknown; if the studio itself is, this read raises the reason.
                return _studio_payload(
                    facts.studio or await self._client.call(value, caller), facts
                )
            case WaitForChatMessages(studio_id=studio, after=after):
                return chat_payload(studio, await read_chat(watchers.chat(caller, studio), after))
            case GetStreamStatus(studio_id=studio):
                status = await self._client.call(value, caller)
                watchers.record_stream_status(caller, studio, status)
                return _dump_model(status)
        raise AssertionError(value)


def _studio_payload(studio: Studio, facts: Facts) -> JsonObject:
    """A studio with its parts. A part that could not be read is null, and listed as unknown."""
    payload = {
        **_dump_model(studio),
        "destinations": _dump(facts.destinations),
        "sources": _dump(facts.sources),
        "status": _dump(facts.status),
    }
    return _with_unknown(payload, facts.unknown)


def _with_unknown(payload: JsonObject, unknown: Sequence[Unknown]) -> JsonObject:
    """The payload, and what it lacks, if anything."""
    texts = [f"{it.what}: {it.why}" for it in unknown]
    return {**payload, "unknown": texts} if texts else payload


def _listing(resource: ResourceUri, studios: ItemList[Studio]) -> types.Resource:
    """The entry of a resource. That of all studios says which have no entries of their own."""
    listing = resource.listing()
    unlisted = "".join(f" Not listed: {it}." for it in _unknown_studios(studios))
    if resource.input_type is not ListStudios or not unlisted:
        return listing
    return listing.model_copy(update={"description": f"{listing.description}{unlisted}"})


def _unknown_studios(studios: ItemList[Studio]) -> Sequence[Unknown]:
    return studios.unknown(Fact.STUDIOS.items)


def _dump_model(model: BaseModel) -> JsonObject:
    return model.model_dump(by_alias=True, exclude_unset=True)


def _dump(value: Any) -> Any:  # noqa: ANN401  a model, several, or none
    """Models as TRaX sent them."""
    match value:
        case BaseModel():
            return _dump_model(value)
        case None:
            return None
        case _:
            return [_dump(item) for item in value]
