"""The Russian part of a model card."""

from __future__ import annotations

from femtogpt.export.card import Card, loading, markdown_table


def in_russian(card: Card) -> str:
    """What a person who gets the model should know of it."""
    parts = [
        "## По-русски",
        "Небольшая языковая модель русского языка, обученная с нуля программой femtoGPT"
        f" {card.version}. Она продолжает начатый текст; вопросов и указаний она не понимает.",
        _shape(card),
        f"### Как загрузить\n\n{loading('эта папка')}",
        f"### На чём обучена\n\n{_texts(card)}",
        f"### Показатели\n\n{_figures(card)}",
        f"### Ограничения\n\n{_limits(card)}",
        "### Лицензия\n\nНе указана: её выбирает тот, кто передаёт модель другим. Выбор могут"
        " ограничивать лицензии обучающих текстов.",
    ]
    return "\n\n".join(parts)


def _shape(card: Card) -> str:
    shape, facts = card.shape, card.facts
    rows = [
        ("Параметров", _number(card.parameters)),
        (
            "Строение",
            f"Qwen3; слоёв {shape.layers}, ширина {shape.width}, голов {shape.heads}"
            f" (для ключей и значений {shape.key_value_heads})",
        ),
        ("Контекст, токенов", _number(shape.context)),
        ("Словарь, токенов", _number(card.pieces)),
    ]
    if facts.steps and facts.tokens_seen:
        length = f"шагов {_number(facts.steps)}, токенов {_number(facts.tokens_seen)}"
        if facts.tokens:
            passes = _number(facts.tokens_seen / facts.tokens, 1)
            length += f" (проходов по обучающим текстам: {passes})"
        rows.append(("Обучение", length))
    return markdown_table(("", ""), rows)


def _texts(card: Card) -> str:
    sources = card.facts.sources
    head = ("Источник", "Вид", "Произведений", "Символов", "Откуда", "Лицензия")
    rows = [
        (
            *(source.name, source.kind, _number(source.works), _number(source.characters)),
            *(source.url or "—", source.licence or "не указана"),
        )
        for source in sources
    ]
    parts = [markdown_table(head, rows)] if rows else []
    if not sources:
        parts.append("О текстах, на которых модель обучена, сведений нет.")
    elif not card.facts.knows_all_texts:
        parts.append(
            "Обучение началось с весов другой модели или шло по её подсказкам; о её текстах"
            " сведений нет."
        )
    return "\n\n".join(parts)


def _figures(card: Card) -> str:
    held_out, memorised = card.facts.held_out, card.memorised
    lines = []
    if held_out:
        lines.append(
            f"- На произведениях, которых модель не видела (их {_number(held_out['documents'])},"
            f" символов {_number(held_out['characters'])}):"
            f" **{_number(held_out['bits_per_character'], 3)} бита на символ** (чем меньше, тем"
            " лучше)."
        )
        if card.facts.baselines:
            others = ", ".join(
                f"{one.title.replace('order', 'порядок')} — {_number(one.bits_per_character, 3)}"
                for one in card.facts.baselines
            )
            lines.append(f"- Для сравнения, на тех же произведениях: {others}.")
    else:
        lines.append("- На текстах, которых модель не видела, её не оценивали.")
    if memorised:
        lines.append(
            f"- Память: из написанного моделью (текстов: {memorised.texts})"
            f" {_number(100 * memorised.share, 1)} % символов входит в отрывки от 50 символов,"
            " которые дословно есть в обучающих текстах; длина самого длинного дословного"
            f" отрывка: {_number(memorised.longest)}."
        )
    return "\n".join(lines)


def _limits(card: Card) -> str:
    lines = [
        f"- Модель видит только конец текста, не больше {_number(card.shape.context)} токенов.",
        "- Она сочиняет: имена, даты и события в её текстах могут быть вымышлены. Для советов и"
        " справок она не годится.",
        "- Она пишет так, как написаны её тексты, с их взглядами и предрассудками.",
        "- Она может дословно повторить отрывок из обучающих текстов.",
        "- Это не собеседник: окно чата она прочтёт как начало текста.",
    ]
    if card.facts.private:
        lines.append(
            f"- **Среди обучающих текстов есть разговоры людей ({', '.join(card.facts.private)}),"
            " и модель может повторить сказанное в них. Не передавайте её другим без согласия"
            " этих людей.**"
        )
    return "\n".join(lines)


def _number(value: float, digits: int = 0) -> str:
    """A number with spaces between thousands and a decimal comma."""
    return f"{value:,.{digits}f}".replace(",", "\u00a0").replace(".", ",")
