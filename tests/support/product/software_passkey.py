"""A passkey in software: makes what a browser and an authenticator would make."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from trax_mcp.web.passkey import RP_ID, Passkey

_CREDENTIAL_ID = b"software-passkey"
_PRESENT, _VERIFIED, _HAS_CREDENTIAL = 0x01, 0x04, 0x40


class SoftwarePasskey:
    """A key pair. `passkey` is what the server has."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        self._public_key = cbor2.dumps(cose)
        self.passkey = Passkey(_base64(_CREDENTIAL_ID), _base64(self._public_key))

    @property
    def file_content(self) -> dict[str, str]:
        """What `TRAX_PASSKEY_FILE` holds of it."""
        return {
            "credentialId": self.passkey.credential_id,
            "publicKey": self.passkey.public_key,
        }

    def register(self, challenge: str, origin: str) -> str:
        """Say that the key pair was made for a challenge in base64url."""
        client_data = {"type": "webauthn.create", "challenge": challenge, "origin": origin}
        credential = bytes(16) + len(_CREDENTIAL_ID).to_bytes(2) + _CREDENTIAL_ID + self._public_key
        flags = _PRESENT | _VERIFIED | _HAS_CREDENTIAL
        data = hashlib.sha256(RP_ID.encode()).digest() + bytes([flags]) + bytes(4) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "attestationObject": _base64(attestation),
            "clientDataJSON": _base64(json.dumps(client_data).encode()),
        }
        return json.dumps(
            {
                "id": _base64(_CREDENTIAL_ID),
                "rawId": _base64(_CREDENTIAL_ID),
                "type": "public-key",
                "response": response,
            }
        )

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
