"""Settings: a wrong one stops the start with one exact sentence that names it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import mcp
import pytest

from tests.support.product.commands import Outcome, run_command
from tests.support.product.reference import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.product.server import Product

ADDRESS = "TRAX_BASE_URL must be an address such as https://host, without user, /v1 or query."
HTTPS = "TRAX_BASE_URL must begin with https:// (http only on loopback): keys travel over it."
NO_NUMBER = "must be a valid number, unable to parse string as a number"
SWITCH = "{} must be 1 or 0."
FOLDERS = "TRAX_MEDIA_DIRS must hold whole paths of folders that exist, separated by `:`."
MODE = "TRAX_CONFIRM must be 'auto', 'human', 'preview' or 'flag'."
ORIGINS = (
    "TRAX_ALLOWED_ORIGINS must hold origins such as https://host, without path or slash at the end."
)
LEVEL = "TRAX_LOG_LEVEL must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'."
FORMAT = "TRAX_LOG_FORMAT must be 'text' or 'json'."
UNKNOWN = "{} is not a setting of this version of trax-mcp."


def refusal(**settings: str) -> str:
    """The sentence with which the start is refused."""
    done = run_command(settings=settings)
    assert (done.code, done.out) == (1, "")
    (sentence,) = done.err.splitlines()
    return sentence.removeprefix("trax-mcp: ")


def starts(**settings: str) -> bool:
    """Whether the server starts, and says nothing."""
    return run_command(settings=settings) == Outcome(0, "", "")


def test_the_server_starts_with_every_setting(tmp_path: Path) -> None:
    """Variables of other programs are ignored."""
    assert starts(trax_api_key="no", MY_TRAX_API_KEY="no")
    assert starts(
        TRAX_API_KEY=" sk_live_mine\n",
        TRAX_BASE_URL="https://trax.example:8443/base",
        TRAX_CONFIRM="human",
        TRAX_ASK="page, form",
        TRAX_GUARD_ALSO="send_chat_message , create_studio",
        TRAX_READ_ONLY="on",
        TRAX_TOOLS="chat,get_studio,",
        TRAX_AUDIT_LOG=str(tmp_path / "trax.jsonl"),
        TRAX_TIMEOUT_SECONDS="2.5",
        TRAX_CHAT_POLL_SECONDS="600",
        TRAX_MEDIA_DIRS=f"{tmp_path}{os.pathsep}{tmp_path.parent}",
        TRAX_LOG_LEVEL="warning",
        TRAX_LOG_FORMAT="JSON",
        TRAX_ALLOWED_HOSTS="mcp.example.com, [::1]:8765, 10.0.0.1:80,,",
        TRAX_ALLOWED_ORIGINS="https://app.example.com, app://x",
        TRAX_DRAIN_SECONDS="0",
        TRAX_MCP_TOKEN="mine\n",  # noqa: S106  no real one
        TRAX_METRICS_PORT="9464",
        TRAX_METRICS_HOST="0.0.0.0",  # noqa: S104  nothing listens there on stdio
    )


def test_an_empty_value_counts_as_unset() -> None:
    """Hosts pass on every variable of their form, filled in or not."""
    never_empty = {"TRAX_MCP_TOKEN", "TRAX_MCP_TOKEN_FILE"}
    for empty in ("", " ", "\n"):
        assert starts(**dict.fromkeys(SETTINGS - never_empty, empty))


@pytest.mark.parametrize(("value", "is_on"), [("Yes", True), ("ON", True), ("False", False)])
async def test_a_switch_accepts_the_usual_spellings(
    open_product: Callable[..., Product], value: str, *, is_on: bool
) -> None:
    async with mcp.Client(open_product(TRAX_READ_ONLY=value).server()) as client:
        names = [it.name for it in (await client.list_tools()).tools]
    assert ("go_live" not in names) is is_on


def test_a_switch_that_is_neither_on_nor_off_is_refused() -> None:
    """A misspelt safety switch must not count as off."""
    for name in ("TRAX_SANDBOX", "TRAX_READ_ONLY"):
        for value in ("maybe", "2", "-"):
            assert refusal(**{name: value}) == SWITCH.format(name)


def test_an_unknown_consent_mode_is_refused() -> None:
    """A misspelt mode must not fall back to another. Its case does not matter."""
    assert all(starts(TRAX_CONFIRM=mode) for mode in ("AUTO", "Human", "preview", "FLAG"))
    for value in ("automatic", "off", "1", "auto,flag"):
        assert refusal(TRAX_CONFIRM=value) == MODE


VALID_URLS = (
    "HTTPS://TRAX.example:8443/deep/er/",
    "https://192.0.2.1",
    "http://127.5.6.7:8766",
    "http://LOCALHOST",
    "http://[::1]:8766",
)
UNENCRYPTED_URLS = (
    "HTTP://trax.example",
    "http://127.0.0.1.evil.com",
    "http://localhost.evil.com",
    "http://localhost.",
    "http://evil.com/127.0.0.1",
    "http://0.0.0.0:8766",
    "http://127.1",
    "http://2130706433",
    "http://192.168.0.1",
    "http://[2001:db8::1]",
)
INVALID_URLS = (
    "trax.example",
    "//trax.example",
    "https:trax.example",
    "https:///v1",
    "file:///etc/passwd",
    "https://api.example/v1/",
    "https://me:secret@trax.example",
    "http://127.0.0.1:80@evil.com",
    "http://evil.com#@127.0.0.1",
    "http://evil.com/http://localhost",
    "http://evil.com\\@127.0.0.1",
    "http://127.0.0.1%2eevil.com",
    "http://127.0.0.1\u3002evil.com",
    "http://[::1%25evil.com]",
    "https://trax.example?key=x",
    "https://trax.example#",
    "https://trax.example:0",
    "https://trax.example:port",
    "https://[::1",
    "https://two words.example",
    "https://line\nbroken.example",
    "https://zero\u200bwidth.example",
)


def test_a_base_url_is_https_or_on_loopback() -> None:
    """Plain HTTP only on loopback, where no other machine listens."""
    assert [it for it in VALID_URLS if not starts(TRAX_BASE_URL=it)] == []


def test_a_host_that_only_resembles_loopback_needs_https() -> None:
    """Its owner would get the key unencrypted."""
    refused = {url: refusal(TRAX_BASE_URL=url) for url in UNENCRYPTED_URLS}
    assert refused == dict.fromkeys(UNENCRYPTED_URLS, HTTPS)


def test_a_base_url_with_anything_else_is_refused() -> None:
    """No credentials, no query, no `/v1`, and no ambiguous character."""
    refused = {url: refusal(TRAX_BASE_URL=url) for url in INVALID_URLS}
    assert refused == dict.fromkeys(INVALID_URLS, ADDRESS)


def test_an_invalid_number_of_seconds_is_refused() -> None:
    """Neither zero nor infinite, but for the time of a drain."""
    over = dict.fromkeys(("600.1", "nan", "inf"), "must be less than or equal to 600")
    positive = {"0": "must be greater than 0", "10 s": NO_NUMBER, **over}
    for name in ("TRAX_TIMEOUT_SECONDS", "TRAX_CHAT_POLL_SECONDS"):
        for value, problem in positive.items():
            assert refusal(**{name: value}) == f"{name} {problem}."
    for value, problem in {"-1": "must be greater than or equal to 0", "ten": NO_NUMBER}.items():
        assert refusal(TRAX_DRAIN_SECONDS=value) == f"TRAX_DRAIN_SECONDS {problem}."
    for value, problem in over.items():
        assert refusal(TRAX_DRAIN_SECONDS=value) == f"TRAX_DRAIN_SECONDS {problem}."


def test_a_wrong_port_or_address_for_prometheus_is_refused() -> None:
    """A name could be that of another machine."""
    for value, problem in {
        "-1": "must be greater than or equal to 0",
        "65536": "must be less than or equal to 65535",
        "http": "must be a valid integer, unable to parse string as an integer",
    }.items():
        assert refusal(TRAX_METRICS_PORT=value) == f"TRAX_METRICS_PORT {problem}."
    for value in ("metrics.example.com", "127.0.0.1:9464", "[::1]", "*"):
        assert refusal(TRAX_METRICS_HOST=value) == (
            "TRAX_METRICS_HOST must be an address of this machine such as 127.0.0.1 or 0.0.0.0."
        )
    assert starts(TRAX_METRICS_HOST="::1")
    assert starts(TRAX_METRICS_HOST="localhost")


def test_an_origin_with_anything_else_is_refused() -> None:
    """Browsers send no path, so an origin with a path would never match."""
    for value in ("app.example.com", "https://app.example.com/", "*", "null"):
        assert refusal(TRAX_ALLOWED_ORIGINS=f"https://ok.example, {value}") == ORIGINS


def test_an_allowed_host_with_anything_else_is_refused() -> None:
    """It could never match a Host header."""
    for value in ("https://mcp.example.com", "*", "mcp.example.com/mcp", "a b"):
        assert refusal(TRAX_ALLOWED_HOSTS=f"ok.example, {value}") == (
            "TRAX_ALLOWED_HOSTS must hold host names such as mcp.example.com,"
            " without scheme or path."
        )


def test_a_token_must_be_ascii_and_not_a_trax_key() -> None:
    """The server refuses a TRaX key in `Authorization`."""
    ascii_only = "TRAX_MCP_TOKEN must be ASCII: HTTP headers carry nothing else."
    no_key = "TRAX_MCP_TOKEN must not begin with sk_live_: it is this server's own, no TRaX key."
    for token, sentence in (("schl\u00fcssel", ascii_only), ("sk_live_mine", no_key)):
        assert refusal(TRAX_MCP_TOKEN=token) == sentence


def test_an_empty_token_is_refused() -> None:
    """A variable that should hold a token must not switch the check off."""
    no_token = "TRAX_MCP_TOKEN is set and empty: give a token, or do not set it."
    no_file = "TRAX_MCP_TOKEN_FILE is set and empty: name a file, or do not set it."
    for value in ("", "\n"):
        assert refusal(TRAX_MCP_TOKEN=value) == no_token
        assert refusal(TRAX_MCP_TOKEN_FILE=value) == no_file


def test_media_folders_are_separated_as_in_path(tmp_path: Path) -> None:
    """Empty parts are ignored, `~` is the home folder, and spaces are kept."""
    odd = tmp_path / " of 2026, all"
    odd.mkdir()
    given = os.pathsep.join(("", str(odd), "", "~", f"~/{odd.name}"))
    assert starts(TRAX_MEDIA_DIRS=given, HOME=str(tmp_path))


@pytest.mark.parametrize("wrong", ["{}/no-such", "{}/file", ".", "videos", "~no-such-user"])
def test_a_media_folder_must_be_absolute_and_exist(tmp_path: Path, wrong: str) -> None:
    """A misspelt one would allow nothing, or an unintended folder."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    given = os.pathsep.join((str(tmp_path), wrong.format(tmp_path)))
    assert refusal(TRAX_MEDIA_DIRS=given) == FOLDERS.replace(":", os.pathsep)


