"""A server at which somebody has signed in, as a process."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.harness.process import Process, python_module
from tests.support.loopback_ports import held_port
from trax_mcp.clock import Clock
from trax_mcp.sign_in.private_files import server_secret
from trax_mcp.sign_in.sign_ins import Access, SignIns


@dataclass(frozen=True, slots=True)
class SignedInServer:
    """The process, its address, and a token that stands for the key."""

    process: Process
    address: str
    token: str


@contextmanager
def signed_in_server(key: str, upstream: str) -> Iterator[SignedInServer]:
    """Start it on loopback, in front of `upstream`."""
    with TemporaryDirectory() as folder, held_port() as port:
        public_url = f"http://127.0.0.1:{port}"
        file, secret_file = Path(folder, "sign-in.sqlite"), Path(folder, "sign-in.secret")
        secret = server_secret(secret_file)
        client = {"client_id": "bench", "client_name": "The bench", "redirect_host": "127.0.0.1"}
        with closing(SignIns(file, secret, Clock(), audience=public_url)) as sign_ins:
            token = sign_ins.begin(key, Access.RUN, **client).access_token
        settings = {
            "TRAX_BASE_URL": upstream,
            "TRAX_SIGN_IN": "1",
            "TRAX_PUBLIC_URL": public_url,
            "TRAX_SIGN_IN_FILE": str(file),
            "TRAX_SIGN_IN_SECRET_FILE": str(secret_file),
        }
        with python_module("trax_mcp", "http", "--port", str(port), settings=settings) as process:
            yield SignedInServer(process, process.address(), token)
