// The open encoders as a table: size, speed here, and the figures that their runs have stored.
import { node } from "../../ui/elements/elements.js";
import { count } from "../../ui/format/format.js";
import { intervalBar } from "../../ui/plots/plots.js";
import { request } from "../../ui/session/session.js";

const ORDER = [/zero.?shot/, /retrieval|recall/, /knn/, /linear/, /alignment/, /uniformity/, /rank/]; // of figures
const MOST = 8; // figures in the table
const HEADS = ["Encoder", "Input", "Dimensions", "Image size", "Parameters", "Time per image"];
const WITH_FIGURES = "Figures are those stored in the runs, with 95 % intervals where they have them.";
const WITHOUT_FIGURES =
  "Figures of a run, such as k-NN, linear probe and zero-shot accuracy, appear here once it has been evaluated.";

export function parameterText(number) {
  if (!number) return "–";
  return number < 1e6 ? `${(number / 1e3).toFixed(0)} thousand` : `${(number / 1e6).toFixed(1)} million`;
}

// Names of the figures that the encoders have, the usual ones first.
export function figureNames(encoders) {
  const place = (name) => {
    const at = ORDER.findIndex((pattern) => pattern.test(name));
    return at < 0 ? ORDER.length : at;
  };
  const names = [...new Set(encoders.flatMap(({ figures }) => Object.keys(figures)))];
  return names.sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1)).slice(0, MOST);
}

// One entry for each encoder, although several collections may share it: the last.
export const oneOfEachEncoder = (collections) => [...new Map(collections.map((one) => [one.encoder, one])).values()];

const number = (text, settings = {}) => node("td", { class: "g-compare-number", text, ...settings });

function figureCell(figure) {
  if (!figure) return number("–");
  const { value, low, high, n } = figure;
  const text = Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(3);
  if (low === undefined || high === undefined) return number(text);
  const title = `95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}${n ? `, n = ${count(n)}` : ""}`;
  return node(
    "td",
    { class: "g-compare-number", title },
    node("span", { text }),
    node("small", { text: `${low.toFixed(2)}–${high.toFixed(2)}` }),
    low >= 0 && high <= 1 && intervalBar(figure),
  );
}

function inputText({ state, readsText }) {
  if (state === "loading") return "being loaded";
  return readsText ? "images and text" : "images only";
}

const timed = ({ state, images }) => state === "ready" && images > 0;

function encoderRow(encoder, names) {
  return node(
    "tr",
    {},
    node("th", { scope: "row", text: encoder.encoder }),
    node("td", { text: inputText(encoder) }),
    number(encoder.dim ?? "–"),
    number(encoder.size ? `${encoder.size} px` : "–"),
    number(parameterText(encoder.parameters)),
    number(timed(encoder) ? "measuring" : "–", { "data-speed": encoder.key }),
    ...names.map((name) => figureCell(encoder.figures[name])),
  );
}

export class EncoderTable {
  element = node("section", { class: "g-compare-part", id: "compare-encoders" });
  #speeds = new Map(); // promises of answers, by encoder

  constructor(server) {
    this.server = server;
  }

  show(collections) {
    const encoders = oneOfEachEncoder(collections);
    const names = figureNames(encoders);
    const heads = [...HEADS, ...names.map((name) => name.replaceAll("_", " ").replaceAll("/", " · "))];
    const table = node(
      "table",
      { class: "g-compare-table" },
      node("thead", {}, node("tr", {}, ...heads.map((text) => node("th", { scope: "col", text })))),
      node("tbody", {}, ...encoders.map((encoder) => encoderRow(encoder, names))),
    );
    const frame = node(
      "div",
      { class: "g-compare-scroll", tabindex: "0", role: "region", "aria-label": "Encoders" },
      table,
    );
    const note = node("p", { class: "g-aside", text: names.length ? WITH_FIGURES : WITHOUT_FIGURES });
    this.element.replaceChildren(node("h2", { text: "Encoders" }), frame, note);
    encoders.filter(timed).forEach((encoder) => this.#measure(encoder));
  }

  // Fills the cell with the time for an image on this computer, measured once for each encoder.
  async #measure({ encoder, key, runtime, precision }) {
    if (!this.#speeds.has(encoder)) this.#speeds.set(encoder, request(this.server.speed, { key }));
    const answer = await this.#speeds.get(encoder);
    if (answer.error) this.#speeds.delete(encoder);
    const cell = this.element.querySelector(`[data-speed="${CSS.escape(key)}"]`);
    if (!cell) return;
    const { milliseconds, images } = answer;
    cell.textContent = answer.error ? "–" : `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
    cell.title = answer.error || `${runtime}, ${precision}, batches of ${images} images, preprocessing included`;
  }
}
