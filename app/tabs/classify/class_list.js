// How many images each class got: one bar for all of them, and a list that opens the images of a class.
import { node } from "../../ui/elements/elements.js";
import { count, images } from "../../ui/format/format.js";
import { helpSign } from "../../ui/help/figures.js";
import { _ } from "../../ui/language/language.js";
import { foundClasses } from "./found_classes.js";
import { labelGrid } from "./label_grid.js";
import { nameOf, row, way, ways } from "./parts.js";

// Eight hues that people with any colour vision tell apart (Okabe and Ito); further classes share a grey.
const HUES = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#b8a800", "#6b645f"];

export const hueOf = (one, i) => (one.none ? "var(--g-none)" : HUES[i] || "var(--g-other)");

// One segment a class, as wide as its share; pick(class) opens its images.
export const stackedBar = (classes, pick) => {
  const total = classes.reduce((sum, one) => sum + one.images, 0) || 1;
  const segment = (one, i) =>
    one.images > 0 &&
    node("button", {
      type: "button",
      "data-answer": one.answer,
      style: { "flex-grow": one.images / total, background: hueOf(one, i) },
      title: `${nameOf(one)}: ${images(one.images)}`,
      "aria-label": `${nameOf(one)}, ${images(one.images)}`,
      onclick: () => pick(one),
    });
  const segments = classes.map(segment);
  return node(
    "div",
    { class: "g-classify-stack", id: "label-stack", role: "group", "aria-label": _("Images by class") },
    ...segments,
  );
};

export class ClassList {
  // labelling, corrected: see LabelGrid
  constructor(server, labelling, corrected) {
    this.grid = labelGrid(server, "label-grid", labelling, corrected);
    this.order = "sure";
    this.chosen = null; // the name of the class whose images are shown
  }

  // The list and the images of the chosen class, or of the first that has any.
  draw({ job, classes }) {
    this.top = node("div", { class: "g-results-head" });
    const most = Math.max(1, ...classes.map((one) => one.images));
    this.rows = classes.map((one, i) => this.row(one, hueOf(one, i), most, job));
    const first = classes.find((one) => one.images && one.name === this.chosen) || classes.find((one) => one.images);
    if (first) this.pick(first, job);
    const list = node("div", { class: "g-classify-classes", id: "label-counts" });
    return node(
      "div",
      { class: "g-classify-labels-split" },
      node("div", { class: "g-classify-found" }, ...foundClasses(list, classes.map(nameOf), this.rows)),
      node("div", { class: "g-main" }, this.top, ...this.grid.nodes),
    );
  }

  row(one, hue, most, job) {
    const mark = node("i", { class: "g-classify-mark", style: { background: hue } });
    return node(
      "button",
      {
        type: "button",
        class: "g-classify-class",
        "data-label": one.name,
        "aria-label": `${nameOf(one)}, ${images(one.images)}`,
        disabled: !one.images,
        onclick: () => this.pick(one, job),
      },
      row(nameOf(one), one.images / most, count(one.images), "", mark),
    );
  }

  pick(one, job) {
    this.chosen = one.name;
    this.rows.forEach((made) => made.setAttribute("aria-pressed", made.dataset.label === one.name));
    const order = (key, text) =>
      way(text, this.order === key, () => {
        this.order = key;
        this.pick(one, job);
      });
    this.top.replaceChildren(
      node("p", { class: "g-status" }, node("b", { text: nameOf(one) }), ` · ${images(one.images)}`),
      node(
        "span",
        { class: "g-classify-by" },
        ways(_("Order"), order("sure", _("Highest probability first")), order("margin", _("Smallest margin first"))),
        helpSign("margin"),
      ),
    );
    this.grid.show({ job, answer: one.answer, order: this.order });
  }
}
