"""The stretches that a rule took: found whole, by length, in time that grows with the text."""

from __future__ import annotations

import pytest

from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.corpus.balance_report import BALANCE, balance_row
from femtogpt.corpus.corpus_report import report as corpus_report
from femtogpt.corpus.rules import RULES, Rule
from femtogpt.corpus.stretches import gaps, stretches
from tests.counted import operations
from tests.helpers import PROSE, VERSE, config, corpus_of, listed, story
from tests.test_corpus import report

PARAGRAPHS = [" ".join(story(number, 60).split()) for number in range(40)]
NOTE = "Примечание переводчика: мельник в те годы жил у самой реки, за старою плотиной."


def taken(before: str, after: str, least: int = 20) -> list[str]:
    """The stretches between two texts, the longest first."""
    found = [one for gap in gaps(before.encode(), after.encode()) for one in stretches(gap, least)]
    return [stretch.text for stretch in sorted(found, key=lambda stretch: -stretch.letters)]


@pytest.mark.parametrize("between", ["\n\n", "\n", " ", "\n\n   "])
@pytest.mark.parametrize("position", [0, 1, 20, 39])
def test_a_stretch_is_found_whole_wherever_it_was(between, position):
    rest = PARAGRAPHS[:position] + PARAGRAPHS[position + 1 :]
    assert taken(between.join(PARAGRAPHS), between.join(rest)) == [PARAGRAPHS[position]]


def test_stretches_come_by_length_and_neighbours_are_one():
    before = [*PARAGRAPHS[:5], NOTE, *PARAGRAPHS[5:10], "Конец первой части.", *PARAGRAPHS[10:]]
    after = [*PARAGRAPHS[:10], *PARAGRAPHS[10:20], *PARAGRAPHS[22:]]
    found = taken("\n\n".join(before), "\n\n".join(after), 10)
    assert found == ["\n\n".join(PARAGRAPHS[20:22]), NOTE, "Конец первой части."]


def test_a_stretch_within_a_line_is_found_though_other_places_of_it_changed():
    before = f"Шёл [1] дождь с утра и до вечера. {NOTE} И [2] мельник никуда не поехал в тот день."
    after = before.replace("[1] ", "").replace(f"{NOTE} ", "").replace("[2] ", "")
    assert taken(before, after) == [NOTE]


def test_what_is_only_spelt_otherwise_is_no_stretch():
    before = "Въ лѣсу было тихо и свѣтло, и снѣгъ лежалъ на вѣтвяхъ. " * 20
    after = before.replace("ѣ", "е").replace("ъ", "")
    assert taken(before, after) == []


def work(text: str) -> int:
    """How many lines of the comparison's code run for a text with changes."""
    old = f"{text} {NOTE} {text[: len(text) // 2]}"
    new = f"{text} {text[: len(text) // 3]} конец"
    return operations(lambda: taken(old, new), "stretches.py")


