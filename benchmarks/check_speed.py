"""Parts of the check of a card: each number format, compiled and not; speed and memory."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import torch
from check_setup import Course, Report, Setup

from femtogpt.training.plan import Plan, divisor, plan
from femtogpt.training.precision import Precision
from femtogpt.training.step_memory import measured_peaks

STEPS = {"15 M": 40, "54 M": 24, "250 M": 10}
FIRST = 3  # steps after which two trainings have not yet gone apart by chance
BFLOAT16_CAPABILITY = (8, 0)  # of cards that have it: Ampere and newer
FALL_NATS = 0.2  # a loss that falls, from the first steps to the last
NEAR_NATS = 0.05  # two number formats, or compiled and not, over the first steps
MOST_SKIPPED = 6  # steps until the loss scale suits: each halves it


def formats(setup: Setup, report: Report, size: str, name: str) -> None:
    """A training in a number format (or ``auto``), not compiled and compiled, in 8 GB.

    Its loss falls, and is float32's at first; its memory is what the plan says.
    """
    if name == "bfloat16" and not setup.is_dry:
        capability = torch.cuda.get_device_capability()
        if capability < BFLOAT16_CAPABILITY:
            report.note(left_out=f"compute capability {capability[0]}.{capability[1]} has none")
            return
    model, vocab_size = setup.model(size), setup.tokens.vocab_size
    memory = setup.allot_small_card()
    large = {"activation_checkpointing": size == "250 M"}
    start = partial(setup.settings, model, STEPS[size], **large)
    config = start(precision=name).train
    precision = Precision(config)
    needs = plan(model, config, vocab_size, precision.dtype, setup.device)
    micro_batch = divisor(config.batch_size, max(1, needs.fitting(memory * 1e9)))
    start = partial(start, micro_batch=micro_batch)
    eager = setup.train(f"{size} {name}", start(precision=name))
    peak = matrix_product_speed(setup, precision.dtype)
    report.note(
        format=precision.name,
        parameters=needs.parameters,
        batch_tokens=config.batch_size * model.context,
        micro_batch=micro_batch,
        planned_memory_gb=needs.memory(micro_batch) / 1e9,
        peak_tflops=peak / 1e12,
    )
    _report_course(setup, report, "not compiled", eager, peak)
    _check_memory(setup, report, needs, eager, precision.dtype)
    if precision.name == "float16":
        report.least("the loss scale at the end", eager.scale, 1)
        report.most("steps skipped for it", eager.skipped, MOST_SKIPPED)
    if precision.name != "float32":
        exact = setup.train(f"{size} {name} exact", start(precision="float32"), FIRST)
        report.most("difference from float32, nats", eager.difference(exact), NEAR_NATS)
    begun = time.monotonic()
    compiled = setup.train(f"{size} {name} compiled", start(precision=name, compile=True))
    report.note(compiled_seconds=time.monotonic() - begun)
    trouble = compiled.said("torch.compile does not work")
    report.holds(trouble or "it compiles", not trouble)
    if not trouble:
        _report_course(setup, report, "compiled", compiled, peak)
        difference = eager.difference(compiled, FIRST)
        report.most("difference of compiled and not, nats", difference, NEAR_NATS)


def full_memory(setup: Setup, report: Report) -> None:
    """The largest micro-batch that the plan lets a card of 8 GB have: it fits, as planned."""
    model, vocab_size = setup.model("54 M"), setup.tokens.vocab_size
    memory = setup.allot_small_card()
    config = setup.settings(model, 3, precision="auto", memory_gb=memory).train
    precision = Precision(config)
    needs = plan(model, config, vocab_size, precision.dtype, setup.device)
    most = 12 if setup.is_dry else needs.fitting(memory * 1e9)
    settings = setup.settings(model, 3, precision="auto", batch_size=most, micro_batch=most)
    report.note(format=precision.name, micro_batch=most, allotted_gb=memory)
    course = setup.train("full memory", settings)
    _check_memory(setup, report, needs, course, precision.dtype)


def matrix_product_speed(setup: Setup, dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product: the best of some rounds."""
    size, rounds, times = (256, 2, 2) if setup.is_dry else (8192, 3, 3)
    if dtype == torch.float32:
        size //= 2  # many times slower
    a, b = (torch.randn(size, size, device=setup.device).to(dtype) for _ in range(2))
    best = 0.0
    for _ in range(rounds + 1):  # the first one warms up
        synchronize(setup)
        start = time.perf_counter()
        for _ in range(times):
            a @ b
        synchronize(setup)
        best = max(best, times * 2 * size**3 / (time.perf_counter() - start))
    return best


def synchronize(setup: Setup) -> None:
    """Wait until the card has done what it was given."""
    if not setup.is_dry:
        torch.cuda.synchronize()


def _report_course(setup: Setup, report: Report, way: str, course: Course, peak: float) -> None:
    speed = course.tokens_per_second
    flops = course.settings.model.flops_per_token(setup.tokens.vocab_size)
    key = way.replace(" ", "_")
    figures: dict[str, Any] = {
        f"{key}_tokens_per_second": speed,
        f"{key}_share_of_peak": speed * flops / peak,
        f"{key}_memory_gb": course.peak_memory / 1e9,
    }
    report.note(**figures)
    fall = course.held_out[0] - course.held_out[-1]
    report.least(f"{way}: the held-out loss falls, nats", fall, FALL_NATS)


def _check_memory(
    setup: Setup, report: Report, needs: Plan, course: Course, dtype: torch.dtype
) -> None:
    config, model = course.settings.train, course.settings.model
    assert config.micro_batch is not None
    trouble = course.said("out of memory")
    report.holds(trouble or f"{config.micro_batch} sequences at a time fit", not trouble)
    if trouble:
        return
    if setup.is_dry:
        like = torch.bfloat16 if dtype == torch.float16 else dtype  # as in the plan
        vocab_size = setup.tokens.vocab_size
        taken = max(measured_peaks(model, config, vocab_size, config.micro_batch, like))
    else:
        taken = course.peak_memory
    ratio = taken / needs.memory(config.micro_batch)
    report.note(memory_to_plan=ratio)
    report.most(f"memory beside the plan (ratio {ratio:.3f})", abs(ratio - 1), 0.1)
