"""What became of every letter and digit: the ledger comes out on every path, or the stage fails."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.corpus import clean, corpus_shards
from femtogpt.corpus.balance import LEDGER
from femtogpt.corpus.letter_counts import (
    checksums,
    count_letters,
    difference,
    letter_counts,
)
from femtogpt.corpus.rules import RULES, STANDARD, Rule
from femtogpt.errors import UserError
from femtogpt.sources.base import Document
from tests.cleaning import CLASSICS, MARKS, NASTY, few, texts
from tests.helpers import PROSE, VERSE, Listed, config, corpus_of, listed, quick, story
from tests.test_corpus import report

LETTERS = st.text(st.sampled_from("абвЯёѣіґabXZ019 \n.—«»…éßµ²½ⅣΩ中😀𝔸٣@[`{/:"), max_size=60)


def letters(text: str) -> int:
    return sum(unicodedata.category(char)[0] in "LN" for char in text)


def ledger(corpus: Artifact, source: str = "mine") -> pl.DataFrame:
    frame = pl.read_parquet(sorted(corpus.path.glob(f"balance/source={source}/*.parquet")))
    assert frame.schema == LEDGER
    return frame


def became(corpus: Artifact, id: str) -> dict[tuple[str, str], int]:
    """By kind and name, the letters of a document."""
    lines = ledger(corpus).filter(id=id)
    return {(kind, name): n for kind, name, n in lines.select("kind", "name", "letters").rows()}


def sums(corpus: Artifact, source: str = "mine") -> dict[str, int]:
    """The ledger's sums, by the names that the report has for them."""
    lines = ledger(corpus, source)
    by_kind = dict(lines.group_by("kind").agg(pl.col("letters").sum()).rows())
    names = {"decoded": "decoded", "rule": "taken", "cut": "cut", "kept": "kept"}
    counts = {name: by_kind.get(kind, 0) for kind, name in (*names.items(), ("rejected",) * 2)}
    return counts | {name: int(lines[name].sum()) for name in ("replaced", "added")}


def comes_out(counts: dict[str, int]) -> bool:
    spent = sum(counts[name] for name in ("taken", "cut", "kept", "rejected"))
    return counts["decoded"] + counts["added"] == spent


def with_rule(monkeypatch, name: str, change) -> None:
    """Register a rule for a test."""
    monkeypatch.setitem(RULES, name, Rule(name, change, "", ""))


@quick
@given(st.lists(LETTERS, min_size=1, max_size=5))
def test_letters_and_digits_are_those_of_unicode(texts):
    series = pl.Series(texts, dtype=pl.String)
    assert letter_counts(series).tolist() == [letters(text) for text in texts]
    assert [count_letters(text) for text in texts] == [letters(text) for text in texts]


def test_every_character_of_unicode_is_counted_rightly_in_one_long_text():
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    series = pl.Series([every, "", every[::-1]])
    assert letter_counts(series).tolist() == [letters(every), 0, letters(every)]
    assert count_letters(every + "\ud800") == letters(every)


@quick
@given(LETTERS, LETTERS, st.randoms(use_true_random=False))
def test_what_is_taken_replaced_and_added_leads_from_one_text_to_the_other(one, other, draw):
    change, _ = difference(one.encode(), other.encode())
    assert letters(one) + change.added - change.taken == letters(other)
    assert not (change.taken and change.added)
    moved = "".join(draw.sample(one, len(one)))
    assert difference(one.encode(), moved.encode()) == ((0, 0, 0), 0)


@quick
@given(LETTERS, LETTERS, st.randoms(use_true_random=False))
def test_the_checksum_of_a_text_changes_with_its_letters_and_by_the_difference(one, other, draw):
    moved = "".join(draw.sample(one, len(one)))
    counts, sums = checksums(pl.Series([one, other, moved, f"{one}\n{other}"]))
    assert counts.tolist() == [letters(text) for text in (one, other, one, one + other)]
    change, by = difference(one.encode(), other.encode())
    assert (sums[0] == sums[1]) == (not any(change))
    assert sums[0] == sums[2]
    one_sum, other_sum = map(int, sums[:2])
    assert (one_sum + by) % 2**64 == other_sum
    assert (one_sum + other_sum) % 2**64 == sums[3]


@pytest.mark.parametrize("times", [80, 256, 1 << 16])
@pytest.mark.parametrize(("letter", "instead"), [("p", ""), ("ё", "е"), ("a", "а"), ("é", "e")])
def test_the_checksum_sees_a_change_however_often_it_is_made(letter, instead, times):
    before, after = (f"начало {each * times} конец" for each in (letter, instead))
    _, sums = checksums(pl.Series([before, after]))
    assert sums[0] != sums[1]


