"""What the product offers, as data for tests of pages and files that list it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from trax_mcp.api import refusals
from trax_mcp.api.client import Client
from trax_mcp.cli.install.clients import CLIENTS as MCP_CLIENTS
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import Reason, Status
from trax_mcp.consent.store import MemoryRecords
from trax_mcp.deployment import Deployment
from trax_mcp.server.app import Service
from trax_mcp.server.offer import TOOLS, Offer
from trax_mcp.server.prompts import Prompt
from trax_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import mcp_types as types

STATUSES: Final = ("confirmation_required", "asking", *get_args(Status))
CODES: Final[frozenset[str]] = frozenset((*get_args(Reason), *STATUSES, *refusals.MEANINGS))
"""Statuses and reasons of calls that did not run, and the codes of TRaX's errors."""

SETTINGS: Final = frozenset(str(it.alias) for it in Settings.model_fields.values())
"""The names of all settings."""


@dataclass(frozen=True)
class KnownClient:
    """An MCP client that `install` knows.

    `servers` is the key under which its servers stand, and `tried` whether it was seen to start the
    server.
    """

    name: str
    title: str
    servers: str
    tried: bool


CLIENTS: Final = {
    name: KnownClient(name, it.title, it.servers, it.tried) for name, it in MCP_CLIENTS.items()
}
"""All clients that `install` knows, by their names on the command line."""

WRITTEN_CLIENTS: Final = [it.name for it in MCP_CLIENTS.values() if it.written]
"""Those whose configuration `install` writes."""


def tool_names(*, read_only: bool = False, local: bool = False) -> list[str]:
    """The tools that are offered, in order. `local`: with folders for media."""
    return [it.tool_name for it in Offer(read_only=read_only, local=local).kinds()]


def listings() -> list[types.Tool]:
    """All tools as a client lists them, if all are offered."""
    clock = Clock()
    deployment = Deployment(
        settings=Settings(),
        clock=clock,
        trax=Client(base_url="http://127.0.0.1", timeout_seconds=1),
        media_dirs=(Path(),),
        records=MemoryRecords(clock),
    )
    return Service(deployment).tools.listings()


def check_front_matter(declared: Mapping[str, Any]) -> None:
    """Check what a prompt's file begins with; all tools in it exist."""
    assert set(Prompt.model_validate({**declared, "text": ""}).tools) <= TOOLS.keys()
