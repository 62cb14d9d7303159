"""trax-mcp as a client starts it, with what passes between them, and its audit log."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

_COPYING: Final = 'tee -a "$0/asked.jsonl" | "$@" | tee -a "$0/answered.jsonl"'


@dataclass(frozen=True)
class Server:
    """A trax-mcp of this checkout on the sandbox. `folder` takes what passes, and its audit log."""

    folder: Path

    @property
    def command(self) -> tuple[str, ...]:
        """What the client starts."""
        trax_mcp = (sys.executable, "-m", "trax_mcp", "--sandbox")
        return ("/bin/sh", "-c", _COPYING, str(self.folder), *trax_mcp)

    @property
    def settings(self) -> dict[str, str]:
        """Its environment variables."""
        return {"TRAX_AUDIT_LOG": str(self.folder / "audit.jsonl")}

    def is_ready(self) -> bool:
        """Whether a client has asked for the tools, and has them."""
        return any("tools" in it.get("result", {}) for it in self._lines("answered"))

    @property
    def client(self) -> dict[str, Any]:
        """What the client says of itself."""
        for it in self._lines("asked"):
            params = it.get("params", {})
            meta = params.get("_meta", {})
            for key in ("clientInfo", "io.modelcontextprotocol/clientInfo"):
                if found := params.get(key) or meta.get(key):
                    return dict(found)
        return {}

    @property
    def has_called(self) -> bool:
        """Whether the client has called a tool."""
        return any(it.get("method") == "tools/call" for it in self._lines("asked"))

    @property
    def confirmations(self) -> set[str]:
        """The confirmations that it has given."""
        given = (
            it.get("result", {}).get("structuredContent") or {} for it in self._lines("answered")
        )
        return {it["confirmation"] for it in given if it.get("confirmation")}

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools, as it lists them."""
        results = (it.get("result") or {} for it in self._lines("answered"))
        return next((it["tools"] for it in results if "tools" in it), [])

    @property
    def answers(self) -> list[dict[str, Any]]:
        """What it has answered to calls of tools."""
        results = (it.get("result") or {} for it in self._lines("answered"))
        return [it for it in results if "content" in it]

    @property
    def form(self) -> dict[str, Any] | None:
        """The last form: its message and its schema."""
        forms = [form for it in self._lines("answered") if (form := _form_in(it))]
        return forms[-1] if forms else None

    @property
    def has_run(self) -> list[str]:
        """The guarded operations that were sent to TRaX."""
        return [it["operation"] for it in self._lines("audit") if it["event"] == "sent"]

    def _lines(self, name: str) -> list[dict[str, Any]]:
        file = self.folder / f"{name}.jsonl"
        if not file.exists():
            return []
        lines = file.read_text(encoding="utf-8").split("\n")[:-1]
        return [it for line in lines if isinstance(it := json.loads(line), dict)]


def _form_in(message: dict[str, Any]) -> dict[str, Any] | None:
    """The parameters of `elicitation/create`, sent as a request or within a result."""
    if message.get("method") == "elicitation/create":
        return dict(message["params"])
    requests = (message.get("result") or {}).get("inputRequests") or {}
    for it in requests.values():
        if it.get("method") == "elicitation/create":
            return dict(it["params"])
    return None
