"""What stands in held-out texts is found in train, cut out of it, and proved to be gone."""

from __future__ import annotations

import pickle
import random
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from femtogpt.corpus import packed_texts, rolling_hash, split_proof
from femtogpt.corpus.match_index import Characters, Letters, Match, MatchIndex, merge_spans
from femtogpt.corpus.overlap import LONG_LINE, HeldOutIndex, remove_overlap, remove_spans
from femtogpt.corpus.packed_texts import PackedTexts
from femtogpt.corpus.split_proof import prove
from femtogpt.sources.encodings import decode
from tests.helpers import PROSE, VERSE, quick

pieces = st.sampled_from(["абвг", "вгда", "ааааа", "Бб", "де, жзи\n", "— к", "…", "ё", "Е"])
small = st.one_of(
    st.text("аб", max_size=50),
    st.text("абВг\n. ", max_size=50),
    st.lists(pieces, max_size=14).map("".join),
    st.builds(
        lambda part, times: part * times, st.text("аб.", min_size=1, max_size=5), st.integers(0, 15)
    ),
)
chunks = st.sampled_from([5, 8, 1 << 14])  # at which texts are taken apart


def prose(seed: int, words: int) -> str:
    """Sentences in lines, their own for each seed."""
    draw = random.Random(seed)
    lines = []
    while words > 0:
        words_of_line = [
            "".join(draw.choices("абвгдежзиклмнопрст", k=draw.randint(2, 9))) for _ in range(12)
        ]
        lines.append(" ".join(words_of_line).capitalize() + ".")
        words -= 12
    return "\n".join(lines)


def windows(text: str, others: list[str], length: int) -> list[tuple[int, int]]:
    """The runs of ``length`` characters that also stand in another text, the slow way."""
    places = range(len(text) - length + 1)
    return merge_spans(
        (at, at + length)
        for at in places
        if any(text[at : at + length] in other for other in others)
    )


def longest(one: str, other: str) -> int:
    size = 0
    for at in range(len(one)):
        while at + size < len(one) and one[at : at + size + 1] in other:
            size += 1
    return size


def lettered(text: str) -> str:
    return "".join(char.lower() for char in text if char.isalpha()).replace("ё", "е")


@given(small, st.lists(small, max_size=4), st.integers(2, 12), chunks)
@example("баббббаббаббаааббб", ["аббббаббаббббабб", "??аа"], 6, 5)
@quick
def test_exactly_what_is_shared_is_found(text, indexed, length, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rolling_hash, "_CHUNK", chunk)
        patch.setattr(packed_texts, "PIECE", chunk)
        patch.setattr(packed_texts, "CACHED_PIECES", 2)
        found = MatchIndex(PackedTexts(indexed), length).matches(Characters(text))
    for start, end, document, offset in found:
        other = indexed[document]
        until = offset + end - start
        assert end - start >= length and text[start:end] == other[offset:until]
        assert not (start and offset and text[start - 1] == other[offset - 1])
        assert not (end < len(text) and until < len(other) and text[end] == other[until])
    assert merge_spans(found) == windows(text, indexed, length)


def test_a_stretch_that_begins_a_little_before_another_is_found():
    text = prose(1, 24)[:100]
    for shift in range(10):
        for begin in range(1, 6):
            indexed = PackedTexts([text[begin:], "?" * shift + text[:50]])
            assert merge_spans(MatchIndex(indexed, 10).matches(Characters(text))) == [(0, 100)]


@given(small, st.lists(small, max_size=4), st.integers(2, 12), chunks)
@quick
def test_exactly_the_letters_that_are_shared_are_found(text, indexed, length, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rolling_hash, "_CHUNK", chunk)
        patch.setattr(packed_texts, "PIECE", chunk)
        found = MatchIndex(PackedTexts(indexed), length, Letters).matches(Letters(text))
    spans = []
    for start, end, document, offset in found:
        same = lettered(text[start:end])
        other = lettered(indexed[document][offset:])
        assert len(same) >= length and other.startswith(same)
        one_before, other_before = lettered(text[:start]), lettered(indexed[document][:offset])
        assert not (one_before and other_before) or one_before[-1] != other_before[-1]
        one_after = lettered(text[end:])
        assert not one_after or one_after[0] != other[len(same) : len(same) + 1]
        before = len(one_before)
        spans.append((before, before + len(same)))
    assert merge_spans(spans) == windows(
        lettered(text), [lettered(other) for other in indexed], length
    )


