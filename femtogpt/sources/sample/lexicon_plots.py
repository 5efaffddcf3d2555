"""The sentence patterns of the sample stories; ``stories`` says how they are read.

The hero is ``h``, the hero's animal ``p``; the other labels live within one scene. Each scene,
reply, answer and ending begins with words of its own, which tell the reader what was chosen.
"""

from __future__ import annotations

WORDS = {
    "once": "Давно|Когда-то|Прежде|Раньше|В те годы|В тот год|Много лет назад|Лет десять назад|"
    "Лет двадцать назад|В прошлом году|Три года назад|Ещё недавно|Не так давно|В то время|"
    "Одно время|Пять лет назад",
    "when": "утром|днём|вечером|на рассвете|в полдень|после обеда|после завтрака|в субботу|"
    "в воскресенье|в понедельник|во вторник|в среду|в четверг|в пятницу|однажды|на другой день|"
    "через неделю|через месяц|в выходной|накануне праздника|ранним утром|перед обедом|вскоре|"
    "через два дня|в тот же день|до полудня|спозаранку|поздно вечером|на закате|под утро",
    "then": "Потом|Затем|Скоро|Вдруг|Тут|Через час|Наконец|После этого|Под конец|"
    "Немного погодя|Чуть позже|Напоследок|Вскоре|Через минуту|Тогда|К полудню",
    "how": "тихо|весело|ласково|радостно|спокойно|громко|задумчиво|серьёзно|робко|бодро|"
    "приветливо|важно|негромко|смущённо|мягко|быстро|просто|твёрдо|уверенно|добродушно",
    "carefully": "бережно|осторожно|быстро|аккуратно|весело|молча|ловко|неторопливо|старательно|"
    "долго|терпеливо|спокойно|внимательно|умело|медленно|охотно|дружно|усердно",
    "near": "рядом|неподалёку|у дороги|в стороне|в тени|внизу|сбоку|на солнце|поодаль|впереди",
    "wind": "тёплый|свежий|сильный|слабый|южный|северный|холодный|лёгкий|влажный|резкий",
    "rain": "мелкий|тёплый|сильный|частый|холодный|долгий|тихий|крупный",
    "sun": "яркое|ласковое|тёплое|жаркое|утреннее|рыжее|неяркое|летнее",
    "weather": "дул {wind} ветер|шёл {rain} дождь|светило {sun} солнце|пели {birds.N}|"
    "цвели {blooming flowers.N}|шумели {leafy trees.N}|летали {birds.N}|"
    "за {landmarks.i} гремел гром|над {landmarks.i} стоял туман|на {trees.p} щебетали {birds.N}",
    "sky": "{when}[, когда {weather}|]",
    "kin": "брата|сестры|друга|подруги|дедушки|бабушки|дяди|тёти|соседа|соседки|отца|матери",
    "fix": "<починил>|<покрасил>|<вымыл>|<отремонтировал>|<поправил>|<украсил>",
    "feel": "<рад>|<доволен>|<счастлив>|<весел>|<спокоен>",
}

OPENING = (
    "{once} {homely homes.where} [у {fair landmarks.g}|за {fair landmarks.i}|"
    "недалеко от {fair landmarks.g}] [жил {kind trades_m.n} {names_m.n=h}|"
    "жила {kind trades_f.n} {names_f.n=h}]. "
    "[У <него> дома|Дома у <него>|Там у <него>] {stood looks furniture.n}, а "
    "{colours boxes.where} [лежали|хранились] "
    "{looks toys.n}, {colours trifles.n} и {# looks dishes}. "
    "[Ещё у <него>|Под навесом у <него>|Вместе с <ним>] {was furry pets.n=p}. "
    "[Больше всего <он> <любил>|На обед <он> <готовил>|По праздникам <он> <ел>|Утром <он> <ел>] "
    "{tasty meals.a} и {sweet filled.a} с {fillings.i}."
)

