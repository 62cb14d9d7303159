"""A deployment: everything that the settings ask for, opened in order and closed in reverse."""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.clock import Clock
from trax_mcp.consent.open_questions import LocalPage
from trax_mcp.consent.rules import Rules
from trax_mcp.consent.store import MemoryRecords, Records
from trax_mcp.consent.ways import WaysToAsk
from trax_mcp.instruments import ENGINE_UP
from trax_mcp.key_file import chosen_key
from trax_mcp.private_files import (
    mcp_tokens,
    passkey_path,
    shorten,
    sign_in_path,
    sign_in_secret,
    sign_in_secret_path,
    store_secret,
    store_url,
)
from trax_mcp.settings import CannotStart, Settings, how_to_add
from trax_mcp.web.passkey import Passkey

if TYPE_CHECKING:
    from trax_mcp.replicas import Replicas
    from trax_mcp.sign_in.sign_ins import SignIns
    from trax_mcp.web.room_page import RoomPage

_SANDBOX_URL: Final = "http://localhost"
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What is served, and to whom. `open_deployment` makes it."""

    settings: Settings
    clock: Clock
    trax: Client
    caller: Caller = ANONYMOUS
    """Who calls on stdio, and over HTTP without a key."""
    media_dirs: Sequence[Path] = ()
    """The folders that callers may read from: over HTTP there are none."""
    passkey: Passkey | None = None
    page: LocalPage | None = None
    """The page that asks a person, if they are at this computer."""
    room_page: "RoomPage | None" = None
    """Where control rooms are shown in their browser."""
    records: Records
    """What is remembered of consent: by this process, or by all replicas."""
    engine_answers: Callable[[], bool] | None = None
    """Whether the engine of the replicas answers, if there are several."""
    server_tokens: Collection[str] = field(default=(), repr=False)
    """The tokens of this server's own, of which HTTP callers must bring one if there are any."""
    sign_ins: "SignIns | None" = None
    """Who is signed in, if people can sign in."""

    @property
    def rules(self) -> Rules:
        """Which calls need consent, and how a person is asked."""
        ask = WaysToAsk.of(self.settings.ask, needs_passkey=self.passkey is not None)
        return Rules(ask, frozenset(self.settings.guard_also))


@asynccontextmanager
async def open_deployment(settings: Settings, *, over_http: bool) -> AsyncIterator[Deployment]:
    """Open everything that the settings ask for.

    Over HTTP the operator's key is never used for a caller. The sandbox's key is: it opens nothing.

    Raises:
        CannotStart: something cannot be opened or relied on.
    """
    clock, passkey = Clock(is_local=not over_http), enrolled_passkey(settings)
    async with AsyncExitStack() as opened:
        if over_http:
            access = access_of(settings) if settings.sandbox else Access(settings, ANONYMOUS)
            trax = await opened.enter_async_context(aclosing(client_for(settings)))
            replicas = await _open_replicas(settings, opened)
            yield Deployment(
                settings=settings,
                clock=clock,
                trax=trax,
                caller=access.caller,
                passkey=passkey,
                records=replicas.records if replicas else MemoryRecords(clock),
                engine_answers=replicas.engine_answers if replicas else None,
                server_tokens=mcp_tokens(settings),
                sign_ins=opened.enter_context(open_sign_ins(settings, clock)),
            )
            return
        from trax_mcp.web.approval_page import open_page  # noqa: PLC0415  only where it is shown
        from trax_mcp.web.room_page import open_rooms  # noqa: PLC0415  as above

        access = access_of(settings)
        if access.file is not None and settings.api_key_file is None:
            _LOG.info("The TRaX key is read from %s.", access.file)
        page = open_page(clock, passkey, practice=settings.sandbox)
        yield Deployment(
            settings=access.settings,
            clock=clock,
            trax=await opened.enter_async_context(aclosing(client_for(access.settings))),
            caller=access.caller,
            media_dirs=settings.media_dirs,
            passkey=passkey,
            page=await opened.enter_async_context(page),
            room_page=await opened.enter_async_context(open_rooms(clock)),
            records=MemoryRecords(clock),
        )


class Access(NamedTuple):
    """How a command reaches TRaX: the settings with the deployment of the key, and the caller.

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
    """Create a client of TRaX or of the embedded sandbox. The caller must close it."""
    if not settings.sandbox:
        return Client(base_url=settings.base_url, timeout_seconds=settings.timeout_seconds)
    import httpx  # noqa: PLC0415  imported late, so that the server starts faster

    from trax_mcp.sandbox import Sandbox  # noqa: PLC0415  only where there is one

    return Client(
        base_url=_SANDBOX_URL,
        timeout_seconds=settings.timeout_seconds,
        transport=httpx.ASGITransport(Sandbox(base_url=_SANDBOX_URL).app),
    )


def enrolled_passkey(settings: Settings) -> Passkey | None:
    """The passkey that each approval needs. None if none was enrolled.

    Raises:
        CannotStart: its file is named and missing, or it cannot be read, or no person is asked.
    """
    path = passkey_path(settings)
    if settings.passkey_file is None and not _is_there(path):
        return None
    if not WaysToAsk.of(settings.ask).asks_people:
        raise CannotStart("TRAX_ASK is set so that no person is asked, but a passkey is enrolled.")
    named = f"Your passkey file, {shorten(path)}, is"
    return Passkey.read(path, "TRAX_PASSKEY_FILE names" if settings.passkey_file else named)


def _is_there(passkey: Path) -> bool:
    """Whether the file is there. Unlike `Path.exists`, it never says no where it cannot look."""
    try:
        passkey.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise CannotStart(
            f"trax-mcp can't see whether a passkey is enrolled in {shorten(passkey)}:"
            f" {error.strerror}. Let the server's user open that folder, or set HOME to another."
        ) from None
    return True


async def _open_replicas(settings: Settings, opened: AsyncExitStack) -> "Replicas | None":
    """The memory that replicas share, if there are several.

    Raises:
        CannotStart: its address cannot be read, the extra for it is not installed, or the engine
            cannot be relied on.
    """
    url = store_url(settings)
    if url is None:
        return None
    try:
        from trax_mcp.replicas import open_replicas  # noqa: PLC0415  a part of its own
    except ModuleNotFoundError:
        raise CannotStart(f"TRAX_STORE_URL needs an extra. {how_to_add('replicas')}") from None
    replicas = await opened.enter_async_context(open_replicas(url, store_secret(settings)))
    ENGINE_UP.watch(replicas.engine, attrgetter("answers"))
    return replicas


@contextmanager
def open_sign_ins(settings: Settings, clock: Clock) -> "Iterator[SignIns | None]":
    """The sign-ins, if people can sign in. Their files are made if need be.

    Raises:
        CannotStart: a file of them cannot be relied on.
    """
    if not settings.sign_in:
        yield None
        return
    from trax_mcp.sign_in.sign_ins import SignIns  # noqa: PLC0415  a part of its own

    secret = sign_in_secret(sign_in_secret_path(settings))
    audience = str(settings.public_url)
    with closing(SignIns(sign_in_path(settings), secret, clock, audience=audience)) as sign_ins:
        yield sign_ins
