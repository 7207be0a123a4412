"""The dashboard in Chromium, in all its states; the gateway is a scripted one."""

import time
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.polling import until_true
from tests.web.browser import AWAY, PHONE, Browsing, browsing, needs_chromium
from tests.web.scripted_gateway import ScriptedGateway, counted, result_text

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]
W = 20_000
CARD = ".card"


@pytest_asyncio.fixture(loop_scope="session")
async def seen(browser: Browser, gateway: ScriptedGateway) -> AsyncIterator[Browsing]:
    """The gateway's page, which is live."""
    async with browsing(browser, gateway.url) as page:
        await page.until_live()
        yield page


#: The beginning of the present window, epoch ms. It is looked up once: where a window ended between
#: two results of a test, these would be in two windows.
PRESENT = int(time.time() * 1000) // W * W


async def close_window(gateway: ScriptedGateway, counts: Mapping[str, int], ago: int = 1) -> None:
    """Finals of the window that is the `ago`th before the present one."""
    start = PRESENT - ago * W
    await gateway.window(start, start + W, counts)


async def test_bars_of_the_newest_window_and_lighter_ones_of_the_open(
    seen: Browsing, gateway: ScriptedGateway
) -> None:
    assert await seen.page.locator("#empty").is_visible()
    await close_window(gateway, {"kafka": 10, "faust": 7}, ago=2)
    await close_window(gateway, {"kafka": 20, "python": 40, "faust": 5})
    await gateway.provisional(PRESENT, PRESENT + W, {"python": 10})
    await seen.until_rows("#python", "#kafka", "#faust")
    assert await seen.page.locator("#empty").is_hidden()
    assert await seen.texts("#rows .number") == ["40", "20", "5"]
    assert await seen.texts("#rows .change") == ["", "+10", "-2"]
    await seen.until("document.querySelector('.bar-open').style.width === '25%'")
    assert "provisional" in (await seen.texts("#legend"))[0]
    assert "10 so far in the open window" in (await seen.texts("#rows .figures"))[0]
    assert await seen.texts("#summary") == ["3 hashtags, 65 mentions"]
    assert await seen.page.locator("#timeline button").count() == 3
    assert await seen.page.locator("#rows .spark-line").count() == 3


async def test_a_repeat_is_not_shown(seen: Browsing, gateway: ScriptedGateway) -> None:
    await close_window(gateway, {"kafka": 20})
    await seen.until_rows("#kafka")
    # The same id with another count: nobody sends that, but it would be seen.
    await gateway.send([result_text("kafka", counted("kafka", 99, PRESENT - W, PRESENT), 1, 0)])
    await close_window(gateway, {"python": 30})
    await seen.until_rows("#python", "#kafka")
    assert await seen.texts("#rows .number") == ["30", "20"]


async def test_it_comes_back_by_itself_and_misses_nothing(
    seen: Browsing, gateway: ScriptedGateway
) -> None:
    seen.tolerate(*AWAY)
    await close_window(gateway, {"kafka": 20}, ago=3)
    await seen.until_rows("#kafka")
    await seen.until("document.querySelector('#voice').textContent === ''")
    gateway.drop()
    await close_window(gateway, {"kafka": 30}, ago=2)
    await seen.until_said("#voice", "Connected.")
    await close_window(gateway, {"kafka": 40})
    await seen.until_number("#timeline button", 3)
    assert "since" not in gateway.asked[0]
    assert gateway.asked[1]["since"] == "1"


async def test_a_page_without_its_gateway_says_so(browser: Browser) -> None:
    gateway = ScriptedGateway()
    async with gateway.serving(), browsing(browser, gateway.url) as seen:
        seen.tolerate(*AWAY)
        await seen.until_live()
        await close_window(gateway, {"kafka": 20})
        await seen.until_rows("#kafka")
        await gateway.stop()
        await seen.until_said("#badge", "Reconnecting")
        await seen.until_said("#notice", "go on where")
        assert await seen.rows() == ["#kafka"]
        await gateway.start()
        await seen.page.locator("#retry").click()
        await seen.until_live()
        assert await seen.page.locator("#notice").is_hidden()


async def test_a_gap_is_told(seen: Browsing, gateway: ScriptedGateway) -> None:
    await gateway.send(['{"type":"gap","cursor":"0","from":"0"}'])
    await seen.until_said("#notice", "missing")


async def test_a_cursor_of_former_times_is_given_up(
    seen: Browsing, gateway: ScriptedGateway
) -> None:
    seen.tolerate("status of 400", *AWAY)
    await close_window(gateway, {"kafka": 20}, ago=2)
    await seen.until_rows("#kafka")
    gateway.forget()
    gateway.drop()
    await seen.until_said("#notice", "may be missing")
    await seen.until_live()
    await close_window(gateway, {"python": 30})  # with the first one's id
    await seen.until_rows("#python")


