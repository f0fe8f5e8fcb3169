// The map tab: a canvas that draws every picture as a point, with what is near, what is meant and what is chosen.
(() => {
  const g = window.gelato;
  // Ten colours that stay apart for colour-blind eyes (M. Petroff 2021), and a ramp whose lightness alone tells it.
  const CLASSES = ["#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#b9ac70", "#717581",
    "#92dadd"
  ];
  const RAMP = { light: ["#e2ddd9", "#f3c56b", "#d97706", "#7c2d12"], dark: ["#3b3531", "#92400e", "#f59e0b",
      "#fef3c7"
    ] };
  const UNKNOWN = 255,
    GRID = 192, // cells a side of the index that finds the nearest point
    THUMB = 46, // pixels of a small picture on the map
    REACH = 16, // pixels from the pointer to a point
    LOOK_AGAIN = 3000, // milliseconds, while UMAP is being worked out
    PAGE = 60;

  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const mix = (a, b, t) => a.map((v, i) => Math.round(v + (b[i] - v) * t));
  const packed = ([r, green, b]) => (255 << 24 | b << 16 | green << 8 | r) >>> 0;
  const css = (colour) => `rgb(${colour.join(" ")})`;
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  g.map = (element, server) => {
    let ask = { by: null, q: "", method: "" };
    let facts = null; // what describe answered
    let xy = new Float32Array(0); // x and y of each picture, -1..1, y upwards
    let order = new Uint32Array(0); // in which points are drawn: mixed, so that no class hides another
    let cells = null; // the rows of each cell of a grid, for the nearest point
    let colours = { kind: "none", codes: null, classes: [], best: [] };
    let regions = [];
    let regionOf = null;
    let chosen = null; // Uint8Array, 1 for a chosen row
    let picked = []; // chosen rows, in the order they are shown
    let view = { x: 0, y: 0, zoom: 1 };
    let hover = -1;
    let turn = 0;
    let timer = 0;
    let moving = null; // an animation between two maps

    // ---- what there is to see
    const by = g.node("select", { id: "map-by", "aria-label": "Colour by", onchange: () => {
        ask.by = by.value;
        ask.q = "";
        field.value = "";
        write();
        colour();
      } });
    const field = g.node("input", { type: "text", id: "map-q", class: "g-field", "aria-label": "Colour by words",
      placeholder: "Colour by words: a sunset, or several: cat, dog, car", autocomplete: "off", spellcheck: "false",
      maxlength: "2000", enterkeyhint: "search" });
    const form = g.node("form", { class: "g-map-ask", role: "search", onsubmit: (event) => {
        event.preventDefault();
        ask.q = field.value.trim();
        write();
        colour();
      } }, g.icon("search"), field, g.node("button", { type: "submit", class: "g-go", text: "Colour" }));
    const ways = g.node("div", { class: "g-ways", role: "group", "aria-label": "How the map is made" });
    const tool = (name, icon, label, act, settings = {}) => g.node("button", { type: "button", class: "g-icon-button",
      id: `map-${name}`, title: label, "aria-label": label, onclick: act, ...settings }, icon);
    const glyph = (text) => g.node("span", { class: "g-glyph", "aria-hidden": "true", text });
    let lassoing = false,
      showing = true;
    const lasso = tool("lasso", glyph("◌"), "Lasso: draw round pictures to choose them", () => {
      lassoing = !lassoing;
      lasso.setAttribute("aria-pressed", lassoing);
      stage.classList.toggle("g-lassoing", lassoing);
    }, { "aria-pressed": "false" });
    const shown = tool("pictures", g.icon("picture"), "Show small pictures on the map", () => {
      showing = !showing;
      shown.setAttribute("aria-pressed", showing);
      draw();
    }, { "aria-pressed": "true" });
    const tools = g.node("div", { class: "g-map-tools", role: "group", "aria-label": "Map" },
      lasso, shown,
      tool("in", g.icon("plus"), "Nearer", () => zoomBy(1.6)),
      tool("out", g.icon("minus"), "Farther", () => zoomBy(1 / 1.6)),
      tool("fit", glyph("⤢"), "See everything", () => fit()));
    const base = g.node("canvas", { class: "g-map-points", "aria-hidden": "true" });
    const over = g.node("canvas", { class: "g-map-over", id: "map-canvas", tabindex: "0", role: "application",
      "aria-label": "Map of the collection", "aria-describedby": "map-keys map-status" });
    const tip = g.node("div", { class: "g-map-tip", id: "map-tip", hidden: true });
    const stage = g.node("div", { class: "g-map-stage" }, base, over, tools, tip);
    const legend = g.node("div", { class: "g-map-legend", id: "map-legend" });
    const status = g.node("p", { class: "g-status", id: "map-status", role: "status" });
    const trust = g.node("p", { class: "g-aside", id: "map-trust" });
    const notice = g.node("div", { id: "map-notice" });
    const panel = g.node("section", { class: "g-map-panel", id: "map-chosen", "aria-label": "Chosen pictures",
      hidden: true });
    const table = g.node("details", { class: "g-map-table", id: "map-table", hidden: true });
    const keys = g.node("p", { class: "g-aside", id: "map-keys",
      text: "Drag to move, wheel or pinch to zoom, shift-drag or the lasso to choose. With the keyboard: arrows move, + and − zoom, 0 shows everything, Enter chooses what is in the middle, Escape lets go." });
    element.querySelector(".g-map").append(
      g.node("div", { class: "g-map-bar" }, form, g.node("label", { class: "g-map-by" }, g.node("span", {
        text: "Colour by" }), by), ways),
      notice,
      g.node("div", { class: "g-results-head" }, status, legend),
      g.node("div", { class: "g-map-split" }, stage, panel),
      trust, table, keys,
    );

    // ---- the address
    const address = () => new URLSearchParams(location.search);
    const read = () => {
      const params = address();
      ask = { by: params.get("by"), q: params.get("q") || "", method: params.get("method") || "" };
      field.value = ask.q;
    };
    const write = () => {
      g.readdress("map", { by: ask.q ? null : ask.by, q: ask.q, method: ask.method });
    };
    const mine = () => ({ collection: facts.collection, revision: facts.revision });

    // ---- asking
    const load = async () => {
      const now = ++turn;
      clearTimeout(timer);
      const answer = await g.ask(server.describe, { collection: g.collection(), method: ask.method });
      if (now !== turn) return;
      if (answer.error) return fail(answer.error);
      const same = facts && facts.collection === answer.collection && facts.revision === answer.revision;
      if (!(same && facts.method === answer.method)) {
        const where =
          `map/${encodeURIComponent(answer.collection)}.bin?revision=${answer.revision}&method=${answer.method}`;
        let places = null;
        try {
          const response = await fetch(where);
          if (response.ok) places = new Float32Array(await response.arrayBuffer());
        } catch { /* the banner of the header tells of a lost connection */ }
        if (now !== turn) return;
        if (!places) {
          timer = setTimeout(load, LOOK_AGAIN);
          return;
        }
        const before = facts;
        facts = answer;
        notice.replaceChildren();
        if (same) travel(places);
        else {
          small.clear(); // rows are others now
          place(places);
          if (!before || before.collection !== answer.collection) fit();
          choose([]);
          colours = { kind: "none", codes: null, classes: [], best: [] };
          colour();
        }
        regions = [];
        words();
      } else facts = answer;
      drawWays();
      drawColumns();
      drawStatus();
      if (facts.umap === "running") timer = setTimeout(load, LOOK_AGAIN);
    };
    const fail = (sentence) => {
      if (facts && facts.collection === g.collection()) return notice.replaceChildren(g.notice(sentence));
      facts = null;
      place(new Float32Array(0));
      regions = [];
      choose([]);
      notice.replaceChildren(g.notice(sentence));
      status.textContent = "";
      trust.textContent = "";
      table.hidden = true;
      legend.replaceChildren();
    };
    const colour = async () => {
      const asked = facts;
      const column = ask.by ?? firstColumn();
      const like = address().getAll("like").filter((id) => !id.startsWith("-"));
      if (!ask.q && !like.length && !column) {
        colours = { kind: "none", codes: null, classes: [], best: [] };
        return repaint();
      }
      base.setAttribute("aria-busy", "true");
      const answer = await g.ask(server.colour, { ...mine(), by: column, q: ask.q, like: ask.by ? [] : like });
      base.removeAttribute("aria-busy");
      if (asked !== facts && (!facts || asked?.revision !== facts.revision)) return;
      if (answer.error) return notice.replaceChildren(g.notice(answer.error));
      notice.replaceChildren();
      colours = { ...answer, codes: bytes(answer.codes) };
      repaint();
    };
    const words = async () => {
      const asked = facts;
      const answer = await g.ask(server.words, { ...mine(), method: facts.method });
      if (asked.revision !== facts?.revision || asked.method !== facts.method) return;
      if (answer.error) return;
      regions = answer.regions.map((region, i) => ({ ...region, i })).filter((region) => region.pictures);
      regionOf = bytes(answer.codes);
      drawTable();
      draw();
    };
    const firstColumn = () => facts?.first || "";

    // ---- places
    const place = (places) => {
      xy = places;
      const count = xy.length / 2;
      order = new Uint32Array(count);
      // Steps of a number that shares no factor with the count visit every row once, far from in order.
      let step = Math.max(1, Math.floor(count * 0.618));
      const shared = (a, b) => (b ? shared(b, a % b) : a);
      while (count > 1 && shared(step, count) !== 1) step++;
      for (let n = 0, i = 0; n < count; n++, i = (i + step) % count) order[n] = i;
      cells = null;
      hover = -1;
      measure();
      draw();
    };
    const travel = (places) => {
      const from = xy;
      if (matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden) return place(places);
      const began = performance.now();
      view = { x: span.cx, y: span.cy, zoom: 1 };
      cancelAnimationFrame(moving);
      const step = (now) => {
        const t = Math.min(1, Math.max(0, (now - began) / 700));
        if (t === 1) {
          moving = null;
          place(places);
          return fit();
        }
        const eased = t * t * (3 - 2 * t);
        xy = from.map((value, i) => value + (places[i] - value) * eased);
        cells = null;
        draw();
        moving = requestAnimationFrame(step);
      };
      moving = requestAnimationFrame(step);
    };
    const cellOf = (value) => Math.min(GRID - 1, Math.max(0, Math.floor((value + 1) / 2 * GRID)));
    const index = () => {
      const count = xy.length / 2;
      const start = new Uint32Array(GRID * GRID + 1);
      const own = new Uint32Array(count);
      for (let i = 0; i < count; i++) {
        own[i] = cellOf(xy[2 * i + 1]) * GRID + cellOf(xy[2 * i]);
        start[own[i] + 1]++;
      }
      for (let c = 0; c < GRID * GRID; c++) start[c + 1] += start[c];
      const rows = new Uint32Array(count);
      const next = start.slice();
      for (let i = 0; i < count; i++) rows[next[own[i]]++] = i;
      cells = { start, rows };
    };
    // Rows within a box of the map, by way of the index.
    const within = (x0, y0, x1, y1, see) => {
      if (!cells) index();
      for (let cy = cellOf(y0); cy <= cellOf(y1); cy++)
        for (let n = cells.start[cy * GRID + cellOf(x0)]; n < cells.start[cy * GRID + cellOf(x1) + 1]; n++) {
          const i = cells.rows[n];
          if (xy[2 * i] >= x0 && xy[2 * i] <= x1 && xy[2 * i + 1] >= y0 && xy[2 * i + 1] <= y1) see(i);
        }
    };
    const nearest = (px, py, reach = REACH) => {
      const [x, y] = toMap(px, py);
      const r = reach / scale();
      let best = -1,
        least = r * r;
      within(x - r, y - r, x + r, y + r, (i) => {
        const d = (xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2;
        if (d < least)[best, least] = [i, d];
      });
      return best;
    };

    // ---- the view
    let width = 0,
      height = 0,
      ratio = 1;
    let span = { x: 2, y: 2, cx: 0, cy: 0 }; // of all but the farthest pictures
    const measure = () => {
      const ends = [0, 1].map((axis) => {
        const values = Float32Array.from({ length: xy.length / 2 }, (_, i) => xy[2 * i + axis]).sort();
        const at = (share) => values[Math.round(share * (values.length - 1))] || 0;
        return [at(0.002), at(0.998)];
      });
      const [[x0, x1], [y0, y1]] = ends;
      span = { x: Math.max(0.2, x1 - x0), y: Math.max(0.2, y1 - y0), cx: (x0 + x1) / 2, cy: (y0 + y1) / 2 };
    };
    const scale = () => view.zoom * 0.88 * Math.min(width / span.x, height / span.y);
    const toScreen = (x, y) => [(x - view.x) * scale() + width / 2, (view.y - y) * scale() + height / 2];
    const toMap = (px, py) => [(px - width / 2) / scale() + view.x, view.y - (py - height / 2) / scale()];
    const hold = () => {
      view.zoom = Math.min(200, Math.max(0.5, view.zoom));
      view.x = Math.min(1.2, Math.max(-1.2, view.x));
      view.y = Math.min(1.2, Math.max(-1.2, view.y));
    };
    const zoomBy = (factor, px = width / 2, py = height / 2) => {
      const [x, y] = toMap(px, py);
      view.zoom *= factor;
      hold();
      const [nx, ny] = toMap(px, py);
      view.x += x - nx;
      view.y += y - ny;
      hold();
      draw();
    };
    const pan = (dx, dy) => {
      view.x -= dx / scale();
      view.y += dy / scale();
      hold();
      draw();
    };
    const fit = () => {
      view = { x: span.cx, y: span.cy, zoom: 1 };
      draw();
    };

    // ---- drawing
    const dark = () => document.body.classList.contains("dark");
    const tone = (name) => getComputedStyle(element).getPropertyValue(name).trim();
    let paints = null; // colours by code for this theme
    const palette = () => {
      if (paints && paints.dark === dark() && paints.of === colours) return paints;
      const page = rgb(dark() ? "#131110" : "#ffffff");
      const ramp = RAMP[dark() ? "dark" : "light"].map(rgb);
      const faint = mix(page, rgb("#8a817b"), 0.35);
      const full = Array.from({ length: 256 }, (_, code) => {
        if (colours.kind === "none") return rgb(dark() ? "#c98a1b" : "#d9901a");
        if (code === UNKNOWN) return faint;
        if (colours.kind === "classes") return rgb(CLASSES[code % CLASSES.length]);
        const at = code / 254 * (ramp.length - 1);
        const low = Math.min(ramp.length - 2, Math.floor(at));
        return mix(ramp[low], ramp[low + 1], at - low);
      });
      paints = { of: colours, dark: dark(), full, page, bright: Uint32Array.from(full, packed), dim: Uint32Array.from(
          full, (c) => packed(mix(page, c, 0.22))) };
      return paints;
    };
    let drawn = 0;
    const draw = () => {
      if (drawn) return;
      drawn = requestAnimationFrame(() => {
        drawn = 0;
        if (!width || !height) return;
        drawPoints();
        drawOver();
      });
    };
    const pen = base.getContext("2d", { alpha: false });
    let sheet = null;
    const drawPoints = () => {
      const w = base.width,
        h = base.height,
        count = order.length;
      if (!sheet || sheet.width !== w || sheet.height !== h) sheet = pen.createImageData(w, h);
      const pixels = new Uint32Array(sheet.data.buffer);
      const { page, bright, dim } = palette();
      const ground = packed(page);
      pixels.fill(ground);
      // A disc as offsets into the sheet, with how much of each pixel it covers.
      const radius = Math.min(6, Math.max(0.8, 2.4 * (5000 / Math.max(count, 500)) ** 0.3) * (1 + 0.35 * Math.log2(Math
        .max(1, view.zoom)))) * ratio;
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
      const k = scale() * ratio,
        ox = w / 2 - view.x * k,
        oy = h / 2 + view.y * k;
      const codes = colours.codes;
      const stamp = (only, tints) => {
        for (let n = 0; n < count; n++) {
          const i = order[n];
          if (only >= 0 && chosen[i] !== only) continue;
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
      if (picked.length) {
        stamp(0, dim);
        stamp(1, bright);
      } else stamp(-1, bright);
      pen.putImageData(sheet, 0, 0);
    };

    // Small pictures: at most one in each cell of a grid that belongs to the map, so that they stay when it moves.
    const small = new Map(); // row to image, the latest last
    const picture = (row) => {
      let image = small.get(row);
      if (!image) {
        image = new Image();
        image.src =
          `map/${encodeURIComponent(facts.collection)}/${row}.webp?revision=${facts.revision}`;
        image.onload = draw;
        small.set(row, image);
        if (small.size > 800) small.delete(small.keys().next().value);
      }
      return image;
    };
    const rank = (i) => (Math.imul(i + 1, 2654435761) >>> 0); // a fixed lottery
    const placed = () => {
      const best = new Map();
      const [x0, y1] = toMap(-20, -20), [x1, y0] = toMap(width + 20, height + 20);
      const seen = [];
      within(x0, y0, x1, y1, (i) => (picked.length && !chosen[i]) || seen.push(i));
      const room = seen.length < 500 ? 40 : width < 500 ? 62 : 84; // pixels, at least
      const side = 2 ** -Math.floor(Math.log2(scale() / room));
      seen.forEach((i) => {
        const key = Math.floor(xy[2 * i] / side) * 1e6 + Math.floor(xy[2 * i + 1] / side);
        const held = best.get(key);
        if (held === undefined || rank(i) < rank(held)) best.set(key, i);
      });
      return [...best.values()];
    };
    const ink = over.getContext("2d");
    let path = null; // of a lasso being drawn, in pixels
    let edge = null; // of the last lasso, on the map
    const drawOver = () => {
      ink.setTransform(ratio, 0, 0, ratio, 0, 0);
      ink.clearRect(0, 0, width, height);
      if (!facts || !xy.length) return;
      const { full, page } = palette();
      const accent = tone("--g-accent"),
        text = tone("--g-text");
      const side = width < 500 ? 34 : THUMB;
      if (showing) {
        for (const i of placed()) {
          const image = picture(i);
          if (!image.complete || !image.naturalWidth) continue;
          const [px, py] = toScreen(xy[2 * i], xy[2 * i + 1]);
          const crop = Math.min(image.naturalWidth, image.naturalHeight);
          ink.fillStyle = colours.codes ? css(full[colours.codes[i]]) : css(page);
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
      const taken = (colours.best || []).map((rows, word) => drawBest(rows, word, text, page)).filter(Boolean);
      drawWords(text, page, taken);
      const outline = path || (edge && edge.map(([x, y]) => toScreen(x, y)));
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
      if (hover >= 0) ring(hover, 7, text);
      if (document.activeElement === over && over.matches(":focus-visible")) {
        ink.beginPath();
        ink.arc(width / 2, height / 2, middle(), 0, 7);
        ink.strokeStyle = text;
        ink.setLineDash([2, 5]);
        ink.stroke();
        ink.setLineDash([]);
      }
    };
    const middle = () => Math.min(width, height) * 0.14;
    const ring = (i, r, colour) => {
      const [px, py] = toScreen(xy[2 * i], xy[2 * i + 1]);
      ink.beginPath();
      ink.arc(px, py, r, 0, 7);
      ink.lineWidth = 2;
      ink.strokeStyle = colour;
      ink.stroke();
    };
    const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
    // What answers words best is ringed; a diamond stands in the middle of it with the words.
    const drawBest = (rows, word, text, page) => {
      if (!rows.length) return;
      if (colours.kind === "scale") rows.forEach((i) => ring(i, showing ? 5 : 6, text));
      const [px, py] = toScreen(median(rows.map((i) => xy[2 * i])), median(rows.map((i) => xy[2 * i + 1])));
      ink.beginPath();
      [
        [0, -9],
        [9, 0],
        [0, 9],
        [-9, 0]
      ].forEach(([dx, dy], n) => (n ? ink.lineTo(px + dx, py + dy) : ink.moveTo(px + dx, py + dy)));
      ink.closePath();
      ink.fillStyle = colours.kind === "classes" ? CLASSES[word] : tone("--g-accent");
      ink.fill();
      ink.lineWidth = 2;
      ink.strokeStyle = css(page);
      ink.stroke();
      const said = colours.kind === "classes" ? colours.classes[word][0] : colours.said;
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
      if (colours.kind === "classes" && colours.best.length) return; // typed words are written already
      for (const region of [...regions].sort((a, b) => b.pictures - a.pictures)) {
        if (!region.word) continue;
        const [px, py] = toScreen(region.x, region.y);
        const half = region.word.length * 4.4 + 8;
        if (px < half || px > width - half || py < 12 || py > height - 12) continue;
        if (taken.some(([x, y, w]) => Math.abs(x - px) < w + half && Math.abs(y - py) < 22)) continue;
        taken.push([px, py, half]);
        label(region.word, px, py, text, page);
      }
    };
    const repaint = () => {
      drawLegend();
      drawStatus();
      draw();
    };

    // ---- words around the map
    const drawWays = () => {
      const way = (name, label, settings) => g.node("button", { type: "button", class: "g-way", id: `map-${name}`,
        text: label, "aria-pressed": String(facts.method === name), onclick: () => {
          ask.method = name;
          write();
          load();
        }, ...settings });
      const umap = { ready: "UMAP", running: "UMAP …", failed: "UMAP", missing: "UMAP" } [facts.umap];
      ways.replaceChildren(way("pca", "PCA", { title: "Straight: the two directions in which the pictures differ most" }),
        way("umap", umap, { disabled: facts.umap !== "ready",
          title: facts.why || (facts.umap === "running" ?
            "Being worked out in the background; the map changes over when it is ready" :
            "Curved: keeps neighbours together, says little about what is far apart") }));
    };
    const drawColumns = () => {
      const now = ask.by ?? firstColumn();
      const option = (value, text) => g.node("option", { value, text, selected: value === now });
      by.replaceChildren(option("", ask.q ? "the words" : "nothing"), ...facts.columns.map((name) => option(name, name
        .replaceAll("_", " "))));
      by.value = ask.q ? "" : now;
      field.disabled = facts.readsText === false;
      if (field.disabled) field.placeholder = "This encoder sees pictures only; colour by a column";
    };
    const drawStatus = () => {
      if (!facts) return;
      const told = [g.node("b", { text: g.pictures(facts.pictures) })];
      if (colours.kind === "scale" && colours.said) told.push(` by how well they answer “${colours.said}”`);
      else if (colours.kind === "classes" && colours.best.length) told.push(" by the word that each answers best");
      else if (colours.kind !== "none" && by.value) told.push(` by ${by.value.replaceAll("_", " ")}`);
      if (picked.length) told.push(` · ${g.count(picked.length)} chosen`);
      if (facts.umap === "running") told.push(" · UMAP is being worked out");
      status.replaceChildren(...told);
      const share = (part) => `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
      const parts = [`A flat picture of ${g.count(facts.dim)} numbers a picture: distances are approximate.`];
      if (facts.explained) parts.push(
        `PCA's two axes hold ${share(facts.explained[0] + facts.explained[1])} of the variance (${share(facts.explained[0])} across, ${share(facts.explained[1])} up).`
        );
      if (facts.kept !== null) parts.push(
        `Of a picture's 10 nearest in full, ${share(facts.kept)} are among its 10 nearest here.`);
      if (facts.umap === "failed") parts.push(facts.why);
      trust.textContent = parts.join(" ");
    };
    const drawLegend = () => {
      by.options[0] && (by.options[0].textContent = ask.q ? "the words" : "nothing");
      by.value = ask.q ? "" : ask.by ?? firstColumn();
      if (colours.kind === "classes") {
        const known = colours.classes.reduce((sum, [, n]) => sum + n, 0);
        const entry = (code, name, n) => g.node("button", { type: "button", class: "g-map-class",
          title: `Choose these ${g.pictures(n)}`, onclick: () => choose(rowsOf(colours.codes, code)) }, g.node("i", {
          style: { background: code === UNKNOWN ? "var(--g-faint)" : CLASSES[code] } }), g.node("span", {
          text: name }), g.node("small", { text: g.count(n) }));
        legend.replaceChildren(...colours.classes.map(([name, n], code) => entry(code, name, n)),
          ...(known < facts.pictures ? [entry(UNKNOWN, "others", facts.pictures - known)] : []));
      } else if (colours.kind === "scale") {
        legend.replaceChildren(g.node("span", { class: "g-map-scale" }, g.node("span", { text: colours.low }), g.node(
            "i", { style: { background: `linear-gradient(to right, ${RAMP[dark() ? "dark" : "light"].join(", ")})` } }),
          g.node("span", { text: colours.high })));
      } else legend.replaceChildren();
    };
    const drawTable = () => {
      const rows = [...regions].sort((a, b) => b.pictures - a.pictures);
      const open = table.open;
      table.hidden = !rows.length;
      table.replaceChildren(g.node("summary", { text: `The map as a table: ${rows.length} parts` }), g.node("table", {},
        g.node("thead", {}, g.node("tr", {}, ...["What sets it apart", "Pictures", "Across", "Up", ""].map((name) => g
          .node("th", { scope: "col", text: name })))),
        g.node("tbody", {}, ...rows.map((region) => g.node("tr", {},
          g.node("th", { scope: "row", text: region.word || "no word of ours" }),
          g.node("td", { text: g.count(region.pictures) }),
          g.node("td", { text: region.x.toFixed(2).replace("-", "−") }),
          g.node("td", { text: region.y.toFixed(2).replace("-", "−") }),
          g.node("td", {}, g.button(null, "Choose", () => choose(rowsOf(regionOf, region.i)), { class: "g-button g-small",
            "aria-label": `Choose the ${region.pictures} pictures of ${region.word || "this part"}` })))))));
      table.open = open;
    };

    // ---- choosing
    const rowsOf = (codes, code) => {
      const rows = [];
      for (let i = 0; i < codes.length; i++)
        if (codes[i] === code) rows.push(i);
      return rows;
    };
    const inside = (ring) => {
      const xs = ring.map(([x]) => x),
        ys = ring.map(([, y]) => y);
      const rows = [];
      within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (i) => {
        const x = xy[2 * i],
          y = xy[2 * i + 1];
        let odd = false;
        for (let a = 0, b = ring.length - 1; a < ring.length; b = a++) {
          const [ax, ay] = ring[a], [bx, by] = ring[b];
          if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) odd = !odd;
        }
        if (odd) rows.push(i);
      });
      return rows;
    };
    let offered = 0; // how many of the chosen are shown as cards
    const choose = (rows, ring = null) => {
      edge = rows.length ? ring : null;
      // What answers the words best comes first, else what lies nearest to the middle.
      const scored = colours.kind === "scale" && colours.said;
      const mx = median(rows.map((i) => xy[2 * i])),
        my = median(rows.map((i) => xy[2 * i + 1]));
      const far = (i) => (scored ? -colours.codes[i] : (xy[2 * i] - mx) ** 2 + (xy[2 * i + 1] - my) ** 2);
      const keyed = rows.map((i) => [far(i), i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      picked = keyed.map(([, i]) => i);
      chosen = new Uint8Array(xy.length / 2);
      picked.forEach((i) => (chosen[i] = 1));
      drawPanel();
      drawStatus();
      draw();
    };
    const drawPanel = () => {
      panel.hidden = !picked.length;
      if (!picked.length) return panel.replaceChildren();
      const told = g.node("p", { class: "g-aside", id: "map-told", role: "status" });
      const grid = g.arrows(g.node("div", { class: "g-grid", id: "map-grid" }));
      const more = g.button(null, "Show 60 more", () => addCards(grid, more), { class: "g-button g-more", id: "map-more",
        hidden: true });
      const name = g.node("input", { type: "text", class: "g-field", id: "map-tag", "aria-label": "Tag for the chosen pictures",
        placeholder: "tag", maxlength: "64", autocomplete: "off" });
      const tagging = g.node("form", { class: "g-map-tagging", onsubmit: async (event) => {
          event.preventDefault();
          const answer = await g.ask(server.tagged, { ...mine(), rows: picked, tag: name.value });
          told.textContent = answer.error || `${g.pictures(answer.tagged)} tagged “${name.value.trim()}”.`;
        } }, g.icon("tag"), name, g.node("button", { type: "submit", class: "g-button g-small", text: "Tag" }));
      offered = 0;
      panel.replaceChildren(
        g.node("div", { class: "g-map-head" }, g.node("h2", { text: g.pictures(picked.length) }), g.node("button", {
          type: "button", class: "g-icon-button", "aria-label": "Let go of the chosen pictures", title: "Let go",
          id: "map-let-go", onclick: () => choose([]) }, g.icon("close"))),
        g.node("div", { class: "g-actions" },
          g.button("like", "More like these", likeThese, { id: "map-like" }),
          g.button("download", "CSV", () => save(told), { id: "map-csv" })),
        tagging, told, grid, more);
      addCards(grid, more);
    };
    const addCards = async (grid, more) => {
      const rows = picked.slice(offered, offered + PAGE);
      const now = picked;
      more.disabled = true;
      const answer = await g.ask(server.pictures, { ...mine(), rows });
      if (now !== picked) return;
      if (answer.error) return notice.replaceChildren(g.notice(answer.error));
      offered += rows.length;
      grid.append(...answer.hits.map((hit) => g.card(hit, answer.collection, { onpick: () => lookAt(hit), onlike: () =>
          search([hit.id]) })));
      const left = picked.length - offered;
      more.hidden = left <= 0;
      more.disabled = false;
      more.querySelector("span").textContent = `Show ${Math.min(PAGE, left)} more of ${g.count(left)}`;
    };
    const lookAt = (hit) => g.classify({ id: hit.id, collection: facts.collection, name: hit.name });
    const search = (ids) => g.goTo("search", { q: null, like: ids, by: null, method: null });
    const likeThese = async () => {
      const answer = await g.ask(server.pictures, { ...mine(), rows: picked.slice(0, 12) });
      if (answer.error) return notice.replaceChildren(g.notice(answer.error));
      search(answer.hits.map((hit) => hit.id));
    };
    const save = async (told) => {
      const answer = await g.ask(server.table, { ...mine(), rows: picked });
      if (answer.error) return (told.textContent = answer.error);
      const file = URL.createObjectURL(new Blob([answer.csv], { type: "text/csv" }));
      const link = g.node("a", { href: file, download: `gelato-${facts.collection}-map.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(file), 1000);
    };

    // ---- pointer and keys
    const at = (event) => {
      const box = over.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const held = new Map(); // pointers that are down
    let pressed = null;
    over.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      over.setPointerCapture(event.pointerId);
      held.set(event.pointerId, at(event));
      if (held.size === 1 && (lassoing || event.shiftKey)) path = [at(event)];
      if (held.size === 2) path = null;
      pressed = { at: at(event), moved: false };
      hideTip();
    });
    over.addEventListener("pointermove", (event) => {
      const now = at(event);
      const last = held.get(event.pointerId);
      if (!last) return event.pointerType === "mouse" ? look(now) : undefined;
      if (pressed && Math.hypot(now[0] - pressed.at[0], now[1] - pressed.at[1]) > 4) pressed.moved = true;
      if (path) {
        const end = path[path.length - 1];
        if (Math.hypot(now[0] - end[0], now[1] - end[1]) > 3) path.push(now);
        draw();
      } else if (held.size === 2) {
        const other = [...held].find(([id]) => id !== event.pointerId)[1];
        const before = Math.hypot(last[0] - other[0], last[1] - other[1]),
          after = Math.hypot(now[0] - other[0], now[1] - other[1]);
        pan((now[0] - last[0]) / 2, (now[1] - last[1]) / 2);
        if (before > 0) zoomBy(after / before, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      } else if (pressed?.moved) pan(now[0] - last[0], now[1] - last[1]);
      held.set(event.pointerId, now);
    });
    const lift = (event) => {
      if (!held.delete(event.pointerId)) return;
      if (path) {
        const ring = path.map(([px, py]) => toMap(px, py));
        path = null;
        if (ring.length > 2) choose(inside(ring), ring);
        draw();
      } else if (pressed && !pressed.moved && event.type === "pointerup" && facts) {
        const i = nearest(...at(event), event.pointerType === "mouse" ? REACH : 2 * REACH);
        choose(i >= 0 ? [i] : []);
      }
      if (!held.size) pressed = null;
    };
    over.addEventListener("pointerup", lift);
    over.addEventListener("pointercancel", lift);
    over.addEventListener("pointerleave", () => hideTip());
    over.addEventListener("wheel", (event) => {
      event.preventDefault();
      hideTip();
      zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015) * (event.ctrlKey ? 4 : 1)), ...at(event));
    }, { passive: false });
    over.addEventListener("dblclick", (event) => zoomBy(2, ...at(event)));
    over.addEventListener("focus", () => draw());
    over.addEventListener("blur", () => draw());
    over.addEventListener("keydown", (event) => {
      const step = (event.shiftKey ? 0.4 : 0.1) * Math.min(width, height);
      const act = {
        ArrowLeft: () => pan(step, 0),
        ArrowRight: () => pan(-step, 0),
        ArrowUp: () => pan(0, step),
        ArrowDown: () => pan(0, -step),
        "+": () => zoomBy(1.4),
        "=": () => zoomBy(1.4),
        "-": () => zoomBy(1 / 1.4),
        0: fit,
        Enter: () => {
          const ring = Array.from({ length: 32 }, (_, n) => toMap(width / 2 + middle() * Math.cos(n / 16 * Math.PI),
            height / 2 + middle() * Math.sin(n / 16 * Math.PI)));
          const rows = inside(ring);
          const one = nearest(width / 2, height / 2, width + height);
          if (rows.length || one < 0) choose(rows, ring);
          else choose([one]);
        },
        Escape: () => choose([]),
      } [event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });

    // ---- the picture under the pointer
    let asking = 0;
    const names = new Map();
    const hideTip = () => {
      hover = -1;
      tip.hidden = true;
      draw();
    };
    const look = ([px, py]) => {
      if (!facts) return;
      const i = nearest(px, py);
      if (i === hover) return;
      hover = i;
      tip.hidden = i < 0;
      draw();
      if (i < 0) return;
      const kind = colours.kind === "classes" && colours.codes[i] !== UNKNOWN ? colours.classes[colours.codes[i]][0] : "";
      const caption = g.node("span", { text: names.get(i) || kind || " " });
      const image = picture(i).cloneNode();
      image.alt = "";
      tip.replaceChildren(image, caption);
      const [x, y] = toScreen(xy[2 * i], xy[2 * i + 1]);
      tip.style.left = `${Math.min(Math.max(4, x + 16), width - 164)}px`;
      tip.style.top = `${Math.min(Math.max(4, y - 80), height - 176)}px`;
      clearTimeout(asking);
      if (!names.has(i)) asking = setTimeout(async () => {
        const answer = await g.ask(server.pictures, { ...mine(), rows: [i] });
        if (answer.error) return;
        names.set(i, answer.hits[0].name);
        if (hover === i) caption.textContent = kind && kind !== answer.hits[0].name ? `${answer.hits[0].name} · ${kind}` :
          answer.hits[0].name;
      }, 150);
    };

    // ---- what happens
    new ResizeObserver(() => {
      const box = stage.getBoundingClientRect();
      width = Math.round(box.width);
      height = Math.round(box.height);
      ratio = Math.min(2, window.devicePixelRatio || 1);
      if (!width || !height) return;
      for (const canvas of [base, over]) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      draw();
    }).observe(stage);
    new MutationObserver(() => {
      drawLegend();
      draw();
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    window.addEventListener("gelato:address", ({ detail }) => {
      if (detail.tab !== "map") return;
      const before = JSON.stringify(ask);
      read();
      if (!facts || g.collection() !== facts.collection) load();
      else if (before !== JSON.stringify(ask)) {
        load();
        colour();
      }
    });
    let seen = "";
    window.addEventListener("gelato:state", ({ detail }) => {
      const now = `${detail.collection} ${detail.revision}`;
      if (now === seen || g.whichTab() !== "map") return;
      const other = seen.split(" ")[0] !== detail.collection;
      seen = now;
      names.clear();
      if (other) ask.by = address().get("by");
      load();
    });
    read();
    status.textContent = "Drawing the map";
    if (g.state) {
      seen = `${g.state.collection} ${g.state.revision}`;
      load();
    }
  };
})();
