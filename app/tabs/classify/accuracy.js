// How good the labels are, where some true labels are known: accuracy, confusion matrix, each class, reliability.
import { node, notice } from "../../ui/elements/elements.js";
import { count, images, interval, percent } from "../../ui/format/format.js";
import { helpSign } from "../../ui/help/figures.js";
import { _ } from "../../ui/language/language.js";
import { request } from "../../ui/session/session.js";
import { confusionMatrix } from "./confusion.js";
import { labelGrid } from "./label_grid.js";
import { empty, figureCell, table } from "./parts.js";
import { reliability } from "./reliability.js";

// What the figures rest on, in words.
export const basis = ({ accuracy, column, corrections, known, others }) => {
  const sources = [
    column && _("the column “{column}”", { column }),
    corrections && _("{corrections} of your corrections", { corrections: count(corrections) }),
  ];
  const from = sources.filter(Boolean).join(_(" and "));
  const with95 = accuracy ? _("95 % interval {interval}, ", { interval: interval(accuracy) }) : "";
  const left = others
    ? _(" {others} more have a label that is none of these classes and are left out.", { others: count(others) })
    : "";
  const hard = column ? "" : _(" Images with small margins make labels look worse than they are.");
  return _("{with95}{known}, by {from}.{left}{hard}", { with95, known: images(known), from, left, hard });
};

const noMatrix = ({ accuracy }) =>
  accuracy
    ? _("A matrix of so many classes cannot be read; the table has them all.")
    : _(
        "Classes that are judged each by itself have no confusion matrix. An image may show more than its one label, so precision is at least what is shown.",
      );

// The mean probability of the images labelled as a class, beside how often that is right; only where it was measured.
const calibrationCell = (one) => {
  if (!one) return node("td", { title: _("Fewer than 20 known labels of images labelled so"), text: "–" });
  const { probability, accuracy } = one;
  const off = probability < accuracy.low || accuracy.high < probability;
  const title = _("{probability} on average, and {accuracy} are right ({interval}, n = {n})", {
    probability: percent(probability),
    accuracy: percent(accuracy.value),
    interval: interval(accuracy),
    n: count(accuracy.n),
  });
  const sign = off ? (probability > accuracy.high ? _("too high") : _("too low")) : "";
  return node("td", { title }, percent(probability), sign && node("em", { text: ` ${sign}` }));
};

const classTable = ({ byClass, names, calibrated }) => {
  const measuredOf = new Map(calibrated.map((one) => [one.answer, one]));
  const line = ([figures, name, answer]) =>
    node(
      "tr",
      {},
      node("th", { scope: "row", text: name }),
      figureCell(figures.precision),
      calibrationCell(measuredOf.get(answer)),
      figureCell(figures.recall),
      node("td", { class: "g-n", text: figures.recall ? count(figures.recall.n) : "0" }),
    );
  const measured = byClass.map((figures, k) => [figures, names[k], k]).filter(([one]) => one.precision || one.recall);
  return table(
    { class: "g-classify-measured", id: "by-class" },
    [_("class"), _("precision"), _("probability"), _("recall"), _("images")],
    measured.map(line),
  );
};

// The images of a cell of the matrix, and what opens them.
const cellImages = (root, server, answer, names, corrected) => {
  const { job } = answer;
  const grid = labelGrid(server, "cell-grid", () => answer, corrected);
  const title = node("h3", { tabindex: "-1" });
  const found = node("div", { class: "g-classify-cell-images", hidden: true }, title, ...grid.nodes);
  const open = (truth, given, cell) => {
    root.querySelectorAll(".g-classify-cell").forEach((one) => one.setAttribute("aria-pressed", one === cell));
    found.hidden = false;
    title.textContent = _("{truth}, labelled {given}", { truth: names[truth], given: names[given] });
    grid.show({ job, truth, given });
    found.scrollIntoView({ block: "nearest" });
  };
  return { found, open };
};

// Draws the view into body. corrected(news) hears what the correction of an image changed.
export const showAccuracy = async (body, server, answer, corrected) => {
  const root = node("section", { class: "g-classify-measures", id: "accuracy", "aria-busy": "true" });
  body.replaceChildren(root);
  const measured = await request(server.measure, { job: answer.job });
  root.removeAttribute("aria-busy");
  if (measured.error) {
    root.replaceChildren(notice(measured.error));
    return;
  }
  if (!measured.known) {
    const text = _(
      "Correct some images, or use class names that a column of the collection or its folders have. Then the labels can be measured here.",
    );
    root.replaceChildren(empty(_("No true labels of these classes are known yet"), text));
    return;
  }
  const { found, open } = cellImages(root, server, answer, measured.names, corrected);
  const title = measured.accuracy
    ? _("{value} right", { value: percent(measured.accuracy.value) })
    : _("Each class by itself");
  const matrix = measured.matrix
    ? confusionMatrix(measured, open)
    : node("p", { class: "g-aside", text: noMatrix(measured) });
  root.replaceChildren(
    node("h2", { id: "accuracy-title", text: title }),
    node("p", { class: "g-classify-verdict" }, basis(measured), " ", measured.accuracy && helpSign("accuracy")),
    node(
      "div",
      { class: "g-classify-measure-split" },
      node("div", { class: "g-main" }, matrix, found),
      node(
        "div",
        { class: "g-classify-side" },
        node("div", { class: "g-classify-measure-scroll" }, classTable(measured)),
        reliability(measured, answer),
      ),
    ),
  );
};
