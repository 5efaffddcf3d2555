"""The limits of the document filters, explained one by one."""

from __future__ import annotations

from pydantic import Field

from femtogpt.section import Section


class QualityConfig(Section):
    """Limits of the document filters by name (see ``femtogpt.corpus.quality``).

    null or 0 switches a filter off.
    """

    mojibake: float | None = Field(
        0.15, ge=0, le=1, description="with fewer function words, other encodings are tried (share)"
    )
    language: float | None = Field(
        0.45, ge=0, le=1, description="largest share of evidence for another Cyrillic language"
    )
    repeated_lines: float | None = Field(
        0.42, ge=0, le=1, description="largest share of characters in repeated lines"
    )
    repeated_sentences: float | None = Field(
        0.42, ge=0, le=1, description="largest share of characters in repeated sentences"
    )
    frequent_ngram: float | None = Field(
        0.3, ge=0, le=1, description="largest share of letters in the most frequent pair of words"
    )
    repeated_ngrams: float | None = Field(
        0.5, ge=0, le=1, description="largest share of repeated runs of five words"
    )
    odd_letters: float | None = Field(
        0.05, ge=0, description="most impossible letter sequences per word"
    )
    min_word_length: float | None = Field(3, ge=0, description="smallest mean length of words")
    max_word_length: float | None = Field(10, ge=0, description="largest mean length of words")
    min_letters: float | None = Field(
        0.65, ge=0, le=1, description="smallest share of letters among characters other than spaces"
    )
    capitals: float | None = Field(
        0.5, ge=0, le=1, description="largest share of capitals among the letters"
    )
    code: float | None = Field(
        0.03, ge=0, le=1, description="largest share of symbols such as {}|_= among the characters"
    )
    glued_words: float | None = Field(
        0.05, ge=0, description="most capitals within words, per word"
    )
    links: float | None = Field(0.1, ge=0, description="most web addresses per word")
    boilerplate: float | None = Field(
        0.02, ge=0, description="most phrases such as «Все права защищены» per word"
    )
    function_words: float | None = Field(
        0.03, ge=0, le=1, description="smallest share of words such as «и», «не», «что»"
    )
    lists: float | None = Field(
        0.15, ge=0, le=1, description="with fewer function words, it must be sentences (share)"
    )
    word_order: float | None = Field(
        0.006, ge=0, le=1, description="most impossible pairs of words, such as «на или», per word"
    )
