// One image in the window: zoomed and moved by mouse, fingers and keys.
import { node } from "../elements/elements.js";
import { _ } from "../language/language.js";
import { WHOLE, fitted, kept, largestScale, zoomed } from "./geometry.js";

const STEP = 1.5; // zoom of a key or button
const PAN = 80; // pixels of a key
const DOUBLE = 2.5; // zoom of a double click

export class Stage {
  // changed() is called when the image has another size on the screen.
  constructor(changed) {
    this.changed = changed;
    this.view = WHOLE;
    this.image = { width: 1, height: 1 }; // pixels of the original
    this.known = false; // whether these are known, and not only those of the thumbnail
    this.fingers = new Map(); // and mouse buttons that are down, by id
    this.canvas = node("canvas", {
      class: "g-heat-map",
      hidden: true,
      role: "img",
      "aria-label": _("Heat map of where the image matches"),
    });
    this.picture = node("img", { alt: "" });
    this.box = node("div", { class: "g-viewer-box" }, this.picture, this.canvas);
    this.root = node("div", { class: "g-viewer-stage", id: "stage" }, this.box);
    this.root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.root.addEventListener("dblclick", (event) => this.doubleClick(event));
    this.root.addEventListener("pointerdown", (event) => this.down(event));
    this.root.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) this.root.addEventListener(end, (event) => this.up(event));
    new ResizeObserver(() => this.fit()).observe(this.root);
  }

  get zoomedIn() {
    return this.view.scale > 1.001;
  }

  // Pixels of the screen that the longer side of the image has now.
  get pixels() {
    return Math.max(this.size.width, this.size.height) * this.view.scale * devicePixelRatio;
  }

  // Shows another image, whole.
  show(source, alt) {
    this.view = WHOLE;
    const picture = node("img", { alt, draggable: "false" });
    picture.addEventListener("load", () => {
      if (this.picture === picture && !this.known)
        this.fit({ width: picture.naturalWidth, height: picture.naturalHeight });
    });
    picture.src = source;
    this.put(picture);
    this.known = false;
  }

  // Puts a sharper picture of the same image in place of the one that is there.
  put(picture) {
    this.picture.replaceWith(picture);
    this.picture = picture;
  }

  // size: { width, height } of the original.
  setSize(size) {
    this.known = true;
    this.fit(size);
  }

  fit(size = this.image) {
    this.image = size;
    const { clientWidth, clientHeight } = this.root;
    if (!clientWidth) return;
    this.area = { width: clientWidth, height: clientHeight };
    this.size = fitted(this.image, this.area);
    this.box.style.width = `${this.size.width}px`;
    this.box.style.height = `${this.size.height}px`;
    this.look(this.view);
  }

  look(view) {
    this.view = kept(view, this.size, this.area);
    const { scale, x, y } = this.view;
    this.box.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.root.classList.toggle("g-viewer-zoomed", this.zoomedIn);
    this.changed();
  }

  zoom(factor, at = { x: 0, y: 0 }) {
    this.look(zoomed(this.view, factor, at, largestScale(this.image, this.size)));
  }

  pan(dx, dy) {
    this.look({ ...this.view, x: this.view.x + dx, y: this.view.y + dy });
  }

  // From the middle of the stage.
  pointOf({ clientX, clientY }) {
    const { left, top, width, height } = this.root.getBoundingClientRect();
    return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
  }

  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0025)), this.pointOf(event));
  }

  doubleClick(event) {
    if (event.target.closest("button")) return;
    if (this.zoomedIn) this.look(WHOLE);
    else this.zoom(DOUBLE, this.pointOf(event));
  }

  down(event) {
    if (event.target.closest("button, a") || event.button > 0) return;
    this.fingers.set(event.pointerId, this.pointOf(event));
    this.root.setPointerCapture(event.pointerId);
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = this.pointOf(event);
    this.fingers.set(event.pointerId, now);
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.pinch(before, now, other);
    else if (this.zoomedIn) this.pan(now.x - before.x, now.y - before.y);
  }

  // One of two fingers moves: the distance zooms, the middle moves.
  pinch(before, now, other) {
    const apart = (finger) => Math.hypot(finger.x - other.x, finger.y - other.y) || 1;
    const middle = (finger) => ({ x: (finger.x + other.x) / 2, y: (finger.y + other.y) / 2 });
    this.zoom(apart(now) / apart(before), middle(before));
    this.pan(middle(now).x - middle(before).x, middle(now).y - middle(before).y);
  }

  up(event) {
    this.fingers.delete(event.pointerId);
  }

  // Whether a key was for the stage.
  key(key) {
    const moves = { ArrowLeft: [PAN, 0], ArrowRight: [-PAN, 0], ArrowUp: [0, PAN], ArrowDown: [0, -PAN] };
    if (key === "+" || key === "=") this.zoom(STEP);
    else if (key === "-") this.zoom(1 / STEP);
    else if (key === "0") this.look(WHOLE);
    else if (this.zoomedIn && moves[key]) this.pan(...moves[key]);
    else return false;
    return true;
  }
}
