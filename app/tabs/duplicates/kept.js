// Which images of the groups stay. Of a group that nobody changed, that is the first one.

export class Kept {
  constructor() {
    this.changed = new Map(); // { rows, images } of each group that was changed, by the row that is first in it
  }

  clear() {
    this.changed.clear();
  }

  // The rows that stay, of a group { images: [{ row, bytes }] }.
  of({ images }) {
    return this.changed.get(images[0].row)?.rows ?? new Set([images[0].row]);
  }

  // An image stays, or goes. At least one stays: where the last one is let go, the best of the others takes its place.
  toggle(group, row) {
    const rows = new Set(this.of(group));
    if (!rows.delete(row)) rows.add(row);
    if (!rows.size) rows.add(group.images.find((image) => image.row !== row).row);
    this.#set(group, rows);
  }

  keepAll(group) {
    this.#set(group, new Set(group.images.map(({ row }) => row)));
  }

  keepBest(group) {
    this.#set(group, new Set([group.images[0].row]));
  }

  #set({ images }, rows) {
    const first = images[0].row;
    if (rows.size === 1 && rows.has(first)) this.changed.delete(first);
    else this.changed.set(first, { rows, images });
  }

  // How many images and bytes go beyond what was proposed; less than zero where more stays.
  difference() {
    const sum = { images: 0, bytes: 0 };
    for (const { rows, images } of this.changed.values()) {
      for (const [at, { row, bytes }] of images.entries()) {
        const by = Number(!rows.has(row)) - Number(at > 0);
        sum.images += by;
        sum.bytes += by * bytes;
      }
    }
    return sum;
  }

  // As the server takes it.
  request() {
    return Object.fromEntries([...this.changed].map(([first, { rows }]) => [first, [...rows]]));
  }
}
