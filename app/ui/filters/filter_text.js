// Filters in words. A filter: { column, values | contains | low and high }.
import { _ } from "../language/language.js";

const TITLES = {
  modified: _("changed"),
  bytes: _("size in bytes"),
  width: _("width"),
  height: _("height"),
  path: _("file"),
};

// A column's name as a title.
export const title = (column) => {
  const name = TITLES[column] || column.replaceAll("_", " ");
  return name[0].toUpperCase() + name.slice(1);
};

export const filterText = (filter) => {
  const name = title(filter.column);
  if (filter.values) return `${name}: ${filter.values.join(", ")}`;
  if (filter.contains !== undefined) return _("{name} contains “{contains}”", { name, contains: filter.contains });
  if (filter.low && filter.high) return _("{name}: {low} to {high}", { name, low: filter.low, high: filter.high });
  return filter.low
    ? _("{name}: from {low}", { name, low: filter.low })
    : _("{name}: up to {high}", { name, high: filter.high });
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
