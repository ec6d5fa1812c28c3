"""A TCP server on loopback whose every move a test scripts, for faults that no proper server commits."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Peer:
    """One accepted connection, as the script of a test sees it."""

    def __init__(self, sock: socket.socket, server: RawServer) -> None:
        self.sock, self.server = sock, server

    def request(self) -> bytes:
        """Read one request with its body; b"" where the client closed instead."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.sock.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while lengths and len(body) < lengths[0]:
            body += self.sock.recv(65536)
        self.server.requests.append(head)
        return head

    def head(self, *, chunked: bool = True, content_type: str = "text/event-stream") -> None:
        """Send the head of a successful answer."""
        framing = "transfer-encoding: chunked\r\n" if chunked else ""
        self.send(f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{framing}\r\n".encode())

    def event(self, payload: object) -> None:
        """Send one server-sent event as one chunk."""
        data = payload if isinstance(payload, str) else json.dumps(payload)
        self.chunk(f"data: {data}\n\n".encode())

    def chunk(self, data: bytes) -> None:
        """Send one chunk of the body; an empty one ends it."""
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def whole(self, text: str = "Four.") -> None:
        """Send a complete streamed answer."""
        self.head()
        self.event(delta(text))
        self.event(delta("", finish="stop"))
        self.event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
        self.event("[DONE]")
        self.chunk(b"")

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait(self) -> None:
        """Do nothing until the client closes; tells the server that it did."""
        try:
            while self.sock.recv(65536):
                pass
        except OSError:
            pass
        self.server.left.set()


class RawServer:
    """Runs a script for each connection, each in its own thread."""

    def __init__(self, script: Callable[[Peer], None], *, secure: bool = False) -> None:
        self.script = script
        self._tls = _tls() if secure else None
        self.connections = 0
        self.requests: list[bytes] = []
        self.left = threading.Event()
        self._threads: list[threading.Thread] = []
        self._peers: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=600)
        self.url = f"http{'s' if secure else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._peers.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                with self._tls.wrap_socket(sock, server_side=True) if self._tls else sock as spoken:
                    self.script(Peer(spoken, self))
            except OSError:
                self.left.set()

    def close(self) -> None:
        """Hang up on everybody and wait for the threads."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(30)
        for sock in self._peers:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(30)


CERTIFICATE = Path(__file__).parent / "tls" / "certificate.pem"


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_name("key.pem"))
    return context


@contextmanager
def raw_server(script: Callable[[Peer], None], *, secure: bool = False) -> Iterator[RawServer]:
    """A scripted server for the length of a block; a secure one shows a certificate that only it vouches for."""
    server = RawServer(script, secure=secure)
    try:
        yield server
    finally:
        server.close()


def delta(text: str, finish: str | None = None) -> dict[str, object]:
    """One piece of a streamed chat completion."""
    return {
        "id": "c1",
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}],
    }
