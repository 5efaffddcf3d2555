"""The document filters reject what is no good Russian text, and nothing else."""

from __future__ import annotations

import random
import re
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.config import CorpusConfig, QualityConfig
from femtogpt.corpus.quality import FILTERS, verdict, verdicts
from femtogpt.corpus.text_stats import EXCERPT_CHARACTERS, Excerpt, count_characters
from femtogpt.sources.encodings import decode
from tests.conftest import SHARED
from tests.helpers import PROSE, VERSE, quick, story
from tests.test_language import CHURCH_SLAVONIC, OTHERS, RUSSIAN

CONFIG = CorpusConfig()

LONG = """\
Дядя приехал в среду, к вечеру, когда его уже не ждали. Он вошёл без стука, поставил чемодан у
двери и долго тёр озябшие руки. На вопросы отвечал коротко: в дороге не спал, на станции не было
лошадей, из города выехали поздно. За чаем он оттаял и стал рассказывать о своей службе при
канцелярии, о том, как с утра до ночи переписывал чужие бумаги и как от этой работы у него болели
глаза. Потом замолчал и посмотрел на мать. Она сидела у окна, под лампой, и шила. В комнате было
тепло, пахло яблоками и свежим хлебом, на стене стучали часы, и каждый думал о своём. По крыше
прошёл дождь, со двора донёсся скрип ворот, и кто-то с фонарём пробежал к сараю. Дядя спросил, кто
это может быть в такой час, но ему никто не ответил. Он вздохнул, достал из кармана письмо и положил
его на стол перед матерью. Она взглянула на конверт и побледнела. Письмо было от отца, о котором мы
не слышали с самой весны. До поздней ночи они говорили в соседней комнате, за закрытой дверью, и я
засыпал под их тихие голоса, не понимая слов. Утром дядя уехал, не простившись с нами, а мать вышла
к столу в чёрном платье и сказала, что мы переезжаем в город, к тётке, и что вещи надо собрать к
субботе. Для нас с сестрой это была радость: из нашего дома до города было два дня пути, и мы ни
разу там не бывали. Но мать не радовалась, и по её лицу я видел, что впереди у нас перемены, о
которых без крайней нужды лучше не спрашивать."""

GOOD = RUSSIAN | {
    "a long story": LONG,
    "short lines": """\
Ночь.
Мороз.
И в поле белом,
где ни следа,
ни огня,
кто-то медленно,
но смело
догоняет вдруг
меня.
Оглянулся —
тень от клёна,
или всадник,
или дым?
Сердце вторит
упоённо
колокольчикам
моим.
Ну так что же,
ну так что же,
если это
просто снег:
всё равно
уже похоже,
что за мною
человек.""",
    "verse without punctuation": """\
снег лежал на крышах и молчал
я стоял у окна и ждал
кто-то шёл по пустой дороге
и нёс под мышкой дрова
было тихо и видно далеко
словно кто-то протёр стекло
я подумал что так и надо
чтобы день начинался так
и никто никого не будил
и часы ни о чём не били""",
    "a play": """\
Иван: Ты куда собрался?
Марья: На базар. А что?
Иван: Да так. Купи табаку.
Марья: Куплю. Денег дай.
Иван: Нету денег.
Марья: А чего ж ты молчал?
Иван: Думал, у тебя есть.
Марья: Откуда у меня? Ты третий месяц ничего не приносишь.
Иван: Принесу, дай срок.
Марья: Слыхала я это.""",
    "a cumulative tale": """\
Посадил дед репку. Выросла репка большая-пребольшая. Пошёл дед репку рвать: тянет-потянет, вытянуть
не может. Позвал дед бабку. Бабка за дедку, дедка за репку — тянут-потянут, вытянуть не могут.
Позвала бабка внучку. Внучка за бабку, бабка за дедку, дедка за репку — тянут-потянут, вытянуть не
могут. Позвала внучка Жучку. Жучка за внучку, внучка за бабку, бабка за дедку, дедка за репку —
тянут-потянут, вытянуть не могут. Позвала Жучка кошку. Кошка за Жучку, Жучка за внучку, внучка за
бабку, бабка за дедку, дедка за репку — тянут-потянут, и вытянули репку.""",
    "a song with a refrain": """\
Ой, да ты, река широкая,
Унеси мою печаль!
За рекой изба высокая,
Из избы глядится даль.

Ой, да ты, река широкая,
Унеси мою печаль!
За избой сосна высокая,
Под сосной мне друга жаль.

Ой, да ты, река широкая,
Унеси мою печаль!
У сосны тропа далёкая,
По тропе ушёл он вдаль.""",
    "an article about a village": """\
Малая Ольховка — деревня в Кировской области России. Входит в состав Ольховского сельского
поселения. Расположена на левом берегу реки Чернушки, в 12 км к востоку от посёлка. Население —
43 человека (2010). Высота над уровнем моря — 131 м. Часовой пояс — UTC+3. Индекс — 613040.""",
    "an article about a scientist": """\
Лев Борисович Орлов (26 июня [8 июля] 1894, Кронштадт, Санкт-Петербургская губерния, Российская
империя — 8 апреля 1984, Москва, СССР) — советский физик, академик АН СССР (1939), лауреат
Сталинской премии (1941), дважды Герой Социалистического Труда (1945, 1974), доктор наук.""",
    "a numbered list": """\
1. Встать в шесть часов.
2. Сделать зарядку и облиться холодной водой.
3. Прочитать двадцать страниц и выписать непонятные слова.
4. Позвонить матери.
5. Отнести сапоги в починку; узнать, сколько возьмут.
6. Не ссориться с Петром.
7. Лечь не позже одиннадцати.
8. Записать сюда, что из этого вышло.""",
    "French in a novel": """\
— Eh bien, mon prince, — сказала хозяйка, поднимаясь ему навстречу, — вы нас совсем забыли.
Князь поцеловал ей руку и ответил, что дела не отпускали его из деревни до самой осени.
— C'est charmant! — воскликнула она и обернулась к гостям, словно приглашая их тоже удивиться
тому, что в деревне могут быть какие-то дела, ради которых забывают старых друзей.""",
    "a page that ends like all pages": LONG + "\n\n© 2020. Все права защищены.",
}

