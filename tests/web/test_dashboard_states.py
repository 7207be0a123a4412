"""The dashboard in Chromium, in all its states; the gateway is a scripted one."""

import asyncio
import json
import time
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Browser

from tests.web.browser import AWAY, PHONE, browsing, needs_chromium
from tests.web.scripted_gateway import ScriptedGateway, counted

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]
W = 20_000


def now() -> int:
    """The beginning of the present window, epoch ms."""
    return int(time.time() * 1000) // W * W


async def test_bars_of_the_newest_window_and_lighter_ones_of_the_open(
    browser: Browser,
    gateway: ScriptedGateway,
) -> None:
    async with browsing(browser, gateway.url) as seen:
        await seen.until_live()
        assert await seen.page.locator("#empty").is_visible()
        await gateway.window(now() - 2 * W, now() - W, {"kafka": 10, "faust": 7})
        await gateway.window(now() - W, now(), {"kafka": 20, "python": 40, "faust": 5})
        await gateway.provisional(now(), now() + W, {"python": 10})
        await seen.until_rows("#python", "#kafka", "#faust")
        assert await seen.page.locator("#empty").is_hidden()
        assert await seen.texts("#rows .number") == ["40", "20", "5"]
        assert await seen.texts("#rows .change") == ["", "+10", "-2"]
        await seen.until("document.querySelector('.bar-open').style.width === '25%'")
        assert "provisional" in (await seen.texts("#legend"))[0]
        assert "10 so far in the open window" in (await seen.texts("#rows .figures"))[0]
        assert (await seen.texts("#summary"))[0] == "3 hashtags, 65 mentions"
        assert await seen.page.locator("#timeline button").count() == 3
        assert await seen.page.locator("#rows .spark-line").count() == 3
        seen.check()


async def test_a_repeat_is_not_shown(browser: Browser, gateway: ScriptedGateway) -> None:
    async with browsing(browser, gateway.url) as seen:
        await seen.until_live()
        await gateway.window(now() - W, now(), {"kafka": 20})
        await seen.until_rows("#kafka")
        # The same id with another count: nobody sends that, but it would be seen.
        again = counted("kafka", 99, now() - W, now())
        await gateway.send([result_text("kafka", again, "tags-0-0")])
        await gateway.window(now() - W, now(), {"python": 30})
        await seen.until_rows("#python", "#kafka")
        assert await seen.texts("#rows .number") == ["30", "20"]
        seen.check()


async def test_it_comes_back_by_itself_and_misses_nothing(
    browser: Browser, gateway: ScriptedGateway
) -> None:
    async with browsing(browser, gateway.url) as seen:
        await seen.until_live()
        await gateway.window(now() - 3 * W, now() - 2 * W, {"kafka": 20})
        await seen.until_rows("#kafka")
        await seen.until("document.querySelector('#voice').textContent === ''")
        gateway.drop()
        await gateway.window(now() - 2 * W, now() - W, {"kafka": 30})
        await seen.until("document.querySelector('#voice').textContent === 'Connected.'")
        await gateway.window(now() - W, now(), {"kafka": 40})
        await seen.until("document.querySelectorAll('#timeline button').length === 3")
        assert "since" not in gateway.asked[0]
        assert gateway.asked[1]["since"] == "1"
        seen.check(*AWAY)


async def test_a_page_without_its_gateway_says_so(browser: Browser) -> None:
    gateway = ScriptedGateway()
    async with AsyncExitStack() as stack:
        async with gateway.serving():
            seen = await stack.enter_async_context(browsing(browser, gateway.url))
            await seen.until_live()
            await gateway.window(now() - W, now(), {"kafka": 20})
            await seen.until_rows("#kafka")
        await seen.until("document.querySelector('#badge').textContent.includes('Reconnecting')")
        await seen.until("document.querySelector('#notice').textContent.includes('go on where')")
        assert await seen.rows() == ["#kafka"]
        async with gateway.serving():
            await seen.page.locator("#retry").click()
            await seen.until_live()
            assert await seen.page.locator("#notice").is_hidden()
        seen.check(*AWAY)


