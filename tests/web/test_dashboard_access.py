"""Everybody can use the dashboard: by keyboard, in light and dark, without motion."""

import time

import pytest
from playwright.async_api import Browser

from tests.web.browser import Browsing, browsing, needs_chromium
from tests.web.scripted_gateway import ScriptedGateway

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]
W = 20_000
#: WCAG 2.2, level AA.
LEAST_CONTRAST = 4.5
#: The text elements that have too little contrast with what is behind them.
CONTRASTS = """() => {
  const numbers = (color) => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color) => {
    const [r, g, b] = numbers(color).map((part) => {
      const x = part / 255;
      return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if (numbers(color)[3] === 255) return color;
    }
    return "white";
  };
  const own = (element) => [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.checkVisibility() && own(element) && !element.closest(":disabled"))
    .map((element) => {
      const [a, b] = [getComputedStyle(element).color, behind(element)].map(luminance);
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return [element.className || element.id || element.tagName, element.textContent, ratio];
    });
}"""
#: More elements than there are to tab through.
MANY = 40
FOCUSED = "document.activeElement.closest('li')?.dataset.key ?? document.activeElement.id"


async def some_windows(gateway: ScriptedGateway) -> int:
    """Three windows and the open one; returns the open one's start."""
    start = int(time.time() * 1000) // W * W
    await gateway.window(start - 3 * W, start - 2 * W, {"kafka": 30, "python": 20})
    await gateway.window(start - 2 * W, start - W, {"kafka": 20, "python": 30, "data": 9})
    await gateway.window(start - W, start, {"kafka": 40, "python": 20, "data": 9})
    await gateway.provisional(start, start + W, {"kafka": 7, "data": 8})
    return start


async def test_all_of_it_by_keyboard(browser: Browser, gateway: ScriptedGateway) -> None:
    async with browsing(browser, gateway.url) as seen:
        press = seen.page.keyboard.press
        await seen.until_live()
        start = await some_windows(gateway)
        await seen.until_rows("#kafka", "#python", "#data")

        await press("/")  # find and follow
        await seen.page.keyboard.type("pyth")
        await seen.until_rows("#python")
        await press("Control+a")
        await seen.page.keyboard.type("python")
        await press("Enter")
        await seen.until_number(".card", 1)
        await press("Escape")
        await seen.until_rows("#kafka", "#python", "#data")

        await tab_to(seen, "document.activeElement.parentNode.id === 'timeline'")
        await press("ArrowLeft")  # an older window
        await press("Enter")
        await seen.until_rows("#python", "#kafka", "#data")
        await seen.page.wait_for_selector("#newest:visible")
        await press("Escape")
        await seen.until_rows("#kafka", "#python", "#data")

        await tab_to(seen, "document.activeElement.closest('.row')?.dataset.key === 'kafka'")
        await press("ArrowDown")
        await press("ArrowDown")
        assert await seen.page.evaluate(FOCUSED) == "data"
        await press("ArrowUp")
        await press("ArrowUp")
        # A new window brings another order; the focus stays with its key.
        await gateway.window(start, start + W, {"data": 99, "python": 20, "kafka": 10})
        await seen.until_rows("#data", "#python", "#kafka")
        assert await seen.page.evaluate(FOCUSED) == "kafka"
        await press("Space")
        await seen.until_number(".card", 2)

        card = "document.activeElement.closest('.card')?.dataset.key === 'python'"
        await tab_to(seen, card, "Shift+Tab")
        await press("Enter")  # unfollow
        await seen.until_number(".card", 1)
        assert await seen.page.evaluate(FOCUSED) == "kafka"  # not lost with its card


async def tab_to(seen: Browsing, condition: str, key: str = "Tab") -> None:
    """Press the key until the element that has the focus is the one."""
    for _ in range(MANY):
        if await seen.page.evaluate(condition):
            return
        await seen.page.keyboard.press(key)
    focused = await seen.page.evaluate("document.activeElement.outerHTML")
    raise AssertionError(f"never {condition}, but {focused}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_contrast(browser: Browser, gateway: ScriptedGateway, scheme: str) -> None:
    async with browsing(browser, gateway.url, color_scheme=scheme) as seen:
        await seen.until_live()
        await some_windows(gateway)
        await seen.until_rows("#kafka", "#python", "#data")
        await seen.page.get_by_role("button", name="Follow #kafka").click()
        await gateway.send(['{"type":"gap","cursor":"3","from":"0"}'])
        await seen.page.get_by_role("searchbox").fill("a")
        await seen.page.wait_for_selector("#notice:visible")
        found = await seen.page.evaluate(CONTRASTS)
        assert len(found) > 25
        assert [text for text in found if text[2] < LEAST_CONTRAST] == []


async def test_light_and_dark(browser: Browser, gateway: ScriptedGateway) -> None:
    async with browsing(browser, gateway.url, color_scheme="dark") as seen:
        background = "getComputedStyle(document.documentElement).backgroundColor"
        button = seen.page.get_by_role("button", name="Theme")
        dark = await seen.page.evaluate(background)
        await button.click()
        await seen.until_said("#theme", "Theme: light")
        light = await seen.page.evaluate(background)
        assert light != dark
        await seen.page.reload()
        assert await seen.page.evaluate(background) == light
        await button.click()
        assert await seen.page.evaluate(background) == dark
        await seen.page.emulate_media(color_scheme="light")
        assert await seen.page.evaluate(background) == dark
        await button.click()
        assert await seen.page.evaluate(background) == light


async def test_nothing_moves_for_those_who_asked_for_that(
    browser: Browser, gateway: ScriptedGateway
) -> None:
    async with browsing(browser, gateway.url, reduced_motion="reduce") as seen:
        await seen.until_live()
        await some_windows(gateway)
        await seen.until_rows("#kafka", "#python", "#data")
        moving = "document.getAnimations().length"
        assert await seen.page.evaluate(moving) == 0
        await seen.page.emulate_media(reduced_motion="no-preference")
        await seen.until(f"{moving} > 0")


async def test_lists_and_live_regions_are_told_as_such(
    browser: Browser, gateway: ScriptedGateway
) -> None:
    async with browsing(browser, gateway.url) as seen:
        await seen.until_live()
        await some_windows(gateway)
        await seen.until_rows("#kafka", "#python", "#data")
        row = seen.page.get_by_role("listitem").filter(has_text="#python")
        assert await row.get_attribute("aria-posinset") == "2"
        assert await row.get_attribute("aria-setsize") == "3"
        follow = row.get_by_role("button", name="Follow #python")
        assert await follow.get_attribute("aria-pressed") == "false"
        assert await seen.page.locator("#voice[role=status]").count() == 1
        chosen = seen.page.get_by_role("group", name="Choose a window").locator(
            "[aria-pressed=true]"
        )
        assert "final: 3 hashtags, 69 mentions" in (await chosen.get_attribute("aria-label") or "")
