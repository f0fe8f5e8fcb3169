// The map tab: every image as a point on a canvas, with thumbnails, labels, a legend and a selection.
import { node, notice } from "../../ui/elements/elements.js";
import { images as imageCount } from "../../ui/format/format.js";
import { classifyImage, goTo, onAddress, readdress, whichTab } from "../../ui/navigation/navigation.js";
import { collection, onState, request } from "../../ui/session/session.js";
import { addressParts, parseAddress } from "./address.js";
import { Camera } from "./camera.js";
import { NO_COLOURS } from "./colours.js";
import { extentOf, interpolate, shuffledRows, sortedRows } from "./geometry.js";
import { layOut, mapElements } from "./layout.js";
import { legendOf, showRegions } from "./legend.js";
import { fetchColouring, fetchName, fetchPoints, fetchRegions } from "./loading.js";
import { Panel } from "./panel.js";
import { listenToKeys, listenToPointer } from "./pointer.js";
import { Points } from "./points.js";
import { Renderer } from "./renderer.js";
import { qualityText, statusText } from "./summary.js";
import { methodButtons, showColumns } from "./toolbar.js";
import { Tooltip } from "./tooltip.js";
import { newView } from "./view.js";

const RETRY = 3000; // milliseconds until the next look while UMAP is being computed
const TRAVEL = 700; // milliseconds of the animation between two projections

// Entry point of the tab.
export const map = (element, server) => new MapTab(element.querySelector(".g-map"), server).start();

class MapTab {
  #turn = 0; // of requests, so that only the latest is shown
  #timer = 0;
  #frame = 0; // of the animation
  #seen = ""; // collection and revision that were loaded last