def test_a_value_that_is_not_utf8_is_refused() -> None:
    """Python passes such bytes on as lone surrogates."""
    assert refusal(TRAX_CONFIRM="\udcff") == "TRAX_CONFIRM must be text in UTF-8."
    assert refusal(**{"TRAX_\x1b\udcff": "1"}) == UNKNOWN.format(r"TRAX_\x1b\udcff")


@pytest.mark.parametrize(
    ("command", "name", "value", "known"),
    [
        ("", "TRAX_TOOLS", "chat, get_studios", ["chat", "get_studio", "go_live", "meta"]),
        ("", "TRAX_GUARD_ALSO", "list_studios", ["create_studio", "upload_media"]),
        ("http --port 0", "TRAX_GUARD_ALSO", "go_live, send_chat", ["send_chat_message"]),
    ],
)
def test_an_unknown_tool_name_stops_the_start(
    *, command: str, name: str, value: str, known: list[str]
) -> None:
    """Otherwise the intended tool would not be guarded or hidden; read tools need no guard."""
    done = run_command(*command.split(), settings={name: value})
    assert (done.code, done.out) == (1, "")
    explanation, listed = done.err.rstrip(".\n").split(": ")[1:]
    assert explanation == f"{name} must hold names of these, comma separated"
    assert set(known) <= set(listed.split(", "))
    assert value.rpartition(", ")[2] not in listed.split(", ")


