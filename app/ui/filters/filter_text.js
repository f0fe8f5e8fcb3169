// Filters in words. A filter: { column, values | contains | low and high }.

const TITLES = { modified: "changed", bytes: "size in bytes", width: "width", height: "height", path: "file" };

// A column's name as a title.
export const title = (column) => {
  const name = TITLES[column] || column.replaceAll("_", " ");
  return name[0].toUpperCase() + name.slice(1);
};

export const filterText = (filter) => {
  const name = title(filter.column);
  if (filter.values) return `${name}: ${filter.values.join(", ")}`;
  if (filter.contains !== undefined) return `${name} contains “${filter.contains}”`;
  if (filter.low && filter.high) return `${name}: ${filter.low} to ${filter.high}`;
  return filter.low ? `${name}: from ${filter.low}` : `${name}: up to ${filter.high}`;
};

// Filters with the one of a column replaced; null removes it.
export const replaced = (filters, column, filter) => {
  const others = filters.filter((other) => other.column !== column);
  return filter ? [...others, { column, ...filter }] : others;
};

// A range { low, high } with one end set; an empty value removes that end. null when nothing is left.
export const withEnd = (range, end, value) => {
  const next = { ...(range.low && { low: range.low }), ...(range.high && { high: range.high }), [end]: value };
  if (!value) delete next[end];
  return next.low || next.high ? next : null;
};
