// Which part of the map is visible and at what scale: from map coordinates to pixels and back.

const MARGIN = 0.88; // share of the stage that the extent of the points fills at zoom 1
const ZOOM = [0.5, 200];
const EDGE = 1.2; // how far from the middle of the map the camera may move
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export class Camera {
  x = 0;
  y = 0;
  zoom = 1;
  width = 0; // pixels of the stage
  height = 0;
  extent = { x: 0, y: 0, width: 2, height: 2 }; // of the points, see extentOf

  // changed(): called after every move that a person makes.
  constructor(changed = () => {}) {
    this.changed = changed;
  }

  // Pixels for a unit of the map.
  get scale() {
    return this.zoom * MARGIN * Math.min(this.width / this.extent.width, this.height / this.extent.height);
  }

  // Pixels from the middle of the stage within which the Enter key selects.
  get focusRadius() {
    return Math.min(this.width, this.height) * 0.14;
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (this.y - y) * this.scale + this.height / 2];
  }

  toMap(px, py) {
    return [(px - this.width / 2) / this.scale + this.x, this.y - (py - this.height / 2) / this.scale];
  }

  // Shows the whole extent, without telling anyone.
  reset() {
    this.x = this.extent.x;
    this.y = this.extent.y;
    this.zoom = 1;
  }

  fit() {
    this.reset();
    this.changed();
  }

  // Zooms by a factor; the place under (px, py) stays where it is.
  zoomBy(factor, px = this.width / 2, py = this.height / 2) {
    const [x, y] = this.toMap(px, py);
    this.zoom = clamp(this.zoom * factor, ...ZOOM);
    const [nx, ny] = this.toMap(px, py);
    this.#moveTo(this.x + x - nx, this.y + y - ny);
  }

  // Moves the map by pixels.
  pan(dx, dy) {
    this.#moveTo(this.x - dx / this.scale, this.y + dy / this.scale);
  }

  #moveTo(x, y) {
    this.x = clamp(x, -EDGE, EDGE);
    this.y = clamp(y, -EDGE, EDGE);
    this.changed();
  }
}
