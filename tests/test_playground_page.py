"""The playground as a person uses it, in a real browser."""

from __future__ import annotations

import re
import threading
import time

import pytest

from femtogpt.generation import writing
from tests.helpers import PROSE
from tests.pages import browsing
from tests.playground_window import SECONDS, Window
from tests.playgrounds import OTHER_PIECES, TALK, Models, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Models:
    return Models(tmp_path_factory.mktemp("page") / "data")


@pytest.fixture(scope="module")
def runs(models) -> list[str]:
    return [models.make(1, OTHER_PIECES), models.make(2, text=TALK)]


@pytest.fixture(scope="module")
def served(models, runs):
    with serving(models.data) as (page, room):
        yield f"http://127.0.0.1:{page.port}/", room


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser
        seen = [entry["message"] for entry in browser.get_log("browser")]
        assert not [line for line in seen if "409 (Conflict)" not in line], "errors in the page"


@pytest.fixture
def window(browser, served):
    """A window of its own, with nothing left from others."""
    browser.switch_to.new_window("window")
    browser.set_window_size(1400, 1000)
    yield Window(browser, served[0])
    if len(browser.window_handles) > 1:
        browser.close()
        browser.switch_to.window(browser.window_handles[0])


@pytest.fixture
def endless(monkeypatch):
    """Models that write the same word for ever."""

    def stream(*_):
        while True:
            time.sleep(0.01)
            yield "слово "

    monkeypatch.setattr(writing, "stream", stream)


def test_a_text_streams_in_after_its_beginning_and_is_copied(window, browser):
    window.all("#write .beginnings button")[0].click()
    assert window.one("#write textarea").get_property("value") == "мама мыла"
    window.slide("characters", 300)
    window.one("#seed").send_keys("3")
    window.one("#write .go").click()
    window.until(lambda: len(window.one("#write .text").text) > 20)
    window.until(lambda: not window.shows("#write .stop"))
    text = window.one("#write .text").get_property("textContent")
    assert text.startswith("мама мыла") and len(text) > 30
    assert window.one("#write .begun").text == "мама мыла"
    window.until(
        lambda: "Указателя текстов для этой модели нет" in window.one("#write .under").text
    )
    browser.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    window.one("#write .copy").click()
    window.until(lambda: window.one("#write .copy").text == "Скопировано")
    assert browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == text


def test_it_is_stopped_by_a_button_and_by_a_key(window, endless):
    window.slide("characters", 3000)
    for stop in (
        lambda: window.one("#write .stop").click(),
        lambda: window.one("#write textarea").send_keys("\ue00c"),  # Escape
    ):
        window.one("#write textarea").send_keys("\ue009", "\ue007")  # Ctrl + Enter
        window.until(lambda: len(window.one("#write .text").text) > 5)
        stop()
        window.until(lambda: not window.shows("#write .stop"))
        length = len(window.one("#write .text").text)
        assert "остановлено" in window.one("#write .under").text and length < 3000
        time.sleep(0.3)
        assert len(window.one("#write .text").text) == length


def test_names_are_hidden_until_the_vote_also_after_a_reload(window, browser, served, runs):
    texts = window.compare(runs)
    shown = window.one("main").text
    assert [heading.text for heading in window.all("#blind h2")] == ["Слева", "Справа"]
    assert not [run for run in runs if run.removeprefix("run/")[:6] in shown]
    browser.refresh()
    window.until(lambda: window.shows("#blind .votes"))
    assert window.texts() == texts
    assert not [run for run in runs if run.removeprefix("run/")[:6] in window.one("main").text]
    window.all("#blind .votes button")[1].click()
    window.until(lambda: window.shows("#blind .score"))
    vote = served[1].votes.read()[-1]
    assert vote.better == "right"
    for _ in range(2):
        headings = [heading.text for heading in window.all("#blind h2")]
        for run, heading in zip(vote.runs, headings, strict=True):
            assert run.removeprefix("run/")[:6] in heading
        assert "лучше" in headings[1] and "лучше" not in headings[0]
        assert window.texts() == texts
        browser.refresh()
        window.until(lambda: window.shows("#blind .score"))


def test_a_vote_is_cast_with_a_key_and_the_score_grows(window, browser, served, runs):
    count = len(served[1].votes.read())
    for key, better in (("1", "left"), ("3", "equal"), ("4", "bad")):
        window.compare(runs, key="\ue009\ue007")  # Ctrl + Enter, and the pointer is not needed
        browser.switch_to.active_element.send_keys(key)
        window.until(lambda: window.shows("#blind .score"))
        count += 1
        assert served[1].votes.read()[-1].better == better
        assert f"голосов: {count}" in window.one("#blind .score").text
        assert re.search(r"\d+ % побед, от \d+", window.one("#blind .score").text)


