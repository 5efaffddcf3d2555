"""How the report says things in a language: phrases, numbers, plurals, times."""

from __future__ import annotations

import calendar
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from femtogpt.report.phrases import NOUNS, PHRASES

LANGUAGES = ("ru", "en")
DEFAULT_LANGUAGE = "ru"  # the models are Russian, and so are those who read what they write
THIN, NO_BREAK = "\u202f", "\u00a0"
MONTHS = (
    *("января", "февраля", "марта", "апреля", "мая", "июня"),
    *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
)
DIGITS = 4  # a Russian number of so many digits is not divided


@dataclass(frozen=True)
class Wording:
    """Phrases and numbers in one language."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        """A phrase, plain text; whole numbers among the values are formatted."""
        shown = {
            name: self.whole(value) if type(value) is int else value
            for name, value in values.items()
        }
        return self._own(PHRASES[key]).format(**shown)

    def count(self, number: int, noun: str) -> str:
        """A number with its noun: 1 произведение, 2 произведения, 5 произведений."""
        forms = self._own(NOUNS[noun]).split("|")
        return f"{self.whole(number)}{NO_BREAK}{forms[self._form(number)]}"

    def _own(self, both: tuple[str, str]) -> str:
        return both[LANGUAGES.index(self.language)]

    def _form(self, number: int) -> int:
        """Which form of a noun goes with a number."""
        if self.language == "en":
            return int(number != 1)
        tens, ones = abs(number) // 10 % 10, abs(number) % 10
        if tens == 1 or ones == 0 or ones > 4:
            return 2
        return int(ones != 1)

    def whole(self, number: int) -> str:
        """A whole number, its digits in groups of three."""
        if self.language == "en":
            return f"{number:,}".replace("-", "−")
        grouped = f"{number:,}" if abs(number) >= 10**DIGITS else str(number)
        return grouped.replace(",", THIN).replace("-", "−")

    def number(self, value: float, digits: int = 3, sign: bool = False) -> str:
        """A number with so many digits after the point."""
        if not math.isfinite(value):
            return "—"
        text = f"{value:{'+' if sign else ''},.{digits}f}"
        if not text.strip("+-0.,"):
            text = text.lstrip("+-")  # zero has no sign
        return self._pointed(text)

    def significant(self, value: float, digits: int = 3) -> str:
        """A number of any size with so many significant digits: 0.012, 12.3, 1.2 · 10⁻⁵."""
        if not math.isfinite(value):
            return "—"
        if value and not 1e-4 <= abs(value) < 1e6:
            mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
            raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
            mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
            return f"{self._pointed(mantissa)}{NO_BREAK}·{NO_BREAK}10{raised}"
        return self._pointed(f"{value:,.{digits}g}" if abs(value) < 1e3 else f"{value:,.0f}")

    def _pointed(self, text: str) -> str:
        """A number as Python writes it, with this language's signs."""
        if self.language == "ru":
            whole, point, fraction = text.partition(".")
            if sum(map(str.isdigit, whole)) <= DIGITS:
                whole = whole.replace(",", "")
            text = whole.replace(",", THIN) + point.replace(".", ",") + fraction
        return text.replace("-", "−")

    def percent(self, share: float, digits: int = 1) -> str:
        text = self.number(100 * share, digits)
        if text == "—":
            return text
        return f"{text}{NO_BREAK}%" if self.language == "ru" else f"{text}%"

    def big(self, number: float) -> str:
        """A count in thousands or millions where it is long: 5.26 M, 5,26 млн."""
        for size, key in ((1e9, "billions"), (1e6, "millions"), (1e5, "thousands")):
            if abs(number) >= size:
                size = 1e3 if key == "thousands" else size
                digits = 0 if key == "thousands" else 2 if abs(number) < 100 * size else 0
                return f"{self.number(number / size, digits)}{NO_BREAK}{self(key)}"
        return self.whole(round(number))

    def bytes(self, number: float) -> str:
        """A size on disk or in memory."""
        for size, key in ((2**30, "gib"), (2**20, "mib"), (2**10, "kib")):
            if number >= size:
                amount = number / size
                digits = 0 if amount >= 99.5 else 1
                return f"{self.number(amount, digits)}{NO_BREAK}{self(key)}"
        return f"{self.whole(round(number))}{NO_BREAK}{self('byte')}"

    def duration(self, seconds: float) -> str:
        """``2,5 с``, ``23 с``, ``5 мин 3 с`` or ``2 ч 5 мин``."""
        if seconds < 10:
            return f"{self.number(seconds, 1)}{NO_BREAK}{self('seconds')}"
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        pairs = {"hours": hours, "minutes": minutes, "seconds": 0 if hours else rest}
        parts = [f"{self.whole(n)}{NO_BREAK}{self(unit)}" for unit, n in pairs.items() if n]
        return " ".join(parts)

    def moment(self, when: datetime | float) -> str:
        """A day and a time of day, where the report is written."""
        if not isinstance(when, datetime):
            when = datetime.fromtimestamp(when, UTC)
        here = when.astimezone()
        month = MONTHS[here.month - 1] if self.language == "ru" else calendar.month_name[here.month]
        return f"{here.day}{NO_BREAK}{month} {here.year}, {here:%H:%M}"
