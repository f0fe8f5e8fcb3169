// The open encoders as a table: size, speed here, and the figures that their runs have stored.
import { node } from "../../ui/elements/elements.js";
import { count, decimal } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { intervalBar } from "../../ui/plots/plots.js";
import { request } from "../../ui/session/session.js";

const ORDER = [/zero.?shot/, /retrieval|recall/, /knn/, /linear/, /alignment/, /uniformity/, /rank/]; // of figures
const MOST = 8; // figures in the table
const HEADS = [_("Encoder"), _("Input"), _("Dimensions"), _("Image size"), _("Parameters"), _("Time per image")];
const WITH_FIGURES = _("Figures are those stored in the runs, with 95 % intervals where they have them.");
const WITHOUT_FIGURES = _(
  "Figures of a run, such as k-NN, linear probe and zero-shot accuracy, appear here once it has been evaluated.",
);

export function parameterText(number) {
  if (!number) return "–";
  return number < 1e6
    ? _("{number} thousand", { number: decimal(number / 1e3, 0) })
    : _("{number} million", { number: decimal(number / 1e6, 1) });
}

// Names of the figures that the encoders have, the usual ones first.
function figureNames(encoders) {
  const place = (name) => {
    const at = ORDER.findIndex((pattern) => pattern.test(name));
    return at < 0 ? ORDER.length : at;
  };
  const names = [...new Set(encoders.flatMap(({ figures }) => Object.keys(figures)))];
  return names.sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1)).slice(0, MOST);
}

// One entry for each encoder, although several collections may share it: the last.
const oneOfEachEncoder = (collections) => [...new Map(collections.map((one) => [one.encoder, one])).values()];

const number = (text, settings = {}) => node("td", { class: "g-compare-number", text, ...settings });

function figureCell(figure) {
  if (!figure) return number("–");
  const { value, low, high, n } = figure;
  const text = Math.abs(value) >= 100 ? decimal(value, 0) : decimal(value, 3);
  if (low === undefined || high === undefined) return number(text);
  const bounds = { low: decimal(low, 3), high: decimal(high, 3) };
  const title = n
    ? _("95 % interval {low} to {high}, n = {n}", { ...bounds, n: count(n) })
    : _("95 % interval {low} to {high}", bounds);
  return node(
    "td",
    { class: "g-compare-number", title },
    node("span", { text }),
    node("small", { text: `${decimal(low, 2)}–${decimal(high, 2)}` }),
    low >= 0 && high <= 1 && intervalBar(figure),
  );
}

function inputText({ state, readsText }) {
  if (state === "loading") return _("being loaded");
  return readsText ? _("images and text") : _("images only");
}

const timed = ({ state, images }) => state === "ready" && images > 0;

function encoderRow(encoder, names) {
  return node(
    "tr",
    {},
    node("th", { scope: "row", text: encoder.encoder }),
    node("td", { text: inputText(encoder) }),
    number(encoder.dim ?? "–"),
    number(encoder.size ? _("{size} px", { size: encoder.size }) : "–"),
    number(parameterText(encoder.parameters)),
    number(timed(encoder) ? _("measuring") : "–", { "data-speed": encoder.key }),
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
      { class: "g-compare-scroll", tabindex: "0", role: "region", "aria-label": _("Encoders") },
      table,
    );
    const note = node("p", { class: "g-aside", text: names.length ? WITH_FIGURES : WITHOUT_FIGURES });
    this.element.replaceChildren(node("h2", { text: _("Encoders") }), frame, note);
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
    cell.textContent = answer.error
      ? "–"
      : _("{milliseconds} ms", { milliseconds: decimal(milliseconds, milliseconds < 10 ? 1 : 0) });
    cell.title =
      answer.error ||
      _("{runtime}, {precision}, batches of {images} images, preprocessing included", { runtime, precision, images });
  }
}
