"""Votes between two runs: what they say, and how they are kept."""

from __future__ import annotations

import errno
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.errors import UserError
from femtogpt.playground import vote_file
from femtogpt.playground.vote_file import VoteFile
from femtogpt.playground.vote_sender import VoteSender
from femtogpt.playground.votes import Vote, tally
from tests.helpers import quick

A, B = "run/a", "run/b"
SAMPLING = {"temperature": 0.8, "top_k": None, "top_p": 0.95}
outcomes = st.lists(st.sampled_from(["left", "right", "equal", "bad"]), max_size=60)


def vote(better: str, runs: tuple[str, str] = (A, B), prompt: str = "мама") -> Vote:
    time = "2026-11-29T20:00:00+00:00"
    return Vote(time, runs, prompt, SAMPLING, 600, (1, 2), ("а\n\u2028", "б"), better)


def swapped(one: Vote) -> Vote:
    """The same judgement with the sides exchanged."""
    better = {"left": "right", "right": "left"}.get(one.better, one.better)
    return vote(better, (one.runs[1], one.runs[0]))


def test_without_votes_nobody_wins():
    none = tally([], A, B)
    assert (none.votes, none.rate, none.low, none.more) == (0, None, None, None)
    assert none.verdict == "open"
    assert tally([vote("left", (A, "run/c"))], A, B).votes == 0


def test_five_to_none_gives_a_winner_with_a_wide_finite_interval():
    result = tally([vote("left")] * 5, A, B)
    assert result.verdict == "better" and result.rate == 1 and result.more == 0
    assert 0.5 < result.low < 0.6 and result.high == 1
    assert tally([vote("left")] * 5, B, A).verdict == "worse"
    assert tally([vote("left")] * 3, A, B).verdict == "open"


def test_ties_count_half():
    ties = tally([vote("equal"), vote("bad"), vote("left"), vote("right")], A, B)
    assert (ties.votes, ties.wins, ties.ties, ties.rate) == (4, 1, 2, 0.5)
    assert tally([vote("bad")] * 100, A, B).verdict == "level"


@quick
@given(outcomes, st.lists(st.booleans(), min_size=60, max_size=60))
def test_swapped_sides_change_nothing(found, exchange):
    votes = [vote(better) for better in found]
    mixed = [swapped(one) if other else one for one, other in zip(votes, exchange, strict=False)]
    assert tally(mixed, A, B) == tally(votes, A, B)


@quick
@given(outcomes.filter(bool))
def test_what_one_wins_the_other_loses(found):
    votes = [vote(better) for better in found]
    one, other = tally(votes, A, B), tally(votes, B, A)
    assert one.rate == pytest.approx(1 - other.rate)
    assert one.low == pytest.approx(1 - other.high) and one.more == other.more
    assert 0 <= one.low <= one.rate <= one.high <= 1
    assert one.wins + other.wins + one.ties == one.votes
    assert {one.verdict, other.verdict} in ({"better", "worse"}, {"level"}, {"open"})


@pytest.mark.parametrize("found", [["left"], ["left", "right"], ["left"] * 11 + ["right"] * 9])
def test_so_many_more_votes_of_the_kind_settle_it(found):
    votes = [vote(better) for better in found]
    more = tally(votes, A, B).more
    assert 0 < more < 500
    rounds = -(-more // len(votes))
    assert tally(votes * (1 + rounds), A, B).verdict != "open"
    assert tally(votes * max(1, rounds // 2), A, B).verdict == "open"


def test_votes_are_kept_as_they_were(tmp_path):
    file = VoteFile(tmp_path)
    assert file.read() == []
    votes = [vote("left"), vote("bad", (B, A), "</script>\n«да»")]
    for one in votes:
        file.add(one)
    assert VoteFile(tmp_path).read() == votes
    assert file.path.read_text("utf-8").count("\n") == 2


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path):
    file = VoteFile(tmp_path)
    file.add(vote("left"))
    whole = file.path.read_bytes()
    for rest in (b'{"time": "2026', b"null\n", b'{"runs": 5}\n', b"\xff\n"):
        file.path.write_bytes(whole + rest)
        assert file.read() == [vote("left")]
        file.add(vote("right"))
        assert file.read() == [vote("left"), vote("right")]


def test_on_a_full_disk_the_file_stays_as_it_was(tmp_path, monkeypatch):
    file = VoteFile(tmp_path)
    file.add(vote("left"))
    whole = file.path.read_bytes()
    write, room = os.write, [40]

    def little(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device", str(file.path))
        room[0], part = 0, data[: room[0]]
        return write(descriptor, part)

    monkeypatch.setattr(vote_file.os, "write", little)
    with pytest.raises(UserError, match=r"votes\.jsonl: the disk is full: .*: free some space"):
        file.add(vote("right"))
    assert file.path.read_bytes() == whole
    monkeypatch.undo()
    file.add(vote("right"))
    assert file.read() == [vote("left"), vote("right")]


def test_many_at_once_lose_none(tmp_path):
    def add() -> None:
        for _ in range(10):
            VoteFile(tmp_path).add(vote("equal"))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert VoteFile(tmp_path).read() == [vote("equal")] * 40


def test_what_cannot_be_recorded_is_told_kept_and_sent_later(tmp_path, caplog):
    file, taken, away = VoteFile(tmp_path), [], [True]

    def record(votes) -> None:
        if away.pop():
            away.append(False)
            raise UserError("MLflow is away")
        taken.append(len(votes))
        away.append(False)

    sender = VoteSender(file, record)
    file.add(vote("left"))
    sender.send()
    for _ in range(200):
        if caplog.messages:
            break
        threading.Event().wait(0.01)
    assert caplog.messages == [f"MLflow is away; the votes are kept in {file.path}"]
    file.add(vote("right"))
    sender.send()
    sender.finish()
    assert taken == [2], "once, with all of them"
