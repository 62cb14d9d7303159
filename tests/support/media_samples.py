"""Small media files of every kind, and files that only look like media."""

from __future__ import annotations

from typing import Final

MP4: Final = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(range(256)) * 8
"""A video of 2 kB."""

PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(64)

MEDIA: Final[dict[str, tuple[bytes, str]]] = {
    "mp4": (MP4, "video/mp4"),
    "mov": (b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  " + bytes(64), "video/quicktime"),
    "mkv": (b"\x1a\x45\xdf\xa3\x42\x82\x88matroska" + bytes(64), "video/x-matroska"),
    "webm": (b"\x1a\x45\xdf\xa3\x42\x82\x84webm" + bytes(64), "video/webm"),
    "avi": (b"RIFF\x00\x01\x00\x00AVI LIST" + bytes(64), "video/x-msvideo"),
    "flv": (b"FLV\x01\x05\x00\x00\x00\x09" + bytes(64), "video/x-flv"),
    "png": (PNG, "image/png"),
    "jpg": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(64), "image/jpeg"),
    "gif": (b"GIF89a\x40\x00\x40\x00\xf7\x00\x00" + bytes(64), "image/gif"),
    "webp": (b"RIFF\x00\x01\x00\x00WEBPVP8 " + bytes(64), "image/webp"),
    "mp3": (b"ID3\x04\x00\x00\x00\x00\x00\x23TSSE" + bytes(64), "audio/mpeg"),
    "mp3 without tags": (b"\xff\xfb\x50\xc4" + bytes(64), "audio/mpeg"),
    "wav": (b"RIFF\x00\x01\x00\x00WAVEfmt " + bytes(64), "audio/x-wav"),
    "flac": (b"fLaC\x00\x00\x00\x22" + bytes(64), "audio/x-flac"),
    "ogg": (b"OggS\x00\x02" + bytes(64), "audio/ogg"),
    "m4a": (b"\x00\x00\x00\x1cftypM4A \x00\x00\x02\x00M4A isom" + bytes(64), "audio/mp4"),
}
"""The beginning of each kind of file, and its media type."""

OTHER_CONTENT: Final[dict[str, bytes]] = {
    "nothing": b"",
    "one byte": b"\xff",
    "zeros": bytes(4096),
    "text": b"Good evening, and welcome.\n" * 100,
    "text that begins like a bitmap": b"BMW and other cars, a list\n" * 20,
    "text that begins like MP3": b"ID3 is a format of tags\n" * 20,
    "text that begins like a GIF": b"GIF89a is what old pictures say\n" * 20,
    "text that begins like Ogg": b"OggS is no word\n" * 20,
    "text truncated inside a character": b"BM" + b"x" * 8189 + "é".encode() + b"and more",
    "a private key": b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n",
    "settings": b"TRAX_API_KEY=sk_live_do_not_upload_me\n",
    "a script": b"#!/bin/sh\necho hello\n",
    "JSON": b'{"a": 1}',
    "an SVG drawing": b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "an archive": b"PK\x03\x04" + bytes(100),
    "a document": b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n" + bytes(100),
    "a program": b"\x7fELF\x02\x01\x01" + bytes(100),
    "a database": b"SQLite format 3\x00" + bytes(100),
}
"""Content that is not video, image or audio."""
