"""The sentence patterns of the sample stories; their syntax is described in ``patterns``.

The hero is labelled ``h`` and the hero's animal ``p``; other labels are local to a scene. Each
scene, reply, answer and ending begins with words of its own, which reveal the choice to a reader.
"""

from __future__ import annotations

WORDS = {
    "once": "Давно|Когда-то|Прежде|Раньше|В те годы|В тот год|Много лет назад|Лет десять назад|В "
    "прошлом году|Три года назад|Ещё недавно|Не так давно|В то время|Одно время|Пять лет назад",
    "when": "утром|днём|вечером|на рассвете|в полдень|после обеда|в субботу|в воскресенье|в "
    "понедельник|во вторник|в среду|в четверг|в пятницу|однажды|на другой день|через неделю|через "
    "месяц|в выходной|рано утром|перед обедом|вскоре|через два дня|в тот же день|до полудня|"
    "спозаранку|на закате|под утро|к полудню",
    "later": "завтра|послезавтра|через неделю|через час|в субботу|в воскресенье|в понедельник|во "
    "вторник|в среду|в четверг|в пятницу|к обеду|к вечеру|до заката|после обеда|скоро|на рассвете|"
    "в полдень",
    "then": "Потом|Затем|Скоро|Вдруг|Тут|Через час|Наконец|После этого|Под конец|Чуть позже|"
    "Вскоре|Через минуту|Тогда|К полудню|Позже|Сразу|Тем временем|В это время",
    "how": "тихо|весело|ласково|радостно|спокойно|громко|серьёзно|робко|бодро|важно|мягко|быстро|"
    "просто|звонко|гордо|хитро|нежно|строго|честно|смело",
    "carefully": "бережно|осторожно|быстро|весело|молча|ловко|спокойно|умело|медленно|охотно|тихо|"
    "бодро",
    "wind": "тёплый|свежий|сильный|слабый|холодный|лёгкий",
    "rain": "мелкий|тёплый|сильный|частый|холодный|тихий",
    "weather": "дул {wind} ветер|шёл {rain} дождь|светило солнце|пели птицы|гремел гром|стоял "
    "туман|шумел лес|цвели {flowers.N}",
    "rested": "сидели|спали|отдыхали|дремали|стояли|ждали",
    "fix": "<починил>|<покрасил>|<вымыл>|<поправил>|<украсил>",
    "mend": "починить|покрасить|вымыть|поправить|украсить",
    "answered": "<ответил>|<сказал>|<отозвался>|<проговорил>|<произнёс>",
}

OPENING = (
    "{once} {fair homes.where} [у {landmarks.g}|за {landmarks.i}|возле {landmarks.g}] "
    "[жил {kind trades_m.n} {names_m.n=h}|жила {kind trades_f.n} {names_f.n=h}]. "
    "[В <его> доме были {any things.n}, {things.n}, {any furniture.n}, {things.n} и {# toys}|"
    "<Он> <носил> {any coats.a} и {clothes.a}, а с собой <брал> {any things.a}, {things.a} и "
    "{things.a}|"
    "<Он> <дружил> {с folk.i}, {с people.i}, {с people.i}, {с creatures.i} и {с creatures.i}|"
    "<Он> <построил> {colours sheds.a}, а рядом <поставил> {any furniture.a}, {boxes.a}, "
    "{things.a} и {# dishes}]. "
    "[Ещё у <него>|Во дворе у <него>|Вместе с <ним>] {was kind pets.n=p}. "
    "<Он> [<любил>|<готовил>|<ел>] {foods.a}, {foods.a}, {tasty foods.a} и {filled.a} "
    "{с fillings.i}."
)

