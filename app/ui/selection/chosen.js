// Which images are chosen: single ones by their ids, and spans of places in a list of which most are not in memory.
import { amountOf, covers, inSpans, withSpan, withoutSpan } from "./spans.js";

const MOST = 1200; // ids that a request may name

export class Chosen {
  constructor() {
    this.clear();
  }

  clear() {
    this.ids = new Map(); // the places of single images in the list, null where an image is not in it
    this.spans = []; // of a list that has places
    this.without = new Map(); // the places of images that are in a span and not chosen
    this.last = null; // the place from which a range extends
  }

  size() {
    return this.ids.size + amountOf(this.spans) - this.without.size;
  }

  has(id, at) {
    return this.ids.has(id) || (inSpans(this.spans, at) && !this.without.has(id));
  }

  // Whether all images of a span are chosen.
  hasAll(from, to) {
    return covers(this.spans, from, to) && ![...this.without.values()].some((at) => from <= at && at < to);
  }

  toggle(id, at) {
    this.last = at;
    if (inSpans(this.spans, at)) {
      if (!this.without.delete(id)) this.without.set(id, at);
    } else if (!this.ids.delete(id)) this.ids.set(id, at);
  }

  addSpan(from, to) {
    this.spans = withSpan(this.spans, from, to);
    this.#forget(from, to);
  }

  removeSpan(from, to) {
    this.spans = withoutSpan(this.spans, from, to);
    this.#forget(from, to);
  }

  // Another list is on the page, or other places of it: what is in memory stays chosen by its id. hits: of before.
  // Gives how many images are not chosen any more.
  relist(hits) {
    const before = this.size();
    for (const [from, to] of this.spans)
      for (let at = from; at < to && this.ids.size < MOST; at++) {
        const id = hits[at]?.id;
        if (id && !this.without.has(id)) this.ids.set(id, null);
      }
    this.spans = [];
    this.without.clear();
    this.last = null;
    for (const id of this.ids.keys()) this.ids.set(id, null);
    return before - this.ids.size;
  }

  // The fields of a request, without those of the list.
  request() {
    return { spans: this.spans, ids: [...this.ids.keys()], left_out: [...this.without.keys()] };
  }

  #forget(from, to) {
    const inside = (at) => at !== null && from <= at && at < to;
    for (const places of [this.ids, this.without]) for (const [id, at] of places) if (inside(at)) places.delete(id);
  }
}
