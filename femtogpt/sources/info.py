"""What an ``info.csv`` (``name,year``) beside the texts says of them."""

from __future__ import annotations

import csv
import io
import re

INFO = "info.csv"


def years_in(folder: str, text: str) -> dict[tuple[str, str], int]:
    """(folder, name) to year; of a range (1862-1864), the last."""
    years = {}
    try:
        rows = list(csv.DictReader(io.StringIO(text)))
    except csv.Error:  # an open quote: better no years than no texts
        return {}
    for row in rows:
        found = re.findall(r"\d{4}", row.get("year") or "")
        if row.get("name") and found:
            years[folder, key_of(row["name"])] = int(found[-1])
    return years


def key_of(name: str) -> str:
    """A name in spite of case, ё and punctuation."""
    return re.sub(r"[\W_]+", "", name.casefold().replace("ё", "е"))
