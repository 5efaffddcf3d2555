"""What a text has verbatim from others: the index against a search that tries everything."""

from __future__ import annotations

import json
import random
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.errors import UserError
from femtogpt.memorisation.character_ranks import UNICODE, CharacterRanks, code_points
from femtogpt.memorisation.index_layout import Work
from femtogpt.memorisation.index_writing import write_index
from femtogpt.memorisation.near_verbatim import nearly_verbatim
from femtogpt.memorisation.text_index import TextIndex
from tests.helpers import PROSE, VERSE, examples, quick, story

MANY = "".join(map(chr, range(0x400, 0x400 + 300)))  # more characters than a byte has values
ONE_PART = 1 << 20
numbers = count()
some = examples(40)  # each writes two indexes


def indexed(folder: Path, texts: list[str], part: int = ONE_PART) -> TextIndex:
    """The index of some works, sorted in parts of so many bytes."""
    into = folder / str(next(numbers))
    into.mkdir()
    works = [(Work("books", str(number), None, None), text) for number, text in enumerate(texts)]
    write_index(into, lambda: works, part=part)
    return TextIndex.open(into)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("indexes")


def first_place(texts: list[str], part: str) -> tuple[str, int] | None:
    """The first work that has this part, and where."""
    places = ((str(number), text.find(part)) for number, text in enumerate(texts))
    return next(((id, place) for id, place in places if place >= 0), None)


def all_stretches(texts: list[str], text: str, at_least: int) -> list[tuple[int, int, str, int]]:
    """By trying every part of the text."""
    known = [
        (start, end)
        for start in range(len(text))
        for end in range(start + at_least, len(text) + 1)
        if first_place(texts, text[start:end])
    ]
    largest = [
        (start, end)
        for start, end in known
        if (start - 1, end) not in known and (start, end + 1) not in known
    ]
    return [(start, end, *first_place(texts, text[start:end])) for start, end in largest]


def told(stretches) -> list[tuple[int, int, str, int]]:
    return [(found.start, found.end, found.work.id, found.place) for found in stretches]


def letters(alphabet: str, longest: int = 25) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from(alphabet), max_size=longest)


few = st.lists(letters("абв", 12), max_size=4), letters("абвг")
rare = st.lists(letters("а😀\ud800э́", 12), min_size=1, max_size=4), letters("а😀\ud800э́я")


@some
@given(st.one_of(st.tuples(*few), st.tuples(*rare)), st.integers(1, 4), st.sampled_from([9, 99]))
def test_the_stretches_are_those_that_a_search_finds_which_tries_everything(
    folder, case, at_least, part
):
    texts, text = case
    # With a byte for every character, and without.
    for works, size in ((texts, part), ([*texts, MANY], 20 * part)):
        index = indexed(folder, works, size)
        assert told(index.stretches(text, at_least)) == all_stretches(works, text, at_least)
        stretches = all_stretches(works, text, 1)
        longest = max(stretches, key=lambda found: found[1] - found[0], default=None)
        assert told(filter(None, [index.longest(text)])) == ([longest] if longest else [])


@examples(20)
@given(st.data())
def test_parts_of_works_are_found_whole_however_the_index_is_divided(folder, data):
    draw = random.Random(data.draw(st.integers(0, 10**6)))
    texts = ["".join(draw.choices("абв" + MANY[-3:], k=draw.randrange(1, 90))) for _ in range(3)]
    texts.append(MANY)
    text = "".join(
        draw.choice(texts)[(start := draw.randrange(60)) : start + draw.randrange(60)]
        for _ in range(4)
    )
    whole, divided = (indexed(folder, texts, part) for part in (ONE_PART, draw.randrange(40, 300)))
    for at_least in (3, 30):
        assert divided.stretches(text, at_least) == whole.stretches(text, at_least)
    assert divided.longest(text) == whole.longest(text)
    assert divided.nearly(text) == whole.nearly(text)


def test_a_work_longer_than_many_parts_is_one_work(folder):
    text = story(1, 400)
    index = indexed(folder, [story(2), text, story(3)], part=300)
    assert told(index.stretches(f"№{text}№")) == [(1, 1 + len(text), "1", 0)]
    assert told([index.longest(text[100:1_500])]) == [(0, 1_400, "1", 100)]


