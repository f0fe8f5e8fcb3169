// Zero-shot classification in five boxes, every number visible, with a slider for the temperature.
import { node } from "../../ui/elements/elements.js";
import { decimal, percent, score } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { media } from "../../ui/session/session.js";

const signed = (value) => decimal(value, 2).replace("-", "−");
const vectorText = (values) => `[${values.map(signed).join(", ")}, …]`;
const temperatureText = (value) =>
  _("temperature {value}", { value: value < 0.01 ? value.toExponential(1) : decimal(value, 3) });

// Softmax of cosine similarities at a temperature.
export function softmax(cosines, temperature) {
  const logits = cosines.map((cosine) => cosine / temperature);
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

function box(number, title, ...parts) {
  const head = node("h3", {}, node("b", { text: number }), ` ${title}`);
  return node("section", { class: "g-lecture-box" }, head, ...parts);
}

function probabilityRow(label, probability) {
  return node(
    "div",
    { class: "g-lecture-row" },
    node("span", { text: label, title: label }),
    node("span", { class: "g-lecture-bar" }, node("i", { style: { width: `${100 * probability}%` } })),
    node("b", { text: percent(probability) }),
  );
}

// The last box: probabilities at a temperature around the encoder's own, 1 / scale.
function softmaxBox({ labels, cosines, scale }) {
  const rows = node("div", {});
  const caption = node("small", {});
  const show = () => {
    const temperature = 10 ** Number(slider.value) / scale;
    const probabilities = softmax(cosines, temperature);
    caption.textContent = temperatureText(temperature);
    rows.replaceChildren(...labels.map((label, i) => probabilityRow(label, probabilities[i])));
  };
  const slider = node("input", {
    type: "range",
    min: "-2",
    max: "2",
    step: "0.05",
    value: "0",
    "aria-label": _("Temperature, from a hundredth to a hundred times the encoder's own"),
    oninput: show,
  });
  show();
  return box(5, _("Softmax"), rows, node("label", { class: "g-lecture-slider" }, slider, caption));
}

export function recipeFigure(answer) {
  const { prompts, texts, image, dim, cosines, labels, collection, id } = answer;
  const vector = (values) => node("p", { class: "g-lecture-vector", text: vectorText(values) });
  const cosine = (value, i) => node("p", {}, `${labels[i]} `, node("b", { text: score(value) }));
  const photo = node("img", { src: media(collection, id), alt: _("the image that is classified") });
  return node(
    "div",
    { class: "g-lecture-recipe" },
    box(1, _("Prompts"), ...prompts.map((prompt) => node("p", { text: prompt }))),
    box(2, _("Text embeddings"), ...texts.map(vector), node("small", { text: _("{dim} dimensions each", { dim }) })),
    box(3, _("Image embedding"), photo, vector(image), node("small", { text: _("{dim} dimensions", { dim }) })),
    box(4, _("Cosine similarities"), ...cosines.map(cosine)),
    softmaxBox(answer),
  );
}
