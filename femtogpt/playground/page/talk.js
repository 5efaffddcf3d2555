// The section in which a person talks with a model that knows turns.
import { copy, made } from "./elements.js";
import { chosen, sampling, seedOrAny } from "./settings.js";
import { Writer } from "./writing.js";
import { say, speak } from "./words.js";

const section = document.getElementById("talk");
const writer = new Writer(section);
const list = section.querySelector(".turns");
const warning = document.getElementById("no-turns");
const me = document.getElementById("me"), it = document.getElementById("it");
let turns = [];

function shown(turn, kind) {
  const text = made("div", { className: "text", lang: "ru" }, turn.text);
  list.append(made("li", { className: kind }, made("b", { textContent: turn.speaker }), text));
  return text;
}

writer.submit = async () => {
  const own = { speaker: me.value, text: writer.prompt.value.trim() };
  if (own.text) {
    turns.push(own);
    shown(own, "mine");
  }
  writer.prompt.value = "";
  writer.keep();
  const answer = { speaker: it.value, text: "" };
  const place = shown(answer, "its");
  place.ariaBusy = "true";
  const order = { run: chosen().name, turns, speaker: it.value, seed: seedOrAny(), ...sampling() };
  await writer.listen("/api/talk", order, {
    text: ({ text }) => {
      answer.text = (answer.text + text).trimStart();
      place.textContent = answer.text;
      place.scrollIntoView({ block: "nearest" });
    },
  });
  place.ariaBusy = "false";
  if (answer.text.trim()) turns.push(answer);
  else place.parentElement.remove();
  writer.prompt.focus();
};

writer.prompt.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    writer.form.requestSubmit();
  }
});
section.querySelector(".clear").addEventListener("click", () => {
  writer.stop();
  turns = [];
  list.replaceChildren();
});
section.querySelector(".copy").addEventListener("click", (event) => {
  copy(event.target, turns.map((turn) => `${turn.speaker}: ${turn.text}`).join("\n"));
});

function tell() {
  const turnsKnown = chosen()?.turns;
  warning.hidden = turnsKnown === true;
  speak(warning, () => say(turnsKnown === false ? "no_turns" : "unknown_turns"));
  for (const part of [section.querySelector(".names"), writer.form, list]) part.hidden = turnsKnown === false;
}
document.addEventListener("chosen", tell);
