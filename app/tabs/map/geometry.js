// Plane geometry of the map's points: pure functions of coordinates.

export function median(values) {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1];
}

// Whether a point lies inside a polygon given as [x, y] corners (even-odd rule).
export function insidePolygon(x, y, polygon) {
  let inside = false;
  for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
    const [from, to] = [polygon[a], polygon[b]];
    if (from[1] > y === to[1] > y) continue; // the edge lies above or below
    if (x < ((to[0] - from[0]) * (y - from[1])) / (to[1] - from[1]) + from[0]) inside = !inside;
  }
  return inside;
}

// The corners of a regular polygon, close enough to a circle.
export function circle(x, y, radius, corners = 32) {
  return Array.from({ length: corners }, (_, n) => {
    const angle = (2 * Math.PI * n) / corners;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}

// Centre and size of the box that holds all points but the outermost 0.2 % at each end of each axis.
// xy: x and y of each point in turn.
export function extentOf(xy) {
  const count = xy.length / 2;
  const [[x0, x1], [y0, y1]] = [0, 1].map((axis) => {
    const values = Float32Array.from({ length: count }, (_, row) => xy[2 * row + axis]).sort();
    const quantile = (share) => values[Math.round(share * (count - 1))] || 0;
    return [quantile(0.002), quantile(0.998)];
  });
  return {
    x: (x0 + x1) / 2,
    y: (y0 + y1) / 2,
    width: Math.max(0.2, x1 - x0),
    height: Math.max(0.2, y1 - y0),
  };
}

const commonDivisor = (a, b) => (b ? commonDivisor(b, a % b) : a);

// Every row once, far from the order of the collection, so that no class covers another where points are drawn.
export function shuffledRows(count) {
  const order = new Uint32Array(count);
  // Steps of a number that is coprime to the count visit every row once.
  let step = Math.max(1, Math.floor(count * 0.618));
  if (count > 1) while (commonDivisor(step, count) !== 1) step++;
  for (let n = 0, row = 0; n < count; n++, row = (row + step) % count) order[n] = row;
  return order;
}

// Points on their way from one projection to another; t runs from 0 to 1 and is eased at both ends.
export function interpolate(from, to, t) {
  const eased = t * t * (3 - 2 * t);
  return from.map((value, i) => value + (to[i] - value) * eased);
}

// Rows in the order in which they are shown: the best score first, else the nearest to their median first.
export function sortedRows(rows, xy, scores) {
  const x = median(rows.map((row) => xy[2 * row]));
  const y = median(rows.map((row) => xy[2 * row + 1]));
  const distance = (row) => (xy[2 * row] - x) ** 2 + (xy[2 * row + 1] - y) ** 2;
  const keys = Float64Array.from(rows, (row) => (scores ? -scores[row] : distance(row)));
  const order = Uint32Array.from(rows.keys()).sort((a, b) => keys[a] - keys[b] || rows[a] - rows[b]);
  return Array.from(order, (place) => rows[place]);
}

// Rows whose code is the given one.
export function rowsWithCode(codes, code) {
  const rows = [];
  for (let row = 0; row < codes.length; row++) if (codes[row] === code) rows.push(row);
  return rows;
}
