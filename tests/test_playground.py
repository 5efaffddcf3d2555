"""The playground's server: what it writes, and when it stops."""

from __future__ import annotations

import json
import re
import shutil
import time

import pytest

from femtogpt.generation.engine import Engine
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writing import write
from femtogpt.model.loading import load_model
from femtogpt.playground import verbatim
from femtogpt.playground.choices import USUAL, beginnings
from femtogpt.playground.lockstep import evened, lockstep
from femtogpt.tokens.tokenizer import Tokenizer
from tests.helpers import PROSE
from tests.playgrounds import OTHER_PIECES, TALK, Models, events, serving


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Models:
    return Models(tmp_path_factory.mktemp("playground") / "data")


@pytest.fixture(scope="module")
def names(models) -> list[str]:
    """Three runs: two of one tokenizer, the last of another and with turns in its text."""
    first = models.make(1, bits=2.5, text="мама мыла раму")
    return [first, models.make(2, OTHER_PIECES), models.make(3, text=TALK)]


@pytest.fixture(scope="module")
def page(models, names):
    with serving(models.data) as (page, _):
        yield page


def written(models: Models, name: str, prompt: str, tokens: int, seed: int, **how) -> str:
    """What the library writes with the page's usual settings."""
    run = models.data / name
    sampling = Sampling(**{"top_p": 0.95, **how})
    engine, tokenizer = Engine(load_model(run, "cpu")), Tokenizer.load(run)
    return write(engine, tokenizer, prompt, tokens, sampling, seed)


def test_the_page_has_all_its_parts_and_nothing_from_elsewhere(page):
    status, headers, text = page.get("/")
    assert status == 200 and "script-src 'self'" in headers["content-security-policy"]
    seen, ahead = set(), {"/page/main.js", *re.findall(r'="(/page/[\w.]+)"', text.decode())}
    while ahead:
        path = ahead.pop()
        seen.add(path)
        status, headers, part = page.get(path)
        assert status == 200, path
        assert headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|innerHTML", part.decode()), path
        ahead |= {f"/page/{name}" for name in re.findall(r'"\./(\w+\.js)"', part.decode())} - seen
    assert {"/page/style.css", "/page/blind.js", "/page/words.js"} <= seen


def test_both_languages_have_the_same_words(page):
    text = page.get("/page/words.js")[2].decode()
    russian, english = text.partition("  en: {")[::2]
    english = english.partition("\n  },\n};")[0]
    name = re.compile(r'(?:^ +|", )(\w+|"[\w -]+"): ', re.M)
    keys = [set(name.findall(part)) for part in (russian, english)]
    assert keys[0] - {"ru"} == keys[1] and len(keys[1]) > 60
    used = re.findall(r'data-say(?:-\w+)?="(\w+)"', page.get("/")[2].decode())
    assert {*used} <= keys[1]


def test_runs_are_listed_with_their_figures_beginnings_and_turns(page, names):
    listed = {run["name"]: run for run in json.loads(page.get("/api/runs")[2])}
    assert [*listed] == names[::-1], "the newest first"
    assert listed[names[0]]["bits"] == 2.5 and listed[names[0]]["beginnings"] == ["мама мыла"]
    assert [listed[name]["turns"] for name in names] == [False, None, True]


def test_a_run_whose_samples_have_no_beginning_is_offered_the_usual_ones(tmp_path):
    models = Models(tmp_path / "data")
    name = models.make(1)
    assert beginnings(models.data / name, models.data) == ["мама мыла"]
    shutil.rmtree(models.data / "samples")
    assert beginnings(models.data / name, models.data) == [*USUAL]


def test_a_run_writes_what_the_library_writes(page, models, names):
    body = {"runs": names[:1], "prompt": "мама", "characters": 60, "seed": 5}
    expected = written(models, names[0], "мама", 240, 5)
    text, other = page.texts("/api/write", body)
    assert expected.startswith(text) and 60 <= len(text) <= 100 and not other


def test_two_runs_of_other_tokenizers_write_side_by_side(page, models, names):
    texts = page.texts("/api/write", {"runs": names[:2], "characters": 50, "seed": 6})
    for name, text in zip(names, texts, strict=False):
        assert text and written(models, name, "", 200, 6).startswith(text)


