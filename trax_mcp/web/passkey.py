"""A person's passkey: the public half in a file, and what is signed with the other one.

Source: W3C Web Authentication, level 3. The library is the extra `passkey`.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from trax_mcp.api.contract import JsonObject
from trax_mcp.private_files import PUBLIC, read_private
from trax_mcp.settings import CannotStart, how_to_add

RP_ID: Final = "localhost"
"""The name that a passkey of this computer is for."""


def webauthn() -> Any:  # noqa: ANN401  an optional module
    """The library.

    Raises:
        CannotStart: it is not installed.
    """
    try:
        import webauthn as library  # noqa: PLC0415  optional, and slow to import
    except ImportError:
        raise CannotStart(f"A passkey needs an extra. {how_to_add('passkey')}") from None
    return library


@dataclass(frozen=True, slots=True)
class Passkey:
    """The public half of a passkey. It is no secret, but a person who replaces it can say yes."""

    credential_id: str
    public_key: str

    @classmethod
    def read(cls, path: Path, named: str) -> Self:
        """Read it from its file. `named` begins each message.

        Raises:
            CannotStart: it cannot be read, or the library is missing.
        """
        webauthn()
        try:
            fields = json.loads(read_private(path, named, PUBLIC))
            return cls(str(fields["credentialId"]), str(fields["publicKey"]))
        except (ValueError, TypeError, KeyError):
            raise CannotStart(f"{named} a file that holds no passkey.") from None

    def write(self, path: Path) -> None:
        """Write it into its file, which only this user can change.

        Raises:
            OSError: the file cannot be written.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fields = {"credentialId": self.credential_id, "publicKey": self.public_key}
        path.touch(mode=0o600)
        path.write_text(json.dumps(fields) + "\n", encoding="utf-8")

    def request(self, challenge: bytes) -> JsonObject:
        """The request of a page to the browser: sign a challenge, and verify the user."""
        library = webauthn()
        return {
            "challenge": library.helpers.bytes_to_base64url(challenge),
            "credentialId": self.credential_id,
            "rpId": RP_ID,
        }

    def has_signed(self, response: str, challenge: bytes, *, origin: str) -> bool:
        """Whether a response is this passkey's signature of a challenge."""
        library = webauthn()
        try:
            verified = library.verify_authentication_response(
                credential=response,
                expected_challenge=challenge,
                expected_rp_id=RP_ID,
                expected_origin=origin,
                credential_public_key=library.helpers.base64url_to_bytes(self.public_key),
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except Exception:  # noqa: BLE001  whatever is wrong with it, it is no signature
            return False
        credential_id = library.helpers.bytes_to_base64url(verified.credential_id)
        return bool(credential_id == self.credential_id)


def challenge_for(question_id: str, choice: str) -> bytes:
    """The challenge of one question: a signature of it is a yes to nothing else."""
    return hashlib.sha256(json.dumps([question_id, choice]).encode()).digest()


def registration_request(challenge: bytes) -> str:
    """The request of the enrolment page to the browser, as JSON."""
    library = webauthn()
    structs = library.helpers.structs
    options = library.generate_registration_options(
        rp_id=RP_ID,
        rp_name="trax-mcp",
        user_name="trax-mcp on this computer",
        challenge=challenge,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            user_verification=structs.UserVerificationRequirement.REQUIRED
        ),
    )
    return str(library.options_to_json(options))


def read_registration(response: str, challenge: bytes, *, origin: str) -> Passkey | None:
    """The passkey that a browser has made, or None if the response is not valid."""
    library = webauthn()
    try:
        verified = library.verify_registration_response(
            credential=response,
            expected_challenge=challenge,
            expected_rp_id=RP_ID,
            expected_origin=origin,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001  whatever is wrong with it, it is no passkey
        return None
    encode = library.helpers.bytes_to_base64url
    return Passkey(encode(verified.credential_id), encode(verified.credential_public_key))