SCENES = {
    "на рынке": "На рынок <он> <поехал> {when} и <купил> {any things.a}, {crops.a}, {clothes.a}, "
    "{things.a} и {# toys}. [Рядом|У ворот|У входа|Напротив] {traded kind people.n=f}. <f:Он> "
    "<f:продал> <ему> {foods.a}, {any things.a}, {things.a} и {things.a}. {then} <он> <отдал> "
    "{things.a} {people.d}, {things.a} — {people.d}, а {things.a} — {people.d}.",
    "в лесу": "В лес <он> <пошёл> {when} и <взял> {any boxes.a}, {things.a}, {sweets.a} и "
    "{drinks.a}. Под {trees.i} {rested} {kind beasts.n} и {creatures.n}, а выше — {kind birds.n}, "
    "{birds.n} и {birds.n}. {then} <он> <набрал> {berries.g}, {berries.g} и {berries.g}, а [в "
    "траве|под кустом|на тропе] <нашёл> {any things.a}, {things.a} и {things.a}.",
    "в саду": "В саду <он> <работал> {when}: <взял> {any garden_tools.a}, {garden_tools.a}, "
    "{garden_tools.a} и {carefully} <посадил> {young trees.a}, {vegetables.a}, {vegetables.a} и "
    "{flowers.A}. {then} {came kind people.n=f}, <f:собрал> {fresh fruit.a} и <f:получил> за это "
    "{any things.a}, {things.a}, {things.a} и {foods.a}.",
    "за работой": "Чинить {any houseparts.a} <он> <начал> {when}. [Под рукой были|На земле лежали|"
    "Пригодились] {any craft_tools.n}, {craft_tools.n}, {craft_tools.n} и {# dishes}. {then} <он> "
    "{carefully} {fix} {any houseparts.a}, а {p.n} <p:смотрел> на {people.a}, {people.a} и "
    "{kind creatures.a}. За труды {kind people.n=f} <f:дал> <ему> {foods.a}, {any things.a}, "
    "{things.a} и {drinks.a}.",
    "и гости": "Гостей <он> <ждал> {when} и <поставил> на стол {meals.a}, {filled.a} "
    "{с fillings.i}, {crops.a}, {crops.a} и {# dishes}. Пришли {kind people.n}, {people.n}, "
    "{folk.n} и {kind people.n}. Они принесли {any things.a}, {things.a}, {things.a} и "
    "{clothes.a}. {then} все {how} [хвалили|вспоминали|благодарили] {folk.a} и {kind people.a}.",
    "на реке": "На реку <он> <пошёл> {when}, <сел> под {trees.i} и {carefully} <поймал> {fish.a}, "
    "{fish.a}, {things.a} и {any things.a}. Мимо {floated any ships.n}, и {kind people.n=f} "
    "<f:помахал> <ему> {wavers.i}. Там были ещё {folk.n}, {kind people.n}, {creatures.n} и "
    "{kind creatures.n}. {then} {came kind creatures.n=x}, <x:посмотрел> на {fish.a} и <x:исчез>.",
    "в пути": "По дороге {fair places.whither} <он> <встретил> {kind people.a=f}. <f:Он> <f:нёс> "
    "{any boxes.a}, а там были {things.n}, {things.n}, {any things.n}, {things.n} и {# toys}. "
    "{then} они увидели {creatures.a}, {people.a} и {kind creatures.a}, [прошли мимо|отдохнули "
    "возле] {landmarks.g} и поговорили {о creatures.p} и {о creatures.p}.",
    "и пропажа": "Пропажу <он> <заметил> {when}: {vanished any things.n=k}. <Он> <искал> <k:его> "
    "у {landmarks.g}, за {sheds.i}, под {trees.i} и <нашёл> {any things.a}, {things.a}, "
    "{things.a} и {things.a}. {then} {came kind people.n=f} и <f:принёс> {any boxes.a}, а там "
    "лежали {things.n}, {things.n} и {k.n}!",
    "в поисках": "Искать {p.a} <он> <начал> {when}, когда {weather}. <Он> <смотрел> у "
    "{landmarks.g}, под {trees.i}, за {sheds.i} и <спрашивал> {kind people.a}, {people.a}, "
    "{people.a} и {kind people.a}. {then} {p.n} <p:нашёлся> {fair places.where}. Рядом {rested} "
    "{kind creatures.n}, {creatures.n}, {creatures.n} и {people.n}.",
    "в мастерской": "Подарок {people.d} <он> <мастерил> {when}: <взял> {materials.a}, "
    "{materials.a}, {any craft_tools.a}, {craft_tools.a} и {carefully} <сделал> {colours toys.a}. "
    "[Сверху|Сбоку|Внизу|Внутри] <он> <нарисовал> {kind creatures.a}, {creatures.a}, {things.a} и "
    "{people.a}. {then} {people.n=f} <f:принёс> <ему> {any things.a}, {things.a} и {things.a}.",
    "и письмо": "Письмо <ему> {wrote kind people.n=f} {when}. [В нём|Там] <f:он> <f:рассказывал> "
    "{о creatures.p}, {о creatures.p} и {о creatures.p}. Ещё пришли {any things.n}, {things.n}, "
    "{things.n} и {clothes.n}. {then} {h.n} <прочитал> письмо {folk.d} и {people.d} и <послал> в "
    "ответ {any things.a}, {things.a} и {things.a}.",
    "у моря": "К морю <он> <приехал> {when} {на vehicles.p}. К пристани {docked any ships.n}, и "
    "{kind people.n=f} {carefully} <f:сгрузил> {any furniture.a}, {things.a}, {things.a} и "
    "{things.a}. На берегу {rested} {kind people.n}, {people.n}, {creatures.n} и "
    "{kind creatures.n}. {then} <он> <нашёл> {any things.a} и {things.a} и <подарил> {people.d} "
    "{things.a}.",
    "на дворе": "Кормить {pets.A} и {pets.A} <он> <пошёл> {when}. <Он> <взял> {feed.a}, {feed.a}, "
    "{crops.a} и {any dishes.a}. {then} {came kind people.n=f} и <f:принёс> {any tools.a}, "
    "{things.a}, {things.a} и {drinks.a}. Только {p.n} ничего не <p:ел> и <p:смотрел> на "
    "{creatures.a}, {people.a} и {kind creatures.a}.",
    "в грозу": "Гроза началась {when}. Ветер [качал|повалил|сломал] {young trees.a} и "
    "{any sheds.a}, а дождь намочил {clothes.a}, {any things.a}, {things.a} и {things.a}. <Он> "
    "<спрятался> за {sheds.i}, где уже {rested} {kind people.n=f}, {creatures.n}, {creatures.n} и "
    "{kind creatures.n}. {then} <f:он> {how} <f:рассказал> сказку {о creatures.p} и "
    "{о creatures.p}.",
    "на чердаке": "На чердаке <он> <убирался> {when}. [В углу|У окна|Под крышей] "
    "{stood any furniture.n}, а там лежали {any things.n}, {things.n}, {things.n}, {clothes.n} и "
    "{# toys}. {then} <он> <вымыл> {any dishes.a} и <отнёс> {people.d} {clothes.a} и {things.a}, "
    "а {people.d} — {any things.a} и {things.a}.",
    "и праздник": "На праздник {fair places.where} <он> <пришёл> {when}: <надел> {any coats.a} и "
    "{clothes.a}, <взял> {any instruments.a}. Там {kind people.n=f} <f:играл> на {instruments.p}, "
    "а {kind people.n=g} {how} <g:пел> {о creatures.p}. Все ели {tasty foods.a}, {foods.a}, "
    "{foods.a} и {crops.a}. {then} {kind people.n=f} <f:подарил> <ему> {any things.a}, {things.a} "
    "и {things.a}.",
    "и книга": "Книгу {о creatures.p} <он> <читал> {when}: <сидел> под {trees.i}, <пил> "
    "{drinks.a} и <ел> {foods.a}. На картинках были {kind creatures.n}, {creatures.n}, "
    "{kind people.n}, {people.n}, {any things.n} и {things.n}. {then} {came kind people.n=f}, "
    "{how} <f:попросил> почитать вслух и <f:дал> <ему> {any things.a}, {things.a} и {things.a}.",
    "и картина": "Рисовать <он> <пошёл> {when} {fair places.whither}. <Он> <достал> {# pens} и "
    "{carefully} <нарисовал> {young trees.a}, {flowers.A}, {things.a}, {creatures.a} и "
    "{kind creatures.a}. {then} {came kind people.n=f}, {how} <f:похвалил> рисунок и <f:отдал> за "
    "него {any things.a}, {things.a}, {things.a} и {foods.a}.",
}

