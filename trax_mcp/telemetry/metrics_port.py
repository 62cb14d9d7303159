"""The port at which Prometheus reads the metrics. Threads of its own serve it, and write nothing.

Whoever reaches it may open connections and say nothing: each ends soon, so that they take no files
and threads from the server, and none leaves a traceback on stderr.
"""

import socket
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app


class _Handler(WSGIRequestHandler):
    timeout = 2.0
    """For how many seconds a client may say nothing."""

    def log_message(self, *_: object) -> None:
        """Write no line for each scrape."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_port = False  # some Pythons would let two processes have one port in turns

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client broke off, or said nothing."""


class _ServerOfIPv6(_Server):
    address_family = socket.AF_INET6


def open_metrics_port(host: str, port: int) -> str:
    """Open the port; 0 is any free one. Returns the address of the metrics.

    Raises:
        OSError: it cannot be opened.
    """
    kind: type[_Server] = _ServerOfIPv6 if ":" in host else _Server
    server = kind((host, port), _Handler)
    app: Any = make_wsgi_app()
    server.set_app(app)
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    named = f"[{host}]" if ":" in host else host
    return f"http://{named}:{server.server_port}/metrics"
