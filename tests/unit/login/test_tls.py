"""The context that follows its files, by what a server sees of it."""

import asyncio
import ssl
from pathlib import Path

import trustme

from streams.login.tls import client_context


async def test_tls_follows_its_files_but_not_halves_of_them(tmp_path: Path) -> None:
    """Which certificate a server is shown, by the same context."""
    ca = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(server)
    ca.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    authority, cert, key = (tmp_path / name for name in ("ca", "cert", "key"))
    ca.cert_pem.write_to_path(str(authority))

    def issue(name: str) -> tuple[bytes, bytes]:
        made = ca.issue_cert(name, common_name=name)
        return made.cert_chain_pems[0].bytes(), made.private_key_pem.bytes()

    cert_pem, key_pem = issue("first")
    cert.write_bytes(cert_pem)
    key.write_bytes(key_pem)

    context = client_context(authority, cert, key, None)
    seen: list[str] = []

    async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subject = dict(pair[0] for pair in writer.get_extra_info("peercert")["subject"])
        seen.append(subject["commonName"])
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0, ssl=server) as serving:
        port = serving.sockets[0].getsockname()[1]

        async def connect() -> str:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname="localhost"
            )
            await reader.read()
            writer.close()
            return seen[-1]

        assert await connect() == "first"
        cert_pem, key_pem = issue("second")
        cert.write_bytes(cert_pem)
        assert await connect() == "first"
        key.write_bytes(key_pem)
        assert await connect() == "second"
        cert.unlink()
        assert await connect() == "second"
