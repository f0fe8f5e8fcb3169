// The scene of the map: points, camera and view with their renderer, and what changes them.
import { Camera } from "./camera.js";
import { extentOf, interpolate, shuffledRows, sortedRows } from "./geometry.js";
import { Points } from "./points.js";
import { Renderer } from "./renderer.js";
import { newView } from "./view.js";

const TRAVEL = 700; // milliseconds of the animation between two projections

export class Scene {
  points = new Points();
  view = newView();
  camera = new Camera(() => this.draw());
  #frame = 0; // of the animation

  // Attaches the canvases and follows the size of the stage.
  attach({ base, over, stage }) {
    this.canvas = over;
    this.renderer = new Renderer({ base, over }, this.points, this.camera, this.view);
    const resized = ([{ contentRect }]) => this.renderer.resize(contentRect.width, contentRect.height);
    new ResizeObserver(resized).observe(stage);
  }

  draw(withPoints = true) {
    this.renderer.draw(withPoints);
  }

  // Puts the points where they belong at once.
  place(xy) {
    this.points.set(xy);
    this.view.order = shuffledRows(this.points.count);
    this.view.hovered = -1;
    this.camera.extent = extentOf(xy);
    this.draw();
  }

  // Moves the points from one projection to another, unless motion is unwanted.
  travel(xy) {
    cancelAnimationFrame(this.#frame);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden) return this.place(xy);
    const from = this.points.xy;
    const began = performance.now();
    this.camera.reset();
    const step = (now) => {
      const t = Math.max(0, (now - began) / TRAVEL);
      if (t >= 1) {
        this.place(xy);
        return this.camera.fit();
      }
      this.points.set(interpolate(from, xy, t));
      this.draw();
      this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  // outline: the lasso that the rows were selected with, in map coordinates.
  select(rows, outline = null) {
    const { colouring } = this.view;
    this.view.outline = rows.length ? outline : null;
    this.view.selected = sortedRows(rows, this.points.xy, colouring.said ? colouring.codes : null);
    this.view.selectedMask = new Uint8Array(this.points.count);
    for (const row of rows) this.view.selectedMask[row] = 1;
    this.draw();
  }
}