@few
@given(
    some=texts((*NASTY, *MARKS)),
    others=texts(MARKS),
    rules=st.lists(st.sampled_from([*STANDARD, *CLASSICS]), unique=True) | st.just(STANDARD),
)
def test_the_balance_of_any_documents_and_rules_comes_out_and_adds_up_to_the_report(
    tmp_path_factory, some, others, rules
):
    documents = {str(number): text for number, text in enumerate([*some, *others])}
    documents |= {f"story {number}": story(number, 60) for number in range(3)}
    documents |= {"again": story(1, 60), "beside": f"{some[0]}\n{story(2, 60)}\n{others[0]}"}
    store = Store(tmp_path_factory.mktemp("balance"))
    corpus = corpus_of(store, config({"mine": listed(documents, rules=tuple(rules))}))
    assert comes_out(sums(corpus))
    assert sums(corpus) == report(corpus)["mine"]["letters"]
    for id, text in documents.items():
        assert became(corpus, id)["decoded", ""] == letters(text)
    for name, effect in report(corpus)["mine"]["rules"].items():
        lines = ledger(corpus).filter(kind="rule", name=name)
        taken, replaced, added = (int(lines[c].sum()) for c in ("letters", "replaced", "added"))
        assert effect["letters"] == {"taken": taken, "replaced": replaced, "added": added}


@pytest.mark.parametrize(
    ("rule", "text", "effect"),
    [
        ("footnote_marks", "Слово[12] и дело.[3]", (3, 0, 0)),
        ("entities", "Caf&#233; и сон", (2, 1, 0)),
        ("composed", "и\u0306од и ё", (0, 1, 0)),
        ("dashes", "Один - два", None),
        ("blank_lines", "Один\n\n\n\nдва", None),
        ("number_signs", "Дом No 6", (2, 0, 0)),
    ],
)
def test_a_rule_has_a_line_of_what_it_took_and_replaced_and_none_if_no_letter_changed(
    rule, text, effect, tmp_path
):
    documents = {"it": f"{text}\n{story(1)}", "other": story(2)}
    corpus = corpus_of(Store(tmp_path), config({"mine": listed(documents, rules=(rule,))}))
    lines = ledger(corpus).filter(id="it", kind="rule")
    assert lines.select("letters", "replaced", "added").rows() == ([effect] if effect else [])


def test_letters_that_a_rule_adds_are_counted_apart(tmp_path, monkeypatch):
    with_rule(monkeypatch, "spelled_out", lambda text: text.str.replace_all("№", "номер"))
    source = listed({"it": f"Дом № 6. {story(1)}", "other": story(2)}, rules=("spelled_out",))
    corpus = corpus_of(Store(tmp_path), config({"mine": source}))
    assert ledger(corpus)["added"].sum() == 5
    assert comes_out(sums(corpus))


def test_what_a_rule_changes_and_a_later_one_changes_back_has_a_line_of_each(tmp_path, monkeypatch):
    with_rule(monkeypatch, "spelled_out", lambda text: text.str.replace_all("№", "номер"))
    with_rule(monkeypatch, "signs", lambda text: text.str.replace_all("номер", "№"))
    documents = {"it": f"Дом № 6. {story(1)}", "other": story(2)}
    rules = ("spelled_out", "signs")
    corpus = corpus_of(Store(tmp_path), config({"mine": listed(documents, rules=rules)}))
    assert report(corpus)["mine"]["rules"]["spelled_out"]["documents"] == 1
    lines = ledger(corpus)
    assert lines["added"].sum() == lines.filter(kind="rule")["letters"].sum() == 5
    assert comes_out(sums(corpus))
    assert lines.filter(kind="kept")["letters"].sum() == sum(map(letters, documents.values()))


def test_a_rule_that_takes_letters_although_it_says_that_it_keeps_them_is_found(
    tmp_path, monkeypatch
):
    with_rule(monkeypatch, "liar", lambda text: text.str.replace_all("река шла", "шла"))
    monkeypatch.setitem(RULES, "liar", replace(RULES["liar"], keeps_letters=True))
    documents = {"it": f"{story(1)} А река шла мимо.", "other": story(2)}
    source = listed(documents, rules=("liar", "spaces"))
    corpus = corpus_of(Store(tmp_path), config({"mine": source}))
    lines = ledger(corpus).filter(kind="rule", id="it")
    assert lines.select("name", "letters").rows() == [("liar", 4)]
    assert comes_out(sums(corpus))


