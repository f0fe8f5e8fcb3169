// A timeline beside a grid: the years, a dot for each month, and a thumb to drag through all of them.
import { node } from "../elements/elements.js";
import { count, images } from "../format/format.js";
import { _ } from "../language/language.js";
import { monthAt, monthsOf, yearsOf } from "./spans.js";

const APART = 22; // pixels between the names of two years

class Scrubber {
  constructor(grid) {
    this.grid = grid;
    this.months = [];
    this.thumb = node("i", { class: "g-scrubber-thumb" });
    this.bubble = node("span", { class: "g-scrubber-bubble", "aria-hidden": "true" });
    this.marks = node("div", { class: "g-scrubber-marks", "aria-hidden": "true" });
    this.root = node(
      "div",
      { class: "g-scrubber", id: "scrubber", role: "slider", tabindex: "0", hidden: true, "aria-label": _("Timeline") },
      this.marks,
      this.thumb,
      this.bubble,
    );
    this.root.setAttribute("aria-orientation", "vertical");
    this.root.setAttribute("aria-valuemin", "0");
    addEventListener("scroll", () => this.update(), { passive: true });
    this.root.addEventListener("pointerdown", (event) => this.grab(event));
    this.root.addEventListener("pointermove", (event) => this.hover(event));
    this.root.addEventListener("pointerleave", () => this.root.classList.remove("g-scrubber-pointed"));
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  // timeline: { group, keys, counts } of the grid's sections; null, or one of folders, hides it.
  show(timeline) {
    this.timeline = timeline && ["day", "month"].includes(timeline.group) ? timeline : null;
    this.root.hidden = !this.timeline || this.timeline.keys.length < 2;
    if (!this.root.hidden) this.draw();
  }

  // Once the grid has another layout: places of months are worked out again.
  draw() {
    const { layout } = this.grid;
    if (this.root.hidden || layout.sections.length !== this.timeline.keys.length) return;
    this.months = monthsOf(this.timeline.keys, this.timeline.counts, layout);
    const { clientHeight } = this.root;
    const at = (y) => ({ top: `${y}px` });
    const dots = this.months.map(({ top }) => node("i", { style: at((top / layout.height) * clientHeight) }));
    const years = yearsOf(this.months, layout.height, clientHeight - APART, APART);
    const names = years.map(({ year, at: y }) => node("span", { text: year, style: at(y) }));
    this.marks.replaceChildren(...(dots.length * 3 < clientHeight ? dots : []), ...names);
    this.root.setAttribute("aria-valuemax", this.months.length - 1);
    this.update();
  }

  update() {
    if (this.root.hidden || !this.months.length) return;
    const { layout, top } = this.grid;
    const room = Math.max(1, layout.height - innerHeight);
    const share = Math.min(1, Math.max(0, top / room));
    this.thumb.style.top = `${share * this.root.clientHeight}px`;
    const month = monthAt(this.months, Math.max(0, top));
    this.root.setAttribute("aria-valuenow", month);
    this.root.setAttribute("aria-valuetext", this.textOf(this.months[month]));
  }

  textOf({ name, count: amount }) {
    return `${name}, ${images(amount)}`;
  }

  shareOf({ clientY }) {
    const { top, height } = this.root.getBoundingClientRect();
    return Math.min(1, Math.max(0, (clientY - top) / height));
  }

  grab(event) {
    event.preventDefault();
    this.root.focus({ preventScroll: true });
    this.root.setPointerCapture(event.pointerId);
    this.root.classList.add("g-scrubber-held");
    const move = (moved) => this.goTo(this.shareOf(moved) * Math.max(0, this.grid.layout.height - innerHeight));
    const end = () => {
      this.root.classList.remove("g-scrubber-held");
      this.root.removeEventListener("pointermove", move);
    };
    move(event);
    this.root.addEventListener("pointermove", move);
    this.root.addEventListener("lostpointercapture", end, { once: true });
  }

  goTo(y) {
    this.grid.scrollTo(Math.max(1, y));
  }

  hover(event) {
    const share = this.shareOf(event);
    const month = this.months[monthAt(this.months, share * (this.grid.layout.height - innerHeight))];
    if (!month) return;
    this.root.classList.add("g-scrubber-pointed");
    this.bubble.style.top = `${share * this.root.clientHeight}px`;
    this.bubble.replaceChildren(month.name, node("small", { text: count(month.count) }));
  }

  // Arrows go from month to month, Page up and down from year to year.
  key(event) {
    const now = monthAt(this.months, Math.max(0, this.grid.top));
    const year = this.months[now].key.slice(0, 4);
    const otherYear = (month) => month.key.slice(0, 4) !== year;
    const next = {
      ArrowDown: () => now + 1,
      ArrowUp: () => now - 1,
      PageDown: () => this.months.findIndex((month, at) => at > now && otherYear(month)),
      PageUp: () => this.months.findLastIndex((month, at) => at < now && otherYear(month)),
      Home: () => 0,
      End: () => this.months.length - 1,
    }[event.key]?.();
    if (next === undefined) return;
    event.preventDefault();
    if (this.months[next]) this.goTo(this.months[next].top);
  }
}

export const scrubber = (grid) => new Scrubber(grid);
