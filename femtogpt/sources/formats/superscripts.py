"""Raised and lowered text as characters: 10<sup>6</sup> is 10⁶, CO<sub>2</sub> is CO₂."""

from __future__ import annotations

import re

_RAISED = str.maketrans("0123456789+-−ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-−ni", "₀₁₂₃₄₅₆₇₈₉₊₋₋ₙᵢ")
_EXPRESSION = re.compile(r"(?=.*\d)(?=.*[A-Za-z/])[\w/.,+−-]+")  # 1/2, 2k+1
_HAS_CHARACTERS = re.compile(r"[0-9ni+−-]*[0-9ni]")


def raised(text: str) -> str:
    """Return superscript characters where all exist, ^(…) for a formula, else the plain text."""
    text = text.strip()
    if _HAS_CHARACTERS.fullmatch(text):
        return text.translate(_RAISED)
    return f"^({text})" if _EXPRESSION.fullmatch(text) else text


def lowered(text: str) -> str:
    """Return subscript characters where all exist, else the plain text."""
    text = text.strip()
    return text.translate(_LOWERED) if _HAS_CHARACTERS.fullmatch(text) else text
