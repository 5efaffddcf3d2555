// What the page says, in Russian and English.
const WORDS = {
  ru: {
    title: "Проба пера", tabs: "Разделы", write: "Продолжение", blind: "Вслепую",
    talk: "Разговор", pieces: "Токены", language: "English",
    model: "Модель", beside: "Вторая модель", nobody: "нет", settings: "Настройки",
    characters: "Длина, символов", temperature: "Температура", penalty: "Штраф за повторы",
    seed: "Зерно", any: "любое", usual: "Сбросить", all: "все", off: "нет", greedy: "0: без случайности",
    beginning: "Начало", empty: "Пусто — модель начнёт новый текст",
    go: "Написать", stop: "Остановить", compare: "Сравнить вслепую",
    go_keys: "Ctrl + Enter — написать, Esc — остановить",
    blind_about: "Кто что написал, вы узнаете, когда проголосуете.",
    which: "Какой текст лучше", left: "Слева", right: "Справа",
    left_better: "Левый лучше", right_better: "Правый лучше", equal: "Равны", bad: "Оба плохи",
    again: "Ещё раз", better: "лучше",
    you: "Вы", it: "Модель", say: "Ваша реплика", send: "Сказать", clear: "Начать заново",
    no_turns: "В текстах, на которых обучена эта модель, не было реплик с именами («▸ Имя:»): вести разговор она не умеет. Обучите модель на интервью или переписке.",
    unknown_turns: "Тексты, на которых обучена эта модель, удалены: умеет ли она вести разговор, неизвестно.",
    any_text: "Любой текст", paste: "Вставьте текст или нажмите «Токены» под тем, что написала модель",
    look: "Посмотреть", pieces_keys: "Стрелки ведут от токена к токену", expected: "ожидаемо", surprised: "неожиданно",
    copy: "Скопировать", copied: "Скопировано", as_pieces: "Токены",
    end_of_text: "конец текста", also: "вероятнее всего здесь",
    bits: (bits) => `${number(bits, 1)} бита`, chance: (share) => percent(share),
    mean: (bits, count) => `${number(bits, 2)} бита на символ, токенов: ${count}`,
    held_out: (bits, estimate) => `${estimate ? "≈ " : ""}${number(bits, 3)} бита на символ`,
    no_figure: "без оценки", parameters: (count) => `${scaled(count, "тыс.", "млн")} параметров`,
    facts: (length, seed) => `символов: ${length} · зерно ${seed}`,
    stopped: "остановлено", nothing: "модель сразу закончила текст",
    no_index: "Указателя текстов для этой модели нет: дословные совпадения не отмечены.",
    no_marks: "дословных совпадений нет", marked: (share) => `дословно из корпуса: ${percent(share)}`,
    verbatim: (length) => `Дословно в корпусе (символов: ${length}):`, untitled: "без названия",
    waiting: "модель загружается…", choose_two: "Выберите вторую модель, не ту же самую.",
    score_better: (name) => `${name} лучше.`, score_level: "Ни одна не лучше другой.",
    score_open: "Пока неясно, какая лучше.",
    votes: (count, ties) => `голосов: ${count}, из них вничью: ${ties}`,
    rate: (rate, low, high) => `${percent(rate)} побед, от ${percent(low)} до ${percent(high)}`,
    more: (count) => `Если так пойдёт и дальше, хватит ещё голосов: ${count}.`,
    cut: "Сравнение прервалось: начните новое.",
    unready: "ещё не обучена",
    refused: {
      "bad request": "Так не получится: проверьте настройки.",
      "bad door": "Страница устарела: обновите её.",
      "gone": "Этой модели больше нет: выберите другую, список обновлён.",
      "half-finished": "Эта модель ещё не обучена до конца: выберите другую.",
      "damaged": "Файлы этой модели повреждены: обучите её заново или выберите другую.",
      "no name": "У собеседника нет имени: назовите его.",
      "no such pair": "Этого сравнения больше нет: начните новое.",
      "unfinished": "Тексты ещё не дописаны: дождитесь конца.",
      "not kept": "Голос не записан: проверьте, есть ли место на диске.",
      "failed": "Что-то пошло не так: попробуйте ещё раз.",
      "away": "Сервер не отвечает: снова запустите make play.",
    },
  },
  en: {
    title: "Playground", tabs: "Sections", write: "Continue", blind: "Blind",
    talk: "Dialogue", pieces: "Tokens", language: "Русский",
    model: "Model", beside: "Second model", nobody: "none", settings: "Settings",
    characters: "Length, characters", temperature: "Temperature", penalty: "Repetition penalty",
    seed: "Seed", any: "any", usual: "Reset", all: "all", off: "none", greedy: "0: greedy",
    beginning: "Beginning", empty: "Empty: the model begins a new text",
    go: "Write", stop: "Stop", compare: "Compare blindly",
    go_keys: "Ctrl + Enter writes, Esc stops",
    blind_about: "You learn who wrote what once you have voted.",
    which: "Which text is better", left: "Left", right: "Right",
    left_better: "Left is better", right_better: "Right is better", equal: "Equal", bad: "Both are bad",
    again: "Again", better: "better",
    you: "You", it: "The model", say: "Your line", send: "Say", clear: "Start over",
    no_turns: "The texts that this model was trained on had no turns with names («▸ Name:»): it cannot hold a dialogue. Train a model on interviews or chats.",
    unknown_turns: "The texts that this model was trained on are gone: whether it can hold a dialogue is unknown.",
    any_text: "Any text", paste: "Paste a text, or press Tokens below one that a model wrote",
    look: "Show", pieces_keys: "Arrow keys go from token to token", expected: "expected", surprised: "surprising",
    copy: "Copy", copied: "Copied", as_pieces: "Tokens",
    end_of_text: "end of text", also: "likeliest here",
    bits: (bits) => `${number(bits, 1)} bits`, chance: (share) => percent(share),
    mean: (bits, count) => `${number(bits, 2)} bits per character, ${count} tokens`,
    held_out: (bits, estimate) => `${estimate ? "≈ " : ""}${number(bits, 3)} bits per character`,
    no_figure: "not evaluated", parameters: (count) => `${scaled(count, "k", "M")} parameters`,
    facts: (length, seed) => `${length} characters · seed ${seed}`,
    stopped: "stopped", nothing: "the model ended the text at once",
    no_index: "There is no index of this model's texts: nothing verbatim can be marked.",
    no_marks: "nothing verbatim", marked: (share) => `verbatim from the corpus: ${percent(share)}`,
    verbatim: (length) => `Verbatim in the corpus, ${length} characters:`, untitled: "untitled",
    waiting: "the model is loading…", choose_two: "Choose a second model, other than the first.",
    score_better: (name) => `${name} is better.`, score_level: "Neither is better.",
    score_open: "Not settled yet.",
    votes: (count, ties) => `votes: ${count}, ties: ${ties}`,
    rate: (rate, low, high) => `wins ${percent(rate)}, between ${percent(low)} and ${percent(high)}`,
    more: (count) => `If it goes on like this, votes still needed: ${count}.`,
    cut: "This comparison was cut off: begin another.",
    unready: "not trained yet",
    refused: {
      "bad request": "This is not possible: check the settings.",
      "bad door": "This page is out of date: reload it.",
      "gone": "This model is gone: choose another, the list was updated.",
      "half-finished": "This model is not fully trained yet: choose another.",
      "damaged": "The files of this model are damaged: train it again, or choose another.",
      "no name": "The speaker has no name: give one.",
      "no such pair": "This comparison is gone: begin another.",
      "unfinished": "The texts are not finished: wait for their end.",
      "not kept": "The vote was not kept: check that the disk has room.",
      "failed": "Something went wrong: try again.",
      "away": "The server does not answer: start make play again.",
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

// Have an element say what `words` gives, now and after each change of the language.
export function speak(element, words) {
  element.words = words;
  element.dataset.words = "";
  element.textContent = words();
}

// Put the words into the page, and tell those who show figures in their own way.
export function translate() {
  document.documentElement.lang = language;
  document.title = `${say("title")} · femtoGPT`;
  for (const place of document.querySelectorAll("[data-say]")) place.textContent = say(place.dataset.say);
  for (const place of document.querySelectorAll("[data-words]")) place.textContent = place.words();
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

function scaled(count, thousand, million) {
  const [value, unit] = count < 1e5 ? [count / 1e3, thousand] : [count / 1e6, million];
  return `${number(value, value < 10 ? 1 : 0)} ${unit}`;
}

function percent(share) {
  if (share > 0 && share < 0.001) return language === "ru" ? "< 0,1 %" : "< 0.1%";
  const digits = share < 0.1 ? 1 : 0;
  return `${number(100 * share, digits)}${language === "ru" ? " %" : "%"}`;
}
