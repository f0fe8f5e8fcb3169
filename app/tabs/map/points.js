// Points on a plane by the row of their image: which are near, which lie inside a line drawn round them.

const GRID = 192; // cells a side of the index that finds the nearest point
const cellOf = (value) => Math.min(GRID - 1, Math.max(0, Math.floor((value + 1) / 2 * GRID)));

export const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

export const points = () => {
  const own = { xy: new Float32Array(0) }; // x and y of each image, -1..1, y upwards
  let cells = null; // the rows of each cell of the grid; made when something is looked for
  const index = () => {
    const { xy } = own;
    const count = xy.length / 2;
    const start = new Uint32Array(GRID * GRID + 1);
    const cell = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      cell[i] = cellOf(xy[2 * i + 1]) * GRID + cellOf(xy[2 * i]);
      start[cell[i] + 1]++;
    }
    for (let c = 0; c < GRID * GRID; c++) start[c + 1] += start[c];
    const rows = new Uint32Array(count);
    const next = start.slice();
    for (let i = 0; i < count; i++) rows[next[cell[i]]++] = i;
    cells = { start, rows };
  };
  own.set = (places) => {
    own.xy = places;
    cells = null;
  };
  own.count = () => own.xy.length / 2;
  // Every row once, far from in order, so that no class hides another where points are drawn.
  own.mixed = () => {
    const count = own.count();
    const order = new Uint32Array(count);
    // Steps of a number that shares no factor with the count visit every row once.
    let step = Math.max(1, Math.floor(count * 0.618));
    const shared = (a, b) => (b ? shared(b, a % b) : a);
    while (count > 1 && shared(step, count) !== 1) step++;
    for (let n = 0, i = 0; n < count; n++, i = (i + step) % count) order[n] = i;
    return order;
  };
  // Where all but the farthest images lie.
  own.span = () => {
    const ends = [0, 1].map((axis) => {
      const values = Float32Array.from({ length: own.count() }, (_, i) => own.xy[2 * i + axis]).sort();
      const at = (share) => values[Math.round(share * (values.length - 1))] || 0;
      return [at(0.002), at(0.998)];
    });
    const [[x0, x1], [y0, y1]] = ends;
    return { x: Math.max(0.2, x1 - x0), y: Math.max(0.2, y1 - y0), cx: (x0 + x1) / 2, cy: (y0 + y1) / 2 };
  };
  // Rows within a box, by way of the index.
  own.within = (x0, y0, x1, y1, see) => {
    if (!cells) index();
    const { xy } = own;
    for (let cy = cellOf(y0); cy <= cellOf(y1); cy++)
      for (let n = cells.start[cy * GRID + cellOf(x0)]; n < cells.start[cy * GRID + cellOf(x1) + 1]; n++) {
        const i = cells.rows[n];
        if (xy[2 * i] >= x0 && xy[2 * i] <= x1 && xy[2 * i + 1] >= y0 && xy[2 * i + 1] <= y1) see(i);
      }
  };
  // The row nearest to a place within reach of it, or -1.
  own.nearest = (x, y, reach) => {
    let best = -1;
    let least = reach * reach;
    own.within(x - reach, y - reach, x + reach, y + reach, (i) => {
      const d = (own.xy[2 * i] - x) ** 2 + (own.xy[2 * i + 1] - y) ** 2;
      if (d < least) [best, least] = [i, d];
    });
    return best;
  };
  // Rows inside a ring of places.
  own.inside = (ring) => {
    const xs = ring.map(([x]) => x);
    const ys = ring.map(([, y]) => y);
    const rows = [];
    own.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (i) => {
      const x = own.xy[2 * i], y = own.xy[2 * i + 1];
      let odd = false;
      for (let a = 0, b = ring.length - 1; a < ring.length; b = a++) {
        const [ax, ay] = ring[a], [bx, by] = ring[b];
        if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) odd = !odd;
      }
      if (odd) rows.push(i);
    });
    return rows;
  };
  return own;
};

// Which part of a plane is seen, and how near: from places to pixels and back. moved is told of every change.
export const camera = (moved) => {
  const own = { x: 0, y: 0, zoom: 1, width: 0, height: 0, span: { x: 2, y: 2, cx: 0, cy: 0 } };
  const hold = () => {
    own.zoom = Math.min(200, Math.max(0.5, own.zoom));
    own.x = Math.min(1.2, Math.max(-1.2, own.x));
    own.y = Math.min(1.2, Math.max(-1.2, own.y));
  };
  own.scale = () => own.zoom * 0.88 * Math.min(own.width / own.span.x, own.height / own.span.y);
  own.toScreen = (x, y) => [(x - own.x) * own.scale() + own.width / 2, (own.y - y) * own.scale() + own.height / 2];
  own.toMap = (px, py) => [(px - own.width / 2) / own.scale() + own.x, own.y - (py - own.height / 2) / own.scale()];
  own.home = () => Object.assign(own, { x: own.span.cx, y: own.span.cy, zoom: 1 });
  own.fit = () => {
    own.home();
    moved();
  };
  own.zoomBy = (factor, px = own.width / 2, py = own.height / 2) => {
    const [x, y] = own.toMap(px, py);
    own.zoom *= factor;
    hold();
    const [nx, ny] = own.toMap(px, py);
    own.x += x - nx;
    own.y += y - ny;
    hold();
    moved();
  };
  own.pan = (dx, dy) => {
    own.x -= dx / own.scale();
    own.y += dy / own.scale();
    hold();
    moved();
  };
  // Pixels from the middle within which Enter chooses.
  own.middle = () => Math.min(own.width, own.height) * 0.14;
  return own;
};
