"""The scaling law: held-out bits per character by parameters, tokens seen and text.

Hoffmann et al. 2022 (Chinchilla), with the effective data of Muennighoff et al. 2023::

    bits = floor + a × (N / 5 M)^-α + b × (D' / 1 M)^-β
    D'   = D                                    while the text is new (D ≤ U)
         = U × (1 + R × (1 - exp(-(D/U - 1) / R)))    after that: repeated text teaches less
    R    = passes × (U / N)^scarcity         so many passes count; fewer for larger models

N: the size, D: tokens seen, U: tokens of text. The size is the number of parameters, or that of the
layers' alone, without the embedding: whichever predicts the runs better. That R falls with the
size is ours: Muennighoff et al. have a constant, and count parameters beyond the best number less.
The law is fitted to small runs of one recipe on one text (benchmarks/scaling_runs.py), and holds
for that recipe and texts like that one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from femtogpt.errors import UserError

PACKAGE_LAW = Path(__file__).with_name("scaling_law.json")  # of the classics
ALL, LAYERS = "all parameters", "parameters of the layers"
LAWS = "laws"  # a folder in a person's data, with laws of their own: NAME.json
SIZE_UNIT, TOKENS_UNIT = 5e6, 1e6
# What other texts taught, to hold what small runs leave open: median, and deviation of the log.
# Exponents: Besiroglu et al. 2024 (Chinchilla's, fitted anew); passes: Muennighoff et al. 2023.
PRIOR = {
    "floor": (1.0, 0.35),
    "a": (0.3, 1.0),
    "alpha": (0.35, 0.35),
    "b": (0.8, 1.0),
    "beta": (0.37, 0.35),
    "passes": (15.4, 0.7),
    "scarcity": (0.5, 0.5),
}
RESIDUAL = 0.01  # of the log of the bits: what a run is expected to be off by
DRAWS = 64
LIKELY = 1.645  # standard deviations either way: 90 % of a normal distribution
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """A run: what it was given, and its held-out bits per character."""

    size: float  # parameters, all or those of the layers
    tokens: float  # seen in training
    text: float  # tokens of the text that they are read from
    bits: float


@dataclass(frozen=True)
class Expected:
    """Expected bits per character, and the interval in which 9 of 10 trainings should end."""

    bits: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.bits:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class ScalingLaw:
    """Constants in the order of PRIOR: the best, and drawn ones that the runs allow too."""

    constants: tuple[float, ...]
    draws: tuple[tuple[float, ...], ...]
    spread: float  # standard deviation of the log of bits about the law
    least_text: float  # tokens of text to the size: the fewest that it was fitted to
    made_from: Mapping[str, Any] = field(default_factory=dict)  # runs, text, settings, machine
    counts: str = ALL  # what the size is

    def size_of(self, width: int, vocab_size: int, parameters: int) -> float:
        """The size of a model with so many parameters, as this law has it."""
        return parameters - (vocab_size * width if self.counts == LAYERS else 0)

    @property
    def basis(self) -> str:
        """What it rests on, in words."""
        return f"a scaling law of {self.made_from.get('runs', 'runs that are not named')}"

    def is_of(self, sources: Collection[str], vocab_size: int) -> bool:
        """Whether it was fitted to a text of these sources in such tokens. Others' bits differ."""
        is_its_vocabulary = self.made_from.get("vocab_size", vocab_size) == vocab_size
        return is_its_vocabulary and {*self.made_from.get("sources", ())} == {*sources}

    def bits(self, size: float, tokens: float, text: float) -> float:
        """The expected bits per character."""
        return float(_bits(np.array(self.constants), size, tokens, text))

    def expected(self, size: float, tokens: float, text: float) -> Expected:
        """The same with its interval: the spread of the draws and of the runs about the law."""
        bits = self.bits(size, tokens, text)
        drawn = _bits(np.array(self.draws).T, size, tokens, text)
        deviation = np.sqrt(np.mean(np.log(drawn / bits) ** 2) + self.spread**2)
        factor = float(np.exp(LIKELY * deviation))
        return Expected(bits, bits / factor, bits * factor)

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        named = dict(zip(PRIOR, self.constants, strict=True))
        return {**asdict(self), "constants": named, "made_from": dict(self.made_from)}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ScalingLaw:
        """From JSON values. Raises KeyError or TypeError if something is missing."""
        return cls(
            tuple(values["constants"][name] for name in PRIOR),
            tuple(map(tuple, values["draws"])),
            values["spread"],
            values["least_text"],
            values["made_from"],
            values["counts"],
        )

    @classmethod
    def read(cls, path: Path) -> ScalingLaw:
        """From a JSON file. Raises OSError, or ValueError if it holds no law."""
        try:
            return cls.of(json.loads(path.read_bytes()))
        except (KeyError, TypeError) as error:
            raise ValueError(f"something is missing: {error}") from error


