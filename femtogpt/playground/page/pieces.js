// The section that shows how surprising each piece of a text is to a model.
import { ask } from "./server.js";
import { hideCard, made, notice, showCard } from "./elements.js";
import { choose, chosen } from "./settings.js";
import { tellRefusal } from "./writing.js";
import { say, speak } from "./words.js";

const section = document.getElementById("pieces");
const form = section.querySelector("form"), prompt = section.querySelector(".prompt");
const go = section.querySelector(".go");
const place = section.querySelector(".tokens"), legend = section.querySelector(".legend");
const HOTTEST = 12; // bits
let pieces = [], at = -1;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});
prompt.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

// Of a text that was written here, by the run that wrote it.
export async function look(text, run) {
  if (text !== undefined) prompt.value = [...text].slice(0, 20000).join("");
  if (run) choose(run);
  if (!prompt.value || go.disabled) return;
  notice();
  go.disabled = true;
  try {
    pieces = await ask("/api/pieces", { run: chosen().name, text: prompt.value });
    show();
  } catch (error) {
    await tellRefusal(error);
  } finally {
    go.disabled = false;
  }
}

function show() {
  at = -1;
  place.replaceChildren(...pieces.map(({ text, bits }, number) => {
    const space = /^ (?=.)/.exec(text)?.[0] ?? ""; // uncoloured, or it would hang over line ends
    const coloured = made("i", { textContent: text.slice(space.length) });
    coloured.style.setProperty("--heat", Math.min(1, bits / HOTTEST).toFixed(3));
    const span = made("span", {}, space, coloured);
    span.dataset.number = number;
    return span;
  }));
  const characters = [...pieces.map((piece) => piece.text).join("")].length;
  const mean = pieces.reduce((sum, piece) => sum + piece.bits, 0) / Math.max(1, characters);
  speak(legend.querySelector("b"), () => say("mean", mean, pieces.length));
  place.hidden = legend.hidden = false;
}

function point(number) {
  place.children[at]?.classList.remove("chosen");
  at = number;
  const span = place.children[at];
  if (!span) {
    hideCard();
    return;
  }
  span.classList.add("chosen");
  const { text, bits, alternatives } = pieces[at];
  const rows = alternatives.map((one) => {
    const row = made("tr", { className: one.text === text ? "here" : "" });
    row.append(made("td", { textContent: one.text ? visible(one.text) : say("end_of_text") }), made("td", { textContent: say("chance", one.chance) }));
    return row;
  });
  showCard(span, [
    made("p", {}, made("b", { textContent: visible(text) }), ` — ${say("bits", bits)}, ${say("chance", 2 ** -bits)}`),
    made("p", { className: "note", textContent: `${say("also")}:` }),
    made("table", {}, ...rows),
  ]);
}

// Spaces and line ends as signs that can be seen.
function visible(text) {
  return text.replaceAll("\n", "↵").replace(/^ | $/g, "·");
}

place.addEventListener("pointerover", (event) => {
  const span = event.target.closest("[data-number]");
  if (span) point(Number(span.dataset.number));
});
place.addEventListener("pointerleave", () => point(-1));
place.addEventListener("blur", () => point(-1));
place.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  point(Math.min(Math.max(at + step, 0), pieces.length - 1));
  place.children[at].scrollIntoView({ block: "nearest" });
});
