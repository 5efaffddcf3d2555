"""The blind comparison: nobody is told who wrote what before the vote, and every vote is kept."""

from __future__ import annotations

import json

import pytest

from femtogpt.generation.engine import Engine
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writing import write
from femtogpt.model.loading import load_model
from femtogpt.playground import vote_file
from femtogpt.playground.blind_pairs import BlindPairs
from femtogpt.tokens.tokenizer import Tokenizer
from tests.playgrounds import OTHER_PIECES, Models, joined, serving


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Models:
    return Models(tmp_path_factory.mktemp("blind") / "data")


@pytest.fixture(scope="module")
def runs(models) -> list[str]:
    return [models.make(1), models.make(2, OTHER_PIECES)]


@pytest.fixture(scope="module")
def served(models, runs):
    """The page, the room behind it, and the calls that tell of a vote."""
    told: list[None] = []
    with serving(models.data, lambda: told.append(None)) as (page, room):
        yield page, room, told


def compared(page, runs: list[str], **how) -> tuple[str, list[tuple[str, dict]]]:
    """A pair's id, and the events of its texts."""
    body = {"runs": runs, "prompt": "мама", "characters": 30, **how}
    events = page.events("/api/blind", body)
    assert events[-1] == ("end", {})
    return events[0][1]["pair"], events


def test_names_come_with_the_vote_and_not_before(served, runs):
    page, _, told = served
    pair, events = compared(page, runs)
    seen = json.loads(page.get(f"/api/blind/{pair}")[2])
    assert seen["texts"] == joined(events) and seen["prompt"] == "мама" and seen["finished"]
    before = json.dumps([events, seen])
    assert not [name for name in runs if name in before or name.removeprefix("run/") in before]
    assert {*seen} == {"prompt", "texts", "finished"}
    count = len(told)
    status, voted = page.ask(f"/api/blind/{pair}/vote", {"better": "left"})
    assert status == 200 and {*voted["runs"]} == {*runs} and len(told) == count + 1
    again = json.loads(page.get(f"/api/blind/{pair}")[2])
    assert again == voted, "after a reload, too"


def test_a_vote_has_all_that_made_the_texts(served, models, runs):
    page, room, _ = served
    pair, events = compared(page, runs, temperature=0.9, top_k=50)
    page.ask(f"/api/blind/{pair}/vote", {"better": "right"})
    vote = room.votes.read()[-1]
    assert (vote.better, vote.prompt, vote.characters) == ("right", "мама", 30)
    assert list(vote.texts) == joined(events)
    for name, seed, text in zip(vote.runs, vote.seeds, vote.texts, strict=True):
        run = models.data / name
        engine, tokenizer = Engine(load_model(run, "cpu")), Tokenizer.load(run)
        again = write(engine, tokenizer, vote.prompt, 120, Sampling(**vote.sampling), seed)
        assert again.startswith(text)


def test_a_second_vote_on_a_pair_changes_nothing(served, runs):
    page, room, _ = served
    pair, _ = compared(page, runs)
    page.ask(f"/api/blind/{pair}/vote", {"better": "bad"})
    kept = room.votes.read()
    status, seen = page.ask(f"/api/blind/{pair}/vote", {"better": "left"})
    assert status == 200 and seen["better"] == "bad"
    assert room.votes.read() == kept


def test_sides_are_drawn(runs, tmp_path):
    pairs = BlindPairs(vote_file.VoteFile(tmp_path))
    drawn = [pairs.begin((runs[0], runs[1]), "", {}, 9) for _ in range(200)]
    left = sum(pair.runs[0] == runs[0] for _, pair in drawn)
    assert 60 < left < 140
    assert len({name for name, _ in drawn}) == 200
    assert len({seed for _, pair in drawn for seed in pair.seeds}) > 390


def test_a_pair_that_is_not_written_to_its_end_takes_no_vote(served, runs):
    page, room, _ = served
    pair, _ = room.pairs.begin((runs[0], runs[1]), "", {}, 9)
    kept = room.votes.read()
    status, refused = page.ask(f"/api/blind/{pair}/vote", {"better": "left"})
    assert (status, refused["why"]) == (409, "unfinished")
    assert page.ask("/api/blind/nosuch/vote", {"better": "left"})[1]["why"] == "no such pair"
    assert page.ask(f"/api/blind/{pair}/vote", {"better": "both"})[0] == 422
    assert room.votes.read() == kept
    with page.post("/api/blind", {"runs": [runs[0]] * 2}) as same:
        assert same.status == 409


def test_a_vote_that_cannot_be_kept_is_told_and_may_be_cast_again(served, runs, monkeypatch):
    page, room, _ = served
    pair, _ = compared(page, runs)
    kept = room.votes.read()

    def full(*_) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vote_file.os, "write", full)
    status, refused = page.ask(f"/api/blind/{pair}/vote", {"better": "left"})
    assert (status, refused["why"]) == (409, "not kept") and "disk is full" in refused["detail"]
    assert "runs" not in json.loads(page.get(f"/api/blind/{pair}")[2])
    monkeypatch.undo()
    assert page.ask(f"/api/blind/{pair}/vote", {"better": "left"})[0] == 200
    assert len(room.votes.read()) == len(kept) + 1


def test_the_score_is_that_of_the_votes(served, runs):
    page, room, _ = served
    _, score = page.ask("/api/score", {"runs": runs})
    _, other = page.ask("/api/score", {"runs": runs[::-1]})
    assert score["votes"] == other["votes"] == len(room.votes.read()) > 0
    assert score["rate"] == pytest.approx(1 - other["rate"])
    assert page.ask("/api/score", {"runs": ["run/x", "run/y"]})[1]["rate"] is None
