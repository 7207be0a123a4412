"""An S3 that takes everything and keeps nothing, so that its own work doesn't count.

`python -m benchmarks.archive.sinkhole PORT`
"""

import sys

from aiohttp import web

LARGEST = 2**30
NOTHING = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


async def put(request: web.Request) -> web.Response:
    """Take an object."""
    async for _ in request.content.iter_chunked(2**20):
        pass
    return web.Response(headers={"ETag": '"0"'})


async def list_nothing(request: web.Request) -> web.Response:  # noqa: ARG001
    """There is no object, and no upload in parts."""
    return web.Response(text=NOTHING, content_type="application/xml")


def main() -> None:
    """Serve on loopback until killed."""
    app = web.Application(client_max_size=LARGEST)
    app.router.add_put("/{key:.*}", put)
    app.router.add_get("/{bucket}", list_nothing)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
