"""Pages in a real browser, as a person sees them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@contextmanager
def browsing(folder: Path) -> Iterator:
    """Headless Chromium with its data in a folder. Skips the test if it is not installed."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium with its driver here: apt install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--window-size=1500,1000", f"--user-data-dir={folder}"),
    ):
        options.add_argument(argument)
    browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        yield browser
    finally:
        browser.quit()


def await_text(browser, *wanted: str) -> None:
    """Wait until the page shows all of these."""
    text = ""
    for _ in range(200):
        text = browser.find_element("tag name", "body").text
        if all(word in text for word in wanted):
            return
        time.sleep(0.3)
    raise AssertionError(f"not on the page: {[word for word in wanted if word not in text]}")


def field(browser, name: str):
    """The input of a field of Prefect's form, which follows its label."""
    label = f"//label[normalize-space(.)='{name} (Optional)']"
    return browser.find_element("xpath", f"{label}/following::*[self::input or self::textarea][1]")
