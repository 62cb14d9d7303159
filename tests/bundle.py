"""A packed bundle as a host meets it: unpacked elsewhere, filled in, started by its own manifest.

`make bundle` runs it. What a host does is left to `mcpb`, the packer, which holds the very code
that Claude Desktop reads bundles with. It needs the network: uv fetches what `pyproject.toml` asks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from mcp import Client, StdioServerParameters

from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP = {"LICENSE", "README.md", "icon.png", "manifest.json", "prompts", "pyproject.toml", "trax_mcp"}
"""What a bundle holds, and nothing else."""

FIRST_START_SECONDS = 120
"""uv has to fetch and build on the first start."""

SUFFIXES = {".json", ".md", ".png", ".py", ".toml", ".typed"}
KEY = "sk_live_bundle"
_RESOLVE = """
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb/node";
const [extensionPath, manifest, userConfig] = process.argv.slice(1);
const config = await getMcpConfigForManifest({
  manifest: JSON.parse(manifest), userConfig: JSON.parse(userConfig), extensionPath,
  systemDirs: {}, pathSeparator: "/",
});
console.log(JSON.stringify(config ?? null));
"""


@dataclass(frozen=True, slots=True)
class Host:
    """A program that opens bundles, with node, uv and mcpb from the folder `tools`."""

    tools: Path

    def unpack(self, bundle: Path, folder: Path) -> None:
        """Do what a host does when a bundle is opened."""
        self._run(str(self.tools / "node_modules/.bin/mcpb"), "unpack", str(bundle), str(folder))

    def command(self, folder: Path, filled_in: Mapping[str, object]) -> dict[str, Any] | None:
        """What a host would start, None where something required is not filled in."""
        manifest = (folder / "manifest.json").read_text(encoding="utf-8")
        words = ("--input-type=module", "--eval", _RESOLVE, "--", str(folder), manifest)
        answer = self._run("node", *words, json.dumps(filled_in))
        command: dict[str, Any] | None = json.loads(answer)
        return command

    def starting(self, config: Mapping[str, Any]) -> Client:
        """An MCP client that starts the server so, on the sandbox."""
        env = self._environment() | config["env"] | {"TRAX_SANDBOX": "1"}
        command = StdioServerParameters(command=config["command"], args=config["args"], env=env)
        return Client(command)

    def _run(self, *command: str) -> str:
        return subprocess.run(  # noqa: S603  our own tools, our own words
            command,
            env=self._environment(),
            cwd=self.tools,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join((str(self.tools / "bin"), os.environ["PATH"]))
        kept = {name: it for name, it in os.environ.items() if not name.startswith("TRAX_")}
        # Trusting what the system trusts: uv has a list of its own, which knows no company's proxy.
        ours = {"UV_CACHE_DIR": str(self.tools / "uv"), "UV_SYSTEM_CERTS": "1"}
        return kept | {"PATH": path} | ours


async def check(host: Host, bundle: Path, elsewhere: Path) -> str:
    """See that the bundle holds what it should, and starts however its form is filled in.

    Returns what was seen, for a person.

    Raises:
        AssertionError: it does not.
    """
    folder = elsewhere / "Claude Extensions" / "trax-mcp"
    host.unpack(bundle, folder)
    check_contents(folder)
    assert host.command(folder, {}) is None, "it starts without a key"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    tools, prompts = await listed(host, folder, media_dirs=str(elsewhere))
    compare(tools, [tool["name"] for tool in manifest["tools"]])
    compare(prompts, [prompt["name"] for prompt in manifest["prompts"]])
    compare((await listed(host, folder))[0], offered())
    emptied = await listed(host, folder, confirm="", read_only=False, media_dirs="")
    compare(emptied[0], offered())
    compare((await listed(host, folder, read_only=True))[0], offered(read_only=True))
    script = manifest["server"]["entry_point"]
    compare((await listed(host, folder, program=script))[0], offered())
    check_installed(folder)
    return f"{bundle.name} starts by its own manifest, and lists {len(tools)} tools."


async def listed(
    host: Host, folder: Path, *, program: str | None = None, **filled_in: object
) -> tuple[list[str], list[str]]:
    """The tools and prompts of a server that was started with a form so filled in.

    `program` is what a host runs that leaves aside how the manifest would have it done.
    """
    config = host.command(folder, {"api_key": KEY, **filled_in})
    assert config is not None
    args = [*config["args"][:-1], program or config["args"][-1]]
    with anyio.fail_after(FIRST_START_SECONDS):
        async with host.starting({**config, "args": args}) as client:
            answer = await client.call_tool("list_studios", {})
            assert not answer.is_error, answer
            tools, prompts = await client.list_tools(), await client.list_prompts()
    return [tool.name for tool in tools.tools], [prompt.name for prompt in prompts.prompts]


def offered(*, read_only: bool = False) -> list[str]:
    """The tools that are there without folders to upload from."""
    return [kind.tool_name for kind in ToolFilter(read_only=read_only).kinds()]


def compare(seen: list[str], expected: list[str]) -> None:
    """See that a list is as it should be, and say in what it is not."""
    assert seen == expected, (
        f"only in one of both, or in another order: {set(seen) ^ set(expected)}"
    )


def check_contents(folder: Path) -> None:
    """See that all is there that belongs there, and nothing else."""
    compare(sorted(path.name for path in folder.iterdir()), sorted(TOP))
    strays = [path for path in folder.rglob("*.*") if path.suffix not in SUFFIXES]
    assert not strays, strays


def check_installed(folder: Path) -> None:
    """See that a user gets what is needed to run, and none of what is needed to develop."""
    installed = {path.name for path in folder.glob(".venv/[Ll]ib/**/site-packages/*")}
    assert "mcp" in installed
    assert not {"pytest", "mypy", "hypothesis"} & installed


def main() -> None:
    """Check the bundle that is named first, with the tools in the folder that is named second."""
    bundle, tools = (Path(argument).resolve() for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as elsewhere:
        print(anyio.run(check, Host(tools), bundle, Path(elsewhere)))  # noqa: T201  told by make


if __name__ == "__main__":
    main()
