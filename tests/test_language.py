"""Other languages in Cyrillic are named; Russian of every age and kind is not taken for one."""

from __future__ import annotations

import bz2
import lzma
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.corpus.language_detection import other_language
from femtogpt.corpus.text_stats import Excerpt
from tests.conftest import SHARED
from tests.helpers import PROSE, VERSE, quick

LIMIT = 0.45  # the setting's default

OTHERS = {
    "Ukrainian": """\
Учора ми ходили до лісу збирати гриби. Погода була чудова, світило сонце, і на деревах співали
птахи. Ми знайшли багато білих грибів та лисичок. Потім сіли відпочити біля струмка й довго
розмовляли про те, як добре жити на світі. Увечері повернулися додому втомлені, але щасливі.""",
    "Belarusian": """\
Учора мы хадзілі ў лес збіраць грыбы. Надвор'е было цудоўнае, свяціла сонца, і на дрэвах спявалі
птушкі. Мы знайшлі шмат баравікоў і лісічак. Потым селі адпачыць каля ручая і доўга размаўлялі
пра тое, як добра жыць на свеце. Увечары вярнуліся дадому стомленыя, але шчаслівыя.""",
    "Bulgarian": """\
Вчера ходихме в гората да берем гъби. Времето беше чудесно, слънцето грееше и птичките пееха по
дърветата. Намерихме много манатарки и няколко сърнели. След това седнахме да си починем край
потока и дълго говорихме за това колко е хубаво да се живее. Вечерта се прибрахме уморени.""",
    "Serbian": """\
Јуче смо ишли у шуму да беремо печурке. Време је било дивно, сунце је сијало, а птице су певале
на дрвећу. Нашли смо много вргања и неколико лисичарки. После тога смо сели да се одморимо поред
потока и дуго разговарали о томе како је лепо живети.""",
    "Macedonian": """\
Вчера одевме во шумата да береме печурки. Времето беше прекрасно, сонцето грееше, а птиците
пееја на дрвјата. Најдовме многу вргањи и неколку лисичарки. Потоа седнавме да се одмориме крај
потокот и долго разговаравме за тоа колку е убаво да се живее.""",
    "Kazakh": """\
Кеше біз орманға саңырауқұлақ теруге бардық. Ауа райы тамаша болды, күн жарқырап тұрды,
ағаштарда құстар сайрады. Біз көп ақ саңырауқұлақ таптық. Содан кейін бұлақ басына отырып, ұзақ
әңгімелестік. Кешке шаршап, бірақ бақытты болып үйге оралдық.""",
    "Tajik": """\
Дирӯз мо ба ҷангал барои ҷамъ кардани занбӯруғ рафтем. Ҳаво бисёр хуб буд, офтоб медурахшид ва
паррандагон дар болои дарахтон месуруданд. Мо занбӯруғҳои зиёде ёфтем. Баъд дар лаби ҷӯй
нишаста, муддати дароз сӯҳбат кардем.""",
    "Mongolian": """\
Өчигдөр бид ой руу мөөг түүхээр явсан. Цаг агаар сайхан байлаа, нар гийж, модон дээр шувууд
дуулж байв. Бид олон цагаан мөөг оллоо. Дараа нь горхины хажууд сууж амраад, амьдрах сайхан
тухай удаан ярилцав. Орой нь ядарсан ч баяртай гэртээ буцаж ирлээ.""",
}