def test_a_text_that_ended_at_once_is_told_and_judged(window, browser, runs, monkeypatch):
    monkeypatch.setattr(writing, "stream", lambda *_: iter([]))
    window.compare(runs, "")
    assert window.texts() == ["", ""]
    for _ in range(2):
        assert window.one("#blind .texts").text.count("модель сразу закончила текст") == 2
        browser.refresh()
        window.until(lambda: window.shows("#blind .votes"))
    window.all("#blind .votes button")[2].click()
    window.until(lambda: window.shows("#blind .score"))
    assert window.one("#blind .texts").text.count("модель сразу закончила текст") == 2


def test_two_windows_at_once_do_not_mix(window, browser, served, runs):
    first = window.compare(runs, "мама")
    browser.switch_to.new_window("window")
    second = Window(browser, served[0])
    assert not second.all("#blind .text")
    texts = second.compare(runs, "рама")
    assert all(text.startswith("рама") for text in texts)
    browser.close()
    browser.switch_to.window(window.handle)
    browser.refresh()
    window.until(lambda: window.shows("#blind .votes"))
    assert window.texts() == first


def test_a_comparison_that_a_reload_cuts_off_is_not_voted_on(window, browser, runs, endless):
    window.open("blind")
    window.choose("run", runs[0])
    window.choose("other", runs[1])
    window.slide("characters", 3000)
    window.one("#blind .go").click()
    window.until(lambda: any(len(text) > 5 for text in window.texts()))
    browser.refresh()
    window.until(lambda: window.shows("#notice"))
    assert "прервалось" in window.one("#notice").text and not window.shows("#blind .votes")


def test_a_dialogue_for_the_model_that_knows_turns_only(window, runs):
    window.choose("run", runs[1])
    window.open("talk")
    assert not window.shows("#no-turns")
    window.one("#talk textarea").send_keys("мыла раму?", "\ue007")
    window.until(lambda: window.all("#talk .its .text"))
    window.until(lambda: not window.shows("#talk .stop"))
    assert window.one("#talk .mine").text == "Ведущий\nмыла раму?"
    window.choose("run", runs[0])
    window.until(lambda: window.shows("#no-turns"))


def test_tokens_are_coloured_and_explained_by_pointer_and_keys(window, browser):
    from selenium.webdriver import ActionChains

    window.open("pieces")
    text = "мама мыла </script><b>раму\nѢ"
    browser.execute_script(
        "arguments[0].value = arguments[1]", window.one("#pieces textarea"), text
    )
    window.one("#pieces .go").click()
    pieces = window.until(lambda: window.all("#pieces .tokens i"))
    assert window.one("#pieces .tokens").get_property("textContent") == text
    assert len({piece.value_of_css_property("background-color") for piece in pieces}) > 3
    ActionChains(browser).move_to_element(pieces[2]).perform()
    window.until(lambda: window.shows("#card"))
    assert len(window.all("#card tr")) == 5 and "бита" in window.one("#card").text
    first = window.one("#card").text
    window.one("#pieces .tokens").send_keys("\ue014")  # →
    window.until(lambda: window.one("#card").text != first)
    window.one("body").send_keys("\ue00c")
    assert not window.shows("#card")


def test_what_a_model_writes_is_never_markup(window, browser, served, monkeypatch):
    run = "document.title = 'x'"
    said = f'</script><script>{run}</script><img src=x onerror="{run}">\u2028'
    monkeypatch.setattr(writing, "stream", lambda *_: iter([said]))
    window.one("#write textarea").send_keys(said)
    window.one("#write .go").click()
    window.until(lambda: window.shows("#write .under button"))
    assert window.one("#write .text").get_property("textContent") == said + said
    assert not window.all(".text img, .text script") and "femtoGPT" in browser.title


def test_what_is_verbatim_is_marked_and_its_work_named(window, browser, models, monkeypatch):
    from selenium.webdriver import ActionChains

    name = models.indexed(7)
    said = f" 😀 {PROSE[200:280]} и своё"
    monkeypatch.setattr(writing, "stream", lambda *_: iter([said]))
    browser.refresh()
    window.until(lambda: name in [one.get_attribute("value") for one in window.all("#run option")])
    window.choose("run", name)
    window.one("#write .go").click()
    (mark,) = window.until(lambda: window.all("#write mark"))
    assert mark.get_property("textContent").strip() == PROSE[200:280].strip()
    assert window.one("#write .text").get_property("textContent") == said
    assert "дословно из корпуса" in window.one("#write .under").text
    ActionChains(browser).move_to_element(mark).perform()
    window.until(lambda: window.shows("#card"))
    assert "А. Б., Мельник" in window.one("#card").text


def test_english_is_an_option_that_is_kept(window, browser):
    window.one("#language").click()
    assert window.one("#tab-blind").text == "Blind" and window.one("#write .go").text == "Write"
    browser.refresh()
    window.until(lambda: window.all("#run option"))
    assert window.one("html").get_attribute("lang") == "en"
    cyrillic = re.findall("[а-яё]+", window.one("header").text + window.one("aside").text)
    assert cyrillic == ["усский"]
    window.one("#language").click()
    assert window.one("#tab-blind").text == "Вслепую"


