// The map tab: a canvas that draws every image as a point, with what is near, what is meant and what is chosen.
import * as g from "../../ui/ui.js";
import * as pointsModule from "./points.js";
import * as paintModule from "./paint.js";
import * as pointerModule from "./pointer.js";
import * as panelModule from "./panel.js";

const { CLASSES, RAMP, UNKNOWN } = paintModule.mapColours;
const REACH = 16; // pixels from the pointer to a point
const LOOK_AGAIN = 3000; // milliseconds, while UMAP is being worked out

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

export const map = (element, server) => {
  let ask = { by: null, q: "", method: "" };
  // What is drawn, and shared with the painter and the hand.
  const state = {
    facts: null, // what describe answered
    order: new Uint32Array(0),
    colours: { kind: "none", codes: null, classes: [], best: [] },
    regions: [],
    picked: [], // chosen rows, in the order they are shown
    chosen: null, // Uint8Array, 1 for a chosen row
    hover: -1, path: null, edge: null, showing: true, lassoing: false, ratio: 1,
  };
  const points = pointsModule.points();
  const camera = pointsModule.camera(() => draw());
  let regionOf = null;
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
  const lasso = tool("lasso", glyph("◌"), "Lasso: draw round images to choose them", () => {
    state.lassoing = !state.lassoing;
    lasso.setAttribute("aria-pressed", state.lassoing);
    stage.classList.toggle("g-lassoing", state.lassoing);
  }, { "aria-pressed": "false" });
  const shown = tool("images", g.icon("image"), "Show small images on the map", () => {
    state.showing = !state.showing;
    shown.setAttribute("aria-pressed", state.showing);
    draw();
  }, { "aria-pressed": "true" });
  const tools = g.node("div", { class: "g-map-tools", role: "group", "aria-label": "Map" },
    lasso, shown,
    tool("in", g.icon("plus"), "Nearer", () => camera.zoomBy(1.6)),
    tool("out", g.icon("minus"), "Farther", () => camera.zoomBy(1 / 1.6)),
    tool("fit", glyph("⤢"), "See everything", () => camera.fit()));
  const base = g.node("canvas", { class: "g-map-points", "aria-hidden": "true" });
  const over = g.node("canvas", { class: "g-map-over", id: "map-canvas", tabindex: "0", role: "application",
    "aria-label": "Map of the collection", "aria-describedby": "map-keys map-status" });
  const tip = g.node("div", { class: "g-map-tip", id: "map-tip", hidden: true });
  const stage = g.node("div", { class: "g-map-stage" }, base, over, tools, tip);
  const legend = g.node("div", { class: "g-map-legend", id: "map-legend" });
  const status = g.node("p", { class: "g-status", id: "map-status", role: "status" });
  const trust = g.node("p", { class: "g-aside", id: "map-trust" });
  const notice = g.node("div", { id: "map-notice" });
  const panel = panelModule.mapPanel(server, () => mine(), () => choose([]), (error) => notice.replaceChildren(g.notice(error)));
  const table = g.node("details", { class: "g-map-table", id: "map-table", hidden: true });
  const keys = g.node("p", { class: "g-aside", id: "map-keys",
    text: "Drag to move, wheel or pinch to zoom, shift-drag or the lasso to choose. With the keyboard: arrows move, + and − zoom, 0 shows everything, Enter chooses what is in the middle, Escape lets go." });
  element.querySelector(".g-map").append(
    g.node("div", { class: "g-map-bar" }, form, g.node("label", { class: "g-map-by" }, g.node("span", {
      text: "Colour by" }), by), ways),
    notice,
    g.node("div", { class: "g-results-head" }, status, legend),
    g.node("div", { class: "g-map-split" }, stage, panel.element),
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
  const mine = () => ({ collection: state.facts.collection, revision: state.facts.revision });

  // ---- asking
  const load = async () => {
    const now = ++turn;
    clearTimeout(timer);
    const answer = await g.request(server.describe, { collection: g.collection(), method: ask.method });
    if (now !== turn) return;
    if (answer.error) return fail(answer.error);
    const same = state.facts && state.facts.collection === answer.collection && state.facts.revision === answer.revision;
    if (!(same && state.facts.method === answer.method)) {
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
      const before = state.facts;
      state.facts = answer;
      notice.replaceChildren();
      if (same) travel(places);
      else {
        painter.forget(); // rows are others now
        place(places);
        if (!before || before.collection !== answer.collection) camera.fit();
        choose([]);
        state.colours = { kind: "none", codes: null, classes: [], best: [] };
        colour();
      }
      state.regions = [];
      words();
    } else state.facts = answer;
    drawWays();
    drawColumns();
    drawStatus();
    if (state.facts.umap === "running") timer = setTimeout(load, LOOK_AGAIN);
  };
  const fail = (sentence) => {
    if (state.facts && state.facts.collection === g.collection()) return notice.replaceChildren(g.notice(sentence));
    state.facts = null;
    place(new Float32Array(0));
    state.regions = [];
    choose([]);
    notice.replaceChildren(g.notice(sentence));
    status.textContent = "";
    trust.textContent = "";
    table.hidden = true;
    legend.replaceChildren();
  };
  const colour = async () => {
    const asked = state.facts;
    const column = ask.by ?? firstColumn();
    const like = address().getAll("like").filter((id) => !id.startsWith("-"));
    if (!ask.q && !like.length && !column) {
      state.colours = { kind: "none", codes: null, classes: [], best: [] };
      return repaint();
    }
    base.setAttribute("aria-busy", "true");
    const answer = await g.request(server.colour, { ...mine(), by: column, q: ask.q, like: ask.by ? [] : like });
    base.removeAttribute("aria-busy");
    if (asked !== state.facts && (!state.facts || asked?.revision !== state.facts.revision)) return;
    if (answer.error) return notice.replaceChildren(g.notice(answer.error));
    notice.replaceChildren();
    state.colours = { ...answer, codes: bytes(answer.codes) };
    repaint();
  };
  const words = async () => {
    const asked = state.facts;
    const answer = await g.request(server.words, { ...mine(), method: state.facts.method });
    if (asked.revision !== state.facts?.revision || asked.method !== state.facts.method) return;
    if (answer.error) return;
    state.regions = answer.regions.map((region, i) => ({ ...region, i })).filter((region) => region.images);
    regionOf = bytes(answer.codes);
    drawTable();
    draw();
  };
  const firstColumn = () => state.facts?.first || "";

  // ---- places
  const place = (places) => {
    points.set(places);
    state.order = points.mixed();
    state.hover = -1;
    camera.span = points.span();
    draw();
  };
  const travel = (places) => {
    const from = points.xy;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden) return place(places);
    const began = performance.now();
    camera.home();
    cancelAnimationFrame(moving);
    const step = (now) => {
      const t = Math.min(1, Math.max(0, (now - began) / 700));
      if (t === 1) {
        moving = null;
        place(places);
        return camera.fit();
      }
      const eased = t * t * (3 - 2 * t);
      points.set(from.map((value, i) => value + (places[i] - value) * eased));
      draw();
      moving = requestAnimationFrame(step);
    };
    moving = requestAnimationFrame(step);
  };
  // ---- drawing
  const dark = () => document.body.classList.contains("dark");
  const painter = paintModule.mapPainter(element, base, over, points, camera, state);
  const draw = painter.draw;
  const nearest = ([px, py], times = 1) => points.nearest(...camera.toMap(px, py), times === Infinity ? 4 : times * REACH /
    camera.scale());
  const repaint = () => {
    drawLegend();
    drawStatus();
    draw();
  };

  // ---- words around the map
  const drawWays = () => {
    const way = (name, label, settings) => g.node("button", { type: "button", class: "g-way", id: `map-${name}`,
      text: label, "aria-pressed": String(state.facts.method === name), onclick: () => {
        ask.method = name;
        write();
        load();
      }, ...settings });
    const umap = { ready: "UMAP", running: "UMAP …", failed: "UMAP", missing: "UMAP" } [state.facts.umap];
    ways.replaceChildren(way("pca", "PCA", { title: "Straight: the two directions in which the images differ most" }),
      way("umap", umap, { disabled: state.facts.umap !== "ready",
        title: state.facts.why || (state.facts.umap === "running" ?
          "Being worked out in the background; the map changes over when it is ready" :
          "Curved: keeps neighbours together, says little about what is far apart") }));
  };
  const drawColumns = () => {
    const now = ask.by ?? firstColumn();
    const option = (value, text) => g.node("option", { value, text, selected: value === now });
    by.replaceChildren(option("", ask.q ? "the words" : "nothing"), ...state.facts.columns.map((name) => option(name, name
      .replaceAll("_", " "))));
    by.value = ask.q ? "" : now;
    field.disabled = state.facts.readsText === false;
    if (field.disabled) field.placeholder = "This encoder sees images only; colour by a column";
  };
  const drawStatus = () => {
    if (!state.facts) return;
    const told = [g.node("b", { text: g.images(state.facts.images) })];
    if (state.colours.kind === "scale" && state.colours.said) told.push(` by how well they answer “${state.colours.said}”`);
    else if (state.colours.kind === "classes" && state.colours.best.length) told.push(" by the word that each answers best");
    else if (state.colours.kind !== "none" && by.value) told.push(` by ${by.value.replaceAll("_", " ")}`);
    if (state.picked.length) told.push(` · ${g.count(state.picked.length)} chosen`);
    if (state.facts.umap === "running") told.push(" · UMAP is being worked out");
    status.replaceChildren(...told);
    const share = (part) => `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
    const parts = [`A flat image of ${g.count(state.facts.dim)} numbers an image: distances are approximate.`];
    if (state.facts.explained) parts.push(
      `PCA's two axes hold ${share(state.facts.explained[0] + state.facts.explained[1])} of the variance (${share(state.facts.explained[0])} across, ${share(state.facts.explained[1])} up).`
      );
    if (state.facts.kept !== null) parts.push(
      `Of an image's 10 nearest in full, ${share(state.facts.kept)} are among its 10 nearest here.`);
    if (state.facts.umap === "failed") parts.push(state.facts.why);
    trust.textContent = parts.join(" ");
  };
  const drawLegend = () => {
    by.options[0] && (by.options[0].textContent = ask.q ? "the words" : "nothing");
    by.value = ask.q ? "" : ask.by ?? firstColumn();
    if (state.colours.kind === "classes") {
      const known = state.colours.classes.reduce((sum, [, n]) => sum + n, 0);
      const entry = (code, name, n) => g.node("button", { type: "button", class: "g-map-class",
        title: `Choose these ${g.images(n)}`, onclick: () => choose(rowsOf(state.colours.codes, code)) }, g.node("i", {
        style: { background: code === UNKNOWN ? "var(--g-faint)" : CLASSES[code] } }), g.node("span", {
        text: name }), g.node("small", { text: g.count(n) }));
      legend.replaceChildren(...state.colours.classes.map(([name, n], code) => entry(code, name, n)),
        ...(known < state.facts.images ? [entry(UNKNOWN, "others", state.facts.images - known)] : []));
    } else if (state.colours.kind === "scale") {
      legend.replaceChildren(g.node("span", { class: "g-map-scale" }, g.node("span", { text: state.colours.low }), g.node(
          "i", { style: { background: `linear-gradient(to right, ${RAMP[dark() ? "dark" : "light"].join(", ")})` } }),
        g.node("span", { text: state.colours.high })));
    } else legend.replaceChildren();
  };
  const drawTable = () => {
    const rows = [...state.regions].sort((a, b) => b.images - a.images);
    const open = table.open;
    table.hidden = !rows.length;
    table.replaceChildren(g.node("summary", { text: `The map as a table: ${rows.length} parts` }), g.node("table", {},
      g.node("thead", {}, g.node("tr", {}, ...["What sets it apart", "Images", "Across", "Up", ""].map((name) => g
        .node("th", { scope: "col", text: name })))),
      g.node("tbody", {}, ...rows.map((region) => g.node("tr", {},
        g.node("th", { scope: "row", text: region.word || "no word of ours" }),
        g.node("td", { text: g.count(region.images) }),
        g.node("td", { text: region.x.toFixed(2).replace("-", "−") }),
        g.node("td", { text: region.y.toFixed(2).replace("-", "−") }),
        g.node("td", {}, g.button(null, "Choose", () => choose(rowsOf(regionOf, region.i)), { class: "g-button g-small",
          "aria-label": `Choose the ${region.images} images of ${region.word || "this part"}` })))))));
    table.open = open;
  };

  // ---- choosing
  const rowsOf = (codes, code) => {
    const rows = [];
    for (let i = 0; i < codes.length; i++)
      if (codes[i] === code) rows.push(i);
    return rows;
  };
  const choose = (rows, ring = null) => {
    state.edge = rows.length ? ring : null;
    // What answers the words best comes first, else what lies nearest to the middle.
    const scored = state.colours.kind === "scale" && state.colours.said;
    const mx = pointsModule.median(rows.map((i) => points.xy[2 * i])),
      my = pointsModule.median(rows.map((i) => points.xy[2 * i + 1]));
    const far = (i) => (scored ? -state.colours.codes[i] : (points.xy[2 * i] - mx) ** 2 + (points.xy[2 * i + 1] - my) ** 2);
    const keyed = rows.map((i) => [far(i), i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    state.picked = keyed.map(([, i]) => i);
    state.chosen = new Uint8Array(points.xy.length / 2);
    state.picked.forEach((i) => (state.chosen[i] = 1));
    panel.show(state.picked);
    drawStatus();
    draw();
  };

  // ---- the image under the pointer
  let asking = 0;
  const names = new Map();
  const hideTip = () => {
    state.hover = -1;
    tip.hidden = true;
    draw(false);
  };
  const look = ([px, py]) => {
    if (!state.facts) return;
    const i = nearest([px, py]);
    if (i === state.hover) return;
    state.hover = i;
    tip.hidden = i < 0;
    draw(false);
    if (i < 0) return;
    const kind = state.colours.kind === "classes" && state.colours.codes[i] !== UNKNOWN ? state.colours.classes[state.colours.codes[i]][0] : "";
    const caption = g.node("span", { text: names.get(i) || kind || " " });
    const image = painter.imageOf(i).cloneNode();
    image.alt = "";
    tip.replaceChildren(image, caption);
    const [x, y] = camera.toScreen(points.xy[2 * i], points.xy[2 * i + 1]);
    tip.style.left = `${Math.min(Math.max(4, x + 16), camera.width - 164)}px`;
    tip.style.top = `${Math.min(Math.max(4, y - 80), camera.height - 176)}px`;
    clearTimeout(asking);
    if (!names.has(i)) asking = setTimeout(async () => {
      const answer = await g.request(server.images, { ...mine(), rows: [i] });
      if (answer.error) return;
      names.set(i, answer.hits[0].name);
      if (state.hover === i) caption.textContent = kind && kind !== answer.hits[0].name ? `${answer.hits[0].name} · ${kind}` :
        answer.hits[0].name;
    }, 150);
  };

  // ---- what happens
  pointerModule.mapHand(over, points, camera, state, { draw, choose, look, leave: hideTip, nearest });
  new ResizeObserver(() => {
    const box = stage.getBoundingClientRect();
    camera.width = Math.round(box.width);
    camera.height = Math.round(box.height);
    state.ratio = Math.min(2, window.devicePixelRatio || 1);
    if (!camera.width || !camera.height) return;
    for (const canvas of [base, over]) {
      canvas.width = Math.round(camera.width * state.ratio);
      canvas.height = Math.round(camera.height * state.ratio);
    }
    draw();
  }).observe(stage);
  new MutationObserver(() => {
    drawLegend();
    draw();
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  g.onAddress((tab) => {
    if (tab !== "map") return;
    const before = JSON.stringify(ask);
    read();
    if (!state.facts || g.collection() !== state.facts.collection) load();
    else if (before !== JSON.stringify(ask)) {
      load();
      colour();
    }
  });
  let seen = "";
  g.onState((detail) => {
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
  if (g.session.state) {
    seen = `${g.session.state.collection} ${g.session.state.revision}`;
    load();
  }
};
