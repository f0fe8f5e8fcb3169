// The grammar of a query, as index/query.py reads it: `2:golden retriever + pool - people`.

// A query as terms [{ sign: 1 or -1, weight, text }].
export const parseQuery = (query) => {
  const parts = query.split(/(?<!\S)([+\-−–])(?=\s+\S)/);
  const signs = ["+", ...parts.filter((_, i) => i % 2)];
  const texts = parts.filter((_, i) => i % 2 === 0);
  return texts.map((text, i) => term(signs[i], text.trim())).filter(({ text }) => text);
};

const LEAST_WEIGHT = 0.1;
const MOST_WEIGHT = 10;

const term = (sign, text) => {
  const found = text.match(/^([0-9]+(?:\.[0-9]+)?):(?![0-9])\s*(?=\S)/);
  const weighted = found && Number(found[1]) >= LEAST_WEIGHT && Number(found[1]) <= MOST_WEIGHT ? found : null;
  return {
    sign: sign === "+" ? 1 : -1,
    weight: weighted ? Number(weighted[1]) : 1,
    text: text.slice(weighted ? weighted[0].length : 0),
  };
};

// Terms as a query: the inverse of parseQuery.
export const formatQuery = (terms) =>
  terms
    .map(({ sign, weight, text }, i) => {
      const mark = sign < 0 ? "- " : i ? "+ " : "";
      return `${mark}${weight === 1 ? "" : `${weight}:`}${text}`;
    })
    .join(" ");

// Ids or tokens of signed terms, with a minus before those that are not wanted.
export const signed = (terms, key) => terms.map((one) => (one.sign < 0 ? `-${one[key]}` : one[key]));

// The inverse of signed for ids: "-7" is { id: "7", sign: -1 }.
export const unsigned = (ids) =>
  ids.map((id) => (id.startsWith("-") ? { id: id.slice(1), sign: -1 } : { id, sign: 1 }));

// The next weight when a weight is clicked: 1, 2, 3, 4 and then 1 again.
export const nextWeight = (weight) => (weight >= 4 ? 1 : Math.floor(weight) + 1);
