// Draws the parts of a lesson, each by its kind; a part that comes again takes the place of the earlier one.
import { node } from "../../../ui/elements/elements.js";
import { lineChart, shortNumber } from "../../../ui/plots/chart.js";
import { bars } from "./bars.js";
import { histogram } from "./histogram.js";
import { matrix } from "./matrix.js";

export const COLOURS = ["#d97706", "#3f90da", "#832db6", "#717581", "#2f8f6b", "#bd1f01"];

function legend(lines, colours) {
  const entry = ({ name }, i) =>
    node("span", {}, node("i", { style: { background: colours[i] } }), node("span", { text: name }));
  return node("div", { class: "g-learn-legend" }, ...lines.map(entry));
}

function curve({ title, lines, x, at, log, low, high }) {
  const coloured = lines.map((line, i) => ({ ...line, colour: COLOURS[i % COLOURS.length] }));
  const xText = (value) => `${x} ${shortNumber(value)}`;
  const chart = lineChart(title, coloured, { xText, at, log, low, high });
  const axis = node("p", { class: "g-learn-axis", text: x });
  const names = legend(
    lines,
    coloured.map(({ colour }) => colour),
  );
  return node("div", { class: "g-learn-curve" }, chart, axis, names);
}

function images({ title, images: shown, side }) {
  const one = ({ image, caption }) =>
    node(
      "figure",
      {},
      node("img", { src: image, alt: caption || title }),
      caption && node("figcaption", { text: caption }),
    );
  return node(
    "div",
    {},
    node("h3", { text: title }),
    node("div", { class: "g-learn-images", style: { "--side": `${side}px` } }, ...shown.map(one)),
  );
}

function steps({ boxes }) {
  const box = ({ title, lines }, i) =>
    node(
      "section",
      { class: "g-learn-box" },
      node("h3", {}, node("b", { text: String(i + 1) }), ` ${title}`),
      ...lines.map((text) => node("p", { text })),
    );
  return node("div", { class: "g-learn-steps" }, ...boxes.map(box));
}

const KINDS = {
  sentence: ({ text }) => node("h3", { class: "g-learn-result", text }),
  remark: ({ text }) => node("p", { class: "g-aside", text }),
  matrix,
  curve,
  bars,
  histogram,
  images,
  steps,
};

// Puts a part into its place in root: where it was before, else at the end; the sentence comes first, remarks last.
export function drawPart(root, part) {
  const drawn = node("div", { class: `g-learn-part g-learn-${part.kind}-part`, "data-part": part.part });
  drawn.append(KINDS[part.kind](part));
  const before = root.querySelector(`:scope > [data-part="${CSS.escape(part.part)}"]`);
  if (before) before.replaceWith(drawn);
  else if (part.kind === "sentence") root.prepend(drawn);
  else root.insertBefore(drawn, part.kind === "remark" ? null : root.querySelector(".g-learn-remark-part"));
}
