"""The sample stories: correct Russian, and their exact information content."""

import math
import random
import re
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.sample import lexicon, lexicon_plots
from femtogpt.sources.sample.grammar import adjective, agree, noun, preposition
from femtogpt.sources.sample.patterns import HERO, Cast, Fork, parse
from femtogpt.sources.sample.pens import Reader, Table, Writer
from femtogpt.sources.sample.stories import generate_stories, read_story, write_story
from tests.helpers import examples

SIZE = 2_500_000


@pytest.fixture(scope="module")
def corpus():
    return list(generate_stories(0, SIZE))


# The language.


@pytest.mark.parametrize(
    ("entry", "codes", "forms"),
    [
        ("стол м'", "ngdaip NGDAIP", "стол стола столу стол столом столе "
         "столы столов столам столы столами столах"),
        ("мяч м'", "iNGD", "мячом мячи мячей мячам"),
        ("месяц м", "iG", "месяцем месяцев"),
        ("конь м'+ N=кони", "aiNGAI", "коня конём кони коней коней конями"),
        ("музей м", "gipNG", "музея музеем музее музеи музеев"),
        ("ручей м' ручь", "gipNG", "ручья ручьём ручье ручьи ручьёв"),
        ("день м' дн", "gdiNG", "дня дню днём дни дней"),
        ("козёл м'+ козл", "gaiNA", "козла козла козлом козлы козлов"),
        ("ёж м'+ еж", "naiG", "ёж ежа ежом ежей"),
        ("друг м+ N=друзья G=друзей", "aNGDAIP",
         "друга друзья друзей друзьям друзей друзьями друзьях"),
        ("брат м+ N=братья G=братьев", "NGDI", "братья братьев братьям братьями"),
        ("люди мн+ G=людей I=людьми", "nadipNG", "люди людей людям людьми людях люди людей"),
        ("лес м l=лесу N=леса", "plNGD", "лесе лесу леса лесов лесам"),
        ("учитель м+ N=учителя", "NGI", "учителя учителей учителями"),
        ("дядя м+", "gdaiG", "дяди дяде дядю дядей дядь"),
        ("лампа ж G=ламп", "gdaipNGA", "лампы лампе лампу лампой лампе лампы ламп лампы"),
        ("книга ж", "gNG", "книги книги книг"),
        ("груша ж", "giNG", "груши грушей груши груш"),
        ("швея ж'+ G=швей", "gdiG", "швеи швее швеёй швей"),
        ("станция ж", "gdpG", "станции станции станции станций"),
        ("тетрадь ж", "gdaiNGD", "тетради тетради тетрадь тетрадью тетради тетрадей тетрадям"),
        ("мышь ж+", "aiADI", "мышь мышью мышей мышам мышами"),
        ("церковь ж церкв i=церковью", "ngiG", "церковь церкви церковью церквей"),
        ("окно с' N=окна G=окон", "gipNGD", "окна окном окне окна окон окнам"),
        ("ведро с' N=вёдра G=вёдер", "gNGI", "ведра вёдра вёдер вёдрами"),
        ("дерево с N=деревья G=деревьев", "gNGDI", "дерева деревья деревьев деревьям деревьями"),
        ("поле с", "gipNG", "поля полем поле поля полей"),
        ("варенье с G=варений", "gip", "варенья вареньем варенье"),
        ("пальто с несклоняемое", "ngdaipN", " ".join(["пальто"] * 7)),
        ("время с", "gdaipNGD", "времени времени время временем времени времена времён временам"),
        ("путь м' g=пути d=пути p=пути", "gdaipNG", "пути пути путь путём пути пути путей"),
    ],
)  # fmt: skip
def test_noun_paradigms(entry, codes, forms):
    item = noun(entry)
    assert [item.forms[code] for code in codes.replace(" ", "")] == forms.split()


@pytest.mark.parametrize(
    "entry", ["чашка ж", "окно с'", "деревня ж", "лист м N=листья", "сани мн", "варенье с"]
)
def test_a_genitive_plural_which_rules_cannot_tell_must_be_given(entry):
    with pytest.raises(ValueError, match="genitive plural"):
        noun(entry)


@pytest.mark.parametrize(
    ("lemma", "forms"),
    [
        ("новый", "новый новая новое новые нового новым новом новую новой новых новыми"),
        ("большой", "большой большая большое большие большого большим большом большую большой "
         "больших большими"),
        ("молодой", "молодой молодая молодое молодые молодого молодым молодом молодую молодой "
         "молодых молодыми"),
        ("тихий", "тихий тихая тихое тихие тихого тихим тихом тихую тихой тихих тихими"),
        ("синий", "синий синяя синее синие синего синим синем синюю синей синих синими"),
        ("свежий", "свежий свежая свежее свежие свежего свежим свежем свежую свежей "
         "свежих свежими"),
    ],
)  # fmt: skip
def test_adjective_paradigms(lemma, forms):
    table = adjective(lemma)
    keys = ("m", "f", "n", "p", "g", "i", "l", "fa", "fo", "pg", "pi")
    assert [table[key] for key in keys] == forms.split()


