// What can be moved in a lesson: sliders, also by factors, and choices.
import { choiceGroup } from "../../ui/elements/choices.js";
import { node } from "../../ui/elements/elements.js";

const PLACES = 100; // of a slider that moves by factors

// The place of a value on a slider by factors, and back; three digits of a value are enough.
export const placeOf = (value, { low, high }) => Math.round((PLACES * Math.log(value / low)) / Math.log(high / low));
export const valueAt = (place, { low, high }) => Number((low * (high / low) ** (place / PLACES)).toPrecision(3));

function slider(control, value, change) {
  const { name, label, low, high, step, log } = control;
  const shown = node("output", { text: String(value) });
  const read = (field) => (log ? valueAt(Number(field.value), control) : Number(field.value));
  const range = log ? { min: 0, max: PLACES, step: 1 } : { min: low, max: high, step };
  const field = node("input", {
    type: "range",
    id: `learn-${name}`,
    ...Object.fromEntries(Object.entries(range).map(([key, limit]) => [key, String(limit)])),
    value: String(log ? placeOf(value, control) : value),
    "aria-valuetext": String(value),
    oninput: () => {
      const now = read(field);
      shown.textContent = String(now);
      field.setAttribute("aria-valuetext", String(now));
      change(now);
    },
  });
  return node("label", { class: "g-learn-slider" }, node("span", { text: label }), field, shown);
}

// names: of the options, where the page has them in another language.
function choice({ name, label, options, names = options }, value, change) {
  const group = (chosen) => {
    const buttons = options.map((option, i) => [
      option,
      names[i],
      { id: `learn-${name}-${option.replace(/\W+/g, "-")}` },
    ]);
    return choiceGroup(label, buttons, chosen, (option) => {
      const made = group(option);
      element.lastChild.replaceWith(made);
      made.querySelector("[aria-pressed=true]").focus();
      change(option);
    });
  };
  const element = node("div", { class: "g-learn-choice" }, node("span", { text: label }), group(value));
  return element;
}

// One control; change(value) is called whenever it moves.
export const controlOf = (control, value, change) =>
  control.options.length ? choice(control, value, change) : slider(control, value, change);
