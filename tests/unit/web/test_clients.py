"""Origins are matched exactly; addresses are believed only from where they may come."""

from ipaddress import ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.web.live.clients import client_address, origin_is_allowed

ALLOWED = frozenset({"https://example.org", "http://localhost:3000"})


@given(st.text())
@example("https://example.org.evil.com")
@example("https://evilexample.org")
@example("https://evil.com/https://example.org")
@example("https://example.org:443")
@example("http://example.org")
@example("https://example.org/")
@example("https://a.example.org")
@example(" https://example.org")
@example("null")
@example("")
def test_only_the_listed_sites_pass(origin: str) -> None:
    assert origin_is_allowed([origin], "example.org", ALLOWED) == (origin.lower() in ALLOWED)


@given(
    st.from_regex(r"\A[a-z0-9.-]{1,20}(:[0-9]{2,5})?\Z"), st.text(max_size=5), st.text(max_size=5)
)
def test_without_a_list_the_host_that_is_asked_passes(host: str, before: str, after: str) -> None:
    assert origin_is_allowed([f"https://{host}"], host, None)
    assert origin_is_allowed([f"HTTP://{host}"], host.upper(), None)
    expected = (before + host + after).lower() == host
    assert origin_is_allowed([f"https://{before}{host}{after}"], host, None) == expected


@pytest.mark.parametrize(
    ("origins", "passes"),
    [
        ([], True),
        (["https://h", "https://h"], False),
        (["null"], False),
        (["h"], False),
        (["file://h"], False),
        ([""], False),
    ],
)
def test_who_names_no_site_is_no_browser(origins: list[str], passes: bool) -> None:
    assert origin_is_allowed(origins, "h", None) is passes


PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.7, 10.2.3.4"], "198.51.100.7"),
        ("10.0.0.1", ["garbage"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7:1234"], "198.51.100.7"),
        ("::1", ["[2001:db8::5]:1234"], "2001:db8::/64"),
        ("2001:db8::5", [], "2001:db8::/64"),
        ("2001:db8::6", [], "2001:db8::/64"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        (None, ["198.51.100.7"], "unknown"),
    ],
)
def test_addresses(peer: str | None, forwarded: list[str], address: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


@given(st.lists(st.text()), st.sampled_from(["192.0.2.1", "10.0.0.1", "::1"]))
def test_no_header_breaks_it(forwarded: list[str], peer: str) -> None:
    assert client_address(peer, forwarded, PROXIES)
