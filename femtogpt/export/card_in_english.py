"""The English part of a model card."""

from __future__ import annotations

from femtogpt.export.card import Card, loading, markdown_table


def in_english(card: Card) -> str:
    """What a person who gets the model should know of it."""
    parts = [
        "## In English",
        f"A small language model of Russian, trained from scratch with femtoGPT {card.version}."
        " It goes on with a text; it understands no questions and no instructions.",
        _shape(card),
        f"### Loading\n\n{loading('this folder')}",
        f"### Training data\n\n{_texts(card)}",
        f"### Figures\n\n{_figures(card)}",
        f"### Limits\n\n{_limits(card)}",
        "### Licence\n\nNone is given: whoever passes the model on chooses one. The licences of the"
        " training texts may restrict the choice.",
    ]
    return "\n\n".join(parts)


def _shape(card: Card) -> str:
    shape, facts = card.shape, card.facts
    rows = [
        ("Parameters", f"{card.parameters:,}"),
        (
            "Architecture",
            f"Qwen3; {shape.layers} layers × {shape.width}, {shape.heads} heads"
            f" ({shape.key_value_heads} of keys and values)",
        ),
        ("Context, tokens", f"{shape.context:,}"),
        ("Vocabulary, pieces", f"{card.pieces:,}"),
    ]
    if facts.steps and facts.tokens_seen:
        length = f"{facts.steps:,} steps, {facts.tokens_seen:,} tokens"
        if facts.tokens:
            length += f" ({facts.tokens_seen / facts.tokens:.1f} passes over the training texts)"
        rows.append(("Training", length))
    return markdown_table(("", ""), rows)


def _texts(card: Card) -> str:
    sources = card.facts.sources
    head = ("Source", "Kind", "Works", "Characters", "From", "Licence")
    rows = [
        (
            *(source.name, source.kind, f"{source.works:,}", f"{source.characters:,}"),
            *(source.url or "—", source.licence or "not stated"),
        )
        for source in sources
    ]
    parts = [markdown_table(head, rows)] if rows else []
    if not sources:
        parts.append("Nothing is known of the texts that the model was trained on.")
    elif not card.facts.knows_all_texts:
        parts.append(
            "The training began with another model's weights or was taught by it; nothing is known"
            " of that model's texts."
        )
    return "\n\n".join(parts)


def _figures(card: Card) -> str:
    held_out, memorised = card.facts.held_out, card.memorised
    lines = []
    if held_out:
        lines.append(
            f"- On works that it has never seen ({held_out['documents']:,} with"
            f" {held_out['characters']:,} characters):"
            f" **{held_out['bits_per_character']:.3f} bits per character** (fewer are better)."
        )
        if card.facts.baselines:
            others = (f"{one.title}: {one.bits_per_character:.3f}" for one in card.facts.baselines)
            lines.append(f"- For comparison, on the same works: {', '.join(others)}.")
    else:
        lines.append("- It was not evaluated on texts that it has never seen.")
    if memorised:
        lines.append(
            f"- Memory: of {memorised.texts} texts that it wrote, {memorised.share:.1%} of the"
            " characters are in stretches of 50 characters or more that stand verbatim in the"
            f" training texts; the longest one of any length has {memorised.longest:,} characters."
        )
    return "\n".join(lines)


def _limits(card: Card) -> str:
    lines = [
        f"- It sees only the last {card.shape.context:,} tokens of a text.",
        "- It makes things up: names, dates and events in its texts may be invented. It is no"
        " source of advice or facts.",
        "- It writes as its texts are written, with their views and prejudices.",
        "- It may repeat a passage of the training texts verbatim.",
        "- It does not chat: to it, a chat window is the beginning of a text.",
    ]
    if card.facts.private:
        private = ", ".join(card.facts.private)
        lines.append(
            f"- **The training texts hold conversations of people ({private}), and the model may"
            " repeat what was said in them. Do not pass it on without their consent.**"
        )
    return "\n".join(lines)