@pytest.mark.parametrize("prompt", ["", "мама " * 40, "ѣ漢😀\x00", "</script><b>"])
def test_any_beginning_will_do(page, models, names, prompt):
    body = {"runs": names[:1], "prompt": prompt, "characters": 20, "seed": 1}
    assert written(models, names[0], prompt, 80, 1).startswith(page.texts("/api/write", body)[0])


def test_no_chance_at_temperature_zero_and_more_likeliest_than_there_are(page, names):
    greedy = {"runs": names[:1], "characters": 30, "temperature": 0}
    texts = {page.texts("/api/write", {**greedy, "seed": seed})[0] for seed in (1, 2)}
    assert len(texts) == 1
    assert page.texts("/api/write", {"runs": names[:1], "characters": 9, "top_k": 10**6})[0]


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"top_p": 0}, {"top_k": 0}, {"repetition_penalty": 0}]
)
def test_a_setting_out_of_its_range_is_told_in_a_line(page, names, wrong):
    *_, (event, told) = page.events("/api/write", {"runs": names[:1], **wrong})
    assert event == "refused" and told["why"] == "bad request"
    assert re.match(rf"{next(iter(wrong))} \S+ is out of range: give ", told["detail"])


@pytest.mark.parametrize(
    "wrong",
    [
        *({"characters": 10**9}, {"seed": -1}, {"runs": []}, {"runs": ["a", "b", "c"]}),
        *({"prompt": "а" * 100_001}, {"prompt": 5}, {"path": "/etc/passwd"}, b"{", b""),
        b'{"runs": ["a"], "prompt": "\\ud83d"}',
    ],
)
def test_what_makes_no_sense_is_refused(page, names, wrong):
    body = wrong if isinstance(wrong, bytes) else {"runs": names[:1], **wrong}
    assert page.ask("/api/write", body) == (422, {"why": "bad request", "detail": ""})


def test_it_stops_within_a_token_when_the_page_is_closed(page, names, monkeypatch):
    steps = []
    step = Engine.step

    def counted(self, *arguments):
        steps.append(time.monotonic())
        time.sleep(0.005)
        return step(self, *arguments)

    monkeypatch.setattr(Engine, "step", counted)
    answer = page.post("/api/write", {"runs": names[:1], "characters": 5000, "seed": 2})
    stream = events(answer)
    while next(stream)[0] != "text":
        pass
    answer.close()
    closed = time.monotonic()
    time.sleep(0.5)
    assert steps and max(steps) < closed + 0.25 and len(steps) < 200
    body = {"runs": names[:1], "characters": 5, "seed": 6}
    assert page.texts("/api/write", body)[0], "it goes on"


def test_two_windows_write_at_once(page, names):
    body = {"runs": names[:1], "characters": 300}
    first, second = (page.post("/api/write", {**body, "seed": seed}) for seed in (1, 2))
    with first, second:
        streams = [events(first), events(second)]
        for _ in range(10):
            assert all(next(stream) for stream in streams)
        rest = [list(stream)[-1] for stream in streams]
    assert rest == [("end", {})] * 2


def test_a_run_that_is_gone_or_damaged_is_told(models, tmp_path):
    own = Models(tmp_path / "data")
    name, kept = own.make(1), own.make(2)
    with serving(own.data) as (page, _):
        body = {"runs": [name], "characters": 5, "seed": 6}
        weights = own.data / name / "model.safetensors"
        whole = weights.read_bytes()
        weights.write_bytes(whole[:-1] + b"\x01")
        assert page.events("/api/write", body)[-1][1]["why"] == "damaged"
        weights.write_bytes(whole)
        assert page.texts("/api/write", body)[0]
        shutil.rmtree(own.data / name)
        assert page.events("/api/write", body)[-1] == ("refused", {"why": "gone", "detail": name})
        for path in ("..", "run/..", f"{own.data / kept}", f"./{kept}", "run/", ""):
            refused = page.events("/api/write", {"runs": [path], "characters": 5})[-1]
            assert refused[1]["why"] == "gone"
        assert page.events("/api/write", {"runs": [kept], "characters": 5})[-1][0] == "end"