  constructor(root, server) {
    this.server = server;
    this.view = newView();
    this.points = new Points();
    this.camera = new Camera(() => this.renderer.draw());
    this.address = parseAddress(location.search);
    this.elements = mapElements(this.camera, this.#controlActions());
    this.renderer = new Renderer(this.elements, this.points, this.camera, this.view);
    this.scene = { points: this.points, camera: this.camera, view: this.view, canvas: this.elements.over };
    const nameOf = (row) => fetchName(server, this.snapshot(), row);
    this.tooltip = new Tooltip(this.scene, this.renderer.thumbnails, nameOf);
    this.panel = new Panel(server, this.#panelActions());
    layOut(root, this.elements, this.tooltip.element, this.panel.element);
    this.elements.controls.field.value = this.address.q;
  }

  start() {
    const act = {
      draw: (withPoints) => this.renderer.draw(withPoints),
      select: (rows, outline) => this.select(rows, outline),
      hover: (row) => this.#hover(row),
      leave: () => this.#hover(-1),
    };
    listenToPointer(this.scene, act);
    listenToKeys(this.scene, act);
    const resized = ([{ contentRect }]) => this.renderer.resize(contentRect.width, contentRect.height);
    new ResizeObserver(resized).observe(this.elements.stage);
    const themed = new MutationObserver(() => this.#recoloured());
    themed.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    onAddress((tab) => tab === "map" && this.#addressChanged());
    onState((state) => this.#stateChanged(state));
  }

  // The collection and revision that the rows on the map belong to.
  snapshot() {
    return { collection: this.view.facts.collection, revision: this.view.facts.revision };
  }

  // The column that the map is coloured by, or "".
  get column() {
    return this.address.by ?? this.view.facts?.first ?? "";
  }

  #controlActions() {
    return {
      column: (by) => this.#ask({ by, q: "" }),
      text: (q) => this.#ask({ q }),
      lasso: (on) => {
        this.view.lassoActive = on;
        this.elements.stage.classList.toggle("g-map-lassoing", on);
      },
      thumbnails: (on) => {
        this.view.showThumbnails = on;
        this.renderer.draw();
      },
    };
  }

  #panelActions() {
    return {
      snapshot: () => this.snapshot(),
      clear: () => this.select([]),
      fail: (sentence) => this.#notice(sentence),
      search: (ids) => goTo("search", { q: null, like: ids, by: null, method: null }),
      classify: ({ id, name }) => classifyImage({ id, name, collection: this.view.facts.collection }),
    };
  }

  // Colours anew by what the controls say.
  #ask(change) {
    Object.assign(this.address, change);
    this.elements.controls.field.value = this.address.q;
    readdress("map", addressParts(this.address));
    this.#colour();
  }

  #addressChanged() {
    const before = JSON.stringify(this.address);
    this.address = parseAddress(location.search);
    this.elements.controls.field.value = this.address.q;
    const same = this.view.facts?.collection === collection();
    if (same && before === JSON.stringify(this.address)) return;
    this.#load();
    if (same) this.#colour();
  }

  #stateChanged(state) {
    const now = `${state.collection} ${state.revision}`;
    if (now === this.#seen || (this.#seen && whichTab() !== "map")) return;
    if (this.#seen && this.#seen.split(" ")[0] !== state.collection) this.address.by = parseAddress(location.search).by;
    this.#seen = now;
    this.tooltip.clear();
    this.#load();
  }

  async #load() {
    const turn = ++this.#turn;
    clearTimeout(this.#timer);
    const { method } = this.address;
    const facts = await request(this.server.describe, { collection: collection(), method });
    if (turn !== this.#turn) return;
    if (facts.error) return this.#fail(facts.error);
    const shown = this.view.facts;
    const same = shown?.collection === facts.collection && shown.revision === facts.revision;
    if (!same || shown.method !== facts.method) {
      const xy = await fetchPoints(facts);
      if (turn !== this.#turn) return;
      if (!xy) return this.#retry();
      this.#showProjection(facts, xy, same);
    }
    this.view.facts = facts;
    const choose = (name) => {
      this.address.method = name;
      readdress("map", addressParts(this.address));
      this.#load();
    };
    this.elements.methods.replaceChildren(...methodButtons(facts, choose));
    showColumns(this.elements.controls, facts, this.column, this.address.q);
    this.#describe();
    if (facts.umap === "running") this.#retry();
  }

  #retry() {
    this.#timer = setTimeout(() => this.#load(), RETRY);
  }

  // Shows the points of another projection of the same images, or of other images.
  #showProjection(facts, xy, same) {
    const before = this.view.facts;
    this.view.facts = facts;
    this.elements.notice.replaceChildren();
    if (same) this.#travel(xy);
    else {
      this.renderer.thumbnails.clear(); // rows are other images now
      this.#place(xy);
      if (before?.collection !== facts.collection) this.camera.fit();
      this.view.colouring = NO_COLOURS;
      this.select([]);
      this.#colour();
    }
    this.view.regions = [];
    this.#nameRegions();
  }

  #place(xy) {
    this.points.set(xy);
    this.view.order = shuffledRows(this.points.count);
    this.view.hovered = -1;
    this.camera.extent = extentOf(xy);
    this.renderer.draw();
  }

  // Moves the points from one projection to another, unless motion is unwanted.
  #travel(xy) {
    cancelAnimationFrame(this.#frame);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden) return this.#place(xy);
    const from = this.points.xy;
    const began = performance.now();
    this.camera.reset();
    const step = (now) => {
      const t = Math.max(0, (now - began) / TRAVEL);
      if (t >= 1) {
        this.#place(xy);
        return this.camera.fit();
      }
      this.points.set(interpolate(from, xy, t));
      this.renderer.draw();
      this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  async #colour() {
    const { facts } = this.view;
    const { by, q, like } = this.address;
    this.elements.base.setAttribute("aria-busy", "true");
    const wanted = { column: this.column, q, like: by ? [] : like };
    const colouring = await fetchColouring(this.server, this.snapshot(), wanted);
    this.elements.base.removeAttribute("aria-busy");
    if (facts.revision !== this.view.facts?.revision) return;
    if (colouring.error) return this.#notice(colouring.error);
    this.elements.notice.replaceChildren();
    this.view.colouring = colouring;
    this.#recoloured();
  }

  async #nameRegions() {
    const { facts } = this.view;
    const found = await fetchRegions(this.server, this.snapshot(), facts.method);
    const now = this.view.facts;
    if (!found || facts.revision !== now?.revision || facts.method !== now.method) return;
    Object.assign(this.view, found);
    showRegions(this.elements.regions, this.view, (rows) => this.select(rows));
    this.renderer.draw();
  }

  select(rows, outline = null) {
    const { colouring } = this.view;
    this.view.outline = rows.length ? outline : null;
    this.view.selected = sortedRows(rows, this.points.xy, colouring.said ? colouring.codes : null);
    this.view.selectedMask = new Uint8Array(this.points.count);
    for (const row of rows) this.view.selectedMask[row] = 1;
    this.panel.show(this.view.selected);
    this.#describe();
    this.renderer.draw();
  }

  #hover(row) {
    if (!this.view.facts || row === this.view.hovered) return;
    this.view.hovered = row;
    this.tooltip.show(row);
    this.renderer.draw(false);
  }

  // Texts and points after a change of colours.
  #recoloured() {
    if (!this.view.facts) return;
    showColumns(this.elements.controls, this.view.facts, this.column, this.address.q);
    this.elements.legend.replaceChildren(...legendOf(this.view, (rows) => this.select(rows)));
    this.#describe();
    this.renderer.draw();
  }

  #describe() {
    const { facts } = this.view;
    if (!facts) return;
    const count = node("b", { text: imageCount(facts.images) });
    this.elements.status.replaceChildren(count, statusText(this.view, this.address.q ? "" : this.column));
    this.elements.quality.textContent = qualityText(facts);
  }

  #notice(sentence) {
    this.elements.notice.replaceChildren(notice(sentence));
  }

  // An error: what is on the map stays if it is of the same collection.
  #fail(sentence) {
    this.#notice(sentence);
    if (this.view.facts?.collection === collection()) return;
    this.view.facts = null;
    this.#place(new Float32Array(0));
    this.view.regions = [];
    this.select([]);
    this.elements.regions.hidden = true;
    for (const part of [this.elements.status, this.elements.quality, this.elements.legend]) part.replaceChildren();
  }
}