@pytest.mark.parametrize(
    ("masculine", "rest"),
    [
        ("читал", "читала читало читали"),
        ("пришёл", "пришла пришло пришли"),
        ("нёс", "несла несло несли"),
        ("подмёл", "подмела подмело подмели"),
        ("исчез", "исчезла исчезло исчезли"),
        ("помог", "помогла помогло помогли"),
        ("улыбнулся", "улыбнулась улыбнулось улыбнулись"),
        ("он", "она оно они"),
        ("него", "неё него них"),
        ("счастлив", "счастлива счастливо счастливы"),
    ],
)
def test_words_agree_in_gender(masculine, rest):
    assert [agree(masculine, gender) for gender in "fnp"] == rest.split()
    assert agree(masculine.capitalize(), "f") == rest.split()[0].capitalize()
    assert agree(masculine, "m") == masculine


@pytest.mark.parametrize(
    "phrase",
    ["с котом", "со щенком", "со швеёй", "со скворцом", "с сойкой", "в лесу", "во дворе",
     "во вторник", "в воде", "о козе", "об осле", "об утке", "о еже", "ко мне", "к морю"],
)  # fmt: skip
def test_prepositions_suit_the_next_word(phrase):
    given, word = phrase.split()
    assert preposition(given.removesuffix("о").removesuffix("б") or "о", word) == given


def test_stories_agree_and_use_fitting_prepositions(corpus):
    text = " ".join(story.text for story in corpus[:1500]).lower()
    assert not re.search(r"\bона \w+л(ся)?\b|\bон \w+л(а|ась)\b", text)
    assert not re.search(r"\bс (щ|[сзшж][бвгджзклмнпрстфхцчшщ])|\bо [аоуэи]|\bоб [бвгдекс]", text)
    assert not re.search(r"\b(две|три|четыре|пять) \w+(ый|ая|ое|ого)\b", text)
    words = set(re.findall(r"\w+", text))
    assert {"об", "со", "во", "людьми", "детям", "друзьями", "ежа", "козла", "псом"} <= words


def test_nothing_is_named_twice_in_one_list(corpus):
    for story in corpus[:500]:
        for listed in re.findall(r"\w+(?:, \w+)+", story.text):
            assert len(set(listed.split(", "))) == len(listed.split(", ")), listed


def test_text_is_clean_and_of_a_story_length(corpus):
    for story in corpus:
        assert re.fullmatch(r"[А-Яа-яЁё .,!?—«»:;\n-]+", story.text)
        assert not re.search(r"  | \n|\n | [.,!?:;]|^ | $|\n{3}|(?<!\n)\n(?!\n)", story.text)
        assert not re.search(r"\w—|—\w", story.text)
        paragraphs = story.text.split("\n\n")
        assert len(paragraphs) in (5, 6)
        assert all(re.match(r"[А-ЯЁ]|— [А-ЯЁ]", p) and p[-1] in ".!?" for p in paragraphs)
        assert 500 <= len(story.text) <= 1500
        assert story.title.split()[0] in story.text


def test_vocabulary_is_wide_and_flat(corpus):
    counts = Counter(w for s in corpus for w in re.findall(r"[а-яё-]*[а-яё]", s.text.lower()))
    assert 1500 <= len(counts) <= 2500
    assert sum(count >= 10 for count in counts.values()) >= 0.98 * len(counts)
    assert sum(count >= 30 for count in counts.values()) >= 0.88 * len(counts)


# The information.


@examples(300)
@given(st.integers())
def test_reading_a_story_finds_the_bits_it_was_written_with(seed):
    story = write_story(random.Random(seed))
    assert read_story(story.text) == story.bits
    assert story.bits > 0


