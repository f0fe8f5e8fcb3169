// The confusion matrix: true classes by row, each row's shares as shades; a cell opens its images.
import { node } from "../../ui/elements/elements.js";
import { count, images, percent } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";

// The classes that occur as a true or as a given label, by their indices.
const usedClasses = (matrix) =>
  matrix.map((row, k) => k).filter((k) => matrix[k].some(Boolean) || matrix.some((line) => line[k]));

const cell = (matrix, names, truth, given, open) => {
  const amount = matrix[truth][given];
  if (!amount) return node("td", { class: "g-none" });
  const share = amount / matrix[truth].reduce((a, b) => a + b, 0);
  const label = _("{truth} labelled {given}: {amount}, {share} of {truth}", {
    truth: names[truth],
    given: names[given],
    amount: images(amount),
    share: percent(share),
  });
  return node(
    "td",
    {},
    node("button", {
      type: "button",
      class: `g-classify-cell ${truth === given ? "g-classify-hit" : ""}`,
      "data-cell": `${truth}-${given}`,
      style: { "--share": share },
      text: count(amount),
      title: _("{share} of {truth} labelled {given}", {
        share: percent(share),
        truth: names[truth],
        given: names[given],
      }),
      "aria-label": label,
      onclick: (event) => open(truth, given, event.currentTarget),
    }),
  );
};

// matrix: [true class][given label] counts. open(truth, given, button) shows the images of a cell.
export const confusionMatrix = ({ matrix, names }, open) => {
  const used = usedClasses(matrix);
  const column = (k) => node("th", { scope: "col", title: names[k] }, node("span", { text: names[k] }));
  const line = (truth) => {
    const total = matrix[truth].reduce((a, b) => a + b, 0);
    const head = node("th", { scope: "row", text: names[truth], title: `${names[truth]}: ${images(total)}` });
    return node("tr", {}, head, ...used.map((given) => cell(matrix, names, truth, given, open)));
  };
  const top = node("tr", {}, node("th", { class: "g-corner", text: _("true ↓ labelled →") }), ...used.map(column));
  return node(
    "div",
    { class: "g-classify-measure-scroll", tabindex: "0", role: "region", "aria-label": _("Confusion matrix") },
    node(
      "table",
      { class: "g-classify-matrix", id: "matrix" },
      node("thead", {}, top),
      node("tbody", {}, ...used.map(line)),
    ),
  );
};
