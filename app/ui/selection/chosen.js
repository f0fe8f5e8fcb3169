// Which images are chosen: a set of ids with a last one, from which a range extends.

export class Chosen {
  constructor() {
    this.ids = new Set();
    this.last = null;
  }

  // Adds an id, or removes it. With range, adds everything in order between it and the last one.
  toggle(id, order, range = false) {
    if (range && this.last !== null && order.includes(this.last)) {
      const [from, to] = [order.indexOf(this.last), order.indexOf(id)].toSorted((a, b) => a - b);
      order.slice(from, to + 1).forEach((other) => this.ids.add(other));
    } else if (!this.ids.delete(id)) {
      this.ids.add(id);
    }
    this.last = id;
  }

  clear() {
    this.ids.clear();
    this.last = null;
  }
}
