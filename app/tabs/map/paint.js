// What the map shows: points as soft discs, small images, rings, words, and the line of a lasso.
// Ten colours that stay apart for colour-blind eyes (M. Petroff 2021), and a ramp whose lightness alone tells it.
import * as pointsModule from "./points.js";

const CLASSES = ["#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#b9ac70", "#717581",
  "#92dadd"
];
const RAMP = { light: ["#e2ddd9", "#f3c56b", "#d97706", "#7c2d12"], dark: ["#3b3531", "#92400e", "#f59e0b",
    "#fef3c7"
  ] };
const UNKNOWN = 255;
const THUMB = 46; // pixels of a small image on the map
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const mix = (a, b, t) => a.map((v, i) => Math.round(v + (b[i] - v) * t));
const packed = ([r, green, b]) => (255 << 24 | b << 16 | green << 8 | r) >>> 0;
const css = (colour) => `rgb(${colour.join(" ")})`;
export const mapColours = { CLASSES, RAMP, UNKNOWN };

// state is read anew each time: facts, order (of points), colours, regions, picked, chosen, hover, path (of a lasso
// being drawn, in pixels), edge (of the last one, on the map), showing (small images) and ratio (of the screen).
export const mapPainter = (element, base, over, points, camera, state) => {
  const dark = () => document.body.classList.contains("dark");
  const tone = (name) => getComputedStyle(element).getPropertyValue(name).trim();
  let paints = null; // colours by code for this theme
  const palette = () => {
    if (paints && paints.dark === dark() && paints.of === state.colours) return paints;
    const page = rgb(dark() ? "#131110" : "#ffffff");
    const ramp = RAMP[dark() ? "dark" : "light"].map(rgb);
    const faint = mix(page, rgb("#8a817b"), 0.35);
    const full = Array.from({ length: 256 }, (_, code) => {
      if (state.colours.kind === "none") return rgb(dark() ? "#c98a1b" : "#d9901a");
      if (code === UNKNOWN) return faint;
      if (state.colours.kind === "classes") return rgb(CLASSES[code % CLASSES.length]);
      const at = code / 254 * (ramp.length - 1);
      const low = Math.min(ramp.length - 2, Math.floor(at));
      return mix(ramp[low], ramp[low + 1], at - low);
    });
    paints = { of: state.colours, dark: dark(), full, page, bright: Uint32Array.from(full, packed), dim: Uint32Array.from(
        full, (c) => packed(mix(page, c, 0.22))) };
    return paints;
  };
  // With the next frame. Points are the slow part; what lies over them can be drawn alone.
  let drawn = 0,
    stale = false;
  const draw = (all = true) => {
    stale ||= all;
    if (drawn) return;
    drawn = requestAnimationFrame(() => {
      drawn = 0;
      if (!camera.width || !camera.height) return;
      if (stale) drawPoints();
      stale = false;
      drawOver();
    });
  };
  const pen = base.getContext("2d", { alpha: false });
  let sheet = null;
  const drawPoints = () => {
    const { xy } = points;
    const w = base.width,
      h = base.height,
      count = state.order.length;
    if (!sheet || sheet.width !== w || sheet.height !== h) sheet = pen.createImageData(w, h);
    const pixels = new Uint32Array(sheet.data.buffer);
    const { page, bright, dim } = palette();
    const ground = packed(page);
    pixels.fill(ground);
    // A disc as offsets into the sheet, with how much of each pixel it covers.
    const radius = Math.min(6, Math.max(0.8, 2.4 * (5000 / Math.max(count, 500)) ** 0.3) * (1 + 0.35 * Math.log2(Math
      .max(1, camera.zoom)))) * state.ratio;
    const reach = Math.ceil(radius + 0.5);
    const offsets = [],
      cover = [];
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++) {
        const part = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(dx, dy)));
        if (part > 0.05) {
          offsets.push(dy * w + dx);
          cover.push(Math.round(256 * part * 0.9));
        }
      }
    const k = camera.scale() * state.ratio,
      ox = w / 2 - camera.x * k,
      oy = h / 2 + camera.y * k;
    const codes = state.colours.codes;
    const stamp = (only, tints) => {
      for (let n = 0; n < count; n++) {
        const i = state.order[n];
        if (only >= 0 && state.chosen[i] !== only) continue;
        const px = (xy[2 * i] * k + ox) | 0,
          py = (oy - xy[2 * i + 1] * k) | 0;
        if (px < reach || py < reach || px >= w - reach || py >= h - reach) continue;
        const tint = tints[codes ? codes[i] : 0];
        const tr = tint & 255,
          tg = tint >> 8 & 255,
          tb = tint >> 16 & 255,
          at = py * w + px;
        for (let m = 0; m < offsets.length; m++) {
          const p = at + offsets[m],
            a = cover[m],
            old = pixels[p];
          const r = (old & 255) + ((tr - (old & 255)) * a >> 8),
            gr = (old >> 8 & 255) + ((tg - (old >> 8 & 255)) * a >> 8),
            b = (old >> 16 & 255) + ((tb - (old >> 16 & 255)) * a >> 8);
          pixels[p] = (255 << 24 | b << 16 | gr << 8 | r) >>> 0;
        }
      }
    };
    if (state.picked.length) {
      stamp(0, dim);
      stamp(1, bright);
    } else stamp(-1, bright);
    pen.putImageData(sheet, 0, 0);
  };

  // Small images: at most one in each cell of a grid that belongs to the map, so that they stay when it moves.
  const small = new Map(); // row to image, the latest last
  const imageOf = (row) => {
    let image = small.get(row);
    if (!image) {
      image = new Image();
      image.src =
        `map/${encodeURIComponent(state.facts.collection)}/${row}.webp?revision=${state.facts.revision}`;
      image.onload = () => draw(false);
      small.set(row, image);
      if (small.size > 800) small.delete(small.keys().next().value);
    }
    return image;
  };
  const rank = (i) => (Math.imul(i + 1, 2654435761) >>> 0); // a fixed lottery
  const placed = () => {
    const { xy } = points;
    const best = new Map();
    const [x0, y1] = camera.toMap(-20, -20), [x1, y0] = camera.toMap(camera.width + 20, camera.height + 20);
    const seen = [];
    points.within(x0, y0, x1, y1, (i) => (state.picked.length && !state.chosen[i]) || seen.push(i));
    const room = seen.length < 500 ? 40 : camera.width < 500 ? 62 : 84; // pixels, at least
    const side = 2 ** -Math.floor(Math.log2(camera.scale() / room));
    seen.forEach((i) => {
      const key = Math.floor(xy[2 * i] / side) * 1e6 + Math.floor(xy[2 * i + 1] / side);
      const held = best.get(key);
      if (held === undefined || rank(i) < rank(held)) best.set(key, i);
    });
    return [...best.values()];
  };
  const ink = over.getContext("2d");
  const drawOver = () => {
    const { xy } = points;
    ink.setTransform(state.ratio, 0, 0, state.ratio, 0, 0);
    ink.clearRect(0, 0, camera.width, camera.height);
    if (!state.facts || !xy.length) return;
    const { full, page } = palette();
    const accent = tone("--g-accent"),
      text = tone("--g-text");
    const side = camera.width < 500 ? 34 : THUMB;
    if (state.showing) {
      for (const i of placed()) {
        const image = imageOf(i);
        if (!image.complete || !image.naturalWidth) continue;
        const [px, py] = camera.toScreen(xy[2 * i], xy[2 * i + 1]);
        const crop = Math.min(image.naturalWidth, image.naturalHeight);
        ink.fillStyle = state.colours.codes ? css(full[state.colours.codes[i]]) : css(page);
        ink.beginPath();
        ink.roundRect(px - side / 2 - 2, py - side / 2 - 2, side + 4, side + 4, 7);
        ink.fill();
        ink.save();
        ink.beginPath();
        ink.roundRect(px - side / 2, py - side / 2, side, side, 5);
        ink.clip();
        ink.drawImage(image, (image.naturalWidth - crop) / 2, (image.naturalHeight - crop) / 2, crop, crop, px -
          side / 2, py - side / 2, side, side);
        ink.restore();
      }
    }
    const taken = (state.colours.best || []).map((rows, word) => drawBest(rows, word, text, page)).filter(Boolean);
    drawWords(text, page, taken);
    const outline = state.path || (state.edge && state.edge.map(([x, y]) => camera.toScreen(x, y)));
    if (outline && outline.length > 1) {
      ink.beginPath();
      outline.forEach(([px, py], n) => (n ? ink.lineTo(px, py) : ink.moveTo(px, py)));
      ink.closePath();
      ink.fillStyle = "rgb(245 158 11 / 12%)";
      ink.fill();
      ink.lineWidth = 1.5;
      ink.setLineDash([5, 4]);
      ink.strokeStyle = accent;
      ink.stroke();
      ink.setLineDash([]);
    }
    if (state.hover >= 0) ring(state.hover, 7, text);
    if (document.activeElement === over && over.matches(":focus-visible")) {
      ink.beginPath();
      ink.arc(camera.width / 2, camera.height / 2, camera.middle(), 0, 7);
      ink.strokeStyle = text;
      ink.setLineDash([2, 5]);
      ink.stroke();
      ink.setLineDash([]);
    }
  };
  const ring = (i, r, colour) => {
    const { xy } = points;
    const [px, py] = camera.toScreen(xy[2 * i], xy[2 * i + 1]);
    ink.beginPath();
    ink.arc(px, py, r, 0, 7);
    ink.lineWidth = 2;
    ink.strokeStyle = colour;
    ink.stroke();
  };
  // What answers words best is ringed; a diamond stands in the middle of it with the words.
  const drawBest = (rows, word, text, page) => {
    const { xy } = points;
    if (!rows.length) return;
    if (state.colours.kind === "scale") rows.forEach((i) => ring(i, state.showing ? 5 : 6, text));
    const [px, py] = camera.toScreen(pointsModule.median(rows.map((i) => xy[2 * i])), pointsModule.median(rows.map((i) => xy[2 * i + 1])));
    ink.beginPath();
    [
      [0, -9],
      [9, 0],
      [0, 9],
      [-9, 0]
    ].forEach(([dx, dy], n) => (n ? ink.lineTo(px + dx, py + dy) : ink.moveTo(px + dx, py + dy)));
    ink.closePath();
    ink.fillStyle = state.colours.kind === "classes" ? CLASSES[word] : tone("--g-accent");
    ink.fill();
    ink.lineWidth = 2;
    ink.strokeStyle = css(page);
    ink.stroke();
    const said = state.colours.kind === "classes" ? state.colours.classes[word][0] : state.colours.said;
    const shown = said.length > 34 ? `${said.slice(0, 33)}…` : said;
    label(shown, px, py - 20, text, page);
    return [px, py - 20, shown.length * 4.4 + 8];
  };
  const label = (said, px, py, text, page) => {
    ink.font = `700 15px "IBM Plex Sans", system-ui, sans-serif`;
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    ink.lineJoin = "round";
    ink.lineWidth = 4;
    ink.strokeStyle = css(page);
    ink.strokeText(said, px, py);
    ink.fillStyle = text;
    ink.fillText(said, px, py);
  };
  const drawWords = (text, page, taken) => {
    if (state.colours.kind === "classes" && state.colours.best.length) return; // typed words are written already
    for (const region of [...state.regions].sort((a, b) => b.images - a.images)) {
      if (!region.word) continue;
      const [px, py] = camera.toScreen(region.x, region.y);
      const half = region.word.length * 4.4 + 8;
      if (px < half || px > camera.width - half || py < 12 || py > camera.height - 12) continue;
      if (taken.some(([x, y, w]) => Math.abs(x - px) < w + half && Math.abs(y - py) < 22)) continue;
      taken.push([px, py, half]);
      label(region.word, px, py, text, page);
    }
  };
  return { draw, imageOf, forget: () => small.clear() };
};