SCENES = {
    "на рынке": "На рынок <он> <поехал> {sky} {на road vehicles.p}. ".replace("{sky} ", "{when} ")
    + "[Там продавали|В первом ряду лежали|На прилавках лежали] "
    "{fresh fruit.N}, {vegetables.N}, {looks colours wares.N} и {toys.N}. "
    "{then} <он> <купил> {# looks toys} для {kind people.g} и {colours trifles.a} для {kin}. "
    "[Рядом|{near_c}] {traded kind people.n=f}, и <f:он> <f:угостил> <его> {sweet sweets.i}.".replace(
        "[Рядом|{near_c}]", "[Рядом|У ворот|У входа|Напротив]"
    ),
    "в лесу": "В лес за {sweet_berry berries.i} <он> <отправился> {sky}. "
    "[С собой <он> <взял>|В дорогу <он> <взял>] {looks boxes.a}, {drinks.a} и {sweet sweets.a}. "
    "[Под {leafy trees.i}|За {leafy trees.i}|Возле {leafy trees.g}] {sat shy beasts.n}, а "
    "на {leafy trees.p} {sat shy birds.n}. "
    "[На поляне цвели|Вокруг росли|По краям росли] {blooming flowers.N} и {leafy trees.N}. "
    "{then} из-за {trees.g} {came shy beasts.n=x}, {carefully} <x:посмотрел> на <него> "
    "и <x:убежал>.",
    "в саду": "В саду <он> <работал> {sky}. "
    "[Для этого <он> <взял>|В сарае <он> <нашёл>] {sturdy spades.a}, {spades.a} и "
    "{sturdy spades.a}. "
    "[У {worn houseparts.g}|За {worn houseparts.i}] <он> {carefully} <посадил> {young trees.a}, "
    "{blooming flowers.A} и {vegetables.A}. "
    "{then} {came kind people.n=f} и <f:помог> <ему> [полить|собрать|перебрать] "
    "{fresh fruit.A} и {vegetables.A}.",
    "за работой": "Чинить {worn houseparts.a} <он> <начал> {sky}. "
    "[Для этого понадобились|На земле лежали|<Он> <принёс>] {sturdy hammers.a}, {hammers.a} и "
    "{# looks trifles}.",
}
SCENES = {
    "на рынке": "На рынок <он> <поехал> {when} {на road vehicles.p}. "
    "[Там продавали|В первом ряду лежали|На прилавках лежали] "
    "{fresh fruit.N}, {vegetables.N}, {looks colours wares.N} и {toys.N}. "
    "{then} <он> <купил> {# looks toys} для {kind people.g} и {colours trifles.a} для {kin}. "
    "[Рядом|У ворот|У входа|Напротив] {traded kind people.n=f}, и <f:он> <f:угостил> <его> "
    "{sweet sweets.i}.",
    "в лесу": "В лес за {ripe berries.i} <он> <отправился> {sky}. "
    "[С собой <он> <взял>|В дорогу <он> <взял>] {looks boxes.a}, {drinks.a} и {sweet sweets.a}. "
    "[Под {leafy trees.i}|За {leafy trees.i}|Возле {leafy trees.g}] {sat shy beasts.n}, а "
    "на {leafy trees.p} {sang shy birds.n}. "
    "[На поляне цвели|Вокруг росли|По краям росли] {blooming flowers.N} и {leafy trees.N}. "
    "{then} из-за {trees.g} {came shy beasts.n=x}, {carefully} <x:посмотрел> на <него> "
    "и <x:убежал>.",
    "в саду": "В саду <он> <работал> {sky}. "
    "[Для этого <он> <взял>|В сарае <он> <нашёл>] {sturdy spades.a}, {spades.a} и "
    "{looks boxes.a}. "
    "[У {worn houseparts.g}|За {worn houseparts.i}] <он> {carefully} <посадил> {young trees.a}, "
    "{blooming flowers.A} и {vegetables.A}. "
    "{then} {came kind people.n=f} и <f:помог> <ему> [полить|собрать|перебрать] "
    "{fresh fruit.A}.",
    "за работой": "Чинить {worn houseparts.a} <он> <начал> {sky}. "
    "[Под рукой были|На земле лежали|Пригодились] {sturdy hammers.n}, {hammers.n} и "
    "{# looks boxes}. "
    "[Сначала|За час|До обеда|К вечеру] <он> {carefully} {fix} {worn houseparts.a}, а {p.n} "
    "{carefully} <p:смотрел> на {kind people.a}, {kind people.a} и {birds.A}.",
}