async def test_a_token_is_asked_for(browser: Browser, gateway: ScriptedGateway) -> None:
    gateway.token = "s3cret"
    async with browsing(browser, gateway.url) as seen:
        seen.tolerate("status of 401", *AWAY)
        await seen.until("!document.querySelector('#token-form').hidden")
        await seen.page.get_by_label("Token").fill("wrong")
        await seen.page.keyboard.press("Enter")
        await seen.until_said("#notice", "isn't known")
        await seen.page.get_by_label("Token").fill("s3cret")
        await seen.page.keyboard.press("Enter")
        await seen.until_live()
        assert await seen.page.locator("#token-form").is_hidden()
        assert "s3cret" not in seen.page.url
        assert not any("s3cret" in str(asked) for asked in gateway.asked)


async def test_where_nobody_may_have_all_keys_those_followed_are_shown(
    browser: Browser, gateway: ScriptedGateway
) -> None:
    gateway.allows_all = False
    async with browsing(browser, gateway.url) as seen:
        seen.tolerate("status of 403", *AWAY)
        await seen.until_said("#notice", "follow")
        await seen.page.keyboard.press("/")
        await seen.page.keyboard.type("#Kafka")
        await seen.page.keyboard.press("Enter")
        await seen.until_live()
        assert gateway.asked[-1]["hashtag"] == "kafka"
        await seen.page.keyboard.press("Control+a")
        await seen.page.keyboard.type("python")
        await seen.page.keyboard.press("Enter")
        await seen.until_number(CARD, 2)
        await seen.page.locator(CARD, has_text="kafka").get_by_role("button").click()
        await seen.until_number(CARD, 1)
        await until_true(lambda: len(gateway.actions) >= 2)
        assert [(action["action"], action["keys"]) for action in gateway.actions] == [
            ("subscribe", ["python"]),
            ("unsubscribe", ["kafka"]),
        ]


async def test_what_was_before_is_asked_for(browser: Browser) -> None:
    start = PRESENT - 5 * W
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
        assert await seen.texts("#summary") == ["the first 2 hashtags"]
        await seen.page.get_by_role("button", name="Follow #kafka").click()
        points = "document.querySelector('.card .spark-line').getAttribute('d').match(/[ML]/g)"
        await seen.until(f"{points}?.length === 8")


async def test_twenty_thousand_finals_in_a_window(seen: Browsing, gateway: ScriptedGateway) -> None:
    await close_window(gateway, {f"tag{n}": n + 5 for n in range(20_000)})
    await seen.until_rows("#tag19999", "#tag19998")
    await seen.until_said("#summary", "20,000")
    await seen.page.get_by_role("button", name="Show all 20,000").click()
    await seen.until("document.querySelector('#rows').offsetHeight > 500_000")
    await seen.page.keyboard.press("End")
    await seen.until("[...document.querySelectorAll('#rows .name')].at(-1).textContent === '#tag0'")
    assert await seen.page.locator("#rows li").count() < 60
    await seen.page.keyboard.press("/")
    await seen.page.keyboard.type("tag1234")
    await seen.until("document.querySelector('#found').textContent.startsWith('11 hashtags')")


async def test_stock_symbols(browser: Browser, gateway: ScriptedGateway) -> None:
    async with browsing(browser, f"{gateway.url}?parameter=symbol") as seen:
        await seen.until_live()
        assert gateway.asked[0]["symbol"] == "*"
        minute = PRESENT // 60_000 * 60_000
        for close, start in ((100, minute - 120_000), (101, minute - 60_000)):
            candle = {"symbol": "TBV", "open": 100, "high": 104, "low": 98, "close": close}
            bounds = {"window_start": start, "window_end": start + 60_000}
            await gateway.result("TBV", {**candle, **bounds}, start + 59_999)
        await gateway.result("AAPL", {"symbol": "AAPL", "price": 228.5}, minute - 59_000)
        await seen.until_rows("AAPL", "TBV")
        assert await seen.texts("#rows .number") == ["228.50", "101.00"]
        assert await seen.texts("#rows .change") == ["", "+1.00%"]
        assert await seen.page.title() == "Stock symbols · Tally"


async def test_garbage_harms_nothing(seen: Browsing, gateway: ScriptedGateway) -> None:
    await gateway.send(["{", "null", "[]", '{"key":1}', '{"type":"new"}', '{"id":"x"}'])
    markup = "<img src=x onerror=alert(1)>"
    await close_window(gateway, {markup: 20})
    await seen.until_rows(f"#{markup}")


async def test_a_phone_shows_all_of_it(browser: Browser, gateway: ScriptedGateway) -> None:
    async with browsing(browser, gateway.url, **PHONE) as seen:
        await seen.until_live()
        assert not await seen.scrolls_sideways()
        long = "donaudampfschifffahrtsgesellschaftskapitaen" * 2
        for ago in range(20, 0, -1):
            await close_window(gateway, {"kafka": 1_234_567, long: 7}, ago)
        await gateway.provisional(PRESENT, PRESENT + W, {long: 1_000_000})
        await seen.until_rows("#kafka", f"#{long}")
        await seen.page.get_by_role("button", name=f"Follow #{long}").tap()
        await seen.page.get_by_role("searchbox").fill(long)
        await seen.until_number(CARD, 1)
        assert not await seen.scrolls_sideways()
        for name in await seen.page.locator("button:visible, input:visible").all():
            box = await name.bounding_box()
            assert box is not None
            assert box["height"] >= 24, await name.get_attribute("id")
            assert box["width"] >= 24, await name.get_attribute("id")
