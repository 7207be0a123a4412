"""Where a request comes from: the site whose page sent it, and the client's address."""

import ipaddress
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from streams.web.setting_kinds import Network

#: One household or machine has so much of IPv6 to itself.
IPV6_PREFIX = 64


def origin_is_allowed(
    given: Sequence[str], host: str | None, allowed: frozenset[str] | None
) -> bool:
    """Whether the site that a browser names may connect; nobody else names one.

    `given` are all Origin headers, `host` is the Host header. With `allowed`, one of these it has
    to be, exactly; without, the host that is asked.
    """
    if not given:
        return True
    if len(given) > 1:
        return False
    origin = given[0].lower()
    if allowed is not None:
        return origin in allowed
    scheme, separator, name = origin.partition("://")
    return scheme in ("http", "https") and bool(separator) and name == (host or "").lower()


def client_address(peer: str | None, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """The address that connections are counted by; an IPv6 one stands for its network.

    `forwarded` are the X-Forwarded-For headers: believed as far as trusted proxies wrote them.
    """
    hops = [hop.strip() for header in forwarded for hop in header.split(",")]
    address = _address(peer or "")
    while hops and address is not None and any(address in network for network in trusted):
        nearer = _address(hops.pop())
        if nearer is None:
            break
        address = nearer
    if address is None:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as proxies write them: perhaps in brackets, perhaps with a port."""
    try:
        host = urlsplit(f"//{text}").hostname if text.count(":") == 1 or "[" in text else text
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
