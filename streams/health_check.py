"""`python -m streams.health_check`: exit code 0 if the worker or gateway beside us is healthy.

For a container's health check, which runs every few seconds: so it imports nothing of ours and
reads the few settings it needs by itself.
"""

import os
import ssl
import sys
import urllib.request
from collections.abc import Mapping

TIMEOUT_SECONDS = 4.0


def url(environ: Mapping[str, str]) -> str:
    """Where `/health` is served within this container."""
    host = environ.get("STREAMS_WEB_HOST", "").strip() or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    port = environ.get("STREAMS_WEB_PORT", "").strip() or "6066"
    scheme = "https" if environ.get("STREAMS_WEB_TLS_CERTFILE", "").strip() else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/health"


def main() -> int:
    """Ask, and print what is wrong."""
    # The certificate is for the name that clients know, which isn't the one used here.
    context = ssl._create_unverified_context()
    where = url(os.environ)
    try:
        with urllib.request.urlopen(where, timeout=TIMEOUT_SECONDS, context=context):
            return 0
    except OSError as exc:
        print(f"{where}: {exc}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
