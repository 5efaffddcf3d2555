"""On what the run was trained, and how long each stage took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from femtogpt.report.html_parts import Html, Number, joined, note, pairs, short, table, tag
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.wording import Wording

STAGES = (
    *("corpus", "tokenizer", "tokens", "run", "evaluation", "samples"),
    *("memory", "ngram", "ppmd"),
)
MACHINES = 8  # those that are shown
VALUE = 200  # characters


def machine(facts: RunFacts, words: Wording) -> Html:
    """The machines, the speed, and the seconds of each stage."""
    return joined([*_machines(facts, words), *_speed(facts, words), *_times(facts, words)])


def _machines(facts: RunFacts, words: Wording) -> Iterator[Html]:
    if not facts.machines:
        yield note(words("machine_unknown"))
    for about in facts.machines[:MACHINES]:
        if len(facts.machines) > 1:
            yield tag("h3", words("from_step", step=about["step"]))
        yield pairs((words(name), short(value, VALUE)) for name, value in _about(about, words))


def _about(about: Mapping[str, Any], words: Wording) -> Iterator[tuple[str, str]]:
    cores = words.count(about["cores"], "core") if about.get("cores") else ""
    yield "processor", ", ".join(filter(None, [about["processor"], cores]))
    if card := about.get("card"):
        yield "card", f"{card['name']}, {words.bytes(card['memory'])}"
    else:
        yield "card", words("no_card")
    yield "memory_of_machine", words.bytes(about["memory"])
    threads = words.count(about["threads"], "thread")
    processes = words.count(about["processes"], "process")
    yield "computing", ", ".join([about["precision"], processes, threads])
    yield "system", about["system"]
    versions = about["versions"]
    yield "versions", ", ".join(f"{name} {version}" for name, version in versions.items())


def _speed(facts: RunFacts, words: Wording) -> Iterator[Html]:
    """Tokens per second over the training, evaluations and checkpoints included."""
    if facts.lines and facts.lines[-1]["seconds"] > 0 and facts.lines[-1]["tokens"]:
        last = facts.lines[-1]
        rate = round(last["tokens"] / last["seconds"])
        yield tag("p", words("speed", rate=rate, time=words.duration(last["seconds"])))


def _times(facts: RunFacts, words: Wording) -> Iterator[Html]:
    known = {kind: facts.manifest_of(kind).get("seconds") for kind in STAGES}
    seconds = {kind: time for kind, time in known.items() if time is not None}
    if not seconds:
        return
    most = max(*seconds.values(), 1e-9)
    rows = [
        (
            words(f"stage_{kind}"),
            Number(words.duration(time)),
            tag(
                "svg",
                tag("rect", width=f"{100 * time / most:.2f}%", height="100%", of="main"),
                of="bar",
            ),
        )
        for kind, time in seconds.items()
    ]
    yield tag("h3", words("times"))
    yield table((words("stage"), words("time"), ""), rows)
