"""The bundle's manifest matches the code, and its form matches the settings.

`mcpb validate` checks its schema, `make bundle` starts a packed bundle, and `test_generated` checks
its lists of tools and prompts.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import pytest

from tests import ROOT
from tests.support.mcp_bundle import CONTENTS
from tests.support.product.commands import Outcome, run_command
from tests.support.product.reference import SETTINGS
from tests.support.product.server import VERSION
from tests.support.pyproject import DECLARED, PROJECT, build_sources

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text("utf-8"))
SERVER: dict[str, Any] = MANIFEST["server"]
FORM: dict[str, dict[str, Any]] = MANIFEST["user_config"]
KEY = "sk_live_mine"


def form_environment(given: Mapping[str, object]) -> dict[str, str]:
    """The environment that a host makes of a form.

    Like `mcpb`: an untouched field has its default; without a default its placeholder remains.
    """
    defaults = {name: field["default"] for name, field in FORM.items() if "default" in field}
    values = {name: _text(value) for name, value in {**defaults, **given}.items()}
    environment: dict[str, str] = dict(SERVER["mcp_config"]["env"])
    for name, value in values.items():
        placeholder = f"${{user_config.{name}}}"
        environment = {it: text.replace(placeholder, value) for it, text in environment.items()}
    return environment


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_manifest_matches_the_project_metadata() -> None:
    """Name, version, license and Python version."""
    assert (MANIFEST["manifest_version"], SERVER["type"]) == ("0.4", "uv")
    assert (MANIFEST["name"], MANIFEST["version"]) == (PROJECT["name"], VERSION)
    assert MANIFEST["license"] == PROJECT["license"]
    assert MANIFEST["compatibility"]["runtimes"] == {"python": PROJECT["requires-python"]}


def test_the_command_and_the_entry_point_exist() -> None:
    """Some hosts use the entry point with their own command."""
    command = SERVER["mcp_config"]
    assert (command["command"], command["args"][:-1]) == (
        "uv",
        ["run", "--directory", "${__dirname}"],
    )
    assert command["args"][-1] in PROJECT["scripts"]
    assert (ROOT / SERVER["entry_point"]).is_file()


def test_users_do_not_install_development_dependencies() -> None:
    """By default uv also installs the group called dev."""
    assert DECLARED["tool"]["uv"]["default-groups"] == []


def test_the_bundle_contains_what_the_build_needs() -> None:
    """On a user's computer uv builds the package from it."""
    assert build_sources() | {"manifest.json", MANIFEST["icon"]} == CONTENTS


def test_every_form_field_sets_an_existing_setting() -> None:
    """An unknown setting would stop the start."""
    assert SERVER["mcp_config"]["env"] == {
        f"TRAX_{name.upper()}": f"${{user_config.{name}}}" for name in FORM
    }
    assert set(SERVER["mcp_config"]["env"]) <= SETTINGS


def test_only_the_key_is_required_and_it_is_sensitive() -> None:
    """All other fields have defaults."""
    assert [name for name, field in FORM.items() if field["required"]] == ["api_key"]
    assert [name for name, field in FORM.items() if field.get("sensitive")] == ["api_key"]
    assert [name for name, field in FORM.items() if "default" not in field] == ["api_key"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"confirm": "", "media_dirs": ""},
        {"confirm": "  ", "read_only": ""},
        {"read_only": True},
        {"read_only": False},
        *({"confirm": mode} for mode in ("auto", "human", "preview", "flag")),
    ],
    ids=str,
)
def test_a_server_starts_with_what_a_person_fills_in(given: dict[str, object]) -> None:
    """Untouched and emptied fields do not stop the start; hosts write true and false."""
    settings = form_environment({"api_key": KEY, **given})
    assert run_command(settings=settings) == Outcome(0, "", "")


@pytest.mark.parametrize("mode", ["auto", "human", "preview", "flag"])
def test_every_consent_mode_is_described(mode: str) -> None:
    """A bundle's form has no choice fields, so the description must name the values."""
    assert f"{mode}: " in FORM["confirm"]["description"]
    assert FORM["read_only"]["type"] == "boolean"


@pytest.mark.parametrize("prompt", MANIFEST["prompts"], ids=lambda prompt: str(prompt["name"]))
def test_prompt_texts_use_only_the_bundle_placeholder_form(prompt: dict[str, Any]) -> None:
    """A host that fills in arguments itself supports only `${arguments.name}`."""
    text = prompt["text"]
    for name in prompt["arguments"]:
        text = text.replace(f"${{arguments.{name}}}", "")
    assert "$" not in text


def test_the_icon_is_a_square_png_of_512_pixels_with_its_drawing_beside_it() -> None:
    """MCPB recommends this size. A PNG begins with its signature and its size."""
    png = (ROOT / MANIFEST["icon"]).read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack_from(">4xII", png, 8 + 4) == (512, 512)
    assert 'viewBox="0 0 512 512"' in (ROOT / "icon.svg").read_text("utf-8")
