// Months and days as people read them, and the months of a timeline with their places.
import { _, language } from "../language/language.js";

const [DAY, MONTH] = [
  { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  { month: "long", year: "numeric" },
];

// A key of a group in words. group: day or month, whose keys are YYYY-MM-DD and YYYY-MM; others stand for themselves.
export const spanName = (key, group) => {
  const time = group === "day" || group === "month";
  if (!key)
    return { folder: _("The folder itself"), place: _("Without a place"), none: "" }[group] ?? _("Without a date");
  if (!time) return key;
  const [year, month, day = 1] = key.split("-").map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.toLocaleDateString(language === "en" ? "en-GB" : language, {
    ...(group === "day" ? DAY : MONTH),
    timeZone: "UTC",
  });
};

// The months of a timeline, [{ key, name, count, top, first }], top: pixels. keys, counts: of its groups; layout: of its grid.
export const monthsOf = (keys, counts, layout) => {
  const months = [];
  keys.forEach((key, at) => {
    const month = key.slice(0, 7);
    if (months.at(-1)?.key === month) months.at(-1).count += counts[at];
    else {
      const { top, first } = layout.sections[at];
      months.push({ key: month, name: spanName(month, "month"), count: counts[at], top, first });
    }
  });
  return months;
};

// The years that have room beside a scrubber: [{ year, at }], at: pixels of its height. apart: the least distance.
export const yearsOf = (months, layoutHeight, height, apart) => {
  const years = [];
  for (const { key, top } of months) {
    const [year, at] = [key.slice(0, 4), (top / layoutHeight) * height];
    const last = years.at(-1);
    if (year && year !== last?.year && (!last || at - last.at >= apart)) years.push({ year, at });
  }
  return years;
};

// The number of the month at a height of the grid.
export const monthAt = (months, y) =>
  Math.max(
    0,
    months.findLastIndex((month) => month.top <= y + 1),
  );
