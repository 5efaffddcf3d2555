"""The pipeline as data: its stages, and what each is made from.

It serves to look at a pipeline without running it. Each recipe is the one that the stage's own
module uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.reasons import listed
from femtogpt.artifacts.store import NOT_YET_THERE, State, Store, newer_code
from femtogpt.config import Config
from femtogpt.errors import UserError

if TYPE_CHECKING:
    from femtogpt.sources.base import Source

WOULD_BE_MADE = "would be made again"
Inputs = Mapping[str, Artifact]


@dataclass(frozen=True)
class Stage:
    """A stage of one configuration's pipeline."""

    name: str  # as in the log
    kind: str
    recipe: Callable[[Inputs], Recipe]  # of the artifacts it needs; may raise UserError
    needs: tuple[str, ...] = ()  # names of stages
    resumable: bool = False


@dataclass(frozen=True)
class Verdict:
    """Whether a stage is up to date, and otherwise why not."""

    stage: Stage
    state: State
    note: str = ""  # the end of its line
    error: str = ""  # why that cannot be decided
    stand_in: Artifact | None = None  # what was used last, if the stage is not up to date
    elsewhere: Artifact | None = None  # what would be taken from the shared store

    @property
    def is_up_to_date(self) -> bool:
        return self.state.artifact is not None


def stages_of(config: Config, store: Store) -> list[Stage]:
    """The stages of a configuration's pipeline, in order.

    Sources without a version get that of the newest download on disk: the network is not used.
    """
    from femtogpt.corpus import build
    from femtogpt.evaluation import baseline, evaluate, ngram_baseline, ppmd_baseline
    from femtogpt.generation import samples
    from femtogpt.memorisation import index_stage, memory_stage
    from femtogpt.report import run_report
    from femtogpt.sources import fetch
    from femtogpt.tokens import shards, tokenizer
    from femtogpt.training.budget_stage import for_this_machine

    config = for_this_machine(config)
    sources = cast("dict[str, Source]", config.sources)  # which config.py cannot import
    raws = {f"raw {name}": name for name in sources}

    def raw(name: str, inputs: Inputs) -> Recipe:
        return fetch.recipe(fetch.at_hand(store, name, sources[name]), name)

    def corpus(inputs: Inputs) -> Recipe:
        return build.recipe(config, {raws[name]: artifact for name, artifact in inputs.items()})

    baselines = {
        baseline.NGRAM: _stage(baseline.NGRAM, partial(ngram_baseline.recipe, config), "tokens"),
        baseline.PPMD: _stage(baseline.PPMD, partial(ppmd_baseline.recipe, config), "corpus"),
    }
    memory = [
        _stage(index_stage.KIND, index_stage.recipe, "corpus"),
        _stage(memory_stage.KIND, memory_stage.recipe, "corpus", "samples", index_stage.KIND),
    ]
    optional = [
        *(memory if config.memory else ()),
        *(baselines[kind] for kind in baseline.wanted(config)),
    ]
    measured = [stage.name for stage in optional]

    return [
        *(
            Stage(stage, fetch.KIND, partial(raw, name), (), sources[name].resumable)
            for stage, name in raws.items()
        ),
        Stage("corpus", "corpus", corpus, tuple(raws)),
        _stage("tokenizer", partial(tokenizer.recipe, config), "corpus"),
        _stage("tokens", shards.recipe, "corpus", "tokenizer"),
        *_choice(config),
        *_generations(config, store),
        _stage("evaluation", partial(evaluate.recipe, config), "corpus", "tokens", "run"),
        _stage("samples", partial(samples.recipe, config), "tokens", "run"),
        *optional,
        Stage(
            "report",
            "report",
            partial(run_report.recipe, config.name),
            ("corpus", "tokenizer", "tokens", "run", "evaluation", "samples", *measured),
        ),
    ]


def _stage(name: str, recipe: Callable[..., Recipe], *needs: str) -> Stage:
    """A stage whose recipe takes its inputs as arguments, in this order."""
    return Stage(name, name, lambda inputs: recipe(*(inputs[need] for need in needs)), needs)


