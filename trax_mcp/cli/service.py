"""Builds what is served, on stdio as over HTTP, from the settings."""

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trax_mcp.api.client import Client
from trax_mcp.consent.rules import Rules
from trax_mcp.consent.ways import WaysToAsk
from trax_mcp.server.app import Service
from trax_mcp.server.offer import Offer
from trax_mcp.settings import Settings
from trax_mcp.web.passkey import Passkey


def build_service(
    settings: Settings,
    client: Client,
    passkey: Passkey | None = None,
    *,
    media_dirs: Sequence[Path] = (),
    **shared: Any,  # noqa: ANN401  what else `Service` takes
) -> Service:
    """Build what is served from the settings. Over HTTP, callers have no `media_dirs`."""
    ask = WaysToAsk.of(settings.ask)
    offer = Offer(
        rules=Rules(
            ask if passkey is None else ask.without_preview(), frozenset(settings.guard_also)
        ),
        read_only=settings.read_only,
        only=frozenset(settings.tools),
        local=bool(media_dirs),
    )
    return Service(
        client,
        offer,
        audit_log=settings.audit_log,
        chat_poll_seconds=settings.chat_poll_seconds,
        media_dirs=media_dirs,
        needs_passkey=passkey is not None,
        practice=settings.sandbox,
        sign_in=settings.sign_in,
        **shared,
    )


def collect_garbage_again() -> None:
    """Enable the garbage collector, and exclude the objects that exist now."""
    gc.freeze()
    gc.enable()