CHURCH_SLAVONIC = {
    "the Lord's prayer": """\
Отче наш, Иже еси на небесех! Да святится имя Твое, да приидет Царствие Твое, да будет воля Твоя,
яко на небеси и на земли. Хлеб наш насущный даждь нам днесь; и остави нам долги наша, якоже и мы
оставляем должником нашим; и не введи нас во искушение, но избави нас от лукаваго.""",
    "the creed": """\
Верую во единаго Бога Отца, Вседержителя, Творца небу и земли, видимым же всем и невидимым. И во
единаго Господа Иисуса Христа, Сына Божия, Единороднаго, Иже от Отца рожденнаго прежде всех век:
Света от Света, Бога истинна от Бога истинна, рожденна, несотворенна, единосущна Отцу, Имже вся
быша. Нас ради человек и нашего ради спасения сшедшаго с небес и воплотившагося.""",
    "a psalm": """\
Помилуй мя, Боже, по велицей милости Твоей, и по множеству щедрот Твоих очисти беззаконие мое.
Наипаче омый мя от беззакония моего, и от греха моего очисти мя; яко беззаконие мое аз знаю, и
грех мой предо мною есть выну. Тебе единому согреших и лукавое пред Тобою сотворих.""",
    "the prayer as it was printed": """\
Отче нашъ, иже еси на небесѣхъ, да святится имя твое, да пріидетъ царствіе твое: да будетъ воля
твоя, яко на небеси и на земли. Хлѣбъ нашъ насущный даждь намъ днесь, и остави намъ долги нашя,
якоже и мы оставляемъ должникомъ нашымъ: и не введи насъ во искушеніе, но избави насъ.""",
    "the prayer in its own letters": """\
Ѻ҆́ч҃е на́шъ, и҆́же є҆сѝ на нб҃сѣ́хъ, да ст҃и́тсѧ и҆́мѧ твоѐ, да прїи́детъ црⷭ҇твїе твоѐ: да бꙋ́детъ
во́лѧ твоѧ̀, ꙗ҆́кѡ на нб҃сѝ и҆ на землѝ. Хлѣ́бъ на́шъ насꙋ́щный да́ждь на́мъ дне́сь, и҆ ѡ҆ста́ви на́мъ
до́лги на́шѧ, ꙗ҆́коже и҆ мы̀ ѡ҆ставлѧ́емъ должникѡ́мъ на́шымъ.""",
}

RUSSIAN = {
    "prose": PROSE,
    "verse": VERSE,
    "the spelling before 1918": """\
Въ одинъ изъ первыхъ дней апрѣля, когда снѣгъ еще лежалъ въ оврагахъ, по большой дорогѣ ѣхалъ
тарантасъ. Въ немъ сидѣлъ человѣкъ лѣтъ сорока, съ лицомъ усталымъ и добрымъ. Исторія его жизни
была проста: онъ служилъ, вышелъ въ отставку, женился и овдовѣлъ. Теперь ему предстояло жить въ
деревнѣ, у брата, котораго онъ не видалъ лѣтъ десять, и мысль эта была ему пріятна.""",
    "a learned title before 1918": """\
Россійская имперія и ея исторія съ древнѣйшихъ временъ до нашихъ дней, въ двухъ томахъ, съ
приложеніемъ картъ и таблицъ. Изданіе третіе. Сочиненіе сіе имѣетъ цѣлію дать понятіе о развитіи
просвѣщенія, о состояніи промышленности и объ отношеніяхъ Россіи къ націямъ Европы и Азіи.""",
    "verse of the 18th century": """\
Лице свое скрывает день;
Поля покрыла мрачна ночь;
Взошла на горы чорна тень;
Лучи от нас склонились прочь;
Открылась бездна звезд полна;
Звездам числа нет, бездне дна.""",
    "a prayer in a story": """\
Она опустилась на колени перед образом и стала читать, как учила её бабушка: «Отче наш, иже еси на
небесех! Да святится имя твое, да приидет царствие твое». Голос её дрожал, но она не
останавливалась, пока не дошла до конца, и только тогда заплакала. За окном шумел дождь.""",
    "a Ukrainian's talk": """\
— А чего мне бояться? — сказал он. — Я, хлопче, и не таких видал. Ехал я раз из Полтавы, ночь, хоть
глаз выколи, а волы стали и ни с места. Що за бісова душа, думаю. Слез с воза, глянул — стоит
передо мной дивчина, вся в белом, и плачет. «Дядьку, — говорит, — довезите мене до хутора».""",
    "a dialect": """\
Пошли раз двое наших робят на покос. А покосы-то дальние были, за речкой, слышь-ко. Один-от молодой
был, неженатик, а другой уж завсе кашлял. Ну, легли под берёзой, и их разморило. Просыпается
молодой, глядит: девка на камне сидит, косу плетёт, а сама эдак посмеивается. Чё делать?""",
    "an article with Kazakh names": """\
Казахстан (каз. Қазақстан), официально Республика Казахстан (каз. Қазақстан Республикасы) —
государство в центре Евразии. Государственный язык — казахский (қазақ тілі), но русский
употребляется наравне с ним. Денежная единица — тенге (теңге). Граничит с Россией на севере.""",
    "speech": """\
ну вот значит мы туда приехали и там короче никого не было ну мы подождали минут наверное двадцать
и потом пришёл этот ну как его заведующий и говорит вы чего тут стоите я ему говорю мы по
объявлению а он говорит по какому объявлению мы ничего не давали ну и всё мы поехали обратно""",
}


