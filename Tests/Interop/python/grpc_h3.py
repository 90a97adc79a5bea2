"""gRPC over HTTP/3 on aioquic: what grpc_h3_client.py and grpc_h3_server.py share."""

from __future__ import annotations

import base64
import struct
import urllib.parse

CODES = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
]  # fmt: skip
MAX_MESSAGE_BYTES = 4 * 1024 * 1024

# RFC 9114 §8.1
NO_ERROR = 0x100
REQUEST_CANCELLED = 0x10C

TIMEOUT_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}

Fields = list[tuple[bytes, bytes]]
Metadata = list[tuple[str, str | bytes]]


class TooLarge(Exception):
    """A message is over the limit."""


def frame(message: bytes) -> bytes:
    """A message with its prefix: not compressed, and its length."""
    return struct.pack(">BI", 0, len(message)) + message


class Messages:
    """Cuts what comes on a stream into messages."""

    def __init__(self, limit: int | None = None) -> None:
        self.buffer = bytearray()
        self.limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        self.buffer += data
        messages = []
        start = 0
        while len(self.buffer) - start >= 5:
            compressed, size = struct.unpack_from(">BI", self.buffer, start)
            if compressed:
                raise ValueError("a compressed message, which nobody has agreed to")
            if self.limit is not None and size > self.limit:
                raise TooLarge(f"{size} bytes are more than {self.limit}")
            if len(self.buffer) - start < 5 + size:
                break
            messages.append(bytes(self.buffer[start + 5 : start + 5 + size]))
            start += 5 + size
        del self.buffer[:start]
        return messages


def encode_message(text: str) -> bytes:
    """grpc-message: percent-encoded but for printable ASCII."""
    return urllib.parse.quote_from_bytes(text.encode(), safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~").encode()


def decode_message(value: bytes) -> str:
    return urllib.parse.unquote_to_bytes(value).decode(errors="replace")


def encode_metadata(metadata: Metadata) -> Fields:
    """Binary values go out without padding, as gRPC asks."""
    return [
        (name.encode(), base64.b64encode(value).rstrip(b"=") if isinstance(value, bytes) else value.encode())
        for name, value in metadata
    ]


def decode_metadata(fields: Fields) -> Metadata:
    decoded: Metadata = []
    for name, value in fields:
        if name.endswith(b"-bin"):
            # Several values may come in one field.
            for part in value.split(b","):
                part = part.strip()
                decoded.append((name.decode(), base64.b64decode(part + b"=" * (-len(part) % 4), validate=True)))
        else:
            decoded.append((name.decode(), value.decode()))
    return decoded


def decode_timeout(value: bytes) -> float:
    text = value.decode()
    return int(text[:-1]) * TIMEOUT_UNITS[text[-1]]
