// A group of buttons of which one is pressed.
import { node } from "./elements.js";

// choices: [value, text, settings] of each; choose(value).
export function choiceGroup(label, choices, chosen, choose) {
  const button = ([value, text, settings = {}]) =>
    node("button", {
      type: "button",
      class: "g-way",
      text,
      "aria-pressed": String(value === chosen),
      onclick: () => choose(value),
      ...settings,
    });
  return node("div", { class: "g-ways g-ways-wrap", role: "group", "aria-label": label }, ...choices.map(button));
}
