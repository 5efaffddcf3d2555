// What the sections that write have in common: a form, a way to stop, texts that grow.
import { Refusal, ask, listen } from "./server.js";
import { atEnd, copyButton, explain, made, notice } from "./elements.js";
import { chosen, chosenOther, loadRuns } from "./settings.js";
import { refusal, say, speak } from "./words.js";

// Tell why something was not done; a list that is out of date is fetched anew.
export async function tellRefusal(error) {
  if (!(error instanceof Refusal)) throw error;
  notice(() => refusal(error.why, error.detail));
  if (["gone", "half-finished"].includes(error.why)) await loadRuns();
}

export class Writer {
  constructor(section) {
    this.section = section;
    this.form = section.querySelector("form");
    this.prompt = section.querySelector(".prompt");
    this.go = section.querySelector(".go");
    this.stopButton = section.querySelector(".stop");
    this.stopButton.addEventListener("click", () => this.stop());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.busy) this.submit();
    });
    this.prompt.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
    });
    this.prompt.value = sessionStorage.getItem(`prompt/${section.id}`) ?? "";
    this.prompt.addEventListener("input", () => this.keep());
  }

  keep() {
    sessionStorage.setItem(`prompt/${this.section.id}`, this.prompt.value);
  }

  get busy() {
    return !this.stopButton.hidden;
  }

  stop() {
    this.aborting?.abort();
  }

  // Listen until the end. Gives whether it was reached; false if a person stopped it.
  async listen(path, body, handlers) {
    notice();
    this.aborting = new AbortController();
    this.stopButton.hidden = false;
    this.go.disabled = true;
    try {
      await listen(path, body, this.aborting.signal, handlers);
      return true;
    } catch (error) {
      if (error.name === "AbortError") return false;
      await tellRefusal(error);
      return null;
    } finally {
      this.stopButton.hidden = true;
      this.go.disabled = false;
    }
  }
}

// Buttons with the beginnings of the chosen runs' configurations.
export function offerBeginnings(writer) {
  const place = writer.section.querySelector(".beginnings");
  document.addEventListener("chosen", () => {
    const offered = [chosen(), chosenOther()].flatMap((one) => one?.beginnings ?? []);
    place.replaceChildren(...[...new Set(offered)].slice(0, 8).map((text) => {
      const button = made("button", { type: "button", textContent: text, title: text });
      button.addEventListener("click", () => {
        writer.prompt.value = text;
        writer.keep();
        writer.prompt.focus();
      });
      return button;
    }));
  });
}

// A text as it grows, with its beginning before it.
export class GrowingText {
  constructor(prompt, ...heading) {
    this.prompt = prompt;
    this.written = "";
    this.heading = made("h2", {}, ...heading);
    this.body = made("div", { className: "text", ariaBusy: "true", lang: "ru" }, made("span", { className: "begun", textContent: prompt }));
    this.under = made("div", { className: "under" });
    this.article = made("article", {}, this.heading, this.body, this.under);
    this.under.append(made("span", { words: () => say("waiting") }));
  }

  get whole() {
    return this.prompt + this.written;
  }

  add(text) {
    const follow = atEnd();
    if (!this.written) this.under.replaceChildren();
    this.written += text;
    this.body.append(text);
    if (follow) window.scrollTo(0, document.documentElement.scrollHeight);
  }

  // `facts` are functions, as the words of `made`.
  finish(...facts) {
    this.body.ariaBusy = "false";
    this.body.normalize();
    this.facts = facts;
    this.told = made("span", { className: "facts", words: () => this.facts.map((fact) => fact()).join(" · ") });
    const pieces = made("button", { type: "button", className: "quiet", words: () => say("as_pieces") });
    pieces.addEventListener("click", () => {
      document.dispatchEvent(new CustomEvent("look", { detail: { text: this.whole, run: this.run } }));
    });
    this.under.replaceChildren(this.told, copyButton(() => this.whole), pieces);
  }

  // Tell one more fact about the text under it.
  tell(fact) {
    this.facts.push(fact);
    speak(this.told, this.told.words);
  }

  // Mark what stands verbatim in the texts that its run was trained on.
  async mark(run) {
    this.run = run;
    if (!this.written) return;
    const found = await ask("/api/marks", { run, text: this.written });
    if (found === null) {
      this.tell(() => say("no_index"));
      return;
    }
    const characters = [...this.written];
    const parts = [this.body.firstChild];
    let place = 0, known = 0;
    for (const { start, end, work } of found) {
      const from = Math.max(start, place);
      if (end <= from) continue;
      const marked = made("mark", { tabIndex: 0, textContent: characters.slice(from, end).join("") });
      explain(marked, () => [
        made("p", { className: "note", textContent: say("verbatim", end - start) }),
        made("p", { textContent: [work.author, work.title || work.id || say("untitled")].filter(Boolean).join(", ") }),
      ]);
      parts.push(characters.slice(place, from).join(""), marked);
      known += end - from;
      place = end;
    }
    this.body.replaceChildren(...parts, characters.slice(place).join(""));
    this.tell(() => (known ? say("marked", known / characters.length) : say("no_marks")));
  }
}
