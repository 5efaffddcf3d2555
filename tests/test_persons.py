"""Authors, titles and years in the names of files and folders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.persons import folder_authors, named
from tests.files import as_folder, as_zip, documents
from tests.helpers import PROSE, VERSE, quick


@pytest.mark.parametrize(
    ("stem", "author", "title", "year"),
    [
        ("Лев Толстой - Анна Каренина (1877)", "Лев Толстой", "Анна Каренина", 1877),
        ("Гоголь - Вий (1835)", "Гоголь", "Вий", 1835),
        ("А. С. Пушкин — Капитанская дочка (1833-1836)", "А. С. Пушкин", "Капитанская дочка", 1836),
        ("Чехов А.П. - Дуэль", "Чехов А.П.", "Дуэль", None),
        ("Антон Чехов - Дядя Ваня", "Антон Чехов", "Дядя Ваня", None),
        (
            "Салтыков-Щедрин М. Е. Господа Головлёвы",
            "Салтыков-Щедрин М. Е.",
            *("Господа Головлёвы", None),
        ),
        ("А. П. Чехов. Дуэль", "А. П. Чехов", "Дуэль", None),
        ("Чехов. Дуэль", "Чехов", "Дуэль", None),
        ("Достоевский_-_Бесы_(1872)", "Достоевский", "Бесы", 1872),
        ("Отцы и дети (1862)", None, "Отцы и дети", 1862),
        ("Стихотворения. Книга вторая (1904-1908 гг.)", None, "Стихотворения. Книга вторая", 1908),
    ],
)
def test_a_file_name_tells_the_author_the_title_and_the_year(stem, author, title, year):
    says = named(stem)
    assert (says.author, says.title, says.year) == (author, title, year)


@pytest.mark.parametrize(
    "stem",
    [
        *("Москва - Петушки", "Анна Каренина - Часть 1", "Евгений Онегин. Роман в стихах"),
        *("Тихий Дон - Михаил Шолохов", "Мёртвые души. Поэма", "Лето. Рассказы", "1984"),
        *("А. О. Смирновой", "Ах! сокрылась в мрак ненастный...", "Обломов. Часть первая"),
        *("Чехов - человек в футляре", "К. Р. Стихи", "Повесть - о жизни", "..."),
    ],
)
def test_where_it_is_not_sure_the_whole_name_is_the_title(stem):
    says = named(stem)
    assert (says.author, says.title, says.year) == (None, stem, None)


def test_in_the_folder_of_an_author_another_name_is_part_of_the_title():
    assert named("Иванов. Драма Чехова", "Чехов").author is None
    assert named("Антон Чехов. Дуэль", "Чехов").author == "Антон Чехов"


@quick
@given(st.text(max_size=40))
def test_no_name_is_lost_or_stops_the_reading(stem):
    says = named(stem)
    if not says.author and says.year is None:
        assert says.title in (stem, stem.replace("_", " "))


@pytest.mark.parametrize(
    ("names", "authors"),
    [
        (["prose/Chekhov/a.txt", "poems/Pushkin/b.txt"], ["Chekhov", "Pushkin"]),
        (["Гоголь/Вий.txt", "Бунин/Сны.txt", "c.txt"], ["Гоголь", "Бунин", None]),
        (["Чехов/Дуэль.txt"], ["Чехов"]),
        (["Лев Толстой/Война и мир/Том 1.txt", "Гоголь/a.txt"], ["Лев Толстой", "Гоголь"]),
        (["Лев Толстой/Анна Каренина/Часть 1.txt", "Гоголь/a.txt"], ["Лев Толстой", "Гоголь"]),
        (["М. Горький/a.txt", "Салтыков-Щедрин/b.txt"], ["М. Горький", "Салтыков-Щедрин"]),
        (["Books/a.txt"], [None]),
        (["Тексты/a.txt", "Тексты/b.txt"], [None, None]),
        (["Проза/a.txt", "Стихи/b.txt"], [None, None]),
        (["2019/a.txt", "2020/b.txt"], [None, None]),
        (["Мои книги/a.txt", "Чужие книги/b.txt"], [None, None]),
        (["raw/a.txt", "downloads/b.txt"], [None, None]),
    ],
)
def test_a_folder_is_an_author_only_where_folders_have_the_names_of_persons(names, authors):
    found = folder_authors(names)
    assert [found.get(name.rpartition("/")[0]) for name in names] == authors


@pytest.mark.parametrize("make", [as_folder, as_zip])
def test_a_lone_folder_of_texts_is_no_author(make, tmp_path):
    files = {"Books/Дуэль.txt": PROSE, "Books/Осень.txt": VERSE}
    path = make(tmp_path / ("t.zip" if make is as_zip else "t"), files)
    assert {document.author for document in documents(path, tmp_path / "Raw")} == {None}