REPLIES = (
    "— Пойдём {later} {fair places.whither}! — {how} {asked kind people.n}. — Возьмём "
    "{any things.a}, {things.a}, {things.a} и {foods.a}.",
    "— Хочешь {drinks.g}? — {how} {offered kind people.n}. — Есть ещё {foods.n}, {filled.n} "
    "{с fillings.i}, {fruit.n} и {foods.n}.",
    "— Не забудь {any things.a}, {things.a}, {things.a} и {clothes.a}, — {how} "
    "{said kind people.n}. — Скоро [подует {wind} ветер|пойдёт {rain} дождь].",
    "— У меня для тебя {any things.n}, {things.n}, {things.n} и {# toys}, — {how} "
    "{said kind people.n}.",
    "— Скоро приедут {folk.n}, {people.n} и {kind creatures.n}, — {how} {said kind people.n}. — "
    "Встретим их {later} у {landmarks.g}.",
    "— За {landmarks.i} теперь живут {kind creatures.n}, {creatures.n}, {creatures.n} и "
    "{kind people.n}, — {how} {said kind people.n}.",
    "— Помоги мне, — {how} {asked kind people.n}. — Надо {mend} {any houseparts.a}, отнести "
    "{people.d} {any things.a} и {things.a}, накормить {creatures.a} и {kind creatures.a}.",
    "— Мне нужны {any tools.n}, {tools.n}, {things.n} и {# dishes}, — {how} {said kind people.n}.",
    "— Меняю {kind creatures.a} на {any things.a}, {things.a}, {things.a} и {clothes.a}, — {how} "
    "{said kind people.n}.",
    "— Расскажи сказку, — {how} {asked kind people.n}. — Пусть в ней будут {kind creatures.n}, "
    "{creatures.n}, {people.n} и {things.n}.",
    "— Угадай, кто живёт {fair places.where}! — {how} {said kind people.n}. — Там живут "
    "{kind people.n}, {creatures.n}, {creatures.n} и {kind creatures.n}.",
    "— Давай сварим {tasty meals.a}! — {how} {asked kind people.n}. — Нам нужны {vegetables.n}, "
    "{vegetables.n}, {any dishes.n}, {dishes.n} и {dishes.n}.",
)

