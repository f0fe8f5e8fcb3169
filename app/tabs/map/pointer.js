// Mouse, touch, wheel and keyboard on the map.
import { circle } from "./geometry.js";

const REACH = 16; // pixels from the pointer to a point
const MOVED = 4; // pixels after which a press is a drag
const LASSO_STEP = 3; // pixels between two corners of a lasso
const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

// scene: { canvas, points, camera, view }
// act: { draw(withPoints), select(rows, outline), hover(row), leave() }
export function listenToPointer(scene, act) {
  const { canvas, camera } = scene;
  const touch = new Touch(scene, act);
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    touch.press(event.pointerId, at(event), event.shiftKey);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (touch.holds(event.pointerId)) touch.move(event.pointerId, at(event));
    else if (event.pointerType === "mouse") act.hover(rowAt(scene, at(event), REACH));
  });
  canvas.addEventListener("pointerup", (event) => {
    touch.lift(event.pointerId, at(event), event.pointerType === "mouse" ? REACH : 2 * REACH);
  });
  canvas.addEventListener("pointercancel", (event) => touch.lift(event.pointerId, at(event), null));
  canvas.addEventListener("pointerleave", () => act.leave());
  canvas.addEventListener("dblclick", (event) => camera.zoomBy(2, ...at(event)));
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      act.leave();
      camera.zoomBy(wheelFactor(event), ...at(event));
    },
    { passive: false },
  );
}

// The row nearest to a place on the stage within reach pixels, or -1.
const rowAt = ({ points, camera }, [px, py], reach) => points.nearest(...camera.toMap(px, py), reach / camera.scale);

// deltaMode counts lines where it is not 0; a pinch on a touchpad arrives as a wheel with ctrl.
const wheelFactor = ({ deltaY, deltaMode, ctrlKey }) =>
  Math.exp(-deltaY * (deltaMode ? 0.05 : 0.0015) * (ctrlKey ? 4 : 1));

// Pointers that are down: one pans, draws a lasso or clicks; two zoom.
class Touch {
  #down = new Map(); // last place of each pointer that is down
  #pressed = null; // { at, moved }: the press that may become a click

  constructor(scene, act) {
    this.scene = scene;
    this.act = act;
  }

  holds(id) {
    return this.#down.has(id);
  }

  press(id, place, shift) {
    const { view } = this.scene;
    this.#down.set(id, place);
    if (this.#down.size === 1 && (view.lassoActive || shift)) view.lasso = [place];
    if (this.#down.size === 2) view.lasso = null;
    this.#pressed = { at: place, moved: false };
    this.act.leave();
  }

  move(id, place) {
    const { camera, view } = this.scene;
    const last = this.#down.get(id);
    if (this.#pressed && distance(place, this.#pressed.at) > MOVED) this.#pressed.moved = true;
    if (view.lasso) this.#extendLasso(place);
    else if (this.#down.size === 2) this.#pinch(id, last, place);
    else if (this.#pressed?.moved) camera.pan(place[0] - last[0], place[1] - last[1]);
    this.#down.set(id, place);
  }

  // reach: pixels within which a click selects a point; null where the pointer was cancelled.
  lift(id, place, reach) {
    const { camera, points, view } = this.scene;
    if (!this.#down.delete(id)) return;
    if (view.lasso) {
      const outline = view.lasso.map(([px, py]) => camera.toMap(px, py));
      view.lasso = null;
      if (outline.length > 2) this.act.select(points.inside(outline), outline);
      this.act.draw();
    } else if (this.#pressed && !this.#pressed.moved && reach !== null && view.facts) {
      const row = rowAt(this.scene, place, reach);
      this.act.select(row >= 0 ? [row] : []);
    }
    if (!this.#down.size) this.#pressed = null;
  }

  #extendLasso(place) {
    const { lasso } = this.scene.view;
    if (distance(place, lasso[lasso.length - 1]) > LASSO_STEP) lasso.push(place);
    this.act.draw(false);
  }

  #pinch(id, last, place) {
    const { camera } = this.scene;
    const [, other] = [...this.#down].find(([held]) => held !== id);
    const before = distance(last, other);
    camera.pan((place[0] - last[0]) / 2, (place[1] - last[1]) / 2);
    if (before > 0)
      camera.zoomBy(distance(place, other) / before, (place[0] + other[0]) / 2, (place[1] + other[1]) / 2);
  }
}

// Keyboard: arrow keys pan, + and - zoom, 0 fits, Enter selects what is in the middle, Escape clears.
export function listenToKeys(scene, act) {
  const { canvas, camera } = scene;
  canvas.addEventListener("focus", () => act.draw(false));
  canvas.addEventListener("blur", () => act.draw(false));
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = (event.shiftKey ? 0.4 : 0.1) * Math.min(camera.width, camera.height);
    const actions = {
      ArrowLeft: () => camera.pan(step, 0),
      ArrowRight: () => camera.pan(-step, 0),
      ArrowUp: () => camera.pan(0, step),
      ArrowDown: () => camera.pan(0, -step),
      "+": () => camera.zoomBy(1.4),
      "=": () => camera.zoomBy(1.4),
      "-": () => camera.zoomBy(1 / 1.4),
      0: () => camera.fit(),
      Enter: () => selectMiddle(scene, act),
      Escape: () => act.select([]),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  });
}

// The images within the keyboard's circle, or the nearest one where it is empty.
function selectMiddle(scene, act) {
  const { camera, points } = scene;
  const middle = [camera.width / 2, camera.height / 2];
  const outline = circle(...middle, camera.focusRadius).map(([px, py]) => camera.toMap(px, py));
  const rows = points.inside(outline);
  const nearest = points.nearest(...camera.toMap(...middle), 4); // 4 reaches over the whole map
  if (rows.length || nearest < 0) act.select(rows, outline);
  else act.select([nearest]);
}
