"""Reads a body that is compressed although plain was asked for, no further than to a limit.

A small compressed body can become one of any size, so what comes out is counted, chunk by chunk.
"""

import re
import zlib
from typing import Final

PLAIN: Final = frozenset({"", "identity"})
_GZIP: Final = frozenset({"gzip", "x-gzip"})
_GZIP_BITS: Final = 16 + zlib.MAX_WBITS
_DEFLATE: Final = "deflate"
_ZLIB_HEADER: Final = 8
"""The method in the first byte of zlib's form. Some servers send `deflate` without that form."""
_NAME: Final = re.compile(r"[a-z0-9-]{1,16}")


class Unreadable(Exception):
    """A body is compressed in another way, or damaged. Its text follows "the answer"."""


class Decoder:
    """Decompresses gzip, and both forms of deflate."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._inflater: zlib._Decompress | None = None

    def decode(self, chunk: bytes, *, most: int) -> bytes:
        """What a chunk of a body becomes: at most so many bytes; what exceeds them is lost.

        Raises:
            Unreadable: the body is damaged.
        """
        body = b""
        while chunk and len(body) < most:
            if self._inflater is None or self._inflater.eof:  # gzip may go on with another member
                self._inflater = self._begin(chunk)
            try:
                body += self._inflater.decompress(chunk, most - len(body))
            except zlib.error:
                raise Unreadable(f"is compressed ({self._encoding}), and damaged") from None
            chunk = self._inflater.unused_data
        return body

    def end(self) -> None:
        """The body is over.

        Raises:
            Unreadable: it should be longer.
        """
        if self._inflater is not None and not self._inflater.eof:
            raise Unreadable(f"is compressed ({self._encoding}), and cut off")

    def _begin(self, chunk: bytes) -> "zlib._Decompress":
        if self._encoding in _GZIP:
            return zlib.decompressobj(_GZIP_BITS)
        has_header = chunk[0] & 0x0F == _ZLIB_HEADER
        return zlib.decompressobj(zlib.MAX_WBITS * (1 if has_header else -1))


def decoder_of(encoding: str) -> Decoder:
    """What reads a body with this `Content-Encoding`, which is not `PLAIN`.

    Raises:
        Unreadable: nothing here does.
    """
    if encoding in _GZIP or encoding == _DEFLATE:
        return Decoder(encoding)
    name = f" ({encoding})" if _NAME.fullmatch(encoding) else ""
    raise Unreadable(f"is compressed{name}, which trax-mcp can't read")