ANSWERS = (
    "— Хорошо, — {how} {answered} <он>. — Я возьму {any things.a}, {things.a}, {things.a} и "
    "{foods.a}.",
    "— Понимаю, — {how} {answered} <он>. — А у меня есть {any things.n}, {things.n}, {things.n} и "
    "{# toys}.",
    "— Мне пора, — {how} {answered} <он>. — Надо отнести {any things.a} {people.d}, {things.a} — "
    "{people.d}, а {# toys} — {people.d}.",
    "— А можно взять {p.a}? — {how} <спросил> <он>. — <p:Он> любит {people.a}, {creatures.a}, "
    "{people.a} и {kind creatures.a}.",
    "— Скоро вернусь, — {how} {answered} <он>. — Только накормлю {pets.A} и {kind creatures.a}, "
    "соберу {crops.a} и {crops.a}, позову {kind people.a} и {people.a}.",
    "— Я <видел> {kind people.a}, {creatures.a} и {kind creatures.a} {fair places.where}, — {how} "
    "{answered} <он>.",
    "— Тогда возьми {any things.a}, {things.a}, {clothes.a} и {foods.a}, — {how} {answered} <он>.",
    "— Не знаю, — {how} {answered} <он>. — Надо спросить {folk.a}, {people.a}, {people.a} и "
    "{kind people.a}.",
    "— Конечно! — {how} {answered} <он>. — Поедем {later} {fair places.whither} {с people.i}, "
    "{с creatures.i} и {с creatures.i}.",
    "— Отлично, — {how} {answered} <он>. — Сыграем {later} на {instruments.p}, споём "
    "{о creatures.p} и позовём {people.a}, {people.a} и {kind people.a}.",
)

ENDINGS = (
    "С тех пор <он> ходит {fair places.whither} и носит {folk.d} {foods.a}, {crops.a}, "
    "{any things.a} и {things.a}.",
    "Вечером <он> <съел> {tasty foods.a}, {foods.a} и {crops.a}, <выпил> {drinks.g} и {how} "
    "<запел> {о creatures.p} и {о creatures.p}.",
    "Перед сном <он> <накормил> {p.a}, {creatures.a} и {creatures.a}, <вымыл> {any dishes.a} и "
    "<положил> {на furniture.a} {things.a}, {things.a} и {any things.a}.",
    "Ночью <ему> приснились {folk.n}, {kind creatures.n}, {any things.n}, {things.n} и "
    "{kind people.n}.",
    "Дома <его> ждали {kind creatures.n}, {creatures.n}, {any things.n}, {foods.n} и {filled.n} "
    "{с fillings.i}.",
    "Так {h.n}, {kind people.n} и {people.n} стали друзьями. Теперь они ездят "
    "{fair places.whither} {на vehicles.p}, едят {foods.a} и {foods.a}, поют {о creatures.p}.",
    "На память об этом дне остались {any things.n}, {things.n}, {things.n}, {things.n} и {# toys}.",
    "А {p.n} <p:спал> за {sheds.i}, и <p:ему> снились {kind creatures.n}, {creatures.n}, "
    "{people.n}, {creatures.n} и {kind people.n}.",
    "Завтра <он> снова пойдёт {fair places.whither}, возьмёт {any things.a}, {things.a} и "
    "{tools.a}, встретит {people.a}, {people.a} и {kind people.a}.",
    "Теперь {p.n} живёт {fair places.where} и дружит {с folk.i}, {с creatures.i} и {с people.i}.",
    "Об этом дне <он> потом {how} <рассказывал> {folk.d}, {people.d}, {people.d} и {people.d}.",
    "За {landmarks.i} погас закат, и <он> {carefully} <понёс> домой {any things.a}, {things.a}, "
    "{things.a} и {# toys}.",
)
