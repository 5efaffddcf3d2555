"""Which texts a model has read: those that stand in the train split of its corpus.

They must not count as held out. Letters are compared, so that another edition is found too, as in
``femtogpt.corpus.overlap``.
"""

from __future__ import annotations

from collections.abc import Sequence

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.match_index import Letters, MatchIndex, merge_spans
from femtogpt.corpus.packed_texts import PackedTexts
from femtogpt.corpus.schema import parts, read
from femtogpt.progress import progress

READ = 0.01  # of a text's characters: a quotation is less


def read_before(texts: Sequence[str], corpus: Artifact) -> list[bool]:
    """For each text whether a model of this corpus has read it.

    It has where the text is a document of the train split, or where passages of it stand there
    that make up more than READ of it, each of half as many letters as ``corpus.shared_characters``.
    """
    length = corpus.manifest["config"]["shared_characters"] // 2
    seen = [Letters(text) for text in texts]
    spans: list[list[tuple[int, int]]] = [[] for _ in texts]
    files = [file for _, file in parts(corpus, "train")]
    with progress("comparing with the train split", len(files), "files") as update:
        for number, file in enumerate(files, 1):
            train = read(file, ["text"])["text"].to_list()
            documents = set(train)
            index = MatchIndex(PackedTexts(train), length, Letters)
            for text, view, found in zip(texts, seen, spans, strict=True):
                if text in documents:
                    found.append((0, len(text)))
                else:
                    found += [(match.start, match.end) for match in index.matches(view)]
            update(number)
    return [
        sum(end - start for start, end in merge_spans(found)) > READ * len(text)
        for text, found in zip(texts, spans, strict=True)
    ]
