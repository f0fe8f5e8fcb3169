// The bar of chosen labelled images: they get another class together.
import { button, node } from "../../ui/elements/elements.js";
import { count, images } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { selection } from "../../ui/selection/selection.js";
import { classField } from "./class_field.js";

// What was done, in a sentence. what: a meaning of class_field.js.
export const relabelled = (amount, what) =>
  what.name === undefined
    ? _("{images} corrected to {name}.", { images: images(amount), name: what.text })
    : _("{images} corrected to the new class {name}.", { images: images(amount), name: what.name });

// grid: the LabelGrid that they are of; id: of the bar.
export const labelSelection = (grid, id) => {
  const all = button(null, "", () => chosen.chooseAll(), { id: `${id}-all` });
  const redraw = () => {
    const { hits } = grid.list();
    all.querySelector("span").textContent = _("All {amount}", { amount: count(hits.length) });
    all.hidden = chosen.chosen.hasAll(0, hits.length);
  };
  const controls = () => {
    const { form } = classField(
      `${id}-class`,
      () => grid.labelling().classes,
      (what) => grid.relabel(what),
    );
    return [all, node("label", { class: "g-classify-relabel" }, node("span", { text: _("are of the class") }), form)];
  };
  const chosen = selection(grid.grid, id, { list: () => grid.list(), controls, redraw });
  return chosen;
};