def test_a_stretch_never_goes_from_one_work_into_another(folder):
    first, second = PROSE[:200], VERSE[:200]
    index = indexed(folder, [first, second])
    assert told(index.stretches(first[-100:] + second[:100])) == [
        *((0, 100, "0", len(first) - 100), (100, 200, "1", 0))
    ]
    nearly = index.nearly(first[-100:] + second[:100])
    assert (nearly.end - nearly.start, nearly.work.id) == (105, "0")  # five letters are put in
    assert nearly.place_end <= len(first)


def test_what_stands_in_several_places_is_where_it_stands_first(folder):
    index = indexed(folder, ["ночь, улица", "улица, фонарь, аптека, улица"], part=7)
    assert told([index.longest("улица")]) == [(0, 5, "0", 6)]
    assert told([index.longest(", улица")]) == [(0, 7, "0", 4)]
    assert told([index.longest("а, улица")]) == [(0, 8, "1", 20)]


def test_texts_without_anything_known(folder):
    index = indexed(folder, [PROSE])
    for text in ("", "漢", "漢字\0\U0010ffff"):
        assert index.stretches(text, 1) == []
        assert index.longest(text) is None and index.nearly(text) is None
    assert told([index.longest("漢Б字")]) == [(1, 2, "0", 0)]
    nothing = indexed(folder, [])
    assert nothing.longest("Б") is None and nothing.stretches("Б", 1) == []


def test_a_work_may_hold_any_character(folder):
    text = "\0 \n\ud800\U0010ffff é"
    index = indexed(folder, ["", text, MANY])
    assert told([index.longest(text)]) == [(0, len(text), "1", 0)]
    assert index.passage(index.longest(text).work, 0, 100)[: len(text)] == text


def test_a_passage_is_the_works_own(folder):
    index = indexed(folder, [VERSE, PROSE])
    assert index.passage(Work("books", "1", None, None), 5, 40) == PROSE[5:40]


# how characters are numbered and sorted


def test_up_to_255_characters_have_a_byte_each_and_of_more_the_frequent_ones(folder):
    for size, numbers_size in ((255, 1), (256, 2)):
        text = "".join(map(chr, range(0x400, 0x400 + size)))
        place = folder / f"bytes {size}"
        place.mkdir()
        counts = write_index(place, lambda text=text: [(Work("a", "b", None, None), text)])
        assert counts["distinct"] == size == counts["characters"]
        assert (place / "text").stat().st_size == numbers_size * (size + 2)
        assert (place / "suffixes").stat().st_size == 4 * (size + 2)
        assert counts["bytes"] == (4 + numbers_size) * (size + 2)


@quick
@given(st.lists(st.integers(1, 300), max_size=6), st.lists(st.integers(1, 300), max_size=6))
def test_bytes_keep_the_order_of_the_characters_and_none_begins_inside_of_another(one, other):
    characters = CharacterRanks(range(1000, 1300))
    codes = [characters.sort_bytes(np.array(ranks, np.uint16)).tolist() for ranks in (one, other)]
    assert (codes[0] < codes[1], codes[0] == codes[1]) == (one < other, one == other)
    assert all(len(characters.sort_bytes(np.array([rank]))) == 1 for rank in one if rank <= 221)
    inside = [code[at:] for code in codes for at in range(1, len(code)) if code[at] > 222]
    assert all(min(code) > 222 or code[0] > 222 for code in inside)


def test_every_character_of_unicode_has_a_code_of_its_own():
    characters = CharacterRanks(range(UNICODE))
    last = characters.sort_bytes(np.array([222, UNICODE - 1, UNICODE]))
    assert last.tolist() == sorted(last[:5].tolist()) or len(last) == 15
    assert characters.ranks("\U0010ffff").tolist() == [UNICODE]
    assert characters.text(characters.ranks("аз\ud800")) == "аз\ud800"
    assert code_points("я").tolist() == [0x44F]


# nearly verbatim


def reaches(text: str, work: str) -> list[int]:
    """By changes: how much of the text's beginning can be turned into a beginning of the work."""
    rows = [[*range(len(work) + 1)]]
    for x, letter in enumerate(text, 1):
        row = [x]
        for y, other in enumerate(work, 1):
            row.append(min(rows[-1][y - 1] + (letter != other), rows[-1][y] + 1, row[-1] + 1))
        rows.append(row)
    least = [min(row) for row in rows]
    most = len(text) + 1
    return [max(x for x, value in enumerate(least) if value <= k) for k in range(most)]


