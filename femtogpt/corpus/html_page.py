"""HTML pages that are a single file without dependencies."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
table { border-collapse: collapse; margin: .6rem 0 }
th, td { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top;
         border-bottom: 1px solid #e4e4e4 }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
td.text { font-family: Georgia, serif; white-space: pre-wrap; overflow-wrap: anywhere }
table.diff { table-layout: fixed; width: 100% }
table.diff td { font-family: Georgia, serif; overflow-wrap: anywhere }
del { background: #ffd9d6; text-decoration: none }
ins { background: #d3f2d3; text-decoration: none }
figure { display: inline-block; margin: .5rem 1rem .5rem 0; vertical-align: top }
svg { max-width: 100%; height: auto }
.note { color: #666 }
@media (prefers-color-scheme: dark) { figure { background: #fff } }
"""


def page(title: str, body: str) -> str:
    """A complete page with this body."""
    return document(title, STYLE, f"<h1>{html.escape(title)}</h1>{body}")


def document(title: str, style: str, body: str, language: str = "ru") -> str:
    """A complete page of one's own style; it may load nothing from anywhere."""
    only_itself = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{only_itself}">'
        f"<title>{html.escape(title)}</title><style>{style}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def table(header: Sequence[str], rows: Iterable[Sequence[object]], text: Sequence[int] = ()) -> str:
    """A table with numbers to the right; the columns in ``text`` keep their line ends."""

    def cell(column: int, value: object) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"
            return f'<td class="number">{number}</td>'
        kind = ' class="text"' if column in text else ""
        return f"<td{kind}>{html.escape(str(value if value is not None else ''))}</td>"

    body = "".join(
        f"<tr>{''.join(cell(column, value) for column, value in enumerate(row))}</tr>"
        for row in rows
    )
    return f"<table><tr>{''.join(f'<th>{html.escape(name)}' for name in header)}</tr>{body}</table>"
