"""The icon of this server, which clients may show. It is sent whole, so that nothing is fetched.

A PNG, since clients need not draw SVG (source: MCP 2025-11-25, `Implementation.icons`). Tools have
none: nothing can refer to the server's icon, and a copy for each would nearly double `tools/list`.
"""

from base64 import b64encode
from importlib.resources import files
from typing import Final

import mcp_types as types

_PNG: Final = files("trax_mcp.server").joinpath("icon.png").read_bytes()

ICON: Final = types.Icon(
    src=f"data:image/png;base64,{b64encode(_PNG).decode()}", mime_type="image/png", sizes=["64x64"]
)
