"""Messages over TCP: eight bytes of length, big-endian, then so many bytes."""

from __future__ import annotations

import socket
import struct

HOST = "127.0.0.1"
_LENGTH = struct.Struct(">Q")
_TIMEOUT_SECONDS = 600.0


def connect(port: int) -> socket.socket:
    """A connection to a process of this machine."""
    return socket.create_connection((HOST, port), timeout=_TIMEOUT_SECONDS)


def send(connection: socket.socket, message: bytes) -> None:
    """All of it."""
    connection.sendall(_LENGTH.pack(len(message)))
    connection.sendall(message)


def receive(connection: socket.socket) -> bytes:
    """The next message. Raises `EOFError` if the other side has ended."""
    return receive_body(connection, receive_length(connection))


def receive_length(connection: socket.socket) -> int:
    """How long the next message is, as soon as it begins to come."""
    length: int = _LENGTH.unpack(receive_body(connection, _LENGTH.size))[0]
    return length


def receive_body(connection: socket.socket, length: int) -> bytes:
    """So many bytes."""
    body = bytearray(length)
    filled = 0
    while filled < length:
        count = connection.recv_into(memoryview(body)[filled:])
        if not count:
            raise EOFError(f"the connection ended after {filled} of {length} bytes")
        filled += count
    return bytes(body)
