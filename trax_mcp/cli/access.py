"""How a command reaches TRaX: the caller, their deployment, and a client of it."""

from pathlib import Path
from typing import Final, NamedTuple

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.key_file import chosen_key
from trax_mcp.private_files import shorten
from trax_mcp.settings import CannotStart, Settings

_SANDBOX_URL: Final = "http://localhost"


class Access(NamedTuple):
    """The operator as caller, and the settings with the deployment that their key is for.

    `file` is the file of the key, None if it stands in the environment or there is none.
    """

    settings: Settings
    caller: Caller
    file: Path | None = None


def access_of(settings: Settings) -> Access:
    """Who calls which TRaX, over stdio; on the sandbox, the owner of its full key.

    Raises:
        CannotStart: the key cannot be read, is malformed, or is for another deployment.
    """
    if settings.sandbox:
        from trax_mcp.sandbox import SANDBOX_KEY  # noqa: PLC0415  only where there is a sandbox

        return Access(settings, Caller(SANDBOX_KEY))
    stored, name = chosen_key(settings), "TRAX_API_KEY"
    key = None if settings.api_key is None else settings.api_key.get_secret_value().strip()
    if stored is not None:
        key = stored.key
        name = (
            "TRAX_API_KEY_FILE"
            if settings.api_key_file
            else f"Your key file, {shorten(stored.path)}"
        )
        if stored.base_url is not None:
            settings = settings.model_copy(update={"base_url": stored.base_url})
    try:
        return Access(settings, Caller(key), stored.path if stored else None)
    except ValueError as error:
        raise CannotStart(f"{name}: {error}") from None


def client_for(settings: Settings) -> Client:
    """Create a client of the deployment or of the embedded sandbox. The caller must close it."""
    if not settings.sandbox:
        return Client(base_url=settings.base_url, timeout_seconds=settings.timeout_seconds)
    import httpx  # noqa: PLC0415  imported late, so that the server starts faster

    from trax_mcp.sandbox import Sandbox  # noqa: PLC0415  only where there is one

    return Client(
        base_url=_SANDBOX_URL,
        timeout_seconds=settings.timeout_seconds,
        transport=httpx.ASGITransport(Sandbox(base_url=_SANDBOX_URL).app),
    )
