"""The page about a run in a real browser: zoom, folding, print."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest

from femtogpt.report.run_page import SECTIONS, run_page
from tests.made_run import MadeRun, course
from tests.pages import await_text, browsing
from tests.test_run_page import MEMORY

pytestmark = pytest.mark.slow
LONG = "оченьдлинноеслово" * 60


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator:
    with browsing(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    made = MadeRun(
        lines=course(400, samples=["Жил-был", LONG]),
        samples=[{"prompt": "Зима", "text": f" {LONG}\n</script>конец"}],
        works=[f"Работа {n} {LONG}" for n in range(8)],
        memory=MEMORY,
    )
    file = folder / "report.html"
    file.write_text(run_page(made.facts(folder / "data")), "utf-8")
    return file


@pytest.fixture
def shown(page, browser):
    """The browser with the page, which it opened without a network."""
    browser.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    browser.get(page.as_uri())
    await_text(browser, "Качество", "конец")
    yield browser
    assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]


def paths(browser) -> list[str]:
    """The first curve of each chart."""
    return browser.execute_script(
        "return [...document.querySelectorAll('.chart')]"
        ".map(chart => chart.querySelector('path').getAttribute('d'))"
    )


def test_a_reader_zooms_all_charts_together_and_back(shown):
    from selenium.webdriver import ActionChains

    whole = paths(shown)
    assert len(whole) == 4
    svg = shown.find_element("css selector", ".chart svg")
    shown.execute_script("arguments[0].scrollIntoView({block: 'center'})", svg)
    drag = ActionChains(shown).move_to_element_with_offset(svg, -100, 0)
    drag.click_and_hold().move_by_offset(120, 5).release().perform()
    zoomed = paths(shown)
    assert all(one != other for one, other in zip(whole, zoomed, strict=True))
    ActionChains(shown).double_click(svg).perform()
    assert paths(shown) == whole
    shown.find_element("name", "in").click()
    assert paths(shown) != whole
    shown.find_element("name", "reset").click()
    assert paths(shown) == whole
    svg.send_keys("+")
    assert paths(shown) != whole
    svg.send_keys("0")
    assert paths(shown) == whole


def test_a_reader_reads_values_under_the_pointer(shown):
    from selenium.webdriver import ActionChains

    svg = shown.find_element("css selector", ".chart svg")
    legend = shown.find_element("css selector", ".chart .legend")
    shown.execute_script("arguments[0].scrollIntoView({block: 'center'})", svg)
    assert "шаг" not in legend.text.replace("каждый шаг", "")
    ActionChains(shown).move_to_element(svg).perform()
    assert "(шаг 2" in legend.text or "(шаг 1" in legend.text


@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_sticks_out_of_the_window(shown, width):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    shown.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        beyond = (
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert shown.execute_script(beyond) == 0
        charts = shown.execute_script(
            "return [...document.querySelectorAll('.chart svg')].map(svg =>"
            " svg.viewBox.baseVal.width / svg.clientWidth)"
        )
        assert all(0.9 < scale < 1.1 for scale in charts), "the type has its size"
    finally:
        shown.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_what_is_printed_is_whole(shown):
    printed = shown.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    document = pypdf.PdfReader(io.BytesIO(base64.b64decode(printed)))
    assert 3 <= len(document.pages) <= 40
    text = " ".join(" ".join(page.extract_text() for page in document.pages).split())
    titles = [shown.find_element("css selector", f"#{name} h2").text for name in SECTIONS]
    folded = ("dashes", "model.context", "SHA-256")
    for word in (*titles, *folded, "Чехов. Степь", "конец"):
        assert word in text, word
    assert "приблизить" not in text


def test_without_scripts_everything_is_open_and_drawn(page, browser):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(page.as_uri())
        await_text(browser, "Качество", "model.context", "SHA-256")
        paths = browser.find_elements("css selector", ".chart path")
        assert len(paths) >= 6 and not browser.find_element("class name", "tools").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