async def test_a_gap_is_told(browser: Browser, gateway: ScriptedGateway) -> None:
    async with browsing(browser, gateway.url) as seen:
        await seen.until_live()
        await gateway.send(['{"type":"gap","cursor":"0","from":"0"}'])
        await seen.until("document.querySelector('#notice').textContent.includes('missing')")
        seen.check()


async def test_a_cursor_of_former_times_is_given_up(
    browser: Browser, gateway: ScriptedGateway
) -> None:
    async with browsing(browser, gateway.url) as seen:
        await seen.until_live()
        await gateway.window(now() - 2 * W, now() - W, {"kafka": 20})
        await seen.until_rows("#kafka")
        gateway.forget()
        gateway.drop()
        await seen.until("document.querySelector('#notice').textContent.includes('may be missing')")
        await seen.until_live()
        await gateway.window(now() - W, now(), {"python": 30})  # with the first one's id
        await seen.until_rows("#python")
        seen.check("status of 400", *AWAY)


async def test_a_token_is_asked_for(browser: Browser, gateway: ScriptedGateway) -> None:
    gateway.token = "s3cret"
    async with browsing(browser, gateway.url) as seen:
        await seen.until("!document.querySelector('#token-form').hidden")
        await seen.page.get_by_label("Token").fill("wrong")
        await seen.page.keyboard.press("Enter")
        await seen.until("document.querySelector('#notice').textContent.includes('isn\\'t known')")
        await seen.page.get_by_label("Token").fill("s3cret")
        await seen.page.keyboard.press("Enter")
        await seen.until_live()
        assert await seen.page.locator("#token-form").is_hidden()
        assert "s3cret" not in seen.page.url
        assert not any("s3cret" in str(asked) for asked in gateway.asked)
        seen.check("status of 401", *AWAY)


async def test_where_nobody_may_have_all_keys_those_followed_are_shown(
    browser: Browser,
    gateway: ScriptedGateway,
) -> None:
    gateway.allows_all = False
    async with browsing(browser, gateway.url) as seen:
        await seen.until("document.querySelector('#notice').textContent.includes('follow')")
        await seen.page.keyboard.press("/")
        await seen.page.keyboard.type("#Kafka")
        await seen.page.keyboard.press("Enter")
        await seen.until_live()
        assert gateway.asked[-1]["hashtag"] == "kafka"
        await seen.page.keyboard.press("Control+a")
        await seen.page.keyboard.type("python")
        await seen.page.keyboard.press("Enter")
        await seen.until("document.querySelectorAll('.card').length === 2")
        await seen.page.locator(".card", has_text="kafka").get_by_role("button").click()
        await seen.until("document.querySelectorAll('.card').length === 1")
        await until_sent(gateway, 2)
        assert [(action["action"], action["keys"]) for action in gateway.actions] == [
            ("subscribe", ["python"]),
            ("unsubscribe", ["kafka"]),
        ]
        seen.check("status of 403", *AWAY)


async def test_what_was_before_is_asked_for(browser: Browser) -> None:
    start = now() - 5 * W
    gateway = ScriptedGateway(
        latest={
            "window_start": start,
            "window_end": start + W,
            "top": [{"hashtag": "kafka", "count": 9}, {"hashtag": "faust", "count": 6}],
        },
        histories={
            "kafka": [
                {"window_start": start - n * W, "window_end": start, "count": n + 5}
                for n in range(8)
            ]
        },
    )
    async with gateway.serving(), browsing(browser, gateway.url) as seen:
        await seen.until_rows("#kafka", "#faust")
        assert (await seen.texts("#summary"))[0] == "the first 2 hashtags"
        await seen.page.get_by_role("button", name="Follow #kafka").click()
        points = "document.querySelector('.card .spark-line').getAttribute('d').match(/[ML]/g)"
        await seen.until(f"{points}?.length === 8")
        seen.check()


