"""The clients, all in one process: raw sockets that count bytes, and cost as little as can be.

    python -m benchmarks.fanout.counter PORT CONTROL_PORT TEXT_BYTES CONNECTIONS ROUNDS BURST

Tells the server, by a byte over the control connection, of each round that has arrived everywhere.
Fails if any connection gets more or less than it should; the first one's frames are looked at.
"""

import json
import resource
import select
import socket
import sys

HOST = "127.0.0.1"
SECONDS = 120
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
#: Of a text frame of 126 to 65535 bytes.
HEADER = 4


def connect(port: int) -> socket.socket:
    """A WebSocket connection over which nothing has come yet."""
    sock = socket.create_connection((HOST, port), timeout=SECONDS)
    sock.sendall(HANDSHAKE)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += sock.recv(1)
    assert answer.startswith(b"HTTP/1.1 101"), answer
    sock.setblocking(False)
    return sock


def count(
    control: socket.socket, sockets: list[socket.socket], round_bytes: int, rounds: int
) -> bytes:
    """Read all; returns what came over the first connection."""
    poll = select.epoll()
    by_number = {sock.fileno(): sock for sock in sockets}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    first, seen = sockets[0].fileno(), bytearray()
    got = dict.fromkeys(by_number, 0)
    behind = [len(sockets)] * rounds  # connections that lack the end of the round
    buffer = memoryview(bytearray(2**20))
    told = 0
    while told < rounds:
        ready = poll.poll(SECONDS)
        assert ready, f"nothing came; {told} rounds of {rounds} have arrived"
        for number, _ in ready:
            n = by_number[number].recv_into(buffer)
            assert n, "the server has closed a connection"
            if number == first:
                seen += buffer[:n]
            before = got[number]
            got[number] = after = before + n
            for r in range(before // round_bytes, after // round_bytes):
                behind[r] -= 1
        while told < rounds and not behind[told]:
            told += 1
            control.send(b".")
    assert set(got.values()) == {round_bytes * rounds}, "some got more than others"
    return bytes(seen)


def check(seen: bytes, text_bytes: int, n: int) -> None:
    """All `n` messages, each once and in order."""
    size = text_bytes + HEADER
    frames = [seen[at : at + size] for at in range(0, len(seen), size)]
    head = bytes((0x81, 126)) + text_bytes.to_bytes(2, "big")
    assert all(frame.startswith(head) for frame in frames)
    counts = [json.loads(frame[HEADER:])["value"]["count"] for frame in frames]
    assert counts == [10**6 + i for i in range(n)]


def main(
    port: int, control_port: int, text: int, connections: int, rounds: int, burst: int
) -> None:
    """Connect, count, check."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sockets = [connect(port) for _ in range(connections)]
    with socket.create_connection((HOST, control_port)) as control:
        seen = count(control, sockets, burst * (text + HEADER), rounds)
    check(seen, text, rounds * burst)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
