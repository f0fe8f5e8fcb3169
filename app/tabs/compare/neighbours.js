// The nearest neighbours of one image, a row for each encoder.
import { node } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { media, request } from "../../ui/session/session.js";

const RETRY = 1500; // milliseconds until the next look while an encoder is being loaded

export class Neighbours {
  element = node("section", { class: "g-compare-part", id: "compare-neighbours", "aria-live": "polite", hidden: true });
  #turn = 0; // of requests, so that only the latest is shown

  constructor(server) {
    this.server = server;
  }

  get empty() {
    return !this.element.childElementCount;
  }

  // hit: { id } of the collection with that key, or { token } of an upload, and its name.
  async show(hit, key, scroll = false) {
    const turn = ++this.#turn;
    const images = hit.token ? [hit.token] : [];
    const answer = await request(this.server.neighbours, { collection: key, id: hit.id || "", images });
    if (turn !== this.#turn || answer.error) return;
    const rows = answer.rows.map((row) => neighbourRow(row, (near) => this.show(near, row.key, true)));
    this.element.hidden = !answer.rows.length;
    this.element.replaceChildren(
      node("h2", { text: _("Nearest neighbours of one image, by encoder") }),
      node(
        "div",
        { class: "g-compare-near" },
        queryImage(hit, key),
        node("div", { class: "g-compare-near-rows" }, ...rows),
      ),
    );
    if (scroll) this.element.scrollIntoView({ block: "nearest", behavior: scrollBehaviour() });
    if (answer.rows.some((row) => row.waiting)) setTimeout(() => turn === this.#turn && this.show(hit, key), RETRY);
  }
}

const scrollBehaviour = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

function queryImage(hit, key) {
  const source = hit.token ? `images/${hit.token}.webp` : media(key, hit.id);
  return node(
    "figure",
    { class: "g-compare-near-query" },
    node("img", { src: source, alt: hit.name }),
    node("figcaption", { text: hit.name }),
  );
}

function neighbourRow({ key, encoder, name, hits, waiting, error }, look) {
  const title = node("h3", { text: encoder, title: name });
  if (waiting || error) {
    const text = error || _("The encoder is being loaded; the row appears when it is ready.");
    return node("div", { class: "g-compare-near-row" }, title, node("p", { class: "g-aside", text }));
  }
  const image = (hit) =>
    node(
      "button",
      {
        type: "button",
        class: "g-grid-frame",
        title: hit.name,
        "aria-label": _("{name}: show its neighbours", { name: hit.name }),
        onclick: () => look(hit),
      },
      node("img", { src: media(key, hit.id), alt: "", loading: "lazy" }),
    );
  return node(
    "div",
    { class: "g-compare-near-row" },
    title,
    node("div", { class: "g-compare-near-images" }, ...hits.map(image)),
  );
}
