// Which models write, and how: chosen once for all sections, and kept while the window is open.
import { ask } from "./server.js";
import { made } from "./elements.js";
import { moment, number, say, speak } from "./words.js";

const run = document.getElementById("run");
const other = document.getElementById("other");
const seed = document.getElementById("seed");
const sliders = [...document.querySelectorAll("#settings input[type=range]")];
const FORMS = { temperature: (value) => (value ? number(value, 2) : say("greedy")), top_k: (value) => value || say("all"),
  min_p: (value) => (value ? number(value, 2) : say("off")), top_p: (value) => number(value, 2),
  repetition_penalty: (value) => (value === 1 ? say("off") : number(value, 2)), characters: (value) => number(value, 0) };
let runs = [];

export function chosen() {
  return runs.find((one) => one.name === run.value);
}

export function chosenOther() {
  return runs.find((one) => one.name === other.value);
}

export function choose(name) {
  run.value = name;
  tell();
}

function find(name) {
  return runs.find((one) => one.name === name);
}

// A run as a person knows it: its configuration, and its name in `femtogpt runs`.
export function label(name) {
  const { configuration, short } = find(name) ?? { short: name.replace("run/", "") };
  return configuration ? `${configuration} · ${short}` : short;
}

export function figure(one) {
  return one.bits === null ? say("no_figure") : say("held_out", one.bits, one.is_estimate);
}

function short(one) {
  return one.bits === null ? say("no_figure") : number(one.bits, 3);
}

export function sampling() {
  const values = Object.fromEntries(sliders.map((slider) => [slider.name, Number(slider.value)]));
  return { ...values, top_k: values.top_k || null };
}

// A number a person asked for, or null for any.
export function seedOrAny() {
  const asked = Number.parseInt(seed.value, 10);
  return Number.isNaN(asked) ? null : Math.min(Math.max(asked, 0), 2 ** 31 - 1);
}

export async function loadRuns() {
  runs = await ask("/api/runs");
  const kept = [run.value || sessionStorage.getItem("run"), other.value || sessionStorage.getItem("other")];
  fill(run, kept[0], []);
  fill(other, kept[1], [made("option", { value: "", words: () => say("nobody") })]);
  tell();
}

function fill(select, name, first) {
  const options = runs.map((one) => made("option", {
    value: one.name,
    disabled: one.state !== "finished",
    words: () => `${label(one.name)} · ${one.state === "finished" ? short(one) : say("unready")}`,
  }));
  select.replaceChildren(...first, ...options);
  const usable = [...select.options].filter((option) => !option.disabled);
  select.value = usable.some((option) => option.value === name) ? name : usable[0]?.value;
}

function about(one) {
  if (!one) return "";
  const size = one.parameters ? [say("parameters", one.parameters)] : [];
  return [figure(one), ...size, moment(one.date)].join(" · ");
}

function tell() {
  speak(document.getElementById("run-about"), () => about(chosen()));
  speak(document.getElementById("other-about"), () => about(chosenOther()));
  sessionStorage.setItem("run", run.value);
  sessionStorage.setItem("other", other.value);
  document.dispatchEvent(new Event("chosen"));
}

function show(slider) {
  slider.previousElementSibling.textContent = FORMS[slider.name](Number(slider.value));
  sessionStorage.setItem(`how/${slider.name}`, slider.value);
}

for (const select of [run, other]) select.addEventListener("change", tell);
for (const slider of sliders) {
  slider.value = sessionStorage.getItem(`how/${slider.name}`) ?? slider.value;
  slider.addEventListener("input", () => show(slider));
}
document.getElementById("usual").addEventListener("click", () => {
  for (const slider of sliders) {
    slider.value = slider.defaultValue;
    show(slider);
  }
  seed.value = "";
});
document.addEventListener("translated", () => sliders.forEach(show));