@pytest.mark.parametrize("name", OTHERS)
def test_some_lines_of_another_language_are_enough_to_name_it(name):
    found, share = other_language(Excerpt(OTHERS[name]))
    assert found == name
    assert share > 0.55


@pytest.mark.parametrize("name", CHURCH_SLAVONIC)
def test_church_slavonic_is_told_from_russian_in_any_spelling(name):
    found, share = other_language(Excerpt(CHURCH_SLAVONIC[name]))
    assert found == "Church Slavonic"
    assert share > LIMIT


@pytest.mark.parametrize("name", RUSSIAN)
def test_russian_is_no_other_language(name):
    assert other_language(Excerpt(RUSSIAN[name]))[1] < LIMIT


def test_a_word_or_two_decide_nothing():
    assert other_language(Excerpt("Їжак"))[1] < LIMIT
    assert other_language(Excerpt("Господи, помилуй!"))[1] < LIMIT


@quick
@given(st.text())
def test_any_text_gets_an_answer(text):
    name, share = other_language(Excerpt(text))
    assert 0 <= share < 1
    assert bool(name) == (share > 0)


@quick
@given(st.sampled_from([*OTHERS]), st.integers(0, 40))
def test_passages_in_russian_lower_the_share(name, passages):
    alone = other_language(Excerpt(OTHERS[name]))[1]
    mixed = other_language(Excerpt(OTHERS[name] + passages * ("\n" + PROSE)))[1]
    assert mixed <= alone
    if passages >= 10:
        assert mixed < LIMIT


def wiki(name: str) -> bytes:
    path = SHARED / "wiki" / name
    if not path.is_file():
        pytest.skip(f"the Wikipedia excerpts are not at hand ({path})")
    return path.read_bytes()


def unpacked(name: str) -> bytes:
    """Of a file that is cut off at its end."""
    return bz2.BZ2Decompressor().decompress(wiki(name))


def texts(dump: str) -> list[str]:
    """The pages without what is not Cyrillic, markup with it."""
    pages = re.findall(r"<text[^>]*>(.{200,}?)(?:</text>|\Z)", dump, re.DOTALL)
    return [re.sub(r"[^\u0400-\u052f\s.,!?’'-]+", " ", page) for page in pages]


def test_every_page_of_the_ukrainian_wikipedia_is_ukrainian():
    dump = lzma.decompress(wiki("ukwiki-truncated-100k.xml.xz")).decode("utf-8", "ignore")
    pages = [Excerpt(page) for page in texts(dump)]
    found = [other_language(page) for page in pages if page.letters.total() > 150]
    assert len(found) > 450
    assert all(share > LIMIT for _, share in found)
    assert sum(name == "Ukrainian" for name, _ in found) > 0.99 * len(found)


def test_the_bulgarian_wikipedia_is_bulgarian_and_the_russian_one_is_not():
    bulgarian = unpacked("bgwiki-utf16-excerpt.xml.bz2").decode("utf-16", "ignore")
    for page in texts(bulgarian):
        assert other_language(Excerpt(page))[0] == "Bulgarian"
        assert other_language(Excerpt(page))[1] > LIMIT
    russian = unpacked("ruwiki-excerpt.xml.bz2").decode("utf-8", "ignore")
    assert other_language(Excerpt(max(texts(russian), key=len)))[1] < 0.1
