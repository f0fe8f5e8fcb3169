// The image under the pointer: a larger thumbnail with its name and class.
import { node } from "../../ui/elements/elements.js";
import { className } from "./view.js";

const WAIT = 150; // milliseconds on a point before its name is asked for
const WIDTH = 164; // pixels that the tooltip takes
const HEIGHT = 176;

const captionText = (name, kind) => (name && kind && kind !== name ? `${name} · ${kind}` : name || kind || " ");

// Beside the point, and within the stage.
const tooltipPlace = ([x, y], { width, height }) => [
  Math.min(Math.max(4, x + 16), width - WIDTH),
  Math.min(Math.max(4, y - 80), height - HEIGHT),
];

export class Tooltip {
  element = node("div", { class: "g-map-tip", id: "map-tip", hidden: true });
  #names = new Map(); // by row
  #timer = 0;

  // fetchName(row): a promise of the image's name, or null.
  constructor(scene, fetchName) {
    Object.assign(this, { scene, fetchName });
  }

  // Shows a row, or nothing where it is -1.
  show(row) {
    const { points, camera, view, renderer } = this.scene;
    clearTimeout(this.#timer);
    this.element.hidden = row < 0;
    if (row < 0) return;
    const kind = className(view.colouring, row);
    const caption = node("span", { text: captionText(this.#names.get(row), kind) });
    const image = renderer.thumbnails.get(row, view.facts).cloneNode();
    image.alt = "";
    this.element.replaceChildren(image, caption);
    const [left, top] = tooltipPlace(camera.toScreen(...points.at(row)), camera);
    this.element.style.left = `${left}px`;
    this.element.style.top = `${top}px`;
    if (!this.#names.has(row)) this.#timer = setTimeout(() => this.#name(row, kind, caption), WAIT);
  }

  // Names belong to one revision of one collection.
  clear() {
    this.#names.clear();
  }

  async #name(row, kind, caption) {
    const name = await this.fetchName(row);
    if (name === null) return;
    this.#names.set(row, name);
    if (this.scene.view.hovered === row) caption.textContent = captionText(name, kind);
  }
}