@given(small, st.lists(small, max_size=4), st.integers(4, 12))
@quick
def test_nothing_shared_is_left_when_a_text_is_cleared(text, indexed, length):
    left, lost = remove_overlap(text, HeldOutIndex(indexed, length))
    assert lost == len(text) - len(left)
    assert not windows(left, indexed, length)
    assert not windows(lettered(left), [lettered(other) for other in indexed], length // 2)
    if not lost:
        assert left == text


@pytest.mark.parametrize("length", [200, 199, 64])
def test_a_stretch_is_found_at_every_place_of_either_text(length):
    held, train = prose(1, 200), prose(2, 200)
    stretch = prose(3, 100)[:length]
    for at in range(2 * length):
        begin, other = at % (len(train) - 1), (7 * at) % (len(held) - 1)
        indexed = ["", held[:50], held[:other] + stretch + held[other:]]
        text = train[:begin] + stretch + train[begin:]
        index = HeldOutIndex(indexed, length)
        assert any(found.document == 2 for found in index.matches(text))
        left, lost = remove_overlap(text, index)
        assert stretch not in left and lost >= length and index.matches(left) == []


def test_a_quotation_in_other_lines_marks_and_letters_is_found():
    held = prose(1, 60)
    quoted = "« " + held.replace(" ", "\n").replace(".", " …").upper().replace("Е", "Ё") + " »"
    spaced = " ".join(held)
    own = prose(2, 60)
    assert remove_overlap(f"{own}\n{held}", HeldOutIndex([" \n ".join(held)], 200)) == (
        own,
        len(held) + 1,
    )
    for other in (quoted, spaced):
        left, lost = remove_overlap(f"{own}\n{other}\n{own}", HeldOutIndex([held], 200))
        assert left == f"{own}\n{own}" and lost == len(other) + 1


def test_stretches_without_letters_are_found_too():
    rows = "\n".join(f"{number} {number * 37 % 1000};" for number in range(100))
    index = HeldOutIndex([PROSE + rows, "…" * 300], 200)
    for row in (rows, "…" * 200):
        left, _ = remove_overlap(f"{VERSE}\n{row}\n{VERSE}", index)
        assert left == f"{VERSE}\n{VERSE}"
    assert remove_overlap("…" * 199, index) == ("…" * 199, 0)


def test_any_stretch_of_the_length_is_found_however_few_letters_it_has():
    draw = random.Random(0)
    for few in range(600):
        stretch = "".join(draw.choices("а1", weights=[few % 60 + 1, 30], k=40))
        index = HeldOutIndex(["б" + stretch + "в"], 40)
        assert index.matches("гг" + stretch + "дд"), stretch
        assert index.matches("22" + stretch + "33"), stretch


def test_an_unrelated_text_stays_as_it_is():
    text = f"\n\n  {prose(1, 500)}\n\n\n"
    assert remove_overlap(text, HeldOutIndex([prose(2, 500), VERSE], 200)) == (text, 0)


def test_a_held_out_story_goes_from_a_collection_and_the_collection_from_a_story():
    story, others = prose(1, 300), [prose(seed, 300) for seed in (2, 3)]
    collection = "\n\n".join([others[0], story, others[1]])
    left, lost = remove_overlap(collection, HeldOutIndex([story], 200))
    assert left == "\n\n".join(others) and lost == len(story) + 2
    assert remove_overlap(story, HeldOutIndex([collection], 200)) == ("", len(story))


@pytest.mark.parametrize(
    ("text", "marked", "left"),
    [
        ("один\nдва\nтри", "в", "один\nтри"),
        ("один\n\nдва\n\nтри", "два", "один\n\nтри"),
        ("один\n\nдва\nтри", "два", "один\n\nтри"),
        ("один\nдва\n\nтри", "ва\n", "один\n\nтри"),
        ("один\nдва\nтри\n", "н\nд", "три\n"),
        ("один\nдва\nтри", "три", "один\nдва"),
        ("один\nдва", "\nдва", "один"),
        ("один\nдва\n  три", "ва", "один\n  три"),
        ("один", "один", ""),
        ("один\n\nдва", "\n\n", "один\nдва"),
    ],
)
def test_whole_lines_are_cut_and_blank_ones_do_not_double(text, marked, left):
    start = text.index(marked)
    assert remove_spans(text, [Match(start, start + len(marked), 0, 0)]) == left


def test_a_line_stays_of_which_only_a_mark_or_an_ending_is_shared():
    lines = [prose(seed, 24).split("\n")[0] for seed in range(6)]
    text = "\n".join(lines)
    start, end = text.index(lines[1]) + len(lines[1]) - 3, text.index(lines[5]) + 2
    assert remove_spans(text, [(start, end)]) == "\n".join([*lines[:2], lines[5]])
    assert remove_spans(text, [(start - 20, end + 20)]) == lines[0]


def test_cut_stretches_may_overlap_touch_and_neighbour():
    lines = [f"строка {number}" for number in range(9)]
    text = "\n\n".join(lines)
    places = [text.index(line) for line in lines]
    spans = [(places[4], places[5] + 6), (places[1], places[3]), (places[2] + 3, places[4])]
    assert remove_spans(text, spans) == "\n\n".join([lines[0], *lines[6:]])


def test_of_a_long_paragraph_only_the_sentences_go():
    sentences = [f"Это предложение номер {number}, и оно своё." for number in range(100)]
    text = "До.\n" + " ".join(sentences) + "\nПосле."
    assert max(map(len, text.split("\n"))) > LONG_LINE
    inside = text.index("номер 40"), text.index("номер 42") + 5
    assert remove_spans(text, [inside]) == text.replace(" ".join(sentences[40:43]) + " ", "")
    to_the_next = text.index("номер 40"), text.index("Это предложение номер 43") - 1
    assert remove_spans(text, [to_the_next]) == remove_spans(text, [inside])
    first = text.index("номер 0"), text.index("номер 0") + 5
    assert remove_spans(text, [first]) == text.replace(sentences[0] + " ", "")
    last = text.index("номер 99"), text.index("После") - 1
    assert remove_spans(text, [last]) == text.replace(" " + sentences[99], "")


def test_of_an_endless_sentence_only_the_words_go():
    words = [f"слово{number}" for number in range(3000)]
    text = " ".join(words)
    start = text.index("слово1500") + 3
    end = text.index("слово1502") + 3
    assert remove_spans(text, [(start, end)]) == " ".join([*words[:1500], *words[1503:]])
    solid = "а" * 9000
    assert remove_spans(solid, [(4000, 4300)]) == "а" * 8700


@pytest.mark.parametrize(
    ("held", "train"),
    [
        ("." * 100_000, "." * 300_000),
        ("." * 900, "." * 300_000),
        ("а " * 50_000, "а " * 100_000),
        (VERSE * 1000, VERSE * 1000),
        (VERSE[:70] * 10, VERSE[:70] * 5000),
        ("".join("." * size + "x" for size in range(150, 300)),) * 2,
        (("—" * 120 + prose(1, 20)) * 100, ("—" * 120 + prose(2, 20)) * 2000),
    ],
)
def test_texts_that_say_the_same_over_and_over_are_no_trouble(held, train):
    left, _ = remove_overlap(train, HeldOutIndex([held, held[7:], held[:-1]], 200))
    assert HeldOutIndex([held], 200).matches(left) == []
    assert not any(line in held for line in left.split("\n") if len(line) >= 200)


def test_any_unicode_is_compared_as_it_is():
    strange = "".join(chr(0x1F300 + number) + "\u0301\ud800\x00" for number in range(60))
    index = HeldOutIndex([prose(1, 90) + strange + prose(2, 90)], 200)
    (found,) = index.matches("Было: " + strange)
    assert found.start == 6 and found.end >= 6 + 200
    assert remove_overlap(strange, pickle.loads(pickle.dumps(index))) == ("", len(strange))


def test_no_held_out_texts_share_nothing():
    for indexed in ([], [""], ["мало"]):
        assert HeldOutIndex(indexed, 200).matches(PROSE) == []
    assert HeldOutIndex([PROSE], 200).matches("") == []


def test_the_proof_tells_a_leak_of_the_length_from_a_shorter_one():
    stretch = "<" + prose(9, 60)[:198] + ">"
    held = [(f"held {seed}", prose(seed, 400)) for seed in range(3)]
    train = [(f"train {seed}", prose(10 + seed, 400)) for seed in range(5)]
    name, text = held[1]
    held[1] = name, text[:333] + stretch + text[333:]

    def planted(stretch: str) -> dict:
        name, text = train[3]
        return prove(held, [*train[:3], (name, text[:777] + stretch + text[777:]), train[4]], 200)

    clean = prove(held, train, 200)
    assert clean["proved"] and clean["longest"] is None and clean["leaks"] == []
    assert clean["held_out"]["documents"] == 3 and clean["train"]["documents"] == 5
    assert clean["train"]["characters"] == sum(len(text) for _, text in train)
    found = planted(stretch)
    assert not found["proved"] and found["leaks"] == [found["longest"]]
    short = planted(stretch[:-1])
    assert short["proved"] and short["leaks"] == []
    for proof_, shared in ((found, stretch), (short, stretch[:-1])):
        assert proof_["longest"] == {
            "characters": len(shared),
            "train": "train 3",
            "held_out": "held 1",
            "text": shared,
        }


@given(
    st.lists(small, max_size=3), st.lists(small, max_size=3), st.integers(3, 9), st.integers(1, 99)
)
@example(["??баба", "?ба", "???абабабабаба", "бабаб"], ["баабабааааббабабабабабаббабаба"], 5, 99)
@quick
def test_the_proof_finds_the_longest_stretch_of_all(held, train, length, batch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split_proof, "SHORTEST", 3)
        patch.setattr(split_proof, "BATCH_CHARACTERS", batch)
        found = prove(
            ((f"held {number}", text) for number, text in enumerate(held)),
            ((f"train {number}", text) for number, text in enumerate(train)),
            length,
        )
    size = max((longest(one, other) for one in train for other in held), default=0)
    assert (found["longest"] or {"characters": 0})["characters"] == (size if size >= 3 else 0)
    assert found["proved"] == (size < length and not set(held) & set(train))


def test_the_proof_finds_a_stretch_that_others_cover():
    """80 characters, all of which stand in stretches of 60 too."""
    text = prose(1, 24)[:110]
    for shift in range(60):
        indexed = ["", text[:60], "?" * (shift % 7) + text[50:], "?" * shift + text[20:100] + "?"]
        held = [(str(number), other) for number, other in enumerate(indexed)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(split_proof, "SHORTEST", 10)
            found = prove(held, [("train", text)], 80)
        assert not found["proved"] and found["longest"]["characters"] == 80


def test_the_proof_names_equal_and_similar_documents_and_repeated_words():
    held = [("короткий", "Да."), ("книга", prose(1, 600)), ("стих", VERSE)]
    lines = prose(1, 600).split("\n")
    edition = "\n".join(lines[:-4]).replace(".", " —").replace("\n", " \n \n")
    found = prove(held, [("другое", prose(2, 600)), ("издание", edition), ("реплика", "Да.")], 5000)
    assert found["equal"] == [{"train": "реплика", "held_out": "короткий"}] and not found["proved"]
    assert found["most_similar"]["train"] == "реплика"
    found = prove(held[1:], [("другое", prose(2, 600)), ("издание", edition)], 5000)
    assert found["proved"] and found["equal"] == []
    similar = found["most_similar"]
    assert (similar["train"], similar["held_out"]) == ("издание", "книга")
    assert 0.7 < similar["similarity"] < 1
    assert found["words"]["most"]["held_out"] == "книга"
    assert 0.8 < found["words"]["most"]["share"] < 1


def test_works_that_stand_inside_of_others_go_from_the_classics(classics):
    def work(name: str) -> str:
        with zipfile.ZipFile(classics) as archive:
            return decode(archive.read(name + ".txt"))

    for outer, inner in [
        ("poems/Pushkin/Борис Годунов", "poems/Pushkin/Каменный гость"),  # with spaced names
        ("prose/Dostoevsky/Дневник писателя", "prose/Dostoevsky/Два самоубийства"),  # in lines
        ("prose/Tolstoy/Война и мир. Том 4", "prose/Tolstoy/Набег"),  # a quotation
    ]:
        train, held = work(outer), work(inner)
        before = prove([(inner, held)], [(outer, train)], 200)
        left, lost = remove_overlap(train, HeldOutIndex([held], 200))
        after = prove([(inner, held)], [(outer, left)], 200)
        assert after["proved"] and 0 < lost < 1.2 * len(held)
        assert after["words"]["share"] < min(0.03, before["words"]["share"])
