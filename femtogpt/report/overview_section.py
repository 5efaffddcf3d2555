"""The head of the report: what was trained, and what it is worth, at a glance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

from femtogpt.evaluation.baseline import NGRAM
from femtogpt.report.curves import RATES, points
from femtogpt.report.html_parts import Html, joined, note, short, tag, text
from femtogpt.report.quality_parts import whole_part
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.wording import Wording

NAME = 120  # characters of the title


def overview(facts: RunFacts, words: Wording) -> Html:
    """The title with the run's name, the verdict, and the figures that count."""
    above = [words("report_of_a_run"), *_when(facts, words)]
    return joined(
        [
            tag("p", " · ".join(above), of="over"),
            tag("h1", short(facts.name, NAME)),
            tag("p", " ".join(_verdict(facts, words)), of="lead"),
            tag("div", *(_figure(*figure) for figure in _figures(facts, words)), of="figures"),
            *_warnings(facts, words),
        ]
    )


def _when(facts: RunFacts, words: Wording) -> Iterator[str]:
    if made := facts.manifest.get("made"):
        yield words.moment(datetime.fromisoformat(made))
    elif facts.lines and "time" in facts.lines[-1]:
        yield words.moment(facts.lines[-1]["time"])


def _verdict(facts: RunFacts, words: Wording) -> Iterator[str]:
    """What was trained for how long, and how it compares with an n-gram."""
    if facts.lines:
        last = facts.lines[-1]
        parameters = facts.counts("run").get("parameters")
        about = words("of_parameters", count=words.big(parameters)) if parameters else ""
        steps, time = words.count(last["step"], "step"), words.duration(last["seconds"])
        yield words("trained", model=about, steps=steps, time=time)
    if facts.bits is None:
        yield words("not_evaluated")
        return
    if ngram := facts.baselines.get(NGRAM):
        excess = facts.bits / ngram.bits_per_character - 1
        key = "better_than_ngram" if excess < 0 else "worse_than_ngram"
        yield words(key, bits=words.number(facts.bits), share=words.percent(abs(excess)))
    else:
        yield words("figure_alone", bits=words.number(facts.bits))


def _figures(facts: RunFacts, words: Wording) -> Iterator[tuple[str, str, str]]:
    """Large numbers, each with what stands small beside it and below it."""
    if whole := whole_part(facts):
        half = "" if whole.half_width is None else f"± {words.number(whole.half_width)}"
        yield words.number(whole.bits), half, words("held_out_figure")
    if facts.bits is not None and facts.evaluation:
        train = facts.evaluation["train"]["bits_per_character_estimate"]
        yield words.number(facts.bits - train, 3, sign=True), "", words("gap")
    run, tokens = facts.counts("run"), facts.counts("tokens")
    if parameters := run.get("parameters"):
        model = facts.settings.get("model", {})
        shape = f"{model.get('layers', '?')} × {model.get('width', '?')}"
        yield words.big(parameters), "", words("parameters_in_shape", shape=shape)
    if facts.lines:
        last = facts.lines[-1]
        seen = last["tokens"]
        epochs = seen / tokens["train_tokens"] if tokens.get("train_tokens") else math.nan
        below = (
            words("tokens_seen_in", epochs=words.number(epochs, 1))
            if math.isfinite(epochs)
            else words("tokens_seen")
        )
        yield words.big(seen), "", below
        yield words.duration(last["seconds"]), "", words("time_of_training")


def _figure(value: str, beside: str, below: str) -> Html:
    aside = tag("small", f" {beside}") if beside else ""
    return tag("div", tag("b", text(value), aside), tag("span", below))


def _warnings(facts: RunFacts, words: Wording) -> Iterator[Html]:
    told = {line["step"] for line in facts.lines if any(name.startswith(RATES) for name in line)}
    lost = told - {*points(facts.lines, "train_loss").steps}
    if lost:
        yield note(words("lost_steps", steps=words.count(len(lost), "step")))
