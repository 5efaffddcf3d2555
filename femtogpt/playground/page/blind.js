// The section in which two models write and nobody knows who is who, until the vote.
import { Refusal, ask } from "./server.js";
import { made, notice } from "./elements.js";
import { chosen, chosenOther, label, sampling } from "./settings.js";
import { GrowingText, Writer, offerBeginnings, tellRefusal } from "./writing.js";
import { number, say } from "./words.js";

const section = document.getElementById("blind");
const writer = new Writer(section);
const place = section.querySelector(".texts");
const votes = section.querySelector(".votes");
const score = section.querySelector(".score");
const KEPT = "pair"; // of this window, while it is open
let pair = null, texts = [];
offerBeginnings(writer);

function begin(prompt) {
  texts = ["left", "right"].map((side) => new GrowingText(prompt, made("span", { words: () => say(side) })));
  place.replaceChildren(...texts.map((text) => text.article));
  votes.hidden = score.hidden = true;
}

function forget() {
  pair = null;
  sessionStorage.removeItem(KEPT);
  place.replaceChildren();
  votes.hidden = score.hidden = true;
}

writer.submit = async () => {
  const runs = [chosen(), chosenOther()];
  if (!runs[1] || runs[0] === runs[1]) {
    notice(() => say("choose_two"));
    document.getElementById("other").focus();
    return;
  }
  forget();
  begin(writer.prompt.value);
  place.scrollIntoView({ block: "nearest" });
  const order = { runs: runs.map((run) => run.name), prompt: writer.prompt.value, ...sampling() };
  const ended = await writer.listen("/api/blind", order, {
    begin: (begun) => {
      pair = begun.pair;
      sessionStorage.setItem(KEPT, pair);
    },
    text: ({ side, text }) => texts[side].add(text),
  });
  if (ended) {
    finish();
    votes.hidden = false;
    votes.focus({ preventScroll: true }); // so that the keys 1 to 4 are votes, not text
  } else {
    forget();
    if (ended === false) notice(() => say("cut"));
  }
};

function finish() {
  for (const text of texts) {
    finishText(text);
    text.under.lastChild.remove(); // tokens would need to know the model
  }
}

// An empty text is told to be one: it is judged, too.
function finishText(text) {
  text.finish(...(text.written ? [] : [() => say("nothing")]));
}

async function vote(better) {
  if (votes.hidden) return;
  try {
    votes.hidden = true;
    await reveal(await ask(`/api/blind/${pair}/vote`, { better }));
  } catch (error) {
    votes.hidden = false;
    await tellRefusal(error);
  }
}

async function reveal({ runs, better }) {
  texts.forEach((text, side) => {
    const won = better === ["left", "right"][side];
    const verdict = won ? [made("span", { className: "won", words: () => `✓ ${say("better")}` })] : [];
    text.heading.replaceChildren(made("b", { textContent: label(runs[side]) }), ...verdict);
    finishText(text);
  });
  await showScore([...runs].sort());
  await Promise.all(texts.map((text, side) => text.mark(runs[side])));
}

async function showScore(runs) {
  let [first, second] = runs;
  let tally = await ask("/api/score", { runs: [first, second] });
  if (tally.rate < 0.5) {
    [first, second] = [second, first];
    tally = await ask("/api/score", { runs: [first, second] });
  }
  const verdict = () => ({ better: say("score_better", label(first)), level: say("score_level") })[tally.verdict] ?? say("score_open");
  const more = tally.more ? [made("p", { words: () => say("more", tally.more) })] : [];
  const again = made("button", { type: "button", className: "go", words: () => say("again") });
  again.addEventListener("click", () => writer.form.requestSubmit());
  score.replaceChildren(
    made("p", { className: "verdict", words: verdict }),
    drawn(tally),
    made("div", { className: "ends" }, made("span", { textContent: `← ${label(second)}` }), made("span", { textContent: `${label(first)} →` })),
    made("p", { id: "rate", words: () => `${label(first)}: ${say("rate", tally.rate, tally.low, tally.high)}` }),
    made("p", { className: "note", words: () => say("votes", tally.votes, tally.ties) }),
    ...more,
    again,
  );
  score.hidden = false;
}

// The win rate of the run on the right, on an axis from 0 to 1, with its interval.
function drawn(tally) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-labelledby", "rate");
  const add = (name, kind, values) => {
    const shape = document.createElementNS(drawing.namespaceURI, name);
    shape.setAttribute("class", kind);
    for (const [key, value] of Object.entries(values)) shape.setAttribute(key, value);
    drawing.append(shape);
  };
  const at = (share) => `${number(100 * share, 1).replace(",", ".")}%`;
  add("line", "axis", { x1: "0%", x2: "100%", y1: "50%", y2: "50%" });
  add("line", "half", { x1: "50%", x2: "50%", y1: "10%", y2: "90%" });
  add("line", "span", { x1: at(tally.low), x2: at(tally.high), y1: "50%", y2: "50%" });
  add("circle", "rate", { cx: at(tally.rate), cy: "50%", r: 6 });
  return drawing;
}

for (const button of votes.querySelectorAll("button")) {
  button.addEventListener("click", () => vote(button.dataset.better));
}
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (section.hidden || typing || event.ctrlKey || event.altKey || event.metaKey) return;
  const button = votes.querySelectorAll("button")["1234".indexOf(event.key)];
  if (button && !votes.hidden) vote(button.dataset.better);
});

// After a reload: the same two texts, and the names only if they were told before.
export async function resume() {
  pair = sessionStorage.getItem(KEPT);
  if (!pair) return;
  try {
    const seen = await ask(`/api/blind/${pair}`);
    if (!seen.finished) {
      forget();
      notice(() => say("cut"));
      return;
    }
    begin(seen.prompt);
    texts.forEach((text, side) => text.add(seen.texts[side]));
    finish();
    if (seen.runs) await reveal(seen);
    else votes.hidden = false;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    forget();
  }
}