def _bits(constants: Array, size: Any, tokens: Any, text: Any) -> Array:
    floor, a, alpha, b, beta, passes, scarcity = constants
    passes = passes * (text / size) ** scarcity
    new = np.minimum(tokens, text)
    repeated = np.maximum(0.0, tokens / text - 1)
    data = new * (1 + passes * -np.expm1(-repeated / passes))
    learned: Array = b * (data / TOKENS_UNIT) ** -beta
    return floor + a * (size / SIZE_UNIT) ** -alpha + learned


def fit(
    points: Sequence[Point],
    made_from: Mapping[str, Any] | None = None,
    count: int = DRAWS,
    counts: str = ALL,
) -> ScalingLaw:
    """Fit the law to runs: Huber's loss on the log of bits, constants near their priors.

    The ``count`` draws are fits to resampled runs, each with priors drawn anew: where the runs say
    little, they differ as much as what was known before. Raises ValueError for too few runs.
    """
    if len(points) < len(PRIOR):
        raise ValueError(f"a law needs {len(PRIOR)} runs or more, not {len(points)}")
    median, deviation = np.array(list(PRIOR.values())).T
    random = np.random.default_rng(0)
    best = _fitted(points, np.ones(len(points)), np.log(median), np.log(median), deviation)
    draws = []
    for _ in range(count):
        weights = random.dirichlet(np.ones(len(points))) * len(points)  # Bayesian bootstrap
        prior = np.log(median) + deviation * random.standard_normal(len(PRIOR))
        draws.append(np.exp(_fitted(points, weights, prior, best, deviation)))
    constants = np.exp(best)
    off = _residuals(constants, points)
    freedom = max(1, len(points) - len(PRIOR))
    return ScalingLaw(
        tuple(constants.tolist()),
        tuple(tuple(draw.tolist()) for draw in draws),
        float(np.sqrt(np.sum(off**2) / freedom)),
        min(point.text / point.size for point in points),
        made_from or {},
        counts,
    )


def _residuals(constants: Array, points: Sequence[Point]) -> Array:
    size, tokens, text, bits = np.array([list(asdict(point).values()) for point in points]).T
    residuals: Array = np.log(_bits(constants, size, tokens, text) / bits)
    return residuals


def _fitted(
    points: Sequence[Point], weights: Array, prior: Array, start: Array, deviation: Array
) -> Array:
    """Logs of the constants. Its import is here: only who makes a law needs scipy."""
    from scipy.optimize import least_squares

    def cost(logs: Array) -> Array:
        scaled = np.sqrt(weights) * _residuals(np.exp(logs), points) / RESIDUAL
        rho = np.where(  # Huber's: the square up to 1, then linear
            np.abs(scaled) <= 1, np.abs(scaled), np.sqrt(np.maximum(0.0, 2 * np.abs(scaled) - 1))
        )
        return np.concatenate([np.sign(scaled) * rho, (logs - prior) / deviation])

    solution: Array = least_squares(cost, start, method="trf", max_nfev=400).x
    return solution


def law_for(name: str, data: Path) -> ScalingLaw:
    """The scaling law of a configuration: a person's own, or that of the classics.

    Raises UserError if its file cannot be used.
    """
    own = data / LAWS / f"{name}.json"
    file = own if own.exists() else PACKAGE_LAW
    try:
        return ScalingLaw.read(file)
    except (OSError, ValueError) as error:
        raise UserError(f"{file} holds no scaling law ({error}): make law makes one") from error
