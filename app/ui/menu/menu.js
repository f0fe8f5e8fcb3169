// A button with choices under it.
import { button, icon, node } from "../elements/elements.js";

// choices: [text, action, id] with a function to call, or an address to download.
export const menu = (iconName, label, choices, settings = {}) => {
  const choice = ([text, action, id]) =>
    typeof action === "string"
      ? node("a", { class: "g-button", id, href: action, download: "", text, onclick: () => (made.open = false) })
      : button(null, text, () => {
          made.open = false;
          action();
        });
  const made = node(
    "details",
    { class: "g-menu", ...settings },
    node("summary", { class: "g-button" }, icon(iconName), label ? node("span", { text: label }) : null),
    node("div", { class: "g-menu-choices" }, ...choices.map(choice)),
  );
  made.addEventListener("focusout", (event) => made.contains(event.relatedTarget) || (made.open = false));
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !made.open) return;
    event.stopPropagation();
    made.open = false;
    made.querySelector("summary").focus();
  });
  return made;
};
