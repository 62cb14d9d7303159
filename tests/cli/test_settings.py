"""Settings: valid ones are read, and an invalid one stops the start with one exact sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.support.server_process import running
from trax_mcp.settings import DEFAULT_BASE_URL, CannotStart, Settings, read_settings

ADDRESS = "TRAX_BASE_URL must be an address such as https://host, without user, /v1 or query."
HTTPS = "TRAX_BASE_URL must begin with https:// (http only on loopback): keys travel over it."
SECONDS = "{} must be a number of seconds above 0 and at most 600."
SWITCH = "{} must be 1 or 0."
FOLDERS = "TRAX_MEDIA_DIRS must hold whole paths of folders that exist, separated by `:`."
MODE = "TRAX_CONFIRM must be 'auto', 'human', 'preview' or 'flag'."
ORIGINS = (
    "TRAX_ALLOWED_ORIGINS must hold origins such as https://host, without path or slash at the end."
)
LEVEL = "TRAX_LOG_LEVEL must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'."
UNKNOWN = "{} is not a setting of this version of trax-mcp."


def refusal(**environment: str) -> str:
    """The sentence with which this environment is refused."""
    with pytest.raises(CannotStart) as caught:
        read_settings(environment)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_defaults_apply_without_any_setting() -> None:
    """Variables of other programs are ignored."""
    settings = read_settings({"PATH": "/bin", "trax_api_key": "no", "MY_TRAX_API_KEY": "no"})
    assert settings == Settings()
    assert settings.key() is None
    assert settings.base_url == DEFAULT_BASE_URL
    assert settings.base_url.startswith("https://")
    assert (settings.timeout_seconds, settings.chat_poll_seconds) == (10, 2)
    assert (settings.log_level, settings.sandbox) == ("INFO", False)
    assert (settings.confirm, settings.read_only, settings.audit_log) == ("auto", False, None)
    assert (settings.guard_also, settings.tools) == ((), ())


def test_every_setting_is_read(tmp_path: Path) -> None:
    """Each in its field, with the right type."""
    settings = read_settings(
        {
            "TRAX_API_KEY": " sk_live_mine\n",
            "TRAX_BASE_URL": "https://trax.example:8443/base",
            "TRAX_SANDBOX": "1",
            "TRAX_CONFIRM": "human",
            "TRAX_GUARD_ALSO": "send_chat_message , create_studio",
            "TRAX_READ_ONLY": "on",
            "TRAX_TOOLS": "chat,get_studio,",
            "TRAX_AUDIT_LOG": "/var/log/trax.jsonl",
            "TRAX_TIMEOUT_SECONDS": "2.5",
            "TRAX_CHAT_POLL_SECONDS": "600",
            "TRAX_MEDIA_DIRS": f"{tmp_path}{os.pathsep}{tmp_path.parent}",
            "TRAX_LOG_LEVEL": "debug",
            "TRAX_ALLOWED_HOSTS": "mcp.example.com, other.example.com,,",
            "TRAX_ALLOWED_ORIGINS": "https://app.example.com",
            "TRAX_MCP_TOKEN": "mine\n",
        }
    )
    assert settings.key() == "sk_live_mine"
    assert settings.base_url == "https://trax.example:8443/base"
    assert settings.sandbox
    assert settings.confirm == "human"
    assert settings.guard_also == ("send_chat_message", "create_studio")
    assert settings.read_only
    assert settings.tools == ("chat", "get_studio")
    assert settings.audit_log == Path("/var/log/trax.jsonl")
    assert settings.timeout_seconds == 2.5
    assert settings.chat_poll_seconds == 600
    assert settings.media_dirs == (tmp_path, tmp_path.parent)
    assert settings.log_level == "DEBUG"
    assert settings.allowed_hosts == ("mcp.example.com", "other.example.com")
    assert settings.allowed_origins == ("https://app.example.com",)
    assert settings.mcp_token is not None
    assert settings.mcp_token.get_secret_value() == "mine"


def test_an_empty_value_counts_as_unset() -> None:
    """Hosts pass on every variable of their form, filled in or not."""
    names = {f"TRAX_{field.upper()}" for field in Settings.model_fields} - {"TRAX_MCP_TOKEN"}
    for empty in ("", " ", "\n"):
        assert read_settings(dict.fromkeys(names, empty)) == Settings()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("true", True), ("ON", True), ("0", False), ("False", False), ("off", False)],
)
def test_a_switch_accepts_the_usual_spellings(value: str, *, expected: bool) -> None:
    """In any case."""
    assert read_settings({"TRAX_SANDBOX": value}).sandbox is expected
    assert read_settings({"TRAX_READ_ONLY": value}).read_only is expected


def test_the_four_consent_modes_are_accepted() -> None:
    """In any case."""
    for mode in ("auto", "human", "preview", "flag", "AUTO", "Human", "FLAG"):
        assert read_settings({"TRAX_CONFIRM": mode}).confirm == mode.lower()


def test_an_unknown_consent_mode_is_refused() -> None:
    """A misspelt mode must not fall back to another."""
    for value in ("automatic", "off", "none", "1", "flags", "auto,flag"):
        assert refusal(TRAX_CONFIRM=value) == MODE


VALID_URLS = (
    "https://trax.example",
    "https://trax.example/",
    "HTTPS://TRAX.example:8443/deep/er",
    "https://192.0.2.1",
    "http://127.0.0.1:8766",
    "http://127.5.6.7",
    "http://localhost:1",
    "http://LOCALHOST",
    "http://[::1]:8766",
)


def test_a_base_url_is_https_or_on_loopback() -> None:
    """Plain HTTP only on loopback, where no other machine listens."""
    for url in VALID_URLS:
        assert read_settings({"TRAX_BASE_URL": url}).base_url == url


UNENCRYPTED_URLS = (
    "http://trax.example",
    "HTTP://trax.example",
    "http://127.0.0.1.evil.com",
    "http://localhost.evil.com",
    "http://localhost.",
    "http://evil.com/127.0.0.1",
    "http://0.0.0.0:8766",
    "http://127.1",
    "http://2130706433",
    "http://0x7f.0.0.1",
    "http://192.168.0.1",
    "http://[::ffff:192.0.2.1]",
    "http://[2001:db8::1]",
)


def test_a_host_that_only_resembles_loopback_needs_https() -> None:
    """Its owner would get the key unencrypted."""
    refused = {url: refusal(TRAX_BASE_URL=url) for url in UNENCRYPTED_URLS}
    assert refused == dict.fromkeys(UNENCRYPTED_URLS, HTTPS)


INVALID_URLS = (
    "trax.example",
    "//trax.example",
    "https:trax.example",
    "https://",
    "https:///v1",
    "ftp://trax.example",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://me@trax.example",
    "https://me:secret@trax.example",
    "https://@trax.example",
    "http://localhost@evil.com",
    "http://127.0.0.1:80@evil.com",
    "http://evil.com#@127.0.0.1",
    "http://evil.com/http://localhost",
    "http://evil.com\\@127.0.0.1",
    "http://localhost\\.evil.com",
    "https://trax.example\\evil.com",
    "http://127.0.0.1%2eevil.com",
    "http://127.0.0.1\u3002evil.com",
    "http://[::1%25evil.com]",
    "https://trax.example?key=x",
    "https://trax.example?",
    "https://trax.example#here",
    "https://trax.example#",
    "https://trax.example:0",
    "https://trax.example:99999",
    "https://trax.example:port",
    "https://[::1",
    "https://[::::]",
    "https://[trax.example]",
    "https://two words.example",
    "https://tab\tbed.example",
    "https://line\nbroken.example",
    "https://zero\u200bwidth.example",
    "https://trax.example/%2e%2e/",
)


def test_a_base_url_with_anything_else_is_refused() -> None:
    """No credentials, no query, and no ambiguous character."""
    refused = {url: refusal(TRAX_BASE_URL=url) for url in INVALID_URLS}
    assert refused == dict.fromkeys(INVALID_URLS, ADDRESS)


def test_an_invalid_number_of_seconds_is_refused() -> None:
    """Neither zero nor infinite."""
    for name in ("TRAX_TIMEOUT_SECONDS", "TRAX_CHAT_POLL_SECONDS"):
        for value in ("0", "-1", "600.1", "nan", "inf", "-inf", "ten", "10 s"):
            assert refusal(**{name: value}) == SECONDS.format(name)


def test_an_invalid_drain_time_is_refused() -> None:
    """Zero is allowed: then nothing is waited for."""
    assert read_settings({"TRAX_DRAIN_SECONDS": "0"}).drain_seconds == 0
    for value in ("-1", "600.1", "nan", "inf", "ten"):
        sentence = "TRAX_DRAIN_SECONDS must be a number of seconds from 0 to 600."
        assert refusal(TRAX_DRAIN_SECONDS=value) == sentence


def test_a_switch_that_is_neither_on_nor_off_is_refused() -> None:
    """A misspelt safety switch must not count as off."""
    for name in ("TRAX_SANDBOX", "TRAX_READ_ONLY"):
        for value in ("yes", "2", "-", "enabled"):
            assert refusal(**{name: value}) == SWITCH.format(name)


def test_an_origin_with_anything_else_is_refused() -> None:
    """Browsers send no path, so an origin with a path would never match."""
    assert read_settings({"TRAX_ALLOWED_ORIGINS": "https://ok.example, app://x"}).allowed_origins
    for value in (
        "app.example.com",
        "https://app.example.com/",
        "https://a.example/x",
        "*",
        "null",
    ):
        assert refusal(TRAX_ALLOWED_ORIGINS=f"https://ok.example, {value}") == ORIGINS


def test_a_token_must_be_ascii_and_not_a_trax_key() -> None:
    """The server refuses a TRaX key in `Authorization`."""
    ascii_only = "TRAX_MCP_TOKEN must be ASCII: HTTP headers carry nothing else."
    no_key = "TRAX_MCP_TOKEN must not begin with sk_live_: it is this server's own, no TRaX key."
    for token, sentence in (("schl\u00fcssel", ascii_only), ("sk_live_mine", no_key)):
        assert refusal(TRAX_MCP_TOKEN=token) == sentence


def test_an_empty_token_is_refused() -> None:
    """A variable that should hold a token must not switch the check off."""
    sentence = "TRAX_MCP_TOKEN is set and empty: give a token, or do not set it."
    for value in ("", " ", "\n"):
        assert refusal(TRAX_MCP_TOKEN=value) == sentence


def test_an_allowed_host_with_anything_else_is_refused() -> None:
    """It could never match a Host header."""
    for value in ("https://mcp.example.com", "*", "mcp.example.com/mcp", "a b"):
        assert refusal(TRAX_ALLOWED_HOSTS=f"ok.example, {value}") == (
            "TRAX_ALLOWED_HOSTS must hold host names such as mcp.example.com,"
            " without scheme or path."
        )
    given = {"TRAX_ALLOWED_HOSTS": "MCP.Example.com, [::1]:8765, 10.0.0.1:80"}
    assert read_settings(given).allowed_hosts == ("mcp.example.com", "[::1]:8765", "10.0.0.1:80")


def test_media_folders_are_separated_as_in_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty parts are ignored, `~` is the home folder, and spaces are kept."""
    odd = tmp_path / " of 2026, all"
    odd.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    given = os.pathsep.join(("", str(odd), "", "~", f"~/{odd.name}"))
    assert read_settings({"TRAX_MEDIA_DIRS": given}).media_dirs == (odd, tmp_path, odd)


