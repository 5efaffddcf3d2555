// The page: its sections, its language, its keys.
import "./continue.js";
import { resume } from "./blind.js";
import "./talk.js";
import { look } from "./pieces.js";
import { hideCard, notice } from "./elements.js";
import { loadRuns } from "./settings.js";
import { tellRefusal } from "./writing.js";
import { changeLanguage, translate } from "./words.js";

const tabs = [...document.querySelectorAll("[role=tab]")];
const panels = tabs.map((tab) => document.getElementById(tab.getAttribute("aria-controls")));
const WITH_TWO = ["write", "blind"]; // the sections in which two models may write
const settings = document.getElementById("settings");

function open(name) {
  const number = Math.max(0, panels.findIndex((panel) => panel.id === name));
  tabs.forEach((tab, other) => {
    tab.ariaSelected = String(other === number);
    tab.tabIndex = other === number ? 0 : -1;
    panels[other].hidden = other !== number;
  });
  const id = panels[number].id;
  document.getElementById("second").hidden = !WITH_TWO.includes(id);
  document.getElementById("seed-field").hidden = id === "blind";
  settings.hidden = id === "pieces";
  hideCard();
  notice();
  history.replaceState(null, "", `#${id}`);
}

for (const [number, tab] of tabs.entries()) {
  tab.addEventListener("click", () => open(panels[number].id));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (number + step + tabs.length) % tabs.length;
    open(panels[next].id);
    tabs[next].focus();
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  hideCard();
  document.querySelector("[role=tabpanel]:not([hidden]) .stop:not([hidden])")?.click();
});
document.addEventListener("look", ({ detail }) => {
  open("pieces");
  look(detail.text, detail.run);
});
document.getElementById("language").addEventListener("click", changeLanguage);

if (window.matchMedia("(max-width: 56rem)").matches) settings.open = false;
translate();
open(location.hash.slice(1));
try {
  await loadRuns();
  await resume();
} catch (error) {
  await tellRefusal(error);
}