@pytest.mark.parametrize("seed", range(20))
def test_reading_rejects_what_the_generator_cannot_write(seed):
    text = write_story(random.Random(seed)).text
    wrong = [
        text + " Конец.",
        text + "\n",
        text[:-1],
        text[: text.rindex("\n\n")],
        text[: len(text) // 2],
        " " + text,
        text.replace(" он ", " она ", 1) if " он " in text else text.replace(" она ", " он ", 1),
        text.replace("ё", "е"),
        "",
        re.sub(r"(\w+)([.,]) ", r"\1ами\2 ", text, count=1),
    ]
    for other in wrong:
        assert other != text
        with pytest.raises(ValueError):
            read_story(other)


def test_bits_per_character_are_in_the_stated_range(corpus):
    rate = sum(s.bits for s in corpus) / sum(len(s.text) for s in corpus)
    assert 0.45 < rate < 0.60


class Explorer(Writer):
    """A writer that takes the choices of a given path, then always the first option."""

    def __init__(self, path):
        super().__init__(random.Random(0))
        self.path, self.taken, self.widths = path, [], []

    def choose(self, table, barred=()):
        left, barred = table.open_to(barred)
        free = [i for i, value in enumerate(table.values) if value not in barred]
        pick = self.path[len(self.taken)] if len(self.taken) < len(self.path) else 0
        self.taken.append(pick)
        self.widths.append(len(free))
        drawn = free[pick]
        self.bits += math.log2(left / table.weights[drawn])
        self.parts.append(table.surfaces[drawn])
        return table.values[drawn]


def every_text(pattern):
    """All texts of a pattern with the probability of each path to them."""
    nodes, path = parse(pattern), []
    while path is not None:
        pen, cast = Explorer(path), Cast()
        for node in nodes:
            node.run(pen, cast)
        yield "".join(pen.parts), 2.0**-pen.bits
        path = None
        for at in reversed(range(len(pen.taken))):
            if pen.taken[at] + 1 < pen.widths[at]:
                path = [*pen.taken[:at], pen.taken[at] + 1]
                break


@pytest.mark.parametrize(
    "pattern",
    [
        "{young trees.a}, {trees.a} и {pens.a}.",
        "{came folk.n=x}, <x:он> [спал|спала] {rested}, {# pens}.",
        "[а|б] {fair homes.where} {с folk.i}.",
        "{# instruments}, {pens.n} и {pens.n}: {pens.n}.",
    ],
)
def test_all_texts_of_a_pattern_differ_and_their_probabilities_sum_to_one(pattern):
    texts = list(every_text(pattern))
    assert len({text for text, _ in texts}) == len(texts) > 100
    assert math.fsum(p for _, p in texts) == pytest.approx(1, abs=1e-9)


def test_options_come_as_often_as_their_weights_say():
    table = Table([("да.", 3.0, "да"), ("нет.", 2.0, "нет"), ("может быть.", 1.0, "может быть")])
    rng, draws = random.Random(5), 30_000
    for barred, shares in [((), (3 / 6, 2 / 6, 1 / 6)), (("нет",), (3 / 4, 0, 1 / 4))]:
        seen: Counter[str] = Counter()
        for _ in range(draws):
            pen = Writer(rng)
            value = pen.choose(table, barred)
            seen[value] += 1
            share = shares[table.values.index(value)]
            assert pen.bits == pytest.approx(-math.log2(share))
            reader = Reader(pen.parts[0])
            assert reader.choose(table, barred) == value
            assert reader.bits == pen.bits
        for value, share in zip(table.values, shares, strict=True):
            assert seen[value] / draws == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize("surfaces", [("дом", "домик"), ("дом", "дом"), ("", "дом")])
def test_a_choice_which_the_text_would_not_tell_is_refused(surfaces):
    with pytest.raises(ValueError):
        Table([(surface, 1.0, number) for number, surface in enumerate(surfaces)])


def test_every_choice_of_every_pattern_can_be_told():
    """Building a table checks it; this builds all of them, even those that few stories reach."""
    heroes = (lexicon.NAMES_M[0], lexicon.NAMES_F[0])
    plots = [lexicon_plots.OPENING, *lexicon_plots.SCENES.values(), *lexicon_plots.REPLIES]
    pending = [parse(p) for p in [*plots, *lexicon_plots.ANSWERS, *lexicon_plots.ENDINGS]]
    while pending:
        for node in pending.pop():
            if isinstance(node, Fork):
                pending += node.branches
                for hero in heroes:
                    assert len(node.table(Cast({HERO: hero})).surfaces) == len(node.branches)


# The stream.


def test_a_larger_size_only_appends():
    small, large = list(generate_stories(3, 20_000)), list(generate_stories(3, 60_000))
    assert large[: len(small)] == small
    assert sum(len(s.text) for s in small) >= 20_000 > sum(len(s.text) for s in small[:-1])


def test_streams_differ_by_seed_and_repeat_for_the_same():
    first = list(islice(generate_stories(1, SIZE), 5))
    assert first == list(islice(generate_stories(1, SIZE), 5))
    assert first != list(islice(generate_stories(2, SIZE), 5))


def test_story_texts_are_pairwise_different(corpus):
    assert len({story.text for story in corpus}) == len(corpus)