@pytest.mark.parametrize("wrong", ["{}/no-such", "{}/file", ".", "videos", "../", "~no-such-user"])
def test_a_media_folder_must_be_absolute_and_exist(tmp_path: Path, wrong: str) -> None:
    """A misspelt one would allow nothing, or an unintended folder."""
    (tmp_path / "file").write_text("")
    given = os.pathsep.join((str(tmp_path), wrong.format(tmp_path)))
    assert refusal(TRAX_MEDIA_DIRS=given) == FOLDERS.replace(":", os.pathsep)


def test_a_base_url_with_the_api_version_path_is_refused() -> None:
    """Otherwise calls would go to `/v1/v1`."""
    assert refusal(TRAX_BASE_URL="https://api.example/v1/") == ADDRESS


def test_a_value_that_is_not_utf8_is_refused() -> None:
    """Python passes such bytes on as lone surrogates."""
    for name in ("TRAX_CONFIRM", "TRAX_LOG_LEVEL"):
        assert refusal(**{name: "\udcff"}) == f"{name} must be text in UTF-8."
    assert refusal(**{"TRAX_\x1b\udcff": "1"}) == UNKNOWN.format(r"TRAX_\x1b\udcff")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "name", "value", "known"),
    [
        ("", "TRAX_TOOLS", "chat, get_studios", ["chat", "get_studio", "go_live", "meta"]),
        ("", "TRAX_GUARD_ALSO", "list_studios", ["create_studio", "upload_media"]),
        ("http --port 0", "TRAX_GUARD_ALSO", "go_live, send_chat", ["send_chat_message"]),
    ],
)
async def test_an_unknown_tool_name_stops_the_start(
    *, command: str, name: str, value: str, known: list[str]
) -> None:
    """Otherwise the intended tool would not be guarded or hidden; read tools need no guard."""
    async with running(*command.split(), settings={name: value}) as server:
        assert await server.end() == 1
    assert server.stdout.all == []
    (sentence,) = server.stderr.all
    explanation, listed = sentence.rstrip(".\n").split(": ")[1:]
    assert explanation == f"{name} must hold names of these, comma separated"
    assert set(known) <= set(listed.split(", "))
    assert value.rpartition(", ")[2] not in listed.split(", ")


