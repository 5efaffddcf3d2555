"""How files are read as documents: one small module for each form, found by the file's suffix.

Each has a function ``read(member, settings)``, which yields Documents. The id of a document that
is its whole file is the file's name; a row of a table has its own, or ``<file>#<number>``. What
cannot be read is a document with a ``fault``, or Unreadable for the whole file.
"""

from femtogpt.sources.formats import delimited, epub, fb2, html, json_rows, parquet, text

TABLES = {
    ".csv": delimited.read,
    ".tsv": delimited.read,
    ".jsonl": json_rows.read,
    ".ndjson": json_rows.read,
    ".json": json_rows.read_list,
    ".parquet": parquet.read,
}
READERS = {
    ".txt": text.read,
    ".fb2": fb2.read,
    ".epub": epub.read,
    ".html": html.read,
    ".htm": html.read,
    ".xhtml": html.read,
    **TABLES,
}