@pytest.mark.parametrize(
    "text",
    ["слово " * 40_000, "а" * 200_000, story(1, 300) * 120, "а б\n" * 50_000, "\n" * 200_000],
    ids=["a word again and again", "one word", "one line", "short lines", "no text"],
)
def test_the_work_grows_with_the_text_and_no_faster(text):
    assert work(text) <= 1.1 * 4 * work(text[: len(text) // 4]) + 200


@pytest.fixture(scope="module", autouse=True)
def notes_off():
    """A rule that takes lines away."""
    RULES["notes_off"] = Rule(
        "notes_off", lambda text: text.str.replace_all(r"(?m)^Прим[^\n]*\n?", ""), "", ""
    )
    yield
    del RULES["notes_off"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with a corpus from which a rule took notes."""
    folder = tmp_path_factory.mktemp("longest")
    books = {f"story {number}": story(number, 200) for number in range(20)}
    books |= {f"book {n}": f"{PROSE}\n{NOTE * n}\n{story(100 + n, 900)}" for n in range(1, 9)}
    talks = {"talk": f"{VERSE}\n{NOTE * 20}\n{story(300, 200)}", "other": story(301, 200)}
    sources = {
        "books": listed(books, rules=("notes_off",)),
        "talks": listed(talks, rules=("notes_off",)),
    }
    corpus_of(Store(folder / "data"), config(sources))
    return folder / "data"


@pytest.fixture
def femtogpt(data, capsys, monkeypatch):
    from femtogpt.corpus import cleaning_diff
    from tests.helpers import Listed

    monkeypatch.setattr(
        cleaning_diff, "_reader", lambda settings: Listed.model_construct(**settings)
    )

    def run(*arguments: str) -> tuple[int, str]:
        status = main([*arguments, "--data", str(data)])
        out = capsys.readouterr()
        return status, out.out + out.err

    return run


def headings(shown: str) -> list[str]:
    return [line for line in shown.splitlines() if line.startswith("── ")]


def test_the_longest_stretches_of_the_whole_corpus_are_listed_with_document_and_length(femtogpt):
    status, shown = femtogpt("corpus", "diff", "--rule", "notes_off", "--longest", "--count", "4")
    assert status == 0
    wanted = [("talks/talk", 20), ("books/book 8", 8), ("books/book 7", 7), ("books/book 6", 6)]
    lines = [f"── {name} · {len(NOTE * n):,} characters · " for name, n in wanted]
    assert all(map(str.startswith, headings(shown), lines))
    assert len(headings(shown)) == 4
    assert NOTE in shown


def test_all_of_a_source_are_listed_on_request(femtogpt):
    arguments = ("--rule", "notes_off", "--longest", "--count", "0", "--source", "books")
    _, shown = femtogpt("corpus", "diff", *arguments)
    assert len(headings(shown)) == 8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--longest",), "--rule"),
        (("--longest", "--rule", "dashes"), "took no stretch"),
        (("--longest", "--rule", "dashs"), "did you mean 'dashes'"),
        (("--longest", "--rule", "notes_off", "--source", "boks"), "boks"),
        (("--longest", "--rule", "notes_off", "book 1"), "--longest goes with"),
    ],
)
def test_what_cannot_be_listed_is_said_in_one_line(arguments, words, femtogpt):
    status, shown = femtogpt("corpus", "diff", *arguments)
    assert status == 1
    (line,) = shown.splitlines()
    assert words in line


def test_the_report_lists_five_stretches_of_each_rule_with_their_documents(data, femtogpt):
    (corpus,) = (data / "corpus").glob("[!.]*")
    from femtogpt.artifacts.artifact import Artifact

    effect = report(Artifact.load(corpus))["books"]["rules"]["notes_off"]
    assert [taken["id"] for taken in effect["longest"]] == [f"book {n}" for n in (8, 7, 6, 5, 4)]
    assert [taken["characters"] for taken in effect["longest"]][:2] == [
        8 * len(NOTE),
        7 * len(NOTE),
    ]
    assert all(len(taken["text"]) <= 300 for taken in effect["longest"])
    _, shown = femtogpt("corpus", "report")
    assert "the longest stretches that the rules took" in shown
    assert "book 8" in shown
    assert "talks: the rule notes_off took over 2% of the letters" in shown


def test_a_rule_is_named_for_a_large_share_or_for_a_long_stretch_and_not_for_less(tmp_path, caplog):
    long = " ".join(story(500 + number, 300) for number in range(40))
    texts = {
        "share": f"{NOTE}\n{story(1, 200)}",
        "stretch": f"{NOTE * 7}\n{long}",
        "little": f"{NOTE}\n{' '.join(story(900 + n, 300) for n in range(40))}",
    }
    source = listed(texts, rules=("notes_off",))
    quality = {"repeated_sentences": None, "repeated_lines": None}
    corpus = corpus_of(Store(tmp_path), config({"mine": source}, corpus={"quality": quality}))
    notable = report(corpus)["mine"]["rules"]["notes_off"]["notable"]
    assert notable["documents"] == 2
    assert [worst["id"] for worst in notable["worst"]] == ["stretch", "share"]
    (line,) = (message for message in caplog.messages if "notes_off took over" in message)
    assert "2 documents" in line
    assert "'stretch'" in line


@pytest.mark.usefixtures("data")  # which has the rule
def test_letters_of_markup_are_counted_apart_and_are_no_loss(tmp_path, caplog):
    texts = {
        "page": "\n".join(f"<p>&nbsp;{text}</p>" for text in PARAGRAPHS),
        "notes": f"{NOTE}\n{story(100, 200)}",
    }
    source = listed(texts, rules=("entities", "tags", "notes_off"))
    corpus = corpus_of(Store(tmp_path), config({"mine": source}))
    assert not [line for line in caplog.messages if "rule entities" in line or "rule tags" in line]
    counts = dict(zip(BALANCE, balance_row(report(corpus)["mine"]), strict=True))
    assert counts["markup"] == len(PARAGRAPHS) * len("pnbspp")
    assert counts["taken"] == report(corpus)["mine"]["rules"]["notes_off"]["letters"]["taken"] > 0
    spent = (counts[name] for name in ("taken", "markup", "cut", "kept", "rejected"))
    assert counts["decoded"] + counts["added"] == sum(spent)
    lines = corpus_report(corpus).splitlines()
    shown = f"  {2 * len(PARAGRAPHS)} of markup"
    assert any(line.strip().startswith("tags") and shown in line for line in lines)
