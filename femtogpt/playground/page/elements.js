// Small parts of the page. Text goes in as text, never as markup.
import { say, speak } from "./words.js";

const card = document.getElementById("card");

// `words`, if given, is a function: what the element says in the chosen language.
export function made(name, { words, ...about } = {}, ...children) {
  const element = Object.assign(document.createElement(name), about);
  if (words) speak(element, words);
  element.append(...children);
  return element;
}

// A card beside an element while it is pointed at, touched or focused; `fill` gives its contents.
export function explain(element, fill) {
  const show = () => showCard(element, fill());
  element.addEventListener("pointerenter", show);
  element.addEventListener("focus", show);
  element.addEventListener("click", show);
  element.addEventListener("pointerleave", hideCard);
  element.addEventListener("blur", hideCard);
}

export function showCard(element, contents) {
  card.replaceChildren(...contents);
  card.hidden = false;
  const place = element.getClientRects()[0] ?? element.getBoundingClientRect();
  const left = Math.min(place.left, document.documentElement.clientWidth - card.offsetWidth - 12);
  const below = place.bottom + card.offsetHeight + 10 < window.innerHeight;
  const top = below ? place.bottom + 6 : place.top - card.offsetHeight - 6;
  card.style.left = `${Math.max(12, left) + window.scrollX}px`;
  card.style.top = `${top + window.scrollY}px`;
}

export function hideCard() {
  card.hidden = true;
}

export function copyButton(text) {
  const button = made("button", { type: "button", className: "quiet copy", words: () => say("copy") });
  button.addEventListener("click", () => copy(button, text()));
  return button;
}

export async function copy(button, text) {
  await navigator.clipboard.writeText(text);
  button.textContent = say("copied");
  setTimeout(() => { button.textContent = say("copy"); }, 1500);
}

// Scroll as a text grows, but only for a reader who is at its end.
export function atEnd() {
  return window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 80;
}

// Say something above the sections, or nothing any more. `words` is a function, as in `made`.
export function notice(words) {
  const place = document.getElementById("notice");
  place.hidden = !words;
  place.replaceChildren(...(words ? [made("span", { words })] : []));
}