def test_every_path_of_a_document_is_in_the_ledger(tmp_path, monkeypatch):
    def broken(text: pl.Expr) -> pl.Expr:
        return text.map_elements(lambda one: one[: 1 // ("fatal" not in one) and None], pl.String)

    with_rule(monkeypatch, "broken", broken)
    documents = {f"story {number}": story(number, 150) for number in range(40)}
    documents |= {
        "short": "Тихо.",
        "again": story(7, 150) + "!",
        "nearly": story(8, 150).replace("ё", "е") + " Всё.",
        "fatal": f"fatal {story(90)}",
        "empty": "",
    }
    items = [*listed(documents).items, Document("torn", "Начало", fault="the file ends early")]
    source = Listed(items=tuple(items), rules=("broken",))
    corpus = corpus_of(Store(tmp_path), config({"mine": source}, corpus={"near_duplicates": 0.7}))
    for id, text in {**documents, "torn": "Начало"}.items():
        assert became(corpus, id)["decoded", ""] == letters(text)
    for id, rule in {
        "short": "min_characters",
        "again": "duplicate",
        "fatal": "unreadable",
        "torn": "unreadable",
        "empty": "empty",
    }.items():
        assert became(corpus, id)["rejected", rule] == became(corpus, id)["decoded", ""]
    assert comes_out(sums(corpus))
    assert corpus.counts["letters_decoded"] == sum(map(letters, documents.values())) + 6
    assert corpus.counts["letters_rejected"] == report(corpus)["mine"]["letters"]["rejected"]


def test_what_is_cut_at_the_split_is_counted(tmp_path):
    shared = PROSE * 2
    documents = {f"story {number}": story(number, 300) for number in range(30)}
    documents |= {
        f"quote {n}": f"{story(100 + n, 300)}\n{shared}\n{story(200 + n, 300)}" for n in range(6)
    }
    settings = {"held_out": 0.4, "quality": {"repeated_sentences": None, "repeated_lines": None}}
    corpus = corpus_of(Store(tmp_path), config({"mine": listed(documents)}, corpus=settings))
    cut = report(corpus)["mine"]["letters"]["cut"]
    assert cut >= letters(shared) // 2
    assert comes_out(sums(corpus))
    assert corpus.counts["letters_cut"] == cut


def test_sources_have_each_a_ledger_and_a_sum(tmp_path):
    sources = {
        "mine": listed({"a": PROSE, "b": story(1)}),
        "theirs": listed({"c": VERSE * 2, "d": story(3)}),
    }
    corpus = corpus_of(Store(tmp_path), config(sources))
    for name in sources:
        assert sums(corpus, name) == report(corpus)[name]["letters"]
    decoded = sum(part["letters"]["decoded"] for part in report(corpus).values())
    assert corpus.counts["letters_decoded"] == decoded


@pytest.mark.parametrize("step", ["rules", "writing", "cutting", "losing"])
def test_a_step_that_changes_text_unseen_ends_the_stage_and_names_the_document(
    step, tmp_path, monkeypatch
):
    if step == "rules":  # something between the rules and the filters

        def shorter(frame, limits):
            frame.replace_column(1, frame["text"].str.replace("СЛОВО", ""))
            return real(frame, limits)

        real = clean.verdicts
        monkeypatch.setattr(clean, "verdicts", shorter)
    elif step == "writing":

        def read(file, columns=None):
            frame = original(file, columns)
            return frame.with_columns(pl.col("text").str.replace("СЛОВО", "слов"))

        original = corpus_shards.read
        monkeypatch.setattr(corpus_shards, "read", read)
    elif step == "cutting":  # it cuts, and says that it does not
        monkeypatch.setattr(
            corpus_shards,
            "_without_held_out",
            lambda frame, task: (
                frame.with_columns(
                    pl.col("text").str.replace("СЛОВО", ""), cut=pl.lit(0, pl.Int64)
                ),
                0,
            ),
        )
    else:  # a document is lost

        def some(file, decisions):
            frame = decided(file, decisions)
            return frame.with_columns(
                pl.when(id="odd").then(pl.lit("held_out")).otherwise("rule").alias("rule"),
                pl.when(id="odd").then(pl.lit("")).otherwise("text").alias("text"),
            )

        decided = corpus_shards._decided
        monkeypatch.setattr(corpus_shards, "_decided", some)
    documents = {f"story {number}": story(number) for number in range(30)}
    documents |= {"odd": f"СЛОВО {story(50)}"}
    with pytest.raises(UserError) as error:
        corpus_of(Store(tmp_path), config({"mine": listed(documents)}))
    (line,) = str(error.value).splitlines()
    assert "source 'mine', document 'odd'" in line
    assert "letters and digits" in line