MENU = """\
Главная
О компании
Каталог товаров
Доставка и оплата
Контакты
Новости
Вакансии
Отзывы
Корзина (0)
Войти
Регистрация
Холодильники
Стиральные машины
Телевизоры
Смартфоны и гаджеты
Диваны кухонные
Кресла офисные
Столы детские
Люстры
Обои
Плитка
Наверх"""


def shuffled(text: str) -> str:
    words = text.split()
    random.Random(3).shuffle(words)
    return " ".join(words)


def by_chance(letters: str) -> str:
    draw = random.Random(4)
    words = ("".join(draw.choices(letters, k=draw.randint(1, 10))) for _ in range(200))
    return " ".join(words)


def misread(text: str, written_in: str, read_as: str) -> str:
    return text.encode(written_in, "ignore").decode(read_as, "ignore")


SEO = ", ".join(
    f"купить {what} {how}"
    for how in ("недорого", "в москве", "с доставкой", "цена", "отзывы", "оптом", "в кредит")
    for what in ("диван", "холодильник", "шины зимние", "ноутбук", "велосипед")
)
BAD = {
    "nothing": ("empty", " \n "),
    "a line": ("min_characters", PROSE[:150]),
    "English": ("min_cyrillic", "The quick brown fox jumps over the lazy dog and is gone. " * 5),
    "Ukrainian": ("language", OTHERS["Ukrainian"]),
    "Church Slavonic": ("language", CHURCH_SLAVONIC["a psalm"]),
    "every line twice": ("repeated_lines", re.sub("(?m)^(.+)$", r"\1\n\1", LONG)),
    "the text twice": ("repeated_lines", f"{LONG}\n{LONG}"),
    "every sentence twice": ("repeated_sentences", re.sub(r"([^.]+\.)", r"\1 \1", PROSE)),
    "one word": ("frequent_ngram", "спам " * 100),
    "one phrase": ("repeated_ngrams", "и вот опять мы идём по этой большой старой дороге " * 20),
    "letters by chance": ("odd_letters", by_chance("абвгдежзийклмнопрстуфхцчшщъыьэюя")),
    "letters as often as in Russian": (
        "odd_letters",
        by_chance("оооооееееааааиииинннттттссссрррввлллккммддппуяыьгзбчйхжшю"),
    ),
    "Latin letters among the Russian ones": (
        "odd_letters",
        LONG.translate(str.maketrans("оеип", "oeun")),
    ),
    "letters apart": ("min_word_length", " ".join(VERSE.replace(" ", ""))),
    "tags without spaces": (
        "max_word_length",
        PROSE[:200] + " ".join("#" + re.sub(r"\W", "", part) for part in LONG.split(".")),
    ),
    "a table": ("min_letters", "\n".join(f"Диваны {n * 977} 12.05.20{n}" for n in range(10, 40))),
    "dotted contents": (
        "min_letters",
        "\n".join(f"Глава {n}. {word} {'.' * 30} {n}" for n, word in enumerate(LONG.split()[:40])),
    ),
    "capitals": ("capitals", PROSE.upper()),
    "a program": (
        "code",
        "\n".join(f"function a{n}() {{ if (имя == 'да') {{ вывести('{n} слов'); }} }} // проверка"
                  " того, что имя верно и что оно не занято" for n in range(9)),
    ),
    "a page without its markup": (
        "glued_words",
        "ГлавнаяО насКонтактыНовостиДоставка и оплатаОтзывы наших покупателейКорзина " * 5 + PROSE,
    ),
    "links": ("links", "Смотрите здесь: http://я.рф и ещё раз здесь: http://ты.рф, а потом.\n" * 2
              + "\n".join(f"Вот и номер {n}: http://мы.рф/{n}" for n in range(12))),
    "a notice": (
        "boilerplate",
        "Мы используем файлы cookie, чтобы сайт был удобнее для вас. Нажимая кнопку, вы даёте"
        " согласие на обработку персональных данных. Для работы сайта включите JavaScript в вашем"
        " браузере. Информация не является публичной офертой. © 2005. Все права защищены.",
    ),
    "keywords": ("function_words", ", ".join(dict.fromkeys(re.findall(r"\w{6,}", LONG)))),
    "a menu": ("lists", MENU),
    "a menu in one line": ("lists", MENU.replace("\n", " ")),
    "search phrases": ("lists", SEO),
    "shuffled words": ("word_order", shuffled(LONG)),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good_russian_is_kept(name):
    assert verdict(GOOD[name], CorpusConfig(min_characters=150)) == (None, None)


@pytest.mark.parametrize("name", BAD)
def test_what_is_bad_is_rejected_for_what_it_is(name):
    rule, text = BAD[name]
    found, figure = verdict(text, CONFIG)
    assert found == rule, figure
    assert figure


@pytest.mark.parametrize("rule", FILTERS)
def test_each_filter_rejects_something_and_says_what_it_is_for(rule):
    assert rule == "mojibake" or rule in {expected for expected, _ in BAD.values()}
    assert FILTERS[rule].name == rule
    assert FILTERS[rule].description


@pytest.mark.parametrize("name", BAD)
def test_a_filter_that_is_switched_off_rejects_nothing(name):
    rule, text = BAD[name]
    if rule in QualityConfig.model_fields:
        for off in (None, 0):
            config = CorpusConfig(quality=QualityConfig(**{rule: off}))
            assert verdict(text, config)[0] != rule


def test_every_limit_of_the_settings_is_that_of_a_filter():
    assert {*QualityConfig.model_fields} | {"empty", "min_characters", "min_cyrillic"} == {*FILTERS}


@pytest.mark.parametrize(
    ("written_in", "read_as"),
    [
        ("utf-8", "cp1251"),
        ("utf-8", "latin-1"),
        ("utf-8", "koi8-r"),
        ("utf-8", "cp866"),
        ("cp1251", "latin-1"),
        ("cp1251", "cp1252"),
        ("cp1251", "koi8-r"),
        ("cp1251", "cp866"),
        ("koi8-r", "cp1251"),
        ("koi8-r", "latin-1"),
        ("cp866", "cp1251"),
        ("iso8859-5", "cp1251"),
    ],
)
def test_text_read_in_a_wrong_encoding_is_rejected_and_the_mistake_named(written_in, read_as):
    for text in (PROSE, LONG, LONG * 9, GOOD["short lines"]):
        damaged = misread(text, written_in, read_as)
        cleaned = re.sub(r"[\x7f-\x9f\xad]", "", damaged).replace("\xa0", " ")
        for each in (damaged, cleaned):
            rule, figure = verdict(each, CONFIG)
            assert rule == "mojibake"
            assert figure.startswith(f"{written_in} read as")


def test_mistakes_made_twice_are_seen_too():
    twice = misread(misread(LONG, "utf-8", "cp1251"), "utf-8", "cp1251")
    assert verdict(twice, CONFIG) == ("mojibake", "utf-8 read as cp1251, twice")


def test_a_frame_gets_a_verdict_for_each_of_its_rows_in_order():
    texts = [PROSE, "", LONG, OTHERS["Bulgarian"], None, VERSE + "\n" + VERSE.upper()]
    frame = pl.DataFrame({"id": [*"abcdef"], "text": texts})
    found = verdicts(frame, CONFIG)
    assert found.schema == {"rule": pl.String, "figure": pl.String}
    expected = [None, "empty", None, "language", "empty"]
    assert found["rule"].to_list()[:5] == expected
    assert found["rule"].is_null().to_list() == found["figure"].is_null().to_list()
    assert verdicts(frame.clear(), CONFIG).schema == found.schema


@quick
@given(st.lists(st.text(max_size=400) | st.text("абвіїьъ .,\n\u0483ѣ", max_size=400), max_size=5))
def test_no_text_stops_the_filters(texts):
    config = CorpusConfig(min_characters=1, min_cyrillic=0)
    found = verdicts(pl.DataFrame({"text": texts}, schema={"text": pl.String}), config)
    assert found.height == len(texts)


@quick
@given(st.text(st.characters()))
def test_characters_are_counted_as_by_python(text):
    characters = count_characters(text)
    assert {**characters} == {character: text.count(character) for character in set(text)}


@quick
@given(st.text("аб \n", min_size=1, max_size=50), st.integers(1, 900))
def test_three_stretches_of_a_long_text_are_looked_at(part, times):
    text = part * times
    excerpt = Excerpt(text)
    if len(text) <= 3 * EXCERPT_CHARACTERS:
        assert excerpt.text == text
    else:
        assert 1.5 * EXCERPT_CHARACTERS <= len(excerpt.text) <= 3 * EXCERPT_CHARACTERS + 2
        assert all(line in text for line in excerpt.text.split("\n"))
    assert "".join(excerpt.lines) == text.replace("\n", "")


def test_of_a_long_text_only_the_stretches_count():
    good = "\n".join(story(seed) for seed in range(60))
    foreign = "\n".join(OTHERS.values())
    assert verdict(f"{foreign}\n{good}\n{foreign}", CONFIG) == (None, None)


@pytest.mark.parametrize("seed", range(5))
def test_the_stories_of_the_tests_are_good(seed):
    assert verdict(story(seed), CONFIG) == (None, None)


def works(archive: Path) -> dict[str, str]:
    with zipfile.ZipFile(archive) as zipped:
        names = [name for name in zipped.namelist() if name.endswith(".txt")]
        return {name: decode(zipped.read(name)) for name in names}


@pytest.mark.slow
def test_no_work_of_the_classics_is_rejected_and_hardly_a_page_of_one(classics):
    texts = works(classics)
    rejected = {name: verdict(text, CONFIG) for name, text in texts.items()}
    assert {name: why for name, why in rejected.items() if why[0]} == {}
    pages = [
        text[start : start + 1000]
        for text in texts.values()
        for start in range(0, len(text) - 1000, 9000)
    ]
    rules = [verdict(page, CONFIG)[0] for page in pages]
    bad = [rule for rule in rules if rule not in {None, "min_cyrillic"}]  # French takes pages
    assert len(pages) > 3000
    assert len(bad) <= 0.002 * len(pages)


def test_no_shuffled_work_of_the_classics_passes(classics):
    for text in [*works(classics).values()][::10]:
        if len(text) > 5000:
            assert verdict(shuffled(text[:30_000]), CONFIG)[0] == "word_order"


def test_no_play_is_rejected():
    path = SHARED / "interviews" / "dialogue-turns.zip"
    if not path.is_file():
        pytest.skip(f"the plays are not at hand ({path})")
    plays = works(path)
    assert len(plays) == 15
    assert {name: verdict(text, CONFIG)[0] for name, text in plays.items()} == dict.fromkeys(plays)
