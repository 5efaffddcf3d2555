"""`femtogpt tokens show`: what stands at a place of a shard."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.errors import UserError
from femtogpt.tokens import shards as module
from femtogpt.tokens.shard_view import show
from femtogpt.tokens.shards import Tokens, write_tokens
from femtogpt.tokens.tokenizer import SPACE, train_tokenizer
from tests.helpers import PROSE, VERSE, config, listed, quick, story
from tests.parquet import corpus

ODD = f"Слово 😀👩‍👩‍👧 и ѣѣ{SPACE}€ конец\n"  # much of it is spelled in bytes
SOURCES = {
    "stories": {
        "train": {f"{seed:02d}": story(seed) for seed in range(20)},
        "held_out": {f"{seed:02d}": story(seed) for seed in range(20, 23)},
    },
    "works": {
        "train": {"prose": PROSE, "verse": VERSE},
        "held_out": {"проза/1": PROSE, "odd": ODD, "empty": "", "verse": VERSE},
    },
}
SETTINGS = config(
    {name: listed({}) for name in SOURCES},
    tokenizer={"vocab_size": 500, "character_coverage": 1.0},
)
WORKS = "held_out/works/00000"


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("data"))
    made = corpus(store, SOURCES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SHARD_TOKENS", 2000)
        return write_tokens(store, SETTINGS, made, train_tokenizer(store, SETTINGS, made))


@pytest.fixture(scope="module")
def folder(artifact):
    return artifact.path


@pytest.fixture(scope="module")
def works(folder):
    [shard] = Tokens(folder).shards("held_out")["works"]
    return shard


def texts(shown: str) -> list[str]:
    """The text of each document that is shown, without titles and ends."""
    _, *parts = re.split(r"\n\n── .*, from token .* ──", shown)
    return [re.sub(r"\n── end of .* ──$", "", part).removeprefix("\n") for part in parts]


def test_a_place_is_named_by_shard_position_and_document(folder, works):
    first = works.documents()[0]
    shown = show(folder, WORKS, at=5, count=10)
    lines = shown.split("\n")
    assert lines[0] == f"{WORKS}, tokens 5 to 14 of {works.tokens:,}"
    assert lines[2] == f"── works/проза/1, from token 4 of {first.tokens:,} ──"
    ids = works.ids[5:15]
    assert texts(shown) == [Tokens(folder).tokenizer().decode(ids)]


def test_a_whole_shard_shows_every_document_and_its_end(folder):
    shown = show(folder, WORKS, at=0, count=10**6)
    assert texts(shown) == [PROSE, ODD, "", VERSE]
    tokenizer = Tokens(folder).tokenizer()
    titles = [line for line in shown.split("\n") if line.startswith("── ")]
    assert titles == [
        title
        for name, text in SOURCES["works"]["held_out"].items()
        for title in (
            f"── works/{name}, from token 0 of {len(tokenizer.encode(text))} ──",
            f"── end of works/{name} ──",
        )
    ]


def test_a_place_over_a_boundary_shows_the_end_and_the_next_documents_name(folder, works):
    first, second, *_ = works.documents()
    shown = show(folder, WORKS, at=second.start - 3, count=10)
    titles = [line for line in shown.split("\n") if line.startswith("── ")]
    assert titles == [
        f"── works/проза/1, from token {first.tokens - 3} of {first.tokens} ──",
        "── end of works/проза/1 ──",
        f"── works/odd, from token 0 of {second.tokens} ──",
    ]
    before, after = texts(shown)
    assert before and PROSE.endswith(before)
    assert after and ODD.startswith(after)


def test_the_last_place_of_a_shard_is_the_end_of_its_last_document(folder, works):
    shown = show(folder, WORKS, at=works.tokens - 1)
    assert "from token" in shown
    assert shown.endswith("── end of works/verse ──")


@quick
@given(data=st.data())
def test_wherever_one_looks_no_character_is_broken(data, folder, works):
    at = data.draw(st.integers(0, works.tokens - 1))
    count = data.draw(st.integers(1, 30))
    shown = show(folder, WORKS, at=at, count=count)
    assert "\ufffd" not in shown
    for text in texts(shown):
        assert any(text in document for document in (PROSE, ODD, VERSE))
    marked = show(folder, WORKS, at=at, count=count, pieces=True)
    assert "\ufffd" not in marked
    assert marked.split("\n")[0] == shown.split("\n")[0]


def test_a_place_within_a_character_shows_the_whole_character(folder, works):
    second = works.documents()[1]
    values = Tokens(folder).tokenizer().bytes[works.ids]
    lead = second.start + values[second.start :].tolist().index(0xF0)
    for at, count in ((lead, 1), (lead + 1, 1), (lead + 2, 2), (lead + 3, 1)):
        shown = show(folder, WORKS, at, count)
        assert shown.startswith(f"{WORKS}, tokens {lead} to {lead + 3} of ")
        assert texts(shown) == ["😀"]


def test_neighbouring_windows_show_the_whole_text(folder, works):
    first = works.documents()[0]
    windows = range(1, first.tokens + 1, 7)
    shown = [show(folder, WORKS, at, min(7, first.tokens + 1 - at)) for at in windows]
    assert "".join(text for part in shown for text in texts(part)) == PROSE


def cells(marked: str) -> list[tuple[str, str]]:
    """The pieces as they are shown, with their ids."""
    lines = [line for line in marked.split("\n")[2:] if not line.startswith("──")]
    found = []
    for above, below in pairwise(lines):
        if above.endswith("│"):
            found += zip(above.split("│")[:-1], below.split(), strict=True)
    return found


def test_pieces_are_marked_and_stand_over_their_ids(folder, works):
    first = works.documents()[0]
    found = cells(show(folder, WORKS, 1, first.tokens, pieces=True))
    assert [int(id) for _, id in found] == works.ids[1 : first.tokens + 1].tolist()
    pieces = Tokens(folder).tokenizer().pieces
    for shown, id in found:
        piece = pieces[int(id)]
        assert shown.rstrip() == {"\n": "⏎", " ": "␣"}.get(piece, piece)


def test_lines_of_pieces_fit_a_terminal(folder):
    marked = show(folder, WORKS, 0, 10**6, pieces=True)
    assert max(len(line) for line in marked.split("\n")) <= 100


def test_a_character_spelled_in_bytes_stands_with_its_last_byte(folder, works):
    second = works.documents()[1]
    found = cells(show(folder, WORKS, second.start + 1, 200, pieces=True))
    shown = [text.strip() for text, _ in found]
    position = shown.index("<9F>")
    assert shown[position - 1 : position + 3] == ["<F0>", "<9F>", "<98>", "<80>=😀"]


def test_what_would_act_on_the_terminal_is_spelled_out(tmp_path):
    store = Store(tmp_path)
    text = "Было\x1b[31m красное\x07 слово\r\n" + story(2)
    made = corpus(store, {"works": {"train": {"1": story(1)}, "held_out": {"2": text}}})
    settings = config({"works": listed({})}, tokenizer={"vocab_size": 400})
    folder = write_tokens(store, settings, made, train_tokenizer(store, settings, made)).path
    for pieces in (False, True):
        shown = show(folder, WORKS, at=0, pieces=pieces)
        assert "\x1b" not in shown and "\x07" not in shown and "\r" not in shown
    assert r"Было\x1b[31m красное\x07 слово\x0d" in show(folder, WORKS, at=0)


# which place


def test_a_seed_gives_the_same_place_and_others_give_others(folder):
    assert show(folder, seed=3) == show(folder, seed=3)
    assert len({show(folder, seed=seed) for seed in range(20)}) > 15


def test_every_token_of_all_shards_is_as_likely_to_be_the_first(folder):
    data = Tokens(folder)
    sizes = {
        f"{split}/{source}/{shard.path.stem}": shard.tokens
        for split in ("train", "held_out")
        for source, shards in data.shards(split).items()
        for shard in shards
    }
    draws = 1000
    heads = [show(folder, count=1, seed=seed).split("\n")[0] for seed in range(draws)]
    counts = Counter(head.split(",")[0] for head in heads)
    for name, size in sizes.items():
        expected = draws * size / sum(sizes.values())
        assert abs(counts[name] - expected) < 4 * expected**0.5 + 3, name
    longest = max(sizes, key=sizes.get)
    positions = [
        int(re.search(r"tokens ([\d,]+) ", head)[1].replace(",", "")) / sizes[longest]
        for head in heads
        if head.startswith(longest)
    ]
    quarters = Counter(int(4 * position) for position in positions)
    assert min(quarters.values()) > len(positions) / 4 * 0.6


def test_a_place_is_drawn_from_the_shard_that_is_named(folder):
    for seed in range(20):
        assert show(folder, WORKS, seed=seed).startswith(f"{WORKS}, ")


def test_a_single_shard_need_not_be_named(tmp_path):
    store = Store(tmp_path)
    made = corpus(store, {"works": {"train": {"1": story(1)}}})
    settings = config({"works": listed({})}, tokenizer={"vocab_size": 400})
    folder = write_tokens(store, settings, made, train_tokenizer(store, settings, made)).path
    assert show(folder, at=3, count=2).startswith("train/works/00000, tokens 3 to 4 of ")


# what is not there


@pytest.mark.parametrize(
    ("position", "message"),
    [
        ({"shard": "train/wrks/00000"}, "no shard 'train/wrks/00000'; did you mean 'train/works/0"),
        ({"shard": "что-то"}, "no shard 'что-то'; there are train/stories/00000, "),
        ({"at": 5}, "--at 5: say in which shard; there are train/stories/00000, "),
        ({"shard": WORKS, "at": -1}, "--at -1: held_out/works/00000 has tokens 0 to "),
        ({"shard": WORKS, "at": 10**6}, "--at 1000000: held_out/works/00000 has tokens"),
        ({"count": 0}, "--count 0: give 1 token or more"),
        ({"count": -3}, "--count -3: give 1 token or more"),
    ],
)
def test_a_place_that_is_not_there_is_told_in_one_line_with_what_there_is(
    position, message, folder
):
    with pytest.raises(UserError) as refused:
        show(folder, **position)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_first_place_past_the_end_is_told(folder, works):
    show(folder, WORKS, at=works.tokens - 1)
    with pytest.raises(UserError, match=f"has tokens 0 to {works.tokens - 1}$"):
        show(folder, WORKS, at=works.tokens)


def test_a_file_name_names_its_shard(folder):
    assert show(folder, f"{WORKS}.bin", at=0) == show(folder, WORKS, at=0)


@pytest.mark.parametrize("lost", ["tokenizer.model", "held_out/works/00000.bin", "index.json"])
def test_a_damaged_folder_is_told_in_one_line(lost, folder, tmp_path):
    for file in folder.rglob("*.*"):
        copy = tmp_path / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.relative_to(folder).as_posix() != lost:
            copy.write_bytes(file.read_bytes())
    with pytest.raises(UserError, match=f"{lost.split('/')[-1]}"):
        show(tmp_path, WORKS, at=0)


# the command


def test_the_command_shows_the_newest_tokens(artifact, capsys):
    data = artifact.path.parents[1]
    assert main(["tokens", "show", WORKS, "--at", "1", "--data", str(data)]) == 0
    assert capsys.readouterr().out == show(artifact.path, WORKS, 1) + "\n"
    folder = str(artifact.path)
    arguments = ["tokens", "show", "--from", folder, "--seed", "4", "--count", "9", "--pieces"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == show(artifact.path, count=9, pieces=True, seed=4) + "\n"


def test_the_command_tells_a_wrong_place_in_one_line(artifact, capsys):
    assert main(["tokens", "show", "train", "--from", str(artifact.path)]) == 1
    message = capsys.readouterr()
    assert message.out == ""
    assert message.err.startswith("error: no shard 'train'")
    assert message.err.count("\n") == 1
