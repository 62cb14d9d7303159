"""Fixtures with content of kinds that the product does not have: images, audio, binary."""

import base64
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

import mcp_types as types

TEMPLATE: Final = types.ResourceTemplate(uri_template="test://template/{id}/data", name="template")
_TEMPLATED: Final = re.compile(r"test://template/(\w+)/data")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png() -> str:
    """One red pixel, in base64."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\xff\0\0")
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", pixel) + _chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunks).decode()


def _wav() -> str:
    """One silent sample, in base64."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", 2) + b"\x80\x80"
    return base64.b64encode(struct.pack("<4sI", b"RIFF", len(body)) + body).decode()


def text(value: str) -> types.TextContent:
    """Text content."""
    return types.TextContent(text=value)


IMAGE: Final = types.ImageContent(data=_png(), mime_type="image/png")
AUDIO: Final = types.AudioContent(data=_wav(), mime_type="audio/wav")
EMBEDDED: Final = types.EmbeddedResource(
    resource=types.TextResourceContents(
        uri="test://embedded-resource", mime_type="text/plain", text="Embedded content."
    )
)

RESOURCES: Final[Mapping[str, types.BlobResourceContents]] = {
    "test://static-binary": types.BlobResourceContents(
        uri="test://static-binary", mime_type="image/png", blob=_png()
    )
}


def read(uri: str) -> types.TextResourceContents | types.BlobResourceContents | None:
    """The fixture with this URI, if there is one."""
    if (match := _TEMPLATED.fullmatch(uri)) is not None:
        data = f'{{"id": "{match[1]}"}}'
        return types.TextResourceContents(uri=uri, mime_type="application/json", text=data)
    return RESOURCES.get(uri)


def _user_messages(*pieces: types.ContentBlock) -> Sequence[types.PromptMessage]:
    return [types.PromptMessage(role="user", content=it) for it in pieces]


PROMPTS: Final[Mapping[str, Sequence[types.PromptMessage]]] = {
    "test_prompt_with_embedded_resource": _user_messages(EMBEDDED, text("Please process it.")),
    "test_prompt_with_image": _user_messages(IMAGE, text("Please look at it.")),
}