def _choice(config: Config) -> Iterator[Stage]:
    """What to train in ``train.hours``, if they are given."""
    if config.train.hours is not None:
        from femtogpt.training import budget_stage

        yield _stage(budget_stage.KIND, partial(budget_stage.recipe, config), "tokens")


def _generations(config: Config, store: Store) -> Iterator[Stage]:
    """The trainings: one, or several of which each needs the one before."""
    from femtogpt.training.generations import stage_name

    first = ("tokens", "choice") if config.train.hours is not None else ("tokens",)
    needs: tuple[str, ...] = first
    for number in range(1, config.train.generations + 1):
        name = stage_name(number, config)
        yield Stage(name, "run", partial(_run, config, store, number), needs, resumable=True)
        needs = (*first, name)


def _run(config: Config, store: Store, number: int, inputs: Inputs) -> Recipe:
    from femtogpt.tokens.shards import Tokens
    from femtogpt.training.generations import generation
    from femtogpt.training.settings import resolve
    from femtogpt.training.training_stage import continued, recipe

    tokens = inputs["tokens"]
    if choice := inputs.get("choice"):
        from femtogpt.training.budget_stage import with_choice

        config = with_choice(config, choice)
    teacher = next((other.path for other in inputs.values() if other.kind == "run"), None)
    settings = resolve(generation(config, number, teacher), Tokens(tokens.path))
    settings, _ = continued(store, settings, tokens)
    return recipe(settings, tokens)


def verdicts(config: Config, store: Store | None = None) -> Iterator[Verdict]:
    """For each stage whether it is up to date, and why it would be made; nothing is made or taken.

    What would be made is represented by the artifact that was used last. A shared store is asked
    for what is not here.
    """
    store = store or Store.of(config)
    artifacts: dict[str, Artifact | None] = {}
    stale: set[str] = set()
    for stage in stages_of(config, store):
        verdict = _verdict(stage, store, artifacts, stale)
        is_known = verdict.is_up_to_date or verdict.elsewhere is not None
        if not is_known or stale.intersection(stage.needs):
            stale.add(stage.name)
            verdict = replace(verdict, stand_in=store.stand_in(stage.kind, stage.name))
        known = verdict.state.artifact or verdict.elsewhere
        artifacts[stage.name] = known or verdict.stand_in
        yield verdict


def _verdict(
    stage: Stage, store: Store, artifacts: Mapping[str, Artifact | None], stale: set[str]
) -> Verdict:
    inputs = {name: artifact for name in stage.needs if (artifact := artifacts[name]) is not None}
    waiting = [name for name in stage.needs if name in stale]
    above = (f"{listed(waiting)} {WOULD_BE_MADE}",) if waiting else ()
    first = store.earlier(stage.kind, stage.name) is None
    if first and above:
        above = (NOT_YET_THERE,)
    if len(inputs) < len(stage.needs):
        return Verdict(stage, State(None, above))
    try:
        recipe = stage.recipe(inputs)
    except (UserError, OSError, KeyError, ValueError) as error:
        if above:  # the artifact used last does not fit: it may lack a source
            return Verdict(stage, State(None, above))
        if any(store.root not in artifact.path.parents for artifact in inputs.values()):
            return Verdict(stage, State(None))  # it is made from files that have yet to be taken
        if not isinstance(error, UserError):
            raise
        return Verdict(stage, State(None), error=str(error))
    state = store.state(recipe, stage.name, stage.resumable)
    # A run's teacher, a run too, is no input of its recipe, in which the weights' checksum counts.
    teachers = [name for name in waiting if inputs[name].kind == stage.kind]
    waiting = [
        name for name in waiting if name in teachers or inputs[name] in recipe.inputs.values()
    ]
    if not waiting:
        if state.artifact is None:
            return Verdict(stage, state, elsewhere=store.elsewhere(recipe))
        return Verdict(stage, state, newer_code(recipe, state.artifact))
    if recipe.version is not None and (state.artifact or state.partial):
        condition = f" if the result of {listed(waiting)} stays the same"
        return Verdict(stage, state, condition)
    # With another teacher it begins anew, whatever it would go on from with this one.
    own = () if state.artifact or teachers else state.reasons
    return Verdict(stage, State(None, own if first and own else (*own, *above)))
