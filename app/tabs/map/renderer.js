// Draws the map on two canvases once for each frame: the points below, what changes more often above them.
import { paletteOf, toCss } from "./colours.js";
import { drawDiscs } from "./discs.js";
import { drawOverlay } from "./overlay.js";
import { Thumbnails } from "./thumbnails.js";
import { themeNow } from "./view.js";

export class Renderer {
  #frame = 0; // of the animation that is waiting
  #pointsStale = false;
  #sheet = null; // ImageData of the points
  #palette = null;

  // canvases: { base, over }
  constructor(canvases, points, camera, view) {
    Object.assign(this, { ...canvases, points, camera, view });
    this.thumbnails = new Thumbnails(() => this.draw(false));
    this.baseContext = this.base.getContext("2d", { alpha: false });
    this.overContext = this.over.getContext("2d");
  }

  // Draws with the next frame. Points are the slow part: draw(false) leaves them as they are.
  draw(withPoints = true) {
    this.#pointsStale ||= withPoints;
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (!this.camera.width || !this.camera.height) return;
      if (this.#pointsStale) this.#drawPoints();
      this.#pointsStale = false;
      this.#drawOver();
    });
  }

  // Gives the canvases the size of the stage, in pixels of the screen.
  resize(width, height) {
    this.camera.width = Math.round(width);
    this.camera.height = Math.round(height);
    this.view.pixelRatio = Math.min(2, window.devicePixelRatio || 1);
    if (!this.camera.width || !this.camera.height) return;
    for (const canvas of [this.base, this.over]) {
      canvas.width = Math.round(this.camera.width * this.view.pixelRatio);
      canvas.height = Math.round(this.camera.height * this.view.pixelRatio);
    }
    this.draw();
  }

  #currentPalette() {
    const theme = themeNow();
    const { kind } = this.view.colouring;
    if (this.#palette?.kind !== kind || this.#palette.theme !== theme) this.#palette = paletteOf(kind, theme);
    return this.#palette;
  }

  #drawPoints() {
    const { width, height } = this.base;
    if (this.#sheet?.width !== width || this.#sheet.height !== height)
      this.#sheet = this.baseContext.createImageData(width, height);
    drawDiscs(this.#sheet, this.points, this.camera, this.view, this.#currentPalette());
    this.baseContext.putImageData(this.#sheet, 0, 0);
  }

  #drawOver() {
    const palette = this.#currentPalette();
    const style = getComputedStyle(this.over);
    const colours = {
      text: style.getPropertyValue("--g-text").trim(),
      accent: style.getPropertyValue("--g-accent").trim(),
      page: toCss(palette.page),
    };
    const focused = document.activeElement === this.over && this.over.matches(":focus-visible");
    drawOverlay(this.overContext, this, palette, colours, focused);
  }
}