def test_an_unknown_log_level_is_refused_on_both_transports() -> None:
    """The sentence lists the valid ones."""
    assert refusal(TRAX_LOG_LEVEL="loud") == LEVEL
    http = run_command("http", "--port", "0", settings={"TRAX_LOG_LEVEL": "loud"})
    assert http == Outcome(1, "", f"trax-mcp: {LEVEL}\n")


def test_an_unknown_log_format_is_refused() -> None:
    """Its case does not matter."""
    assert starts(TRAX_LOG_FORMAT="Text")
    for value in ("jsonl", "1", "json,text"):
        assert refusal(TRAX_LOG_FORMAT=value) == FORMAT


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("TRAX_APIKEY", "TRAX_API_KEY"),
        ("TRAX_TOKEN", "TRAX_MCP_TOKEN"),
        ("TRAX_READONLY", "TRAX_READ_ONLY"),
        ("TRAX_GUARD", "TRAX_GUARD_ALSO"),
        ("TRAX_api_key", "TRAX_API_KEY"),
        ("TRAX_FAVOURITE_COLOUR", None),
        ("TRAX_", None),
    ],
)
def test_an_unknown_setting_is_refused_with_a_suggestion(name: str, suggestion: str | None) -> None:
    """A misspelt safety switch must not be ignored."""
    expected = UNKNOWN.format(name) + (f" Did you mean {suggestion}?" if suggestion else "")
    assert refusal(**{name: "1"}) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRAX_API_KEY", "sk_live_one"),
        ("TRAX_MCP_TOKEN", "mine"),
        ("TRAX_STORE_URL", "redis://localhost"),
    ],
)
def test_a_secret_and_its_file_together_are_refused(name: str, value: str) -> None:
    """It would be unclear which one counts."""
    sentence = refusal(**{name: value, f"{name}_FILE": "/run/secrets/other"})
    assert sentence == f"{name} and {name}_FILE are both set: keep one."


def test_a_refusal_repeats_no_value() -> None:
    """A key in the wrong variable is still a key."""
    names = [it for it in sorted(SETTINGS) if not it.endswith(("_KEY", "_FILE"))]
    said = {name: run_command(settings={name: "sk_live_secret"}) for name in names}
    assert [name for name, it in said.items() if "sk_live_secret" in it.out + it.err] == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\n sk_live_from_file \r\n\n", None),
        (b" \n\t\n", "TRAX_API_KEY_FILE names an empty file."),
        (b"\xffsk_live", "TRAX_API_KEY_FILE names a file that cannot be read as a key."),
        (None, "TRAX_API_KEY_FILE names a file that cannot be read as a key."),
    ],
    ids=["with blanks", "empty", "binary", "missing"],
)
def test_a_key_file_holds_one_key(
    tmp_path: Path, content: bytes | None, sentence: str | None
) -> None:
    """Blanks around it do not count. Its path is not repeated: it may be the key itself."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    if sentence is None:
        assert starts(TRAX_API_KEY_FILE=str(file))
    else:
        assert refusal(TRAX_API_KEY_FILE=str(file)) == sentence
