// The contrastive loss of eight images and eight captions, as a matrix.
import { node } from "../../ui/elements/elements.js";
import { decimal } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";

const FACES = { cosines: _("cosine similarities"), toText: _("softmax of rows"), toImage: _("softmax of columns") };

// How strongly a cell is coloured, in percent: similarities over their own range, probabilities over 0..1.
export function cellShare(value, values, face) {
  const flat = values.flat();
  const [low, high] = face === "cosines" ? [Math.min(...flat), Math.max(...flat)] : [0, 1];
  return Math.round(6 + (66 * (value - low)) / Math.max(1e-9, high - low));
}

// Two decimals with a real minus sign, none before zero; probabilities in percent.
export function cellText(value, face) {
  if (face !== "cosines") return `${Math.round(100 * value)}`;
  return decimal(value, 2)
    .replace(/^-(?=0.00$)/, "")
    .replace("-", "−");
}

// How many images have their own caption as the most probable one. rows: [image][caption]
export const matched = (rows) => rows.filter((row, i) => row.indexOf(Math.max(...row)) === i).length;

function matrix({ captions, images, ...faces }, face) {
  const values = faces[face];
  const heads = captions.map((caption) =>
    node("th", { scope: "col", title: caption }, node("span", { text: caption })),
  );
  const cell = (value, image, caption) =>
    node("td", {
      class: image === caption ? "g-lecture-match" : "",
      style: { "--share": `${cellShare(value, values, face)}%` },
      title: captions[caption],
      text: cellText(value, face),
    });
  const row = (scores, image) =>
    node(
      "tr",
      {},
      node("th", { scope: "row" }, node("img", { src: images[image], alt: captions[image] })),
      ...scores.map((value, caption) => cell(value, image, caption)),
    );
  return node(
    "table",
    { class: "g-lecture-matrix" },
    node("thead", {}, node("tr", {}, node("td"), ...heads)),
    node("tbody", {}, ...values.map(row)),
  );
}

function summary({ value, chance, scale, toText, own }) {
  const source = own
    ? _("Images and captions of this collection.")
    : _("Generated scenes, since this collection has no captions.");
  const text = _(
    ", chance ln 8 = {chance}; logits are cosine similarities × {scale}. {matched} of 8 images match their own caption best. {source}",
    { chance: decimal(chance, 3), scale: decimal(scale, 1), matched: matched(toText), source },
  );
  return node("p", { id: "lecture-loss" }, node("b", { text: _("Loss {value}", { value: decimal(value, 3) }) }), text);
}

// answer: captions, images, and a matrix [image][caption] for each face; next: the button for another batch.
// memory: { face }, which stays for the next batch.
export function lossFigure(answer, next, memory) {
  const frame = node("div", { class: "g-lecture-scroll" });
  const buttons = Object.entries(FACES).map(([face, text]) =>
    node("button", { type: "button", class: "g-way", "data-face": face, text, onclick: () => show(face) }),
  );
  const show = (face) => {
    memory.face = face;
    frame.replaceChildren(matrix(answer, face));
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.face === face));
  };
  show(memory.face);
  const choices = node(
    "div",
    { class: "g-ways g-lecture-faces", role: "group", "aria-label": _("Values of the matrix") },
    ...buttons,
  );
  return node("div", {}, node("div", { class: "g-lecture-controls" }, choices, next), frame, summary(answer));
}
