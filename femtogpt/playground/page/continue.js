// The section in which one or two models continue a beginning.
import { made } from "./elements.js";
import { chosen, chosenOther, figure, label, sampling, seedOrAny } from "./settings.js";
import { GrowingText, Writer, offerBeginnings, tellRefusal } from "./writing.js";
import { say } from "./words.js";

const section = document.getElementById("write");
const writer = new Writer(section);
const place = section.querySelector(".texts");
offerBeginnings(writer);

writer.submit = async () => {
  const runs = [chosen(), chosenOther()].filter(Boolean);
  const prompt = writer.prompt.value;
  const texts = runs.map((run) => new GrowingText(prompt, made("b", { textContent: label(run.name) }), made("span", { words: () => figure(run) })));
  place.replaceChildren(...texts.map((text) => text.article));
  place.scrollIntoView({ block: "nearest" });
  let seed;
  const order = { runs: runs.map((run) => run.name), prompt, seed: seedOrAny(), ...sampling() };
  const ended = await writer.listen("/api/write", order, {
    begin: (begun) => { seed = begun.seed; },
    text: ({ side, text }) => texts[side].add(text),
  });
  if (ended === null && !texts.some((text) => text.written)) {
    place.replaceChildren();
    return;
  }
  for (const text of texts) {
    const facts = () => say("facts", [...text.written].length, seed);
    text.finish(facts, ...(ended ? [] : [() => say("stopped")]));
  }
  try {
    await Promise.all(texts.map((text, side) => text.mark(runs[side].name)));
  } catch (error) {
    await tellRefusal(error);
  }
};