# Every text that is shown, but what models and persons have written.
SHOWN = """
const foreign = "[lang=ru]:not(html), .beginnings, #language";
const seen = (element) => element.checkVisibility() && !element.closest(foreign);
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const texts = [document.title];
while (walker.nextNode()) {
  if (seen(walker.currentNode.parentElement)) texts.push(walker.currentNode.data.trim());
}
for (const element of document.querySelectorAll("[aria-label], [placeholder]")) {
  if (seen(element)) texts.push(element.ariaLabel ?? "", element.placeholder ?? "");
}
return texts.filter(Boolean);
"""


def switches(window, *words: str) -> None:
    """The page shows these Russian words, and a change of the language changes all of them."""

    def shown() -> list[str]:
        return window.browser.execute_script(SHOWN)

    russian = shown()
    assert not [word for word in words if word not in "\n".join(russian)], russian
    window.one("#language").click()
    assert not [text for text in shown() if re.search("[а-яё]", text, re.I)]
    window.one("#language").click()
    assert shown() == russian


def test_what_is_already_shown_changes_its_language_too(window, browser, models, runs):
    without_turns = models.make(4, text="мама мыла раму")
    browser.refresh()
    window.until(lambda: window.all(f"#run option[value='{without_turns}']"))
    window.choose("run", runs[0])
    window.choose("other", runs[1])
    window.slide("characters", 100)
    window.one("#write .go").click()
    window.until(lambda: window.one("#write .texts").text.count("Указателя") == 2)
    switches(window, "зерно", "бита на символ", "Скопировать", "не отмечены", "нет")
    window.compare(runs)
    switches(window, "Слева", "Левый лучше")
    window.one("#blind .votes button").click()
    window.until(lambda: window.shows("#blind .score"))
    window.until(lambda: window.one("#blind .texts").text.count("Указателя") == 2)
    switches(window, "лучше", "побед", "голосов", "Ещё раз")
    window.choose("other", runs[0])
    window.one("#blind .go").click()
    switches(window, "Выберите вторую модель")
    window.open("talk")
    switches(window, "удалены")
    window.choose("run", without_turns)
    window.until(lambda: "вести разговор она не умеет" in window.one("#no-turns").text)
    switches(window, "вести разговор она не умеет")
    window.open("pieces")
    window.one("#pieces textarea").send_keys("мама")
    window.one("#pieces .go").click()
    window.until(lambda: window.shows("#pieces .legend"))
    switches(window, "бита на символ, токенов", "неожиданно")


def test_a_text_in_the_making_changes_its_language_too(window, runs, monkeypatch):
    loaded = threading.Event()

    def stream(*_):
        loaded.wait(SECONDS)
        yield "слово"

    monkeypatch.setattr(writing, "stream", stream)
    window.one("#write .go").click()
    window.until(lambda: "загружается" in window.one("#write .under").text)
    switches(window, "модель загружается…", "Остановить")
    window.one("#language").click()
    loaded.set()
    window.until(lambda: "nothing verbatim can be marked" in window.one("#write .under").text)
    window.one("#language").click()
    switches(window, "не отмечены")


def test_everything_is_reached_by_keys_alone(window, browser):
    window.one("#tab-write").send_keys("\ue014")
    assert browser.switch_to.active_element.get_attribute("id") == "tab-blind"
    window.one("#tab-blind").send_keys("\ue012")  # ←
    order = []
    for _ in range(14):
        browser.switch_to.active_element.send_keys("\ue004")  # Tab
        active = browser.switch_to.active_element
        order.append(active.get_attribute("id") or active.get_attribute("name") or active.text)
    assert {"language", "run", "other", "temperature", "seed", "usual"} <= {*order}


@pytest.mark.parametrize("tab", ["write", "blind", "talk", "pieces"])
def test_a_phones_width_is_enough(window, browser, runs, tab):
    size = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        window.choose("run", runs[1])
        window.open(tab)
        box = window.one(f"#{tab} textarea")
        box.clear()
        box.send_keys("мамамыла" * 20)
        if tab == "blind":
            window.choose("other", runs[0])
            window.compare(runs)
        else:
            window.one(f"#{tab} .go").click()
            window.until(lambda: window.shows(f"#{tab} .text"))
            window.until(lambda: not window.shows(f"#{tab} .stop"))
        widths = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1] == 360
        for button in window.all(f"#{tab} button"):
            if button.is_displayed():
                assert button.rect["x"] >= 0 and button.rect["x"] + button.rect["width"] <= 360
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_run_that_is_gone_is_told_and_the_list_is_new(window, models, tmp_path):
    name = models.make(9)
    folder = models.data / name
    window.browser.refresh()
    window.until(
        lambda: any(name == one.get_attribute("value") for one in window.all("#run option"))
    )
    window.choose("run", name)
    folder.rename(tmp_path / "away")
    window.one("#write .go").click()
    window.until(lambda: window.shows("#notice"))
    assert "больше нет" in window.one("#notice").text
    listed = "return [...document.querySelectorAll('#run option')].map((one) => one.value)"
    window.until(lambda: name not in window.browser.execute_script(listed))
