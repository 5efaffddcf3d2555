"""What the model wrote: while it learned, step beside step, and at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from femtogpt.report.html_parts import Html, cut, joined, limited, note, tag
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.wording import Wording
from femtogpt.training.metrics import SAMPLE

STEPS = 9  # samples by step
STEP_CHARACTERS = 900
SAMPLES = 10  # of the finished model
SAMPLE_CHARACTERS = 2500
PROMPT_CHARACTERS = 700
KNOWN = 50  # characters of a stretch that is marked; by chance they are shorter


def samples(facts: RunFacts, words: Wording) -> Html:
    """The samples by step, then those of the finished model."""
    return joined([*_by_step(facts, words), *_finished(facts, words)])


def _by_step(facts: RunFacts, words: Wording) -> Iterator[Html]:
    texts = {line["step"]: line[SAMPLE] for line in facts.lines if SAMPLE in line}
    if not texts:
        return
    steps = spread(sorted(texts), STEPS)
    yield tag("h3", words("samples_by_step"))
    yield note(words("same_draws"))
    parts = (
        tag("div", tag("h4", words.count(step, "step")), _written(texts[step], words))
        for step in steps
    )
    yield tag("div", *parts, of="texts")
    yield limited(len(steps), len(texts), "sample", words)


def spread(steps: Sequence[int], most: int) -> list[int]:
    """At most so many of the steps, evenly chosen, the first and the last among them."""
    if len(steps) <= most:
        return list(steps)
    return [steps[round(n * (len(steps) - 1) / (most - 1))] for n in range(most)]


def _written(text: str, words: Wording) -> Html:
    if not text.strip():
        return note(words("nothing_written"))
    return tag("div", cut(text.rstrip(), STEP_CHARACTERS, words), of="written")


def _finished(facts: RunFacts, words: Wording) -> Iterator[Html]:
    written = facts.samples
    if not written:
        return
    yield tag("h3", words("finished_samples"))
    known = list(_known(facts))
    if any(known):
        yield note(words("marked_stretches"))
    for number, sample in enumerate(written[:SAMPLES]):
        stretch = known[number] if number < len(known) else None
        prompt = tag("span", cut(sample["prompt"], PROMPT_CHARACTERS, words), of="prompt")
        body = _marked(sample["text"].rstrip(), stretch, words)
        yield tag("div", tag("div", prompt, body, of="written"), of="story")
    yield limited(SAMPLES, len(written), "sample", words)


def _known(facts: RunFacts) -> Iterator[Mapping[str, Any] | None]:
    """Of each sample, the longest stretch that stands in the training text, if it is long."""
    for record in facts.memory["samples"] if facts.memory else ():
        longest = record["longest"]
        is_long = longest and longest["end"] - longest["start"] >= KNOWN
        yield longest if is_long else None


def _marked(text: str, stretch: Mapping[str, Any] | None, words: Wording) -> Html:
    """A text with the longest stretch that stands in the training text."""
    shown = cut(text, SAMPLE_CHARACTERS, words)
    if not stretch or stretch["end"] > SAMPLE_CHARACTERS:
        return shown
    start, end = stretch["start"], stretch["end"]
    rest = cut(text[end:], SAMPLE_CHARACTERS - end, words)
    return joined([text[:start], tag("mark", text[start:end]), rest])
