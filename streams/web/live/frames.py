"""WebSocket frames as a server sends them (RFC 6455): whole, unmasked, without compression."""

import struct

_TEXT = 0x81


def text_frame(payload: bytes) -> bytes:
    """The frame of a text message; `payload` is UTF-8."""
    n = len(payload)
    if n < 126:
        return bytes((_TEXT, n)) + payload
    if n < 2**16:
        return struct.pack(">BBH", _TEXT, 126, n) + payload
    return struct.pack(">BBQ", _TEXT, 127, n) + payload