def test_an_unknown_log_level_is_refused() -> None:
    """The sentence lists the valid ones."""
    for value in ("loud", "TRACE", "10"):
        assert refusal(TRAX_LOG_LEVEL=value) == LEVEL


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("TRAX_API_KEYS", "TRAX_API_KEY"),
        ("TRAX_APIKEY", "TRAX_API_KEY"),
        ("TRAX_BASEURL", "TRAX_BASE_URL"),
        ("TRAX_LOGLEVEL", "TRAX_LOG_LEVEL"),
        ("TRAX_TOKEN", "TRAX_MCP_TOKEN"),
        ("TRAX_READONLY", "TRAX_READ_ONLY"),
        ("TRAX_GUARD", "TRAX_GUARD_ALSO"),
        ("TRAX_TOOL", "TRAX_TOOLS"),
        ("TRAX_api_key", "TRAX_API_KEY"),
        ("TRAX_FAVOURITE_COLOUR", None),
        ("TRAX_", None),
    ],
)
def test_an_unknown_setting_is_refused_with_a_suggestion(name: str, suggestion: str | None) -> None:
    """A misspelt safety switch must not be ignored."""
    expected = UNKNOWN.format(name) + (f" Did you mean {suggestion}?" if suggestion else "")
    assert refusal(**{name: "1"}) == expected


