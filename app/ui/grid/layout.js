// Where the images of a grid lie, worked out from their number alone, so that only those in sight need nodes.

// sections: [{ count, head }], head: pixels of the heading above. look: { least, gap, between, below } in pixels: of a
// side, from one column to the next, from one row to the next, and of what stands under an image.
export const layOut = (sections, width, { least, gap, between, below }) => {
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const side = (width - gap * (columns - 1)) / columns;
  const step = side + below + between;
  let top = 0;
  let first = 0;
  const placed = sections.map(({ count, head }) => {
    const section = { top, head, first, count, rows: Math.ceil(count / columns) };
    top += head + section.rows * step;
    first += count;
    return section;
  });
  return { columns, side, step, height: Math.max(0, top - between), count: first, sections: placed };
};

// The number of the last of sorted things whose key(thing) is at most a value, 0 if there is none.
const lastUpTo = (things, key, value) => {
  let [low, high] = [0, things.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (key(things[middle]) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
};

// The number of the section at a height.
const sectionAt = (layout, y) => lastUpTo(layout.sections, (section) => section.top, y);

const rowOf = (layout, section, row) => ({
  top: section.top + section.head + row * layout.step,
  first: section.first + row * layout.columns,
  count: Math.min(layout.columns, section.count - row * layout.columns),
});

// The rows [{ top, first, count }] and the numbers of the sections that lie between two heights.
export const between = (layout, from, to) => {
  const rows = [];
  const sections = [];
  for (let at = sectionAt(layout, from); at < layout.sections.length && layout.sections[at].top <= to; at++) {
    const section = layout.sections[at];
    const start = section.top + section.head;
    const last = Math.min(section.rows - 1, Math.floor((to - start) / layout.step));
    for (let row = Math.max(0, Math.floor((from - start) / layout.step)); row <= last; row++)
      rows.push(rowOf(layout, section, row));
    if (section.count) sections.push(at);
  }
  return { rows, sections };
};

// The row of an image by its number, with its column and its section.
export const placeOf = (layout, index) => {
  const at = lastUpTo(layout.sections, (section) => section.first, index);
  const section = layout.sections[at];
  const row = Math.floor((index - section.first) / layout.columns);
  return { ...rowOf(layout, section, row), row, section: at, column: (index - section.first) % layout.columns };
};

// The number of the first image of the row at a height.
export const indexAt = (layout, y) => {
  const section = layout.sections[sectionAt(layout, y)];
  const row = Math.floor((y - section.top - section.head) / layout.step);
  return rowOf(layout, section, Math.min(Math.max(0, row), Math.max(0, section.rows - 1))).first;
};

// The image above (by -1) or below (by 1) another one, null at the end.
export const vertically = (layout, index, by) => {
  const { section: at, row, column } = placeOf(layout, index);
  const inside = layout.sections[at];
  if (row + by >= 0 && row + by < inside.rows)
    return inside.first + Math.min(inside.count - 1, (row + by) * layout.columns + column);
  let next = at + by;
  while (layout.sections[next]?.count === 0) next += by;
  const other = layout.sections[next];
  if (!other) return null;
  const start = by > 0 ? 0 : (other.rows - 1) * layout.columns;
  return other.first + Math.min(other.count - 1, start + column);
};
