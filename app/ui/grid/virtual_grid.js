// A grid of any number of images in which only those in sight have nodes, and only those near it are in memory.
import { node } from "../elements/elements.js";
import { keyOf } from "./grid.js";
import { between, indexAt, layOut, placeOf, vertically } from "./layout.js";
import { oneTabStop } from "./tab_stop.js";

const AROUND = 2000; // pixels above and below the window that have nodes: thumbnails come before they are seen
const PAGE = 120; // images of a request
const HELD = 60; // pages in memory
const SETTLE = 60; // milliseconds: who scrolls faster than this asks for nothing on the way

const later = () =>
  node("div", { class: "g-grid-card g-grid-later", "aria-hidden": "true" }, node("div", { class: "g-grid-frame" }));

export class VirtualGrid {
  // draw(hit, index) gives a card. load(offset, count) gives hits, or null if they cannot be had. placed() is called
  // when the images have another layout.
  constructor(id, draw, load, placed = () => {}) {
    Object.assign(this, { draw, load, placed });
    this.root = oneTabStop(node("div", { class: "g-grid", id }));
    this.hits = []; // by number, with holes where a hit is not in memory
    this.sections = [];
    this.layout = layOut([], 1, this.look());
    this.rows = new Map(); // nodes, by the number of their first image
    this.headings = new Map(); // by the number of their section
    this.pending = new Set(); // pages that were asked for
    this.turn = 0; // answers for hits that were replaced are dropped
    addEventListener("scroll", () => this.update(), { passive: true });
    new ResizeObserver(() => this.resized()).observe(this.root);
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  // Shows other images. hits: an array of their number, which may have holes. sections: [{ count, head, heading }],
  // heading() gives the nodes above. keep: cards of before stay where images are the same.
  show(hits, sections, keep = false) {
    this.turn++;
    this.pending.clear();
    Object.assign(this, { hits, sections });
    if (!keep) this.empty();
    this.place();
  }

  // Shows nodes of another kind in place of images, such as a notice.
  clear(...nodes) {
    this.turn++;
    Object.assign(this, { hits: [], sections: [] });
    this.empty();
    this.root.classList.remove("g-grid-virtual");
    this.root.style.height = "";
    this.root.replaceChildren(...nodes);
  }

  empty() {
    this.rows.clear();
    this.headings.clear();
    this.root.replaceChildren();
  }

  look() {
    const style = getComputedStyle(this.root);
    const pixels = (name) => parseFloat(style.getPropertyValue(`--g-grid-${name}`)) || 0;
    return { least: pixels("least") || 150, gap: pixels("gap"), between: pixels("between"), below: pixels("below") };
  }

  // The height of the window's top edge in the grid.
  get top() {
    return -this.root.getBoundingClientRect().top;
  }

  resized() {
    const { clientWidth } = this.root;
    if (!clientWidth || clientWidth === this.width || !this.sections.length) return;
    const first = this.top > 0 ? indexAt(this.layout, this.top) : null; // stays where it is
    this.empty();
    this.place();
    if (first !== null) this.scrollTo(placeOf(this.layout, first).top);
  }

  place() {
    this.width = this.root.clientWidth;
    if (!this.width) return; // on a tab that is not open
    this.root.classList.add("g-grid-virtual");
    this.layout = layOut(this.sections, this.width, this.look());
    this.root.style.height = `${this.layout.height}px`;
    this.root.style.setProperty("--g-grid-columns", this.layout.columns);
    this.root.style.setProperty("--g-grid-side", `${this.layout.side}px`);
    this.update();
    this.placed();
  }

  // ---- nodes

  update() {
    if (!this.sections.length || !this.root.clientWidth) return;
    const { top } = this;
    const found = between(this.layout, top - AROUND, top + innerHeight + AROUND);
    const focused = this.root.contains(document.activeElement) && document.activeElement.closest(".g-grid-card");
    if (focused) this.keepRow(found.rows, Number(focused.dataset.index));
    const inSight = new Set(found.rows.map((row) => row.first));
    for (const [first, row] of this.rows) if (!inSight.has(first)) this.drop(first, row);
    for (const { first, count } of found.rows) {
      const row = this.rows.get(first);
      if (row && row.childElementCount !== count) this.drop(first, row); // further images have come
    }
    let next = null;
    for (const row of found.rows.toReversed()) {
      const made = this.rows.get(row.first) || this.row(row);
      if (made.parentNode !== this.root) this.root.insertBefore(made, next);
      next = made;
    }
    this.updateHeadings(new Set(found.sections));
    this.loadSoon();
  }

  // The row with the focus stays, so that the next key goes on from there.
  keepRow(rows, index) {
    if (!(index < this.layout.count) || rows.some((row) => row.first <= index && index < row.first + row.count)) return;
    const row = placeOf(this.layout, index);
    if (row.first < (rows[0]?.first ?? 0)) rows.unshift(row);
    else rows.push(row);
  }

  drop(first, row) {
    // A browser opens six connections: thumbnails that nobody waits for any more give theirs up.
    row.querySelectorAll("img").forEach((image) => image.complete || image.removeAttribute("src"));
    row.remove();
    this.rows.delete(first);
  }

  row({ top, first, count }) {
    const made = node("div", { class: "g-grid-row", style: { transform: `translateY(${top}px)` } });
    this.rows.set(first, made);
    this.fill(made, first, count);
    return made;
  }

  fill(row, first, count) {
    const cards = [];
    for (let index = first; index < first + count; index++) {
      const card = this.hits[index] ? this.draw(this.hits[index], index) : later();
      card.dataset.index = index;
      cards.push(card);
    }
    row.replaceChildren(...cards);
  }

  updateHeadings(inSight) {
    for (const [at, heading] of this.headings) {
      if (inSight.has(at)) continue;
      heading.remove();
      this.headings.delete(at);
    }
    for (const at of inSight) {
      const { heading } = this.sections[at];
      if (!heading || this.headings.has(at)) continue;
      const { top, head, first } = this.layout.sections[at];
      const style = { transform: `translateY(${top}px)`, height: `${head}px` };
      const made = node("div", { class: "g-grid-heading", style }, ...heading());
      this.headings.set(at, made);
      this.root.insertBefore(made, this.rows.get(first) || null);
    }
  }

  // ---- hits

  loadSoon() {
    if (this.loading) return;
    this.loading = setTimeout(() => {
      this.loading = null;
      this.loadNear(innerHeight);
    }, SETTLE);
  }

  // Asks for what is missing in the window and as many pixels around it.
  loadNear(around) {
    if (!this.layout.count || !this.root.clientWidth) return;
    const [from, to] = [this.top - around, this.top + innerHeight + around];
    const last = Math.min(this.layout.count - 1, indexAt(this.layout, to) + this.layout.columns);
    for (let at = Math.floor(indexAt(this.layout, from) / PAGE); at * PAGE <= last; at++) this.loadPage(at);
  }

  async loadPage(at) {
    const offset = at * PAGE;
    const count = Math.min(PAGE, this.layout.count - offset);
    if (this.pending.has(at) || (this.hits[offset] && this.hits[offset + count - 1])) return;
    this.pending.add(at);
    const { turn } = this;
    const hits = await this.load(offset, count);
    if (turn !== this.turn) return;
    this.pending.delete(at);
    if (!hits) return;
    hits.forEach((hit, i) => (this.hits[offset + i] = hit));
    this.forgetFar(at);
    for (const [first, row] of this.rows)
      if (first < offset + count && first + row.childElementCount > offset)
        this.fill(row, first, row.childElementCount);
  }

  forgetFar(near) {
    const pages = [];
    for (let at = 0; at * PAGE < this.hits.length; at++) if (this.hits[at * PAGE]) pages.push(at);
    if (pages.length <= HELD) return;
    const far = pages.toSorted((a, b) => Math.abs(b - near) - Math.abs(a - near)).slice(0, pages.length - HELD);
    for (const at of far) for (let i = at * PAGE; i < (at + 1) * PAGE; i++) delete this.hits[i];
  }

  // The hit of a number, which is asked for where it is not in memory; null if there is none.
  async hitAt(index) {
    if (index < 0 || index >= this.hits.length) return null;
    if (!this.hits[index]) await this.loadPage(Math.floor(index / PAGE));
    return this.hits[index] || null;
  }

  // key: see keyOf.
  indexOf(key) {
    return this.hits.findIndex((hit) => hit && keyOf(hit) === key);
  }

  // ---- moving

  scrollTo(y) {
    window.scrollTo({ top: scrollY - this.top + y });
    this.update();
  }

  // Puts the focus on an image, which is scrolled into the window.
  async focus(index) {
    await this.hitAt(index);
    if (!this.root.clientWidth || !(index < this.layout.count)) return;
    const { top } = placeOf(this.layout, index);
    const below = top + this.layout.step - this.top - innerHeight;
    if (top < this.top) this.scrollTo(top - 60);
    else if (below > 0) this.scrollTo(this.top + below + 20);
    this.root.querySelector(`[data-index="${index}"] .g-grid-frame`)?.focus({ preventScroll: true });
  }

  key(event) {
    if (!event.target.classList.contains("g-grid-frame")) return;
    const index = Number(event.target.closest(".g-grid-card").dataset.index);
    const next = {
      ArrowRight: () => index + 1,
      ArrowLeft: () => index - 1,
      ArrowDown: () => vertically(this.layout, index, 1),
      ArrowUp: () => vertically(this.layout, index, -1),
    }[event.key]?.();
    if (next === undefined || next === null || next < 0 || next >= this.layout.count) return;
    event.preventDefault();
    this.focus(next);
  }
}
