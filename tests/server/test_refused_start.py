"""A server on stdio that refuses to start tells its client why, since few clients show stderr.

With real processes, for what only pipes can show.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.product.commands import run_command
from tests.support.server_process import running
from tests.world.wire import INITIALIZE, MODERN, request

if TYPE_CHECKING:
    from pathlib import Path

DISCOVER: Final = request(MODERN, "server/discover", number=2)
LIST: Final = {"jsonrpc": "2.0", "id": "three", "method": "tools/list"}
NO_REQUESTS: Final = (
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    '{"jsonrpc":"2.0","id":9,"result":{}}',
    "{bad",
    "[" * 100_000,
    "[]",
    "",
)

MISSPELT: Final = (
    "trax-mcp: TRAX_SANBDOX isn't a setting of this version of trax-mcp. Did you mean TRAX_SANDBOX?"
)
REFUSED: Final = {
    MISSPELT: {"TRAX_SANBDOX": "true"},
    "trax-mcp: TRAX_API_KEY: A TRaX key is 1 to 512 visible ASCII characters without spaces.": {
        "TRAX_API_KEY": "sk_live_with a space"
    },
    "trax-mcp: TRAX_API_KEY_FILE names a file that cannot be read: No such file or directory.": {
        "TRAX_API_KEY_FILE": "/nonexistent/secret"
    },
}


@pytest.mark.parametrize("sentence", REFUSED)
async def test_every_request_is_answered_with_the_sentence_until_the_client_hangs_up(
    sentence: str,
) -> None:
    """In both eras; stderr and the exit code are the same as without a client."""
    settings = REFUSED[sentence]
    error = {"code": -32603, "message": sentence}
    async with running(settings=settings) as server:
        for message in (DISCOVER, INITIALIZE, LIST):
            answer = await server.ask(message)
            assert answer == {"jsonrpc": "2.0", "id": message["id"], "error": error}
        await server.write("".join(f"{line}\n" for line in NO_REQUESTS))
        assert (await server.ask({**LIST, "id": 4}))["error"] == error
        assert await server.hang_up() == 1
    assert len(server.stdout.all) == 4
    assert server.stderr.text == f"{sentence}\n"
    assert not [value for value in settings.values() if value in server.stdout.text]


async def test_it_ends_on_its_own_after_ten_seconds() -> None:
    """With the same exit code. Here the ten seconds are shorter."""
    shorter = "from trax_mcp.cli import main, refused_start as it; it.ANSWERING_SECONDS = 0.1"
    program = ("-c", f"{shorter}; main()")
    async with running(settings=REFUSED[MISSPELT], program=program) as server:
        assert await server.end() == 1
    assert server.stderr.text == f"{MISSPELT}\n"


@pytest.mark.parametrize("command", ["http", "doctor"])
async def test_other_commands_answer_nobody(command: str) -> None:
    """Their stdin belongs to no client."""
    async with running(command, settings=REFUSED[MISSPELT]) as process:
        await process.tell(LIST)
        assert await process.end() == 1
    assert LIST["id"] not in process.stdout.text


def test_the_sentence_names_no_value(tmp_path: Path) -> None:
    """Of the settings that say where a key is, and who is asked."""
    key, passkey = tmp_path / "key", tmp_path / "passkey.json"
    key.write_text("sk_live_mine\nhttps://trax.example\n", encoding="utf-8")
    passkey.write_text(json.dumps({}), encoding="utf-8")
    for settings in (
        {"TRAX_API_KEY_FILE": str(key), "TRAX_BASE_URL": "https://other.example"},
        {"TRAX_PASSKEY_FILE": str(passkey), "TRAX_ASK": "preview"},
    ):
        ended = run_command(settings=settings)
        assert ended.code == 1
        assert ended.err.startswith("trax-mcp: ")
        assert not [value for value in settings.values() if value in ended.err]
