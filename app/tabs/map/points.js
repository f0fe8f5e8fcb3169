// Points of the map by the row of their image, with a grid index: which are near, which lie inside a polygon.
import { insidePolygon } from "./geometry.js";

const CELLS = 192; // cells on a side of the grid, which covers -1..1 on both axes
const cellOf = (value) => Math.min(CELLS - 1, Math.max(0, Math.floor(((value + 1) / 2) * CELLS)));

// Rows sorted by cell, and where the rows of each cell start (a counting sort).
function buildGrid(xy) {
  const count = xy.length / 2;
  const start = new Uint32Array(CELLS * CELLS + 1);
  const cell = new Uint32Array(count);
  for (let row = 0; row < count; row++) {
    cell[row] = cellOf(xy[2 * row + 1]) * CELLS + cellOf(xy[2 * row]);
    start[cell[row] + 1]++;
  }
  for (let c = 0; c < CELLS * CELLS; c++) start[c + 1] += start[c];
  const rows = new Uint32Array(count);
  const next = start.slice();
  for (let row = 0; row < count; row++) rows[next[cell[row]]++] = row;
  return { start, rows };
}

export class Points {
  xy = new Float32Array(0); // x and y of each image, -1..1, y upwards
  #grid = null; // built when something is looked up

  get count() {
    return this.xy.length / 2;
  }

  set(xy) {
    this.xy = xy;
    this.#grid = null;
  }

  at(row) {
    return [this.xy[2 * row], this.xy[2 * row + 1]];
  }

  // Calls visit(row) for every point within a box.
  within(x0, y0, x1, y1, visit) {
    this.#grid ??= buildGrid(this.xy);
    const { start, rows } = this.#grid;
    const { xy } = this;
    for (let cy = cellOf(y0); cy <= cellOf(y1); cy++)
      for (let n = start[cy * CELLS + cellOf(x0)]; n < start[cy * CELLS + cellOf(x1) + 1]; n++) {
        const row = rows[n];
        const x = xy[2 * row]; // not at(row): this runs for every point in every frame
        const y = xy[2 * row + 1];
        if (x >= x0 && x <= x1 && y >= y0 && y <= y1) visit(row);
      }
  }

  // The row nearest to a place and closer than reach, or -1.
  nearest(x, y, reach) {
    let best = -1;
    let least = reach * reach;
    this.within(x - reach, y - reach, x + reach, y + reach, (row) => {
      const distance = (this.xy[2 * row] - x) ** 2 + (this.xy[2 * row + 1] - y) ** 2;
      if (distance < least) [best, least] = [row, distance];
    });
    return best;
  }

  // Rows inside a polygon.
  inside(polygon) {
    const xs = polygon.map(([x]) => x);
    const ys = polygon.map(([, y]) => y);
    const rows = [];
    this.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (row) => {
      if (insidePolygon(this.xy[2 * row], this.xy[2 * row + 1], polygon)) rows.push(row);
    });
    return rows;
  }
}
