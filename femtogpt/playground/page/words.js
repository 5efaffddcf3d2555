// What the page says, in Russian and English.
const WORDS = {
  ru: {
    title: "Проба пера", tabs: "Разделы", write: "Продолжение", blind: "Вслепую",
    talk: "Разговор", pieces: "Токены", language: "English",
    model: "Модель", beside: "Рядом с ней", nobody: "никого", settings: "Как писать",
    characters: "Длина, символов", temperature: "Температура", penalty: "Штраф за повторы",
    seed: "Зерно", any: "любое", usual: "Как обычно", all: "все", off: "нет", greedy: "0: без случая",
    beginning: "Начало", empty: "Пусто — модель начнёт новый текст",
    go: "Написать", stop: "Остановить", compare: "Сравнить вслепую",
    go_keys: "Ctrl + Enter — написать, Esc — остановить",
    blind_about: "Кто из них кто, откроется после голоса.",
    which: "Какой текст лучше", left: "Слева", right: "Справа",
    left_better: "Левый лучше", right_better: "Правый лучше", equal: "Равны", bad: "Оба плохи",
    again: "Ещё раз", better: "лучше",
    you: "Вы", it: "Модель", say: "Ваша реплика", send: "Сказать", clear: "Начать заново",
    no_turns: "В текстах этой модели не было реплик с именами («▸ Имя:»): разговора она не знает. Обучите модель на интервью или чатах.",
    unknown_turns: "Тексты, на которых обучена эта модель, удалены: знает ли она реплики с именами, неизвестно.",
    any_text: "Любой текст", paste: "Вставьте текст — или отправьте сюда написанное",
    look: "Посмотреть", pieces_keys: "По токенам — стрелками", expected: "ждала", surprised: "удивилась",
    copy: "Скопировать", copied: "Скопировано", as_pieces: "Токены",
    end_of_text: "конец текста", also: "вместо этого ждала",
    bits: (bits) => `${number(bits, 1)} бита`, chance: (share) => percent(share),
    mean: (bits, count) => `${number(bits, 2)} бита на символ, токенов: ${count}`,
    held_out: (bits, estimate) => `${estimate ? "≈ " : ""}${number(bits, 3)} бита на символ`,
    no_figure: "без оценки", parameters: (count) => `${millions(count)} млн параметров`,
    facts: (length, seed) => `символов: ${length} · зерно ${seed}`,
    stopped: "остановлено",
    no_index: "Указателя текстов для этой модели нет: дословные места не отмечены.",
    no_marks: "дословных мест нет", marked: (share) => `дословно из корпуса: ${percent(share)}`,
    verbatim: (length) => `Дословно в корпусе (символов: ${length}):`, untitled: "без названия",
    waiting: "модель загружается…", choose_two: "Выберите вторую модель: сравнивают двоих.",
    no_votes: "Голосов пока нет.",
    score_better: (name) => `${name} лучше.`, score_level: "Ни одна не лучше другой.",
    score_open: "Пока не решено.",
    votes: (count, ties) => `голосов: ${count}, из них поровну: ${ties}`,
    rate: (rate, low, high) => `${percent(rate)} побед, от ${percent(low)} до ${percent(high)}`,
    more: (count) => `Если так пойдёт и дальше, хватит ещё голосов: ${count}.`,
    cut: "Сравнение прервалось до конца: начните другое.",
    unready: "не обучена",
    refused: {
      "bad request": "Так не получится: проверьте настройки.",
      "bad door": "Страница устарела: обновите её.",
      "gone": "Этой модели больше нет: список обновлён.",
      "half-finished": "Эта модель ещё не обучена до конца.",
      "damaged": "Файлы этой модели повреждены: обучите её заново.",
      "no name": "Дайте говорящим имена.",
      "no such pair": "Это сравнение забыто: начните другое.",
      "unfinished": "Тексты ещё не дописаны.",
      "not kept": "Голос не записан: проверьте, есть ли место на диске.",
      "failed": "Не вышло.",
      "away": "Сервер не отвечает: запустите make play.",
    },
  },
  en: {
    title: "Playground", tabs: "Sections", write: "Continue", blind: "Blind",
    talk: "Dialogue", pieces: "Tokens", language: "Русский",
    model: "Model", beside: "Beside it", nobody: "nobody", settings: "How to write",
    characters: "Length, characters", temperature: "Temperature", penalty: "Repetition penalty",
    seed: "Seed", any: "any", usual: "As usual", all: "all", off: "none", greedy: "0: greedy",
    beginning: "Beginning", empty: "Empty: the model begins a text",
    go: "Write", stop: "Stop", compare: "Compare blindly",
    go_keys: "Ctrl + Enter writes, Esc stops",
    blind_about: "Who is who is told after the vote.",
    which: "Which text is better", left: "Left", right: "Right",
    left_better: "Left is better", right_better: "Right is better", equal: "Equal", bad: "Both bad",
    again: "Once more", better: "better",
    you: "You", it: "The model", say: "Your turn", send: "Say", clear: "Start anew",
    no_turns: "There were no turns with names («▸ Name:») in this model's texts: it knows no dialogue. Train one on interviews or chats.",
    unknown_turns: "The texts of this model were removed: whether it knows turns with names is unknown.",
    any_text: "Any text", paste: "Paste a text, or send what was written here",
    look: "Look", pieces_keys: "Arrow keys go from token to token", expected: "expected", surprised: "surprised",
    copy: "Copy", copied: "Copied", as_pieces: "Tokens",
    end_of_text: "end of text", also: "it expected",
    bits: (bits) => `${number(bits, 1)} bits`, chance: (share) => percent(share),
    mean: (bits, count) => `${number(bits, 2)} bits per character, ${count} tokens`,
    held_out: (bits, estimate) => `${estimate ? "≈ " : ""}${number(bits, 3)} bits per character`,
    no_figure: "no figure", parameters: (count) => `${millions(count)} M parameters`,
    facts: (length, seed) => `${length} characters · seed ${seed}`,
    stopped: "stopped",
    no_index: "There is no index of this model's texts: what is verbatim is not marked.",
    no_marks: "nothing verbatim", marked: (share) => `verbatim from the corpus: ${percent(share)}`,
    verbatim: (length) => `Verbatim in the corpus, ${length} characters:`, untitled: "untitled",
    waiting: "the model is being loaded…", choose_two: "Choose a second model to compare with.",
    no_votes: "No votes yet.",
    score_better: (name) => `${name} is better.`, score_level: "Neither is better.",
    score_open: "Not settled yet.",
    votes: (count, ties) => `${count} votes, ${ties} of them undecided`,
    rate: (rate, low, high) => `${percent(rate)} of wins, between ${percent(low)} and ${percent(high)}`,
    more: (count) => `If it goes on like this, ${count} more votes will settle it.`,
    cut: "This comparison was cut off: begin another.",
    unready: "not trained",
    refused: {
      "bad request": "This is not possible: check the settings.",
      "bad door": "This page is out of date: reload it.",
      "gone": "This model is gone: the list is new.",
      "half-finished": "This model is not trained to its end.",
      "damaged": "The files of this model are damaged: train it again.",
      "no name": "Give the speakers names.",
      "no such pair": "This comparison is forgotten: begin another.",
      "unfinished": "The texts are not finished.",
      "not kept": "The vote was not kept: see if there is room on the disk.",
      "failed": "That failed.",
      "away": "The server does not answer: start it with make play.",
    },
  },
};

