"""A passkey in software: makes the assertions that a browser and an authenticator would make."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from trax_mcp.web.passkey import RP_ID, Passkey

_CREDENTIAL_ID = b"software-passkey"
_PRESENT, _VERIFIED = 0x01, 0x04


class SoftwarePasskey:
    """A key pair. `passkey` is what the server has."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        self.passkey = Passkey(_base64(_CREDENTIAL_ID), _base64(cbor2.dumps(cose)))

    def sign(self, challenge: str, origin: str, *, verified: bool = True) -> str:
        """Sign a challenge in base64url; `verified`: the user showed who they are."""
        client_data = json.dumps(
            {"type": "webauthn.get", "challenge": challenge, "origin": origin}
        ).encode()
        flags = _PRESENT | (_VERIFIED if verified else 0)
        data = hashlib.sha256(RP_ID.encode()).digest() + bytes([flags]) + bytes(4)
        signature = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return json.dumps(
            {
                "id": _base64(_CREDENTIAL_ID),
                "rawId": _base64(_CREDENTIAL_ID),
                "type": "public-key",
                "response": {
                    "authenticatorData": _base64(data),
                    "clientDataJSON": _base64(client_data),
                    "signature": _base64(signature),
                },
            }
        )


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
