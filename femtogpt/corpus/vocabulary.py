"""The function words and letters that distinguish the languages written in Cyrillic.

Function words make up a third to a half of any running text, in verse and speech too, so a few
dozen identify a language within some lines. The lists have the commonest ones. They include words
shared with Russian, which count for neither language.
"""

from __future__ import annotations

from dataclasses import dataclass

_RUSSIAN = """
а без более больше будет будто бы был была были было быть в вам вас ведь весь во вот все всего
всех всё всю вся вы г где да даже для до его ее её ей ему если есть ещё еще ж же за здесь и из
или им ими их к как какой когда ко кого кому которая которого которой которые который которых кто
куда ли лишь между меня мне мной много может можно мой моя мы на над надо нам нас не него нее неё
ней нет ни нибудь ним них но ну о об один она они оно он от перед по под после потом потому почти
при про раз с сам себе себя со свои свой своего своей своих сей сейчас сих так также такой там те
тебе тебя тем теперь то тогда того тоже только той том тот тут ты у уж уже хоть хотя чего чем через
чего что чтоб чтобы чуть эта эти этих это этого этой этом этот эту я
"""
_PRE_REFORM = """
болѣе всѣ всѣмъ всѣхъ гдѣ ея здѣсь мнѣ нея нѣтъ онѣ предъ себѣ сія тебѣ тѣ тѣмъ тѣхъ послѣ чрезъ
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _old(text: str) -> frozenset[str]:
    """The words, and also their spelling before 1918 with ъ after a final consonant."""
    words = _words(text)
    return words | {word + "ъ" for word in words if word[-1] in "бвгджзклмнпрстфхцчшщ"}


RUSSIAN = _old(_RUSSIAN) | _words(_PRE_REFORM)


def _impossible() -> dict[str, frozenset[str]]:
    """The words that never follow a word in a Russian sentence, although both are common."""
    after_preposition = _words("""
    а без будет бы был была были было быть быть, в вдруг ведь во вот вы где говорил говорила
    да для до ему если ж же за и и, из или или, к ко когда куда ли мог может можно мы на над
    нет нет, ни но ну ну, об он он, она она, они они, от перед по под потому при про с
    сказал сказала со стал стала теперь тогда тут ты у хотел через чтоб чтобы я я, —
    """)  # not «что», «так», «не», «уже», which can follow
    prepositions = "в во на с со к ко из от до без под при у по за над через для про перед об"
    possible = {"на": "вы нет ты", "из": "за под", "по": "за над", "за": "и", "до": "и"}
    pairs = {
        word: after_preposition - _words(possible.get(word, "")) for word in prepositions.split()
    }
    for word in pairs:  # two single letters may be part of a letter-spaced word
        pairs[word] = frozenset(after for after in pairs[word] if len(word + after) > 2)
    return pairs | {"и": _words("а бы же и ли но"), "не": _words("а бы же и не но")}


IMPOSSIBLE = _impossible()


@dataclass(frozen=True)
class Language:
    """How a language differs from Russian."""

    letters: str  # not in Russian
    missing_letters: str = ""  # of Russian
    words: frozenset[str] = frozenset()  # the commonest, including those of Russian


# A language whose letters are evidence enough has no words here. With equal evidence the first
# language wins, so small alphabets come before those that contain them.
LANGUAGES = {
    "Ukrainian": Language(
        "іїєґ",
        "ыэёъ",
        _words("""
            або але б би бо був була були було в вже ви вона вони від він де для до дуже ж
            же з за зі й його коли має мене мені ми може між на не ні по при про під після
            року році себе та так також там тебе ти то тому треба тут тільки у хто це цей
            цього ця ці через чи ще що щоб я як яка яке який якщо які є і із їх її
        """),
    ),
    "Belarusian": Language(
        "іў",
        "ищъ",
        _words("""
            аб або ад але бы была было былі быў вельмі гэта гэтага гэты да дзе для ды ж з за
            зь каб каля калі мне мяне на не ня па пасля пра праз пры са сабе таксама там
            толькі тут тым у ужо хто цябе ці што яго яе як якая які якія яна яны яшчэ ён і
            іх ў ўжо
        """),
    ),
    "Bulgarian": Language(
        "",
        "ыэё",
        _words("""
            аз ако бе беше би бъде в вече всички във го да до е един една едно за защо
            защото и или има какво както като когато което които който която към ли ме между
            ми може му на не но няма от още по през при с са само се си след съм със също
            тази така те тези ти това този той трябва тя че ще
        """),
    ),
    "Serbian": Language(
        "јљњђћџ",
        "йщъыьэюяё",
        _words("""
            ако али без би била било био бих већ га где да до за због и из или када како као
            која које који ми му на не ни нису није но ова овај ово од он она они по после
            према са сам само све се си смо су та тако тај ти то у што ја је још ће
        """),
    ),
    "Macedonian": Language(
        "јљњџѓќѕ",
        "йщъыьэюяё",
        _words("""
            ако без беше бил биле веќе во ги го да дека до е за и или има каде како кога кои
            кој која ми може му на не нема ни но оваа овој од по при само се си со таа тие
            тоа тој уште што ја јас ќе
        """),
    ),
    "Church Slavonic": Language(
        "ѡѧѿꙋѹꙗѻєїѕѯѱѩѭѫѥ\u0483\u0486",
        "эё",
        _old("""
            абие аз аки аминь аще бе бо бога богородице боже буди быв бысть быти быша бяху
            бяше в вам вас веки вкупе владыко внегда во вси вся всяк всякаго вы глагола
            глаголет глаголя господа господи господь да дево днесь до дондеже древле егда
            его егоже един единаго еже ему емуже еси есмь есть еще ея же за зане зело и иго
            идеже иже из им имать имея имже ин их ихже и҆ к како ко людие мене ми мя на нам
            нань нас наш нашего нашему наших не несть ниже ны ныне о обаче от отче паки паче
            по помилуй понеже пред присно ради радуйся рече с сам своя святаго святую святый
            святыя се сего сей сих сице сию слава со сотвори спасе суть сый ся таже тако
            тамо твое твоего твоею твоея твоим твоими твоих твою твоя тебе темже ти тии той
            точию тя у убо христа христе юже яве яже яко якоже є҆сѝ ѿ
        """),
    ),
    "Mongolian": Language("өү"),
    "Kyrgyz": Language("ңөү"),
    "Buryat": Language("өүһ"),
    "Yakut": Language("ҕҥөһү"),
    "Tatar": Language("әөүҗңһ"),
    "Kazakh": Language("әғқңөұүһі"),
    "Bashkir": Language("әөүғҡҙңҫһ"),
    "Tajik": Language("ғӣқӯҳҷ"),
    "Uzbek": Language("ўқғҳ"),
    "Chuvash": Language("ӑӗҫӳ"),
    "Ossetian": Language("ӕ"),
    "Abkhaz": Language("ҩҽҿҵҷӡҭҧ"),
    "Komi": Language("ӧі"),
    "Mari": Language("ҥӧӱӓӹ"),
    "Udmurt": Language("ӝӟӥӧӵ"),
    "Chechen": Language("ӏ"),
    "Erzya": Language(
        "",
        "щ",
        _words("""
            аволь ансяк весе ды истя кода кодамо ламо лангс лангсо марто мезе мейле мельга минь мон
            монь паро пек покш прок седе сон сонзэ сынь те теке тензэ тон ульнесь уш эзь эрьва
        """),
    ),
}