def longest_near(texts: list[str], text: str, every: int) -> int:
    """The length of the longest stretch nearly verbatim, by tables of all distances."""
    best = 0
    for work in texts:
        for start in range(len(text)):
            for place in range(len(work)):
                if text[start : start + every] != work[place : place + every]:
                    continue
                if len(text) - start < every or len(work) - place < every:
                    continue
                left = reaches(text[:start][::-1], work[:place][::-1])
                right = reaches(text[start:], work[place:])
                best = max(best, _grown(left, right, every))
    return best


def _grown(left: list[int], right: list[int], every: int) -> int:
    waiting, seen, best = [(0, 0)], set(), 0
    while waiting:
        state = waiting.pop()
        lefts, rights = state
        if state in seen or lefts >= len(left) or rights >= len(right):
            continue
        seen.add(state)
        length = left[lefts] + right[rights]
        if length >= every * (lefts + rights):
            best = max(best, length)
            waiting += [(lefts + 1, rights), (lefts, rights + 1)]
    return best


@some
@given(
    st.lists(letters("аб", 16), min_size=1, max_size=2),
    letters("аб", 16),
    st.sampled_from([3, 4, 6]),
    st.sampled_from([6, 999]),
)
def test_the_longest_stretch_nearly_verbatim_is_that_of_a_dynamic_programme(
    folder, texts, text, every, part
):
    index = indexed(folder, texts, part)
    near = nearly_verbatim(index._query(text), index._text, every)
    assert (near.end - near.start if near else 0) == longest_near(texts, text, every)
    if near:
        whole = "\0".join(["", *texts, ""])
        there = whole[near.place : near.place_end]
        assert "\0" not in there
        stretch = text[near.start : near.end]
        assert distance(stretch, there) <= near.changes
        assert len(stretch) >= every * near.changes


def distance(one: str, other: str) -> int:
    row = [*range(len(other) + 1)]
    for x, letter in enumerate(one, 1):
        before, row = row, [x]
        for y, same in enumerate(other, 1):
            row.append(min(before[y - 1] + (letter != same), before[y] + 1, row[-1] + 1))
    return row[-1]


def changed(text: str, every: int, how: str) -> str:
    """A text with a letter changed in so many, in one of three ways or in turn."""
    ways = {"replaced": "№", "left out": "", "put in": "{}№"}
    parts = []
    for number, letter in enumerate(text):
        if number % every == every - 1:
            way = how if how in ways else [*ways][number // every % 3]
            letter = ways[way].format(letter)
        parts.append(letter)
    return "".join(parts)


@pytest.mark.parametrize("how", ["replaced", "left out", "put in", "in turn"])
def test_a_passage_with_a_letter_changed_in_twenty_two_is_nearly_verbatim_as_a_whole(folder, how):
    text = story(1, 600)
    index = indexed(folder, [story(2, 600), text, story(3, 600)])
    passage = text[300:1300]
    nearly = index.nearly(changed(passage, 22, how))
    assert (nearly.start, nearly.work.id) == (0, "1")
    assert len(nearly) == len(changed(passage, 22, how))
    assert abs(nearly.place - 300) <= 1 and abs(nearly.place_end - 1300) <= 1
    assert nearly.changes == len(passage) // 22
    dense = index.nearly(changed(passage, 12, how))
    assert len(dense) < 100


def test_what_is_too_short_to_have_a_change_is_nearly_verbatim_as_it_stands(folder):
    index = indexed(folder, [PROSE])
    nearly = index.nearly("№ раннее утро №")
    assert (nearly.start, nearly.end, nearly.changes) == (1, 13, 0)
    assert index.passage(nearly.work, nearly.place, nearly.place_end) == " раннее утро"


# the files


def test_a_folder_without_an_index_is_said_to_have_none(folder, tmp_path):
    with pytest.raises(UserError, match="holds no text index: make pipeline"):
        TextIndex.open(tmp_path)
    index = folder / "damaged"
    index.mkdir()
    write_index(index, lambda: [(Work("a", "b", None, None), PROSE)])
    about = json.loads((index / "index.json").read_text())
    assert about["parts"] == [[0, len(PROSE) + 2]]
    (index / "index.json").write_text("{}")
    with pytest.raises(UserError, match="holds no text index"):
        TextIndex.open(index)
