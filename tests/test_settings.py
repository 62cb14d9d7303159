"""Settings: what is right is read, and what is wrong stops the start with one exact sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from trax_mcp.settings import DEFAULT_BASE_URL, Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "TRAX_BASE_URL must be an address such as https://host, without user, query or fragment."
HTTPS = "TRAX_BASE_URL must begin with https:// (http only on loopback): keys travel over it."
SECONDS = "TRAX_TIMEOUT_SECONDS must be a number of seconds above 0 and at most 600."
SWITCH = "TRAX_SANDBOX must be 1 or 0."
LEVEL = "TRAX_LOG_LEVEL must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'."
UNKNOWN = "{} is not a setting of this version of trax-mcp."


def refusal(**environment: str) -> str:
    """The sentence with which this environment is refused."""
    with pytest.raises(SettingsError) as caught:
        read_settings(environment)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_without_any_setting_there_are_defaults() -> None:
    """Names of other programs are none of ours."""
    settings = read_settings({"PATH": "/bin", "trax_api_key": "no", "MY_TRAX_API_KEY": "no"})
    assert settings == Settings()
    assert settings.key() is None
    assert settings.base_url == DEFAULT_BASE_URL
    assert settings.base_url.startswith("https://")
    assert (settings.timeout_seconds, settings.log_level, settings.sandbox) == (10, "INFO", False)


def test_every_setting_is_read() -> None:
    """Each lands in its field, in the shape that the rest of the house wants."""
    settings = read_settings(
        {
            "TRAX_API_KEY": " sk_live_mine\n",
            "TRAX_BASE_URL": "https://trax.example:8443/base",
            "TRAX_SANDBOX": "1",
            "TRAX_TIMEOUT_SECONDS": "2.5",
            "TRAX_LOG_LEVEL": "debug",
            "TRAX_ALLOWED_HOSTS": "mcp.example.com, other.example.com,,",
            "TRAX_ALLOWED_ORIGINS": "https://app.example.com",
            "TRAX_MCP_TOKEN": "mine\n",
        }
    )
    assert settings.key() == "sk_live_mine"
    assert settings.base_url == "https://trax.example:8443/base"
    assert settings.sandbox
    assert settings.timeout_seconds == 2.5
    assert settings.log_level == "DEBUG"
    assert settings.allowed_hosts == ("mcp.example.com", "other.example.com")
    assert settings.allowed_origins == ("https://app.example.com",)
    assert settings.mcp_token is not None
    assert settings.mcp_token.get_secret_value() == "mine"


@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_an_empty_value_is_the_same_as_none(empty: str) -> None:
    """Hosts pass on every variable of their form, filled in or not."""
    names = (f"TRAX_{field.upper()}" for field in Settings.model_fields)
    assert read_settings(dict.fromkeys(names, empty)) == Settings()


@pytest.mark.parametrize(
    ("value", "meant"),
    [("1", True), ("true", True), ("ON", True), ("0", False), ("False", False), ("off", False)],
)
def test_a_switch_is_on_or_off(value: str, *, meant: bool) -> None:
    """The spellings that people use."""
    assert read_settings({"TRAX_SANDBOX": value}).sandbox is meant


@pytest.mark.parametrize(
    "url",
    [
        "https://trax.example",
        "https://trax.example/",
        "HTTPS://TRAX.example:8443/deep/er",
        "https://192.0.2.1",
        "http://127.0.0.1:8766",
        "http://127.5.6.7",
        "http://localhost:1",
        "http://LOCALHOST",
        "http://[::1]:8766",
    ],
)
def test_an_address_is_https_or_on_this_machine(url: str) -> None:
    """Plain HTTP is for loopback alone, where nobody listens in."""
    assert read_settings({"TRAX_BASE_URL": url}).base_url == url


@pytest.mark.parametrize(
    "url",
    [
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
    ],
)
def test_a_name_that_only_looks_like_this_machine_needs_https(url: str) -> None:
    """Whoever owns the name would be sent the key in the clear."""
    assert refusal(TRAX_BASE_URL=url) == HTTPS


@pytest.mark.parametrize(
    "url",
    [
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
    ],
)
def test_an_address_is_nothing_but_an_address(url: str) -> None:
    """No credentials, no query, and no character that two readers may read in two ways."""
    assert refusal(TRAX_BASE_URL=url) == ADDRESS


@pytest.mark.parametrize("value", ["0", "-1", "600.1", "nan", "inf", "-inf", "ten", "10 s"])
def test_a_wrong_number_of_seconds_is_refused(value: str) -> None:
    """Neither no time at all nor for ever."""
    assert refusal(TRAX_TIMEOUT_SECONDS=value) == SECONDS


@pytest.mark.parametrize("value", ["yes", "2", "-", "enabled"])
def test_a_switch_that_is_neither_on_nor_off_is_refused(value: str) -> None:
    """A safety switch must not be read as off because of its spelling."""
    assert refusal(TRAX_SANDBOX=value) == SWITCH


@pytest.mark.parametrize("value", ["loud", "TRACE", "10"])
def test_an_unknown_log_level_is_refused(value: str) -> None:
    """The sentence lists those that there are."""
    assert refusal(TRAX_LOG_LEVEL=value) == LEVEL


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TRAX_API_KEYS", "TRAX_API_KEY"),
        ("TRAX_APIKEY", "TRAX_API_KEY"),
        ("TRAX_BASEURL", "TRAX_BASE_URL"),
        ("TRAX_LOGLEVEL", "TRAX_LOG_LEVEL"),
        ("TRAX_TOKEN", "TRAX_MCP_TOKEN"),
        ("TRAX_api_key", "TRAX_API_KEY"),
        ("TRAX_FAVOURITE_COLOUR", None),
        ("TRAX_", None),
    ],
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(
    name: str, meant: str | None
) -> None:
    """A misspelt switch that is ignored would be worse than a server that does not start."""
    expected = UNKNOWN.format(name) + (f" Did you mean {meant}?" if meant else "")
    assert refusal(**{name: "1"}) == expected


def test_two_keys_are_one_too_many() -> None:
    """Which of them counts must not be a guess."""
    sentence = refusal(TRAX_API_KEY="sk_live_one", TRAX_API_KEY_FILE="/run/secrets/other")
    assert sentence == "TRAX_API_KEY and TRAX_API_KEY_FILE are both set: keep one."


def test_secrets_are_in_no_representation() -> None:
    """Settings may end up in a log or a traceback."""
    settings = read_settings({"TRAX_API_KEY": "sk_live_secret", "TRAX_MCP_TOKEN": "mine-alone"})
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "sk_live_secret" not in text
        assert "mine-alone" not in text
    assert "secrets" not in repr(read_settings({"TRAX_API_KEY_FILE": "/run/secrets/key"}))


def test_a_refusal_repeats_no_value() -> None:
    """A key that was put into the wrong variable is still a key."""
    for name in ("BASE_URL", "TIMEOUT_SECONDS", "SANDBOX", "LOG_LEVEL", "API_KEYS"):
        assert "sk_live_secret" not in refusal(**{f"TRAX_{name}": "sk_live_secret"})
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"TRAX_MCP_TOKEN": ["sk_live_secret"]})
    assert "sk_live_secret" not in str(caught.value)


def test_settings_do_not_change() -> None:
    """They are read once, and everybody sees the same."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().sandbox = True  # type: ignore[misc]  # the point


def test_a_key_file_gives_its_key_without_white_space(tmp_path: Path) -> None:
    """Editors and hosts end a file with a newline."""
    file = tmp_path / "key"
    file.write_text("\n sk_live_from_file \r\n\n")
    assert read_settings({"TRAX_API_KEY_FILE": str(file)}).key() == "sk_live_from_file"


@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_a_key_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty secret is a mistake of the host, not a wish to have no key."""
    file = tmp_path / "key"
    file.write_bytes(content)
    settings = read_settings({"TRAX_API_KEY_FILE": str(file)})
    with pytest.raises(SettingsError, match=r"^TRAX_API_KEY_FILE names an empty file\.$"):
        settings.key()


@pytest.mark.parametrize("kind", ["missing", "folder", "binary"])
def test_a_key_file_that_cannot_be_read_is_refused(tmp_path: Path, kind: str) -> None:
    """The sentence does not repeat the path: it may be the key itself, in the wrong variable."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xffsk_live")
    settings = read_settings({"TRAX_API_KEY_FILE": str(tmp_path / kind)})
    with pytest.raises(SettingsError) as caught:
        settings.key()
    assert str(caught.value) == "TRAX_API_KEY_FILE names a file that cannot be read as a key."
