"""Settings: a wrong one stops the start with one exact sentence that names it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import mcp
import pytest

from tests.support.product.commands import Outcome, run_command
from tests.support.product.reference import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.product.server import Product

ADDRESS = "must be an address such as https://host, without user, /v1 or query"
HTTPS = "must begin with https:// (http only on loopback): keys travel over it"
NO_NUMBER = "must be a valid number, unable to parse string as a number"
NO_PORT = "must be a valid integer, unable to parse string as an integer"
FOLDERS = (
    "must hold the full paths of folders that exist, such as /home/ann/Videos, separated by `:`"
)
WAYS = "must hold form, panel, page and preview, or some of them, comma separated; or confirm_alone"
ALONE = "must hold nothing else with confirm_alone: then nobody is asked"
LAST = "must have preview last: each client shows one, so nothing after it counts"
FORMER = {
    "form,panel,page,preview": ("auto", "maybe"),
    "form,panel,page": ("human", "HUMAN"),
    "preview": ("preview",),
    "confirm_alone": ("flag",),
}
ORIGINS = "must hold origins such as https://host, without path or slash at the end"
HOSTS = "must hold host names such as mcp.example.com, without scheme or path"
METRICS = "must be an address of this machine such as 127.0.0.1 or 0.0.0.0"
UNKNOWN = "isn't a setting of this version of trax-mcp"
TOO_MUCH = "must be less than or equal to 600"
NEGATIVE = "must be greater than or equal to 0"


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


ACCEPTED: Final = {
    "TRAX_ASK": ("preview", "Panel,FORM,,", "Confirm_Alone"),
    "TRAX_METRICS_HOST": ("::1", "localhost"),
    "TRAX_CLIENT_DOCUMENT_HOSTS": ("client.example.com:8443/oauth/, claude.example.com",),
    "TRAX_LOG_FORMAT": ("Text",),
    "TRAX_BASE_URL": (
        "HTTPS://TRAX.example:8443/deep/er/",
        "https://192.0.2.1",
        "http://127.5.6.7:8766",
        "http://LOCALHOST",
        "http://[::1]:8766",
    ),
}
UNENCRYPTED_URLS: Final = (
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
"""Their owners would get the key unencrypted."""
INVALID_URLS: Final = (
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
SECONDS: Final = (
    ("must be greater than 0", ("0",)),
    (NO_NUMBER, ("10 s",)),
    (TOO_MUCH, ("600.1", "nan", "inf")),
)
REFUSED: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("TRAX_SANDBOX", "must be 1 or 0", ("maybe", "2", "-")),
    ("TRAX_READ_ONLY", "must be 1 or 0", ("maybe", "2", "-")),
    ("TRAX_ASK", WAYS, ("forms", "auto", "1", "form;page", "\udcff")),
    ("TRAX_ASK", "is an empty list: name form, panel, page or preview, or don't set it", (",",)),
    ("TRAX_ASK", "has the same word twice", ("form,page,form", "confirm_alone,confirm_alone")),
    ("TRAX_ASK", ALONE, ("confirm_alone,form", "form,preview,confirm_alone")),
    ("TRAX_ASK", LAST, ("preview,form", "form,preview,page")),
    ("TRAX_LOG_LEVEL", "must be text in UTF-8", ("\udcff",)),
    ("TRAX_BASE_URL", HTTPS, UNENCRYPTED_URLS),
    ("TRAX_BASE_URL", ADDRESS, INVALID_URLS),
    *(("TRAX_TIMEOUT_SECONDS", *it) for it in SECONDS),
    *(("TRAX_CHAT_POLL_SECONDS", *it) for it in SECONDS),
    ("TRAX_DRAIN_SECONDS", NEGATIVE, ("-1",)),
    *(("TRAX_DRAIN_SECONDS", *it) for it in SECONDS[1:]),
    ("TRAX_METRICS_PORT", NEGATIVE, ("-1",)),
    ("TRAX_METRICS_PORT", "must be less than or equal to 65535", ("65536",)),
    ("TRAX_METRICS_PORT", NO_PORT, ("http",)),
    ("TRAX_METRICS_HOST", METRICS, ("metrics.example.com", "127.0.0.1:9464", "[::1]", "*")),
    ("TRAX_ALLOWED_ORIGINS", ORIGINS, ("app.example.com", "https://a.example/", "*", "null")),
    ("TRAX_ALLOWED_HOSTS", HOSTS, ("https://a.example", "*", "mcp.example.com/mcp", "a b")),
    (
        "TRAX_CLIENT_DOCUMENT_HOSTS",
        "must hold hosts such as client.example.com or client.example.com/oauth, without scheme",
        ("https://client.example.com", "Client.example.com", "a.example/x?y", "*", "a b"),
    ),
    ("TRAX_MCP_TOKEN", "must be ASCII: HTTP headers carry nothing else", ("schl\u00fcssel",)),
    (
        "TRAX_MCP_TOKEN",
        "must not begin with sk_live_: it is this server's own, no TRaX key",
        ("sk_live_mine",),
    ),
    # a variable that should hold a token must not switch the check off
    ("TRAX_MCP_TOKEN", "is set and empty: give a token, or don't set it", ("", "\n")),
    ("TRAX_MCP_TOKEN_FILE", "is set and empty: name a file, or don't set it", ("", "\n")),
    ("TRAX_LOG_LEVEL", "must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'", ("loud",)),
    ("TRAX_LOG_FORMAT", "must be 'text' or 'json'", ("jsonl", "1", "json,text")),
    ("TRAX_APIKEY", f"{UNKNOWN}. Did you mean TRAX_API_KEY?", ("1",)),
    ("TRAX_TOKEN", f"{UNKNOWN}. Did you mean TRAX_MCP_TOKEN?", ("1",)),
    ("TRAX_READONLY", f"{UNKNOWN}. Did you mean TRAX_READ_ONLY?", ("1",)),
    ("TRAX_GUARD", f"{UNKNOWN}. Did you mean TRAX_GUARD_ALSO?", ("1",)),
    ("TRAX_api_key", f"{UNKNOWN}. Did you mean TRAX_API_KEY?", ("1",)),
    ("TRAX_FAVOURITE_COLOUR", UNKNOWN, ("1",)),
    ("TRAX_", UNKNOWN, ("1",)),
)
"""By setting and sentence: the values that are refused with it."""


def test_a_wrong_value_or_an_unknown_name_stops_the_start() -> None:
    """A misspelt safety switch must not count as off, and no value is repeated."""
    found = [
        (name, problem, value, refusal(**{name: value}))
        for name, problem, values in REFUSED
        for value in values
    ]
    sentences = {it: it if it.endswith("?") else f"{it}." for _, it, _ in REFUSED}
    assert [it for it in found if it[-1] != f"{it[0]} {sentences[it[1]]}"] == []


@pytest.mark.parametrize("name", ACCEPTED)
def test_other_spellings_are_accepted(name: str) -> None:
    """Plain HTTP only on loopback, where no other machine listens."""
    assert [it for it in ACCEPTED[name] if not starts(**{name: it})] == []


def test_media_folders_are_separated_as_in_path(tmp_path: Path) -> None:
    """Empty parts are ignored, `~` is the home folder, and spaces are kept."""
    odd = tmp_path / " of 2026, all"
    odd.mkdir()
    given = os.pathsep.join(("", str(odd), "", "~", f"~/{odd.name}"))
    assert starts(TRAX_MEDIA_DIRS=given, HOME=str(tmp_path))
    (tmp_path / "file").write_text("", encoding="utf-8")
    sentence = f"TRAX_MEDIA_DIRS {FOLDERS}.".replace("`:`", f"`{os.pathsep}`")
    for wrong in (f"{tmp_path}/no-such", f"{tmp_path}/file", ".", "videos", "~no-such-user"):
        assert refusal(TRAX_MEDIA_DIRS=os.pathsep.join((str(tmp_path), wrong))) == sentence


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


@pytest.mark.parametrize("name", ["TRAX_API_KEY", "TRAX_MCP_TOKEN", "TRAX_STORE_URL"])
def test_a_secret_and_its_file_together_are_refused(name: str) -> None:
    """It would be unclear which one counts."""
    sentence = refusal(**{name: "redis://localhost", f"{name}_FILE": "/run/secrets/other"})
    assert sentence == f"{name} and {name}_FILE are both set: keep one."


def test_a_refusal_repeats_no_value() -> None:
    """A key in the wrong variable is still a key. Control characters of a name are escaped."""
    names = [it for it in sorted(SETTINGS) if not it.endswith(("_KEY", "_FILE"))]
    said = {name: run_command(settings={name: "sk_live_secret"}) for name in names}
    assert [name for name, it in said.items() if "sk_live_secret" in it.out + it.err] == []
    assert refusal(**{"TRAX_\x1b\udcff": "1"}) == rf"TRAX_\x1b\udcff {UNKNOWN}."


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\n sk_live_from_file \r\n\n", None),
        (b" \n\t\n", " names an empty file."),
        (b"\xffsk_live", " names a file that isn't text in UTF-8."),
        (None, " names a file that cannot be read: No such file or directory."),
        (b"x" * 5000, " names a file of more than 4096 bytes."),
        (b"one\ntwo\n", ": A TRaX key is 1 to 512 visible ASCII characters without spaces."),
    ],
    ids=["with blanks", "empty", "binary", "missing", "long", "two"],
)
def test_a_key_file_holds_one_key(
    tmp_path: Path, content: bytes | None, problem: str | None
) -> None:
    """Blanks around it do not count. Its path is not repeated: it may be the key itself."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    if problem is None:
        assert starts(TRAX_API_KEY_FILE=str(file))
    else:
        assert refusal(TRAX_API_KEY_FILE=str(file)) == f"TRAX_API_KEY_FILE{problem}"
