"""`python -m streams.health_check`: exit code 0 if what serves beside us is healthy.

That is a worker, a gateway, an archive or a log at the web port. Only if nobody listens there,
`tally ingest` is asked at its own: so one check fits whatever a container runs.

For a container's health check, which runs every few seconds: so it imports nothing of ours and
reads the few settings it needs by itself.
"""

import http.client
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

TIMEOUT_SECONDS = 4.0


def urls(environ: Mapping[str, str]) -> list[str]:
    """Where `/health` may be served within this container, the likelier place first."""
    scheme = "https" if environ.get("STREAMS_WEB_TLS_CERTFILE", "").strip() else "http"
    return [_url(environ, "WEB", "6066", scheme), _url(environ, "INGEST", "6067", "http")]


def _url(environ: Mapping[str, str], part: str, port: str, scheme: str) -> str:
    host = environ.get(f"STREAMS_{part}_HOST", "").strip() or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    port = environ.get(f"STREAMS_{part}_PORT", "").strip() or port
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/health"


def main() -> int:
    """Ask, and print what is wrong."""
    # The certificate is for the name that clients know, which isn't the one used here.
    context = ssl._create_unverified_context()
    for url in urls(os.environ):
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS, context=context):
                return 0
        except (OSError, http.client.HTTPException) as exc:
            print(f"{url}: {exc}", file=sys.stderr)
            nobody_listens = isinstance(exc, urllib.error.URLError) and isinstance(
                exc.reason, ConnectionRefusedError
            )
            if not nobody_listens:
                return 1
    return 1


if __name__ == "__main__":
    sys.exit(main())