async def test_twenty_thousand_finals_in_a_window(
    browser: Browser, gateway: ScriptedGateway
) -> None:
    async with browsing(browser, gateway.url) as seen:
        await seen.until_live()
        counts = {f"tag{n}": n + 5 for n in range(20_000)}
        await gateway.window(now() - W, now(), counts)
        await seen.until_rows("#tag19999", "#tag19998")
        await seen.until("document.querySelector('#summary').textContent.includes('20,000')")
        await seen.page.get_by_role("button", name="Show all 20,000").click()
        await seen.until("document.querySelector('#rows').offsetHeight > 500_000")
        await seen.page.keyboard.press("End")
        await seen.until(
            "[...document.querySelectorAll('#rows .name')].at(-1).textContent === '#tag0'"
        )
        assert await seen.page.locator("#rows li").count() < 60
        await seen.page.keyboard.press("/")
        await seen.page.keyboard.type("tag1234")
        await seen.until("document.querySelector('#found').textContent.startsWith('11 hashtags')")
        seen.check()


async def test_stock_symbols(browser: Browser, gateway: ScriptedGateway) -> None:
    async with browsing(browser, f"{gateway.url}?parameter=symbol") as seen:
        await seen.until_live()
        assert gateway.asked[0]["symbol"] == "*"
        minute = now() // 60_000 * 60_000
        for close, start in ((100, minute - 120_000), (101, minute - 60_000)):
            candle = {"symbol": "TBV", "open": 100, "high": 104, "low": 98, "close": close}
            bounds = {"window_start": start, "window_end": start + 60_000}
            await gateway.result("TBV", {**candle, **bounds}, start + 59_999)
        await gateway.result("AAPL", {"symbol": "AAPL", "price": 228.5}, minute - 59_000)
        await seen.until_rows("AAPL", "TBV")
        assert await seen.texts("#rows .number") == ["228.50", "101.00"]
        assert await seen.texts("#rows .change") == ["", "+1.00%"]
        assert await seen.page.title() == "Stock symbols · Tally"
        seen.check()


async def test_garbage_harms_nothing(browser: Browser, gateway: ScriptedGateway) -> None:
    async with browsing(browser, gateway.url) as seen:
        await seen.until_live()
        await gateway.send(["{", "null", "[]", '{"key":1}', '{"type":"new"}', '{"id":"x"}'])
        markup = "<img src=x onerror=alert(1)>"
        await gateway.window(now() - W, now(), {markup: 20})
        await seen.until_rows(f"#{markup}")
        seen.check()


async def test_a_phone_shows_all_of_it(browser: Browser, gateway: ScriptedGateway) -> None:
    async with browsing(browser, gateway.url, **PHONE) as seen:
        await seen.until_live()
        assert not await seen.scrolls_sideways()
        long = "donaudampfschifffahrtsgesellschaftskapitaen" * 2
        for n in range(20, 0, -1):
            await gateway.window(now() - n * W, now() - n * W + W, {"kafka": 1_234_567, long: 7})
        await gateway.provisional(now(), now() + W, {long: 1_000_000})
        await seen.until_rows("#kafka", f"#{long}")
        await seen.page.get_by_role("button", name=f"Follow #{long}").tap()
        await seen.page.get_by_role("searchbox").fill(long)
        await seen.until("document.querySelectorAll('.card').length === 1")
        assert not await seen.scrolls_sideways()
        for name in await seen.page.locator("button:visible, input:visible").all():
            box = await name.bounding_box()
            assert box is not None
            assert box["height"] >= 24, await name.get_attribute("id")
            assert box["width"] >= 24, await name.get_attribute("id")
        seen.check()


async def until_sent(gateway: ScriptedGateway, actions: int) -> None:
    """Wait until so many actions have arrived."""
    async with asyncio.timeout(30):
        while len(gateway.actions) < actions:
            await asyncio.sleep(0.02)


def result_text(key: str, value: object, name: str) -> str:
    """A result as the gateway sends it."""
    return json.dumps({"key": key, "value": value, "timestamp": 1, "id": name, "cursor": "1"})
