// Sorted spans [from, to) of places that neither touch nor overlap.

export const amountOf = (spans) => spans.reduce((sum, [from, to]) => sum + to - from, 0);

export const inSpans = (spans, at) => spans.some(([from, to]) => from <= at && at < to);

export const covers = (spans, from, to) => spans.some((span) => span[0] <= from && to <= span[1]);

export const withSpan = (spans, from, to) => {
  const apart = spans.filter(([start, end]) => end < from || to < start);
  const near = spans.filter((span) => !apart.includes(span));
  const joined = [Math.min(from, ...near.map(([start]) => start)), Math.max(to, ...near.map(([, end]) => end))];
  return [...apart, joined].toSorted((a, b) => a[0] - b[0]);
};

export const withoutSpan = (spans, from, to) =>
  spans.flatMap(([start, end]) =>
    [
      [start, Math.min(end, from)],
      [Math.max(start, to), end],
    ].filter(([one, other]) => one < other),
  );