def test_a_half_trained_run_does_not_write(models, tmp_path):
    own = Models(tmp_path / "data")
    name = own.make(1)
    (own.data / name).rename(own.data / "run/.abc.partial")
    with serving(own.data) as (page, _):
        (half,) = json.loads(page.get("/api/runs")[2])
        assert "half-finished" in half["state"]
        refused = page.events("/api/write", {"runs": [half["name"]], "characters": 5})[-1]
        assert refused[1]["why"] == "half-finished"


def test_a_run_answers_in_a_dialogue_and_does_not_speak_for_others(page, models, names):
    turns = [{"speaker": "Мама: ▸", "text": "мыла ▸ раму?\n\nу мамы"}]
    body = {"run": names[2], "turns": turns, "speaker": "Рама", "seed": 4, "characters": 100}
    prompt = "▸ Мама: мыла › раму?\nу мамы\n▸ Рама:"
    whole = written(models, names[2], prompt, 400, 4)
    answer = page.texts("/api/talk", body)[0]
    assert whole.partition("\n▸")[0].startswith(answer) and "\n▸" not in answer
    nameless = page.events("/api/talk", {**body, "speaker": " : "})[-1]
    assert nameless[1]["why"] == "no name"


def test_what_stands_in_the_training_text_is_told_with_its_work(tmp_path):
    own = Models(tmp_path / "data")
    name, plain = own.indexed(1), own.make(2)
    text = f"😀 Своё. {PROSE[200:270]} И ещё."
    with serving(own.data) as (page, _):
        status, marks = page.ask("/api/marks", {"run": name, "text": text})
        assert status == 200
        (mark,) = marks
        assert text[mark["start"] : mark["end"]].strip() == PROSE[200:270].strip()
        assert (mark["work"]["author"], mark["work"]["title"]) == ("А. Б.", "Мельник")
        assert page.ask("/api/marks", {"run": name, "text": PROSE[200:240]}) == (200, [])
        assert page.ask("/api/marks", {"run": plain, "text": text}) == (200, None)
        index = next((own.data / "text_index").glob("[!.]*/text"))
        index.write_bytes(b"\x01" + index.read_bytes()[1:])
    with serving(own.data) as (page, _):
        verbatim._opened.cache_clear()
        assert page.ask("/api/marks", {"run": name, "text": text}) == (200, None), "damaged"


def test_texts_go_at_one_pace_and_end_with_a_word():
    texts = [iter(["мама мыла", " раму", " и ", "мыло"]), iter("у мамы рама, у рамы мама")]
    parts = list(lockstep(texts, 10))
    ahead = [0, 0]
    for number, part in parts:
        ahead[number] += len(part)
        assert abs(ahead[0] - ahead[1]) <= 9
    whole = ["".join(part for number, part in parts if number == side) for side in (0, 1)]
    assert whole == ["мама мыла раму", "у мамы рама"]
    endless = list(lockstep([iter("а" * 1000)], 10))
    assert sum(len(part) for _, part in endless) == 50


def test_evened_parts_do_not_tell_the_pieces():
    texts = [["мама", " мыла ра", "му"], [*"у рамы мама"]]
    parts = [(0, texts[0][0]), (1, "у"), (0, texts[0][1]), (1, " рамы мама"), (0, "му")]
    evened_parts = [part for part in evened(iter(parts), 4) if part[1]]
    assert {len(part) for _, part in evened_parts[:-2]} <= {4, 8}
    whole = ["".join(part for number, part in evened_parts if number == side) for side in (0, 1)]
    assert whole == ["".join(text) for text in texts]


def test_no_event_has_a_part_of_a_letter(page, names, monkeypatch):
    """Of a tokenizer without these letters, every one is spelled in bytes."""
    ids = Tokenizer(OTHER_PIECES).encode("ъэ😀ь")
    assert len(ids) == 10
    spelled = iter(ids * 5)
    monkeypatch.setattr(Sampling, "draw", lambda *_: next(spelled))
    found = page.events("/api/write", {"runs": [names[1]], "characters": 9})
    assert [data["text"] for name, data in found if name == "text"][:4] == [*"ъэ😀ь"]
