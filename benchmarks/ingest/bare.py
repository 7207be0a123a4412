"""The least that a handler can do: parse, produce with aiokafka, await, answer.

    python -m benchmarks.ingest.bare PORT TOPIC

No bounds, no tokens, no keys, no offsets in the answer. As idempotent as the gateway.
"""

import asyncio
import json
import os
import sys

from aiohttp import web
from aiokafka import AIOKafkaProducer

from deploy.local.client import client_options

HOST = "127.0.0.1"


async def serve(port: int, topic: str) -> None:
    """Serve until killed."""
    environ = {name: value for name, value in os.environ.items() if name.startswith("KAFKA_")}
    producer = AIOKafkaProducer(
        **client_options(environ), acks="all", enable_idempotence=True, compression_type="lz4"
    )
    await producer.start()

    async def handle(request: web.Request) -> web.Response:
        found = json.loads(await request.read())
        items = found if isinstance(found, list) else [found]
        sent = [await producer.send(topic, json.dumps(item).encode()) for item in items]
        await asyncio.gather(*sent)
        return web.Response(status=202)

    async def health(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application(client_max_size=2**24)
    app.add_routes([web.post("/topics/{topic}", handle), web.get("/health", health)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
