"""A window of the browser on the playground: what a person sees and does there."""

from __future__ import annotations

import time

SECONDS = 60  # within which the page shows what is waited for


class Window:
    """What a person sees and does in one window."""

    def __init__(self, browser, address: str):
        self.browser, self.address = browser, address
        self.handle = browser.current_window_handle
        browser.get(address)
        self.until(lambda: self.all("#run option"))

    def all(self, css: str) -> list:
        return self.browser.find_elements("css selector", css)

    def one(self, css: str):
        return self.browser.find_element("css selector", css)

    def until(self, true):
        end = time.monotonic() + SECONDS
        while not (found := true()):
            assert time.monotonic() < end, self.one("body").text
            time.sleep(0.05)
        return found

    def shows(self, css: str) -> bool:
        return any(element.is_displayed() for element in self.all(css))

    def open(self, tab: str) -> None:
        self.one(f"#tab-{tab}").click()

    def choose(self, select: str, value: str) -> None:
        from selenium.webdriver.support.ui import Select

        Select(self.one(f"#{select}")).select_by_value(value)

    def slide(self, name: str, value: float) -> None:
        script = (
            "const slider = document.querySelector(`[name=${arguments[0]}]`);"
            "slider.value = arguments[1]; slider.dispatchEvent(new Event('input'));"
        )
        self.browser.execute_script(script, name, value)

    def compare(self, runs: list[str], prompt: str = "мама", key: str = "") -> list[str]:
        """Have two runs write blindly, by a button or a key; the texts."""
        self.open("blind")
        self.choose("run", runs[0])
        self.choose("other", runs[1])
        self.slide("characters", 100)
        self.one("#blind textarea").clear()
        self.one("#blind textarea").send_keys(prompt)
        if key:
            self.one("#blind textarea").send_keys(*key)
        else:
            self.one("#blind .go").click()
        self.until(lambda: self.shows("#blind .votes"))
        return self.texts()

    def texts(self) -> list[str]:
        return [text.text for text in self.all("#blind .text")]
