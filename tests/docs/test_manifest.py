"""The bundle's manifest matches the code, and its form matches the settings.

`mcpb validate` checks its schema, `make bundle` starts a packed bundle, and `test_generated` checks
its lists of tools and prompts.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import pytest

from release.bundle import write_checksum
from release.declared import PROJECT
from tests import ROOT
from tests.support.product.commands import Outcome, run_command
from tests.support.product.reference import SETTINGS
from tests.support.product.server import VERSION
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text("utf-8"))
SERVER: dict[str, Any] = MANIFEST["server"]
FORM: dict[str, dict[str, Any]] = MANIFEST["user_config"]
DEFAULT = "form,panel,page,preview"
KEY = "sk_live_mine"


def form_environment(given: Mapping[str, object]) -> dict[str, str]:
    """The environment that a host makes of a form.

    As `mcpb` does, an untouched field has its default, and true and false are written so.
    """
    environment = {}
    for name, field in FORM.items():
        value = given.get(name, field.get("default"))
        text = str(value).lower() if isinstance(value, bool) else str(value)
        environment[f"TRAX_{name.upper()}"] = text
    return environment


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


async def test_the_entry_point_starts_as_a_script() -> None:
    """Python then looks into its folder first, where `http` is a package of ours."""
    async with running("--version", program=(str(ROOT / SERVER["entry_point"]),)) as server:
        assert await server.end() == 0, server.stderr.text


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
        {"ask": "", "media_dirs": ""},
        {"ask": "  ", "read_only": ""},
        {"read_only": True},
        {"read_only": False},
        {"sandbox": True, "api_key": "practice"},
        {"media_dirs": str(ROOT)},
        *(
            {"ask": it}
            for it in (DEFAULT, "form,panel,page", "page,form", "preview", "confirm_alone")
        ),
    ],
    ids=str,
)
def test_a_server_starts_with_what_a_person_fills_in(given: dict[str, object]) -> None:
    """Untouched and emptied fields do not stop the start; hosts write true and false."""
    settings = form_environment({"api_key": KEY, **given})
    assert run_command(settings=settings) == Outcome(0, "", "")


def test_one_folder_is_picked() -> None:
    """`mcpb` puts no list into a variable: it would leave the field's name there."""
    folders = [name for name, field in FORM.items() if field["type"] == "directory"]
    assert folders == ["media_dirs"]
    assert not FORM["media_dirs"].get("multiple")


def test_what_a_host_fills_in_is_described() -> None:
    """Its form has no choice fields, and its prompts know `${arguments.name}` alone."""
    assert FORM["ask"]["default"] == DEFAULT
    words = (*DEFAULT.split(","), "confirm_alone")
    assert [it for it in words if it not in FORM["ask"]["description"]] == []
    for prompt in MANIFEST["prompts"]:
        text = prompt["text"]
        for name in prompt["arguments"]:
            text = text.replace(f"${{arguments.{name}}}", "")
        assert "$" not in text, prompt["name"]


def test_the_icon_is_a_square_png_of_512_pixels() -> None:
    """MCPB recommends this size. A PNG begins with its signature and its size."""
    png = (ROOT / MANIFEST["icon"]).read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack_from(">4xII", png, 8 + 4) == (512, 512)


def test_a_checksum_stands_next_to_the_bundle(tmp_path: Path) -> None:
    """As `sha256sum --check` reads it."""
    bundle = tmp_path / "trax-mcp.mcpb"
    bundle.write_bytes(b"abc")
    assert write_checksum(bundle).read_text("utf-8") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  trax-mcp.mcpb\n"
    )
