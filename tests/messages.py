"""Stand-ins for services that deliver messages. They keep what they are sent."""

from __future__ import annotations

import email.policy
import json
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler

LOCAL = ("127.0.0.1", 0)


@contextmanager
def telegram() -> Iterator[tuple[int, list[tuple[str, dict]]]]:
    """Telegram's server: its port, and the (path, message) that came."""
    sent: list[tuple[str, dict]] = []

    class Telegram(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *about: object) -> None:
            pass

    with _served(Telegram) as port:
        yield port, sent


@contextmanager
def mail() -> Iterator[tuple[int, list[tuple[list[str], EmailMessage]]]]:
    """A mail server (SMTP, RFC 5321): its port, and the (recipients, letter) that came."""
    sent: list[tuple[list[str], EmailMessage]] = []

    class Mail(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            recipients: list[str] = []
            self.say("220 stand-in")
            while line := self.rfile.readline():
                word = line[:4].strip().upper()
                if word == b"EHLO":
                    self.say("250-stand-in\r\n250 AUTH PLAIN")
                elif word == b"AUTH":
                    self.say("235 welcome")
                elif word == b"DATA":
                    self.say("354 go on")
                    text = b"".join(iter(self.rfile.readline, b".\r\n"))
                    letter = email.message_from_bytes(text, policy=email.policy.default)
                    sent.append((recipients, letter))
                    self.say("250 taken")
                elif word == b"QUIT":
                    return self.say("221 farewell")
                else:
                    recipients += re.findall(r"(?i)^rcpt to:<(.*)>", line.decode())
                    self.say("250 well")
            return None

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with _served(Mail) as port:
        yield port, sent


@contextmanager
def _served(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(LOCAL, handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