def test_a_key_and_a_key_file_together_are_refused() -> None:
    """It would be unclear which one counts."""
    sentence = refusal(TRAX_API_KEY="sk_live_one", TRAX_API_KEY_FILE="/run/secrets/other")
    assert sentence == "TRAX_API_KEY and TRAX_API_KEY_FILE are both set: keep one."


def test_secrets_appear_in_no_representation() -> None:
    """Settings may end up in a log or a traceback."""
    settings = read_settings({"TRAX_API_KEY": "sk_live_secret", "TRAX_MCP_TOKEN": "mine-alone"})
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "sk_live_secret" not in text
        assert "mine-alone" not in text
    assert "secrets" not in repr(read_settings({"TRAX_API_KEY_FILE": "/run/secrets/key"}))


def test_a_refusal_repeats_no_value() -> None:
    """A key in the wrong variable is still a key."""
    for name in (
        "BASE_URL",
        "TIMEOUT_SECONDS",
        "CHAT_POLL_SECONDS",
        "MEDIA_DIRS",
        "SANDBOX",
        "CONFIRM",
        "READ_ONLY",
        "LOG_LEVEL",
        "ALLOWED_ORIGINS",
        "MCP_TOKEN",
        "API_KEYS",
    ):
        assert "sk_live_secret" not in refusal(**{f"TRAX_{name}": "sk_live_secret"})
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"TRAX_MCP_TOKEN": ["sk_live_secret"]})
    assert "sk_live_secret" not in str(caught.value)


def test_settings_are_immutable() -> None:
    """They are read once."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().sandbox = True  # type: ignore[misc]  # the point


def test_whitespace_around_the_key_in_a_file_is_removed(tmp_path: Path) -> None:
    """Editors and hosts end a file with a newline."""
    file = tmp_path / "key"
    file.write_text("\n sk_live_from_file \r\n\n")
    assert read_settings({"TRAX_API_KEY_FILE": str(file)}).key() == "sk_live_from_file"


@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_a_key_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty secret is a host's mistake, not a missing key."""
    file = tmp_path / "key"
    file.write_bytes(content)
    settings = read_settings({"TRAX_API_KEY_FILE": str(file)})
    with pytest.raises(CannotStart, match=r"^TRAX_API_KEY_FILE names an empty file\.$"):
        settings.key()


@pytest.mark.parametrize("kind", ["missing", "folder", "binary"])
def test_a_key_file_that_cannot_be_read_is_refused(tmp_path: Path, kind: str) -> None:
    """The sentence omits the path: it may be the key itself, in the wrong variable."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xffsk_live")
    settings = read_settings({"TRAX_API_KEY_FILE": str(tmp_path / kind)})
    with pytest.raises(CannotStart) as caught:
        settings.key()
    assert str(caught.value) == "TRAX_API_KEY_FILE names a file that cannot be read as a key."
