// Thumbnails on the map: which images get one, and the images themselves by row.

const CACHED = 800;
const MARGIN = 20; // pixels around the stage within which images get a thumbnail too

// A fixed pseudo-random rank of a row, so that the same images win wherever the map is moved.
const rankOf = (row) => Math.imul(row + 1, 2654435761) >>> 0;

// One row of each cell of a grid with the given cell side, in map coordinates.
export function oneOfEachCell(rows, xy, side) {
  const best = new Map();
  for (const row of rows) {
    const cell = Math.floor(xy[2 * row] / side) * 1e6 + Math.floor(xy[2 * row + 1] / side);
    const held = best.get(cell);
    if (held === undefined || rankOf(row) < rankOf(held)) best.set(cell, row);
  }
  return [...best.values()];
}

// The side of a cell as a power of two, so that thumbnails stay while the map is moved or zoomed a little.
function cellSide(scale, visible, width) {
  const room = visible < 500 ? 40 : width < 500 ? 62 : 84; // pixels for one thumbnail, at least
  return 2 ** -Math.floor(Math.log2(scale / room));
}

// Rows that get a thumbnail: visible, selected where some are selected, and at most one in each cell.
export function rowsWithThumbnail(points, camera, view) {
  const [x0, y1] = camera.toMap(-MARGIN, -MARGIN);
  const [x1, y0] = camera.toMap(camera.width + MARGIN, camera.height + MARGIN);
  const visible = [];
  points.within(x0, y0, x1, y1, (row) => {
    if (!view.selected.length || view.selectedMask[row]) visible.push(row);
  });
  return oneOfEachCell(visible, points.xy, cellSide(camera.scale, visible.length, camera.width));
}

export class Thumbnails {
  #images = new Map(); // by row, in the order in which they were asked for

  // loaded(): called when an image has arrived.
  constructor(loaded) {
    this.loaded = loaded;
  }

  get(row, { collection, revision }) {
    const cached = this.#images.get(row);
    if (cached) return cached;
    const image = new Image();
    image.src = `map/${encodeURIComponent(collection)}/${row}.webp?revision=${revision}`;
    image.addEventListener("load", this.loaded);
    this.#images.set(row, image);
    if (this.#images.size > CACHED) this.#images.delete(this.#images.keys().next().value);
    return image;
  }

  clear() {
    this.#images.clear();
  }
}
