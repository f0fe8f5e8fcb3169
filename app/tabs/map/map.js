// The map tab: every image as a point on a canvas, with thumbnails, labels, a legend and a selection.
import { node, notice } from "../../ui/elements/elements.js";
import { images as imageCount } from "../../ui/format/format.js";
import { classifyImage, goTo, onAddress, readdress, whichTab } from "../../ui/navigation/navigation.js";
import { helpSign } from "../../ui/help/figures.js";
import { collection, onState, request } from "../../ui/session/session.js";
import { addressParts, parseAddress } from "./address.js";
import { NO_COLOURS } from "./colours.js";
import { layOut, mapElements } from "./layout.js";
import { legendOf, showRegions } from "./legend.js";
import { fetchColouring, fetchName, fetchPoints, fetchRegions } from "./loading.js";
import { Panel } from "./panel.js";
import { listenToKeys, listenToPointer } from "./pointer.js";
import { Scene } from "./scene.js";
import { qualityText, statusText } from "./summary.js";
import { methodButtons, showColumns } from "./toolbar.js";
import { Tooltip } from "./tooltip.js";

const RETRY = 3000; // milliseconds until the next look while UMAP is being computed

// Entry point of the tab.
export const map = (element, server) => new MapTab(element.querySelector(".g-map"), server).start();

class MapTab {
  #turn = 0; // of requests for a map and for colours, so that only the latest is shown
  #colourTurn = 0;
  #timer = 0;
  #seen = ""; // collection and revision that were loaded last

  constructor(root, server) {
    this.server = server;
    this.scene = new Scene();
    this.view = this.scene.view;
    this.address = parseAddress(location.search);
    this.elements = mapElements(this.scene.camera, this.#controlActions());
    this.scene.attach(this.elements);
    this.tooltip = new Tooltip(this.scene, (row) => fetchName(server, this.snapshot(), row));
    this.panel = new Panel(server, this.#panelActions());
    layOut(root, this.elements, this.tooltip.element, this.panel.element);
    this.elements.controls.field.value = this.address.q;
  }

  start() {
    const act = {
      draw: (withPoints) => this.scene.draw(withPoints),
      select: (rows, outline) => this.select(rows, outline),
      hover: (row) => this.#hover(row),
      leave: () => this.#hover(-1),
    };
    listenToPointer(this.scene, act);
    listenToKeys(this.scene, act);
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
      command: () => [this.view.facts?.command, this.view.colouring.options].filter(Boolean).join(" "),
      lasso: (on) => {
        this.view.lassoActive = on;
        this.elements.stage.classList.toggle("g-map-lassoing", on);
      },
      thumbnails: (on) => {
        this.view.showThumbnails = on;
        this.scene.draw();
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
    const { controls, methods, command } = this.elements;
    methods.replaceChildren(...methodButtons(facts, choose));
    controls.label.hidden = methods.hidden = false;
    command.hidden = !facts.command;
    showColumns(controls, facts, this.column, this.address.q);
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
    if (same) this.scene.travel(xy);
    else {
      this.scene.renderer.thumbnails.clear(); // rows are other images now
      this.scene.place(xy);
      if (before?.collection !== facts.collection) this.scene.camera.fit();
      this.view.colouring = NO_COLOURS;
      this.select([]);
      this.#colour();
    }
    this.view.regions = [];
    this.#nameRegions();
  }

  async #colour() {
    if (!this.view.facts) return; // it is coloured once it is loaded
    const turn = ++this.#colourTurn;
    const { revision } = this.view.facts;
    const { by, q, like } = this.address;
    this.elements.base.setAttribute("aria-busy", "true");
    const wanted = { column: this.column, q, like: by ? [] : like };
    const colouring = await fetchColouring(this.server, this.snapshot(), wanted);
    if (turn !== this.#colourTurn) return;
    this.elements.base.removeAttribute("aria-busy");
    if (revision !== this.view.facts?.revision) return;
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
    this.scene.draw();
  }

  select(rows, outline = null) {
    this.scene.select(rows, outline);
    this.panel.show(this.view.selected);
    this.#describe();
  }

  #hover(row) {
    if (!this.view.facts || row === this.view.hovered) return;
    this.view.hovered = row;
    this.tooltip.show(row);
    this.scene.draw(false);
  }

  // Texts and points after a change of colours.
  #recoloured() {
    if (!this.view.facts) return;
    showColumns(this.elements.controls, this.view.facts, this.column, this.address.q);
    this.elements.legend.replaceChildren(...legendOf(this.view, (rows) => this.select(rows)));
    this.#describe();
    this.scene.draw();
  }

  #describe() {
    const { facts } = this.view;
    if (!facts) return;
    const count = node("b", { text: imageCount(facts.images) });
    this.elements.status.replaceChildren(count, statusText(this.view, this.address.q ? "" : this.column));
    this.elements.quality.replaceChildren(
      qualityText(facts),
      " ",
      facts.preserved === null ? "" : helpSign("preserved"),
    );
  }

  #notice(sentence) {
    this.elements.notice.replaceChildren(notice(sentence));
  }

  // An error: what is on the map stays if it is of the same collection.
  #fail(sentence) {
    this.#notice(sentence);
    if (this.view.facts?.collection === collection()) return;
    this.view.facts = null;
    this.scene.place(new Float32Array(0));
    this.view.regions = [];
    this.select([]);
    this.elements.regions.hidden = true;
    for (const part of [this.elements.status, this.elements.quality, this.elements.legend]) part.replaceChildren();
  }
}
