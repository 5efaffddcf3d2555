"""The course of the training, as charts that can be zoomed."""

from __future__ import annotations

from collections.abc import Iterator

from femtogpt.report.chart_svg import NARROW, WIDTH, picture, reach, zoom_data
from femtogpt.report.curves import RATES, SPOTTED, Chart, Curve, Level, points, smoothed
from femtogpt.report.html_parts import Html, embedded, joined, note, tag
from femtogpt.report.quality_parts import baseline_title
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.wording import Wording
from femtogpt.training.metrics import BITS, LOSS


def curves(facts: RunFacts, words: Wording) -> Html:
    """Losses, bits per character with the baselines, learning rates and gradient norm, by step."""
    charts = list(_charts(facts, words))
    if not charts:
        return Html()
    steps, marks = reach(charts), _marks(facts)
    data = {
        "range": steps,
        "marks": marks,
        "spotted": SPOTTED,
        "step": words("at_step"),
        "charts": [zoom_data(chart) for chart in charts],
    }
    figures = (
        tag(
            "figure",
            tag("figcaption", chart.title, tag("small", chart.unit)),
            tag("div", *_legend(chart), of="legend"),
            picture(chart, steps, marks, words, WIDTH if number < 2 else NARROW),
            of="chart",
        )
        for number, chart in enumerate(charts)
    )
    buttons = (
        tag("button", words(f"zoom_{name}"), type="button", name=name)
        for name in ("in", "out", "reset")
    )
    return joined(
        [
            tag("div", *buttons, tag("span", words("how_to_zoom")), of="tools", hidden=""),
            tag("div", *figures, of="charts"),
            *([note(words("marked_steps"))] if marks else []),
            embedded(data, "curve-data"),
        ]
    )


def _legend(chart: Chart) -> Iterator[Html]:
    for curve in chart.curves:
        yield tag("span", tag("i", of=curve.style), curve.name, data_curve="")
    for level in chart.levels:
        yield tag("span", tag("i", of=f"level {level.style}"), level.name)


def _charts(facts: RunFacts, words: Wording) -> Iterator[Chart]:
    lines = facts.lines
    losses = points(lines, "train_loss")
    average = smoothed(losses)
    raw = Curve(words("train_loss"), losses, "thin" if len(average) else "main")
    loss = Chart(
        words("loss"),
        words("nats_per_token"),
        (
            raw,
            Curve(words("moving_average"), average, "main"),
            Curve(words("held_out_estimate"), points(lines, LOSS), SPOTTED),
        ),
    )
    bits = Chart(
        words("held_out_text"),
        words("bits_per_character"),
        (Curve(words("estimate"), points(lines, BITS), SPOTTED),),
        tuple(_levels(facts, words)),
    )
    names = sorted({name for line in lines for name in line if name.startswith(RATES)})
    rates = Chart(
        words("learning_rate"),
        "",
        tuple(
            Curve(_optimizer(name), points(lines, name), style)
            for name, style in zip(names, ("main", "second"), strict=False)
        ),
    )
    norm = points(lines, "gradient_norm")
    gradient = Chart(
        words("gradient_norm"),
        words("before_clipping"),
        (
            Curve(words("each_step"), norm, "thin"),
            Curve(words("moving_average"), smoothed(norm), "main"),
        ),
    )
    for chart in (loss, bits, rates, gradient):
        drawn = tuple(curve for curve in chart.curves if len(curve.points))
        if drawn:
            yield Chart(chart.title, chart.unit, drawn, chart.levels)


def _optimizer(name: str) -> str:
    return {"adamw": "AdamW", "muon": "Muon"}.get(key := name.removeprefix(RATES), key)


def _levels(facts: RunFacts, words: Wording) -> Iterator[Level]:
    """The figures of the baselines, of the whole held-out text, and its true entropy."""
    for kind, baseline in facts.baselines.items():
        bits = baseline.bits_per_character
        yield Level(f"{baseline_title(kind, baseline, words)}: {words.number(bits)}", bits, kind)
    if facts.bits is not None and facts.evaluation:
        label = words("whole_held_out", bits=words.number(facts.bits))
        yield Level(label, facts.bits, "final")
        if (entropy := facts.evaluation["held_out"].get("entropy")) is not None:
            yield Level(f"{words('true_entropy')}: {words.number(entropy)}", entropy, "entropy")


def _marks(facts: RunFacts) -> list[int]:
    """Steps at which a longer training took over, or another machine."""
    longer = {part["step"] for part in facts.settings.get("continuations", ())}
    return sorted(longer | {machine["step"] for machine in facts.machines[1:]})
