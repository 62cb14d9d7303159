"""A replica starts only on an engine that it can rely on, and says why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from proof.replicas.replicas import consent
from proof.replicas.throwaway_engine import PASSWORD, throwaway_engine
from tests.support.guarded_calls import GO_LIVE
from tests.support.loopback_ports import closed_port
from tests.support.product.commands import run_command_beside
from tests.support.product.memory import store_secret_file
from tests.support.server_process import running
from tests.world.answers import RAN
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from pathlib import Path

    from proof.replicas.throwaway_engine import ThrowawayEngine

SPECIAL: Final = "hunter2/the-second"
NO_ADDRESS: Final = (
    "TRAX_STORE_URL isn't an address such as rediss://user:password@host:6379/0. Correct it:"
    " special characters of a password are written as %2F."
)
AWAY: Final = (
    "No engine answers at TRAX_STORE_URL. Start it, or correct TRAX_STORE_URL: redis:// is without"
    " TLS, rediss:// with it."
)
NO_DATABASE: Final = (
    "Valkey at TRAX_STORE_URL has no database of this number. Take 0, which is always there."
)
REFUSED: Final = (
    "Valkey at TRAX_STORE_URL refuses this user or password. Correct them in TRAX_STORE_URL."
)
NOT_TRUSTED: Final = (
    "Valkey at TRAX_STORE_URL has no certificate that is trusted here. Add ?ssl_ca_certs=FILE"
    " to the address, or use the name in the certificate."
)
NOT_ALLOWED: Final = (
    "Valkey at TRAX_STORE_URL doesn't allow this user what replicas need. Allow INFO, and"
    " scripts and keys that begin with {trax}."
)
IS_FULL: Final = "Valkey at TRAX_STORE_URL has no memory left. Raise its maxmemory."
IS_COPY: Final = (
    "Valkey at TRAX_STORE_URL is a copy of another, and takes no writes. Name the other one in"
    " TRAX_STORE_URL."
)
DROPS_KEYS: Final = (
    "Valkey at TRAX_STORE_URL may drop what it keeps. Set its maxmemory-policy to noeviction."
)
HTTP: Final = ("http", "--port", "0", "--sandbox")


async def refusal(**settings: str) -> str:
    """Why no server starts with these settings, in one sentence, and the remedy."""
    with store_secret_file() as secret:
        settings = {"TRAX_STORE_SECRET_FILE": secret, **settings}
        done = await run_command_beside(*HTTP, settings=settings)
    assert (done.code, done.out) == (1, ""), done
    assert "hunter2" not in done.err
    return done.err.removeprefix("trax-mcp: ").removesuffix("\n")


async def is_fit(**settings: str) -> bool:
    """Whether a process starts with these settings."""
    with store_secret_file() as secret:
        settings = {"TRAX_STORE_SECRET_FILE": secret, **settings}
        async with running(*HTTP, settings=settings) as server:
            return bool(await server.address())


async def test_a_wrong_address_is_refused() -> None:
    """Without a part of it in the text."""
    host = f"127.0.0.1:{closed_port()}"
    for url, sentence in (
        (f"redis://:hunter2@{host}", AWAY),
        ("redis://hunter2.invalid", AWAY),
        ("unix:///nowhere/hunter2.sock", AWAY),
        ("redis://:hunter2/the-second@127.0.0.1:6379", NO_ADDRESS),
        (f"redis://{host}?hunter2=1", NO_ADDRESS),
        (f"redis://{host}?socket_timeout=hunter2", NO_ADDRESS),
        ("redis://[::hunter2", NO_ADDRESS),
        (f"redis://{host}/hunter2", NO_ADDRESS),
    ):
        assert await refusal(TRAX_STORE_URL=url) == sentence


async def test_the_address_may_stand_in_a_file(tmp_path: Path, engine: ThrowawayEngine) -> None:
    """Then it, and the password in it, are in no variable."""
    file = tmp_path / "address"
    file.touch(0o600)
    file.write_text(f"redis://:hunter2@127.0.0.1:{closed_port()}\n", encoding="utf-8")
    assert await refusal(TRAX_STORE_URL_FILE=str(file)) == AWAY
    file.write_text(f"{engine.url}\n", encoding="utf-8")
    assert await is_fit(TRAX_STORE_URL_FILE=str(file))


async def test_an_engine_on_which_nothing_can_be_relied_is_refused(engine: ThrowawayEngine) -> None:
    """One that is full, a copy, or drops keys, even if only those that expire: all of ours do."""
    assert await refusal(TRAX_STORE_URL=f"{engine.url}?db=99") == NO_DATABASE
    async with engine.client() as client:
        await client.config_set("maxmemory", 1)
        assert await refusal(TRAX_STORE_URL=engine.url) == IS_FULL
        await client.config_set("maxmemory", 0)
        await client.config_set("maxmemory-policy", "volatile-ttl")
        assert await refusal(TRAX_STORE_URL=engine.url) == DROPS_KEYS
        await client.config_set("maxmemory-policy", "noeviction")
        await client.config_set("replica-serve-stale-data", "yes")
        await client.replicaof("127.0.0.1", str(closed_port()))
        assert await refusal(TRAX_STORE_URL=engine.url) == IS_COPY


async def test_only_the_user_of_the_shipped_configuration_comes_in(engine: ThrowawayEngine) -> None:
    """The default user does not, with a password or without."""
    async with engine.client() as client:
        reader = {"enabled": True, "passwords": [f"+{SPECIAL}"], "categories": ["+read"]}
        await client.acl_setuser("reader", **reader)  # type: ignore[arg-type]
        await client.execute_command("ACL", "SETUSER", "trax", f">{SPECIAL}")  # type: ignore[no-untyped-call]
    escaped = SPECIAL.replace("/", "%2F")
    for user, sentence in (
        ("", REFUSED),
        (f":{PASSWORD}@", REFUSED),
        (f"default:{PASSWORD}@", REFUSED),
        ("trax:hunter2@", REFUSED),
        (f"reader:{escaped}@", NOT_ALLOWED),
    ):
        assert await refusal(TRAX_STORE_URL=f"unix://{user}{engine.socket}") == sentence
    assert await is_fit(TRAX_STORE_URL=f"unix://trax:{escaped}@{engine.socket}")


async def test_that_user_may_do_what_replicas_need_and_nothing_else(
    engine: ThrowawayEngine,
) -> None:
    """It reaches no other keys, no channels and no settings, and cannot empty the engine."""
    async with open_world(MINE, engine=engine.url) as it:
        assert await consent(it[MINE], GO_LIVE) == RAN
    async with Redis.from_url(engine.url) as client:
        assert await client.set("{trax}:theirs", "1", px=1)
        for refused in ("SET other 1", "GET other", "KEYS *", "FLUSHALL", "CONFIG GET maxmemory",
                        "PUBLISH other 1", "ACL LIST", "MONITOR", "SHUTDOWN"):  # fmt: skip
            with pytest.raises(NoPermissionError):
                await client.execute_command(*refused.split())  # type: ignore[no-untyped-call]


async def test_an_engine_is_reached_over_tls_and_its_certificate_is_checked() -> None:
    """`rediss://`, with the certificate of an authority of the operator's own."""
    async with throwaway_engine(tls=True) as engine:
        url = engine.url.partition("?")[0]
        assert await refusal(TRAX_STORE_URL=url) == NOT_TRUSTED
        assert await refusal(TRAX_STORE_URL=url.replace("rediss", "redis")) == AWAY
        assert await is_fit(TRAX_STORE_URL=engine.url)
