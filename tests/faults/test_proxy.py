"""The proxy that fault runs break networks with."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest

from deploy.local.ports import HOST, free_port
from tests.faults.proxy import Link, Proxy
from tests.polling import until

#: How long nothing has to come before a test believes that nothing comes, in s.
SILENCE = 0.3
#: Latency that a busy machine adds none like it to, in s.
DELAY = 2.0
#: How long what has to come may take, in s.
SECONDS = 60.0


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets."""
    with socket.create_server((HOST, 0)) as server:
        Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def serve(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection: socket.socket) -> None:
    with connection, suppress(OSError):
        while data := connection.recv(1024):
            connection.sendall(data)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as proxy:
        yield proxy


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def link(proxy: Proxy, port: int, echo: int) -> Link:
    return proxy.link(port, echo)


def connect(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=SECONDS)


def ask(client: socket.socket, text: bytes) -> bytes:
    client.sendall(text)
    return client.recv(1024)


@pytest.mark.usefixtures("link")
def test_forwards_both_ways(port: int) -> None:
    with connect(port) as one, connect(port) as two:
        assert ask(one, b"one") == b"one"
        assert ask(two, b"two") == b"two"


def test_a_cut_closes_and_refuses(proxy: Proxy, link: Link, port: int) -> None:
    with connect(port) as client:
        assert ask(client, b"before") == b"before"
        proxy.call(link.cut())
        with suppress(ConnectionResetError):
            assert client.recv(1024) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(port)
    proxy.call(link.open())
    with connect(port) as client:
        assert ask(client, b"after") == b"after"


def test_a_black_hole_holds_back_what_arrives_later(proxy: Proxy, link: Link, port: int) -> None:
    with connect(port) as old, connect(port) as new:
        assert ask(old, b"before") == b"before"
        proxy.call(link.swallow())
        for client in (old, new):
            client.sendall(b"late")
            client.settimeout(SILENCE)
            with pytest.raises(TimeoutError):
                client.recv(1024)
            client.settimeout(SECONDS)
        proxy.call(link.open())
        assert old.recv(1024) == new.recv(1024) == b"late"


def test_a_black_hole_delivers_for_a_client_that_gave_up(proxy: Proxy, port: int) -> None:
    """As a network does: what the client's system still holds arrives when the hole ends."""
    with socket.create_server((HOST, 0)) as server:
        link = proxy.link(port, server.getsockname()[1])
        client = connect(port)
        there, _ = server.accept()
        with there:
            proxy.call(link.swallow())
            client.sendall(b"late")
            client.close()
            there.settimeout(SILENCE)
            with pytest.raises(TimeoutError):
                there.recv(1024)
            proxy.call(link.open())
            there.settimeout(SECONDS)
            assert there.recv(1024) == b"late"


def test_a_delay_is_latency_not_bandwidth(proxy: Proxy, link: Link, port: int) -> None:
    with connect(port) as client:
        assert ask(client, b"before") == b"before"
        proxy.call(link.delay(DELAY))
        begin = time.monotonic()
        sent = b"x" * 100_000
        for i in range(0, len(sent), 10_000):
            client.sendall(sent[i : i + 10_000])
        received = 0
        while received < len(sent):
            received += len(client.recv(65_536))
        # There and back, whatever the number of pieces; one by one, they would take ten times that.
        assert 2 * DELAY <= time.monotonic() - begin < 15 * DELAY
        proxy.call(link.open())
        begin = time.monotonic()
        assert ask(client, b"after") == b"after"
        assert time.monotonic() - begin < 2 * DELAY


def test_ends_with_its_target(proxy: Proxy, port: int) -> None:
    with socket.create_server((HOST, 0)) as server:
        proxy.link(port, server.getsockname()[1])
        client = connect(port)
        there, _ = server.accept()
        there.close()
        with client:
            until(lambda: ended(client), "the client sees that the target has closed", SECONDS)
    with connect(port) as client:
        until(lambda: ended(client), "a target that isn't there closes, too", SECONDS)


def ended(client: socket.socket) -> bool:
    try:
        return client.recv(1024) == b""
    except ConnectionResetError:
        return True