let language = localStorage.getItem("language") === "en" ? "en" : "ru";

export function say(name, ...values) {
  const words = WORDS[language][name];
  return typeof words === "function" ? words(...values) : words;
}

export function refusal(why, detail) {
  const words = say("refused")[why] ?? say("refused").failed;
  return detail ? `${words} (${detail})` : words;
}

// Put the words into the page, and tell those who have written others.
export function translate() {
  document.documentElement.lang = language;
  document.title = `${say("title")} · femtoGPT`;
  for (const place of document.querySelectorAll("[data-say]")) place.textContent = say(place.dataset.say);
  for (const place of document.querySelectorAll("[data-say-label]")) place.ariaLabel = say(place.dataset.sayLabel);
  for (const place of document.querySelectorAll("[data-say-placeholder]")) place.placeholder = say(place.dataset.sayPlaceholder);
  const button = document.getElementById("language");
  button.textContent = say("language");
  button.lang = language === "ru" ? "en" : "ru";
  document.dispatchEvent(new Event("translated"));
}

export function changeLanguage() {
  language = language === "ru" ? "en" : "ru";
  localStorage.setItem("language", language);
  translate();
}

export function moment(date) {
  return new Date(date).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}

export function number(value, digits) {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function millions(count) {
  return number(count / 1e6, count < 1e7 ? 1 : 0);
}

function percent(share) {
  if (share > 0 && share < 0.001) return language === "ru" ? "< 0,1 %" : "< 0.1%";
  const digits = share < 0.1 ? 1 : 0;
  return `${number(100 * share, digits)}${language === "ru" ? " %" : "%"}`;
}
