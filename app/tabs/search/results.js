// The results of a search as cards, with a line where the likely ones end.
import { icon, node } from "../../ui/elements/elements.js";
import { count, images, score } from "../../ui/format/format.js";
import { card } from "../../ui/grid/grid.js";
import { helpSign } from "../../ui/help/figures.js";
import { _ } from "../../ui/language/language.js";
import { spanName } from "../../ui/scrubber/spans.js";
import { PAGE } from "./address.js";

export const CLOSE = 0.7; // a best match this near to the threshold is not called nothing

// What bars are drawn between: they compare the results of one page; a little below the weakest is zero.
export const scoreRange = (hits) => {
  const scores = hits.slice(0, PAGE).map((hit) => hit.score ?? 0);
  const high = Math.max(...scores, 0);
  const weakest = Math.min(...scores, high);
  return { high, low: weakest - 0.15 * (high - weakest) - 1e-6 };
};

// How full the bar of a hit is, 0 to 1, or null without a score. results: an answer with its score range.
export const barShare = (hit, results) => {
  const { threshold } = results;
  const normalised = threshold?.shown;
  const value = normalised ? hit.normalised_score : hit.score;
  if (value === null || value === undefined) return null;
  const { low, high } = normalised ? { low: 0, high: Math.max(threshold.best, 1) } : results;
  return Math.min(1, Math.max(0, (value - low) / Math.max(high - low, 1e-6)));
};

// Whether the line where likely results end comes before a hit. previous: the hit before it, or null.
export const endsLikely = (hit, previous, results) =>
  results.likely !== null && hit.likely === false && previous?.likely !== false && Boolean(results.likely || previous);

// Each image is compared with its own scores for unrelated texts, so that a score below the line may be higher.
const crosses = (hits, end) =>
  end > 0 &&
  Math.max(...hits.slice(end).map((hit) => hit.score)) > Math.min(...hits.slice(0, end).map((hit) => hit.score));

const divider = (threshold, higher) =>
  node(
    "div",
    { class: "g-search-divider", id: "relevance-threshold", role: "group" },
    node("span", {
      text: threshold.shown
        ? _("Relevance threshold: the encoder is not sure of what follows")
        : _("What follows has only some of the words"),
    }),
    higher && helpSign("order"),
  );

// What a result was found by; an image alone goes without saying.
const FOUND_BY = {
  text: _("found by its name, caption or tags"),
  both: _("found by the image, and by its name, caption or tags"),
};

const foundMark = ({ matched }) =>
  FOUND_BY[matched] && node("span", { class: "g-grid-mark", title: FOUND_BY[matched] }, icon("text"));

export const tagNodes = (names) => (names || []).map((name) => node("span", { text: name }));

// The collection of a hit. results: the answer that it is of.
export const collectionOf = (hit, results) => hit?.collection || results.collection;

// actions: { inspect(hit, button), like(ids, sign), tick(hit, place) }; at: the place of the hit.
export const resultCard = (hit, at, results, actions) => {
  const unlike = node(
    "button",
    {
      type: "button",
      class: "g-grid-like g-grid-unlike",
      title: _("Less like this (x)"),
      "aria-label": _("Less like this: {name}", { name: hit.name }),
      onclick: () => actions.like([hit.id], -1),
    },
    icon("unlike"),
  );
  const tags = node("div", { class: "g-grid-tags" }, ...tagNodes(hit.tags));
  // An id is of one collection, and so is a selection.
  const ofOne = !hit.collection && {
    onlike: (liked) => actions.like([liked.id], 1),
    tools: [unlike, actions.tick(hit, at), tags],
  };
  const made = card(hit, collectionOf(hit, results), {
    share: barShare(hit, results),
    score: typeof hit.score === "number" ? score(hit.score) : "",
    mark: foundMark(hit),
    told: FOUND_BY[hit.matched],
    onpick: actions.inspect,
    tools: [hit.of && node("span", { class: "g-search-of", text: hit.of, title: hit.of }), tags],
    ...ofOne,
  });
  if (hit.likely === false) made.classList.add("g-search-unlikely");
  if (hit.likely === false && (results.likely || results.threshold.best < CLOSE)) made.classList.add("g-search-weak");
  return made;
};

const HEADING = 52; // pixels

// tick(from, to, name): a button that chooses all images of a group.
const groupsOf = ({ keys, counts, group }, tick) => {
  let first = 0;
  return keys.map((key, at) => {
    const from = first;
    const amount = counts[at];
    first += amount;
    const name = spanName(key, group);
    const heading = () => [
      tick(from, from + amount, `${images(amount)}: ${name}`),
      node("h2", {}, name, node("small", { text: count(amount) })),
    ];
    return { count: amount, head: HEADING, heading };
  });
};

// The sections of the grid: the groups of a timeline, or the likely results and the rest.
export const sectionsOf = ({ hits, timeline, ...results }, tick) => {
  if (timeline && timeline.keys.length > 1) return groupsOf(timeline, tick);
  const end = timeline ? -1 : hits.findIndex((hit, i) => endsLikely(hit, i ? hits[i - 1] : null, results));
  if (end < 0) return [{ count: hits.length, head: 0 }];
  const rest = {
    count: hits.length - end,
    head: HEADING,
    heading: () => [divider(results.threshold, crosses(hits, end))],
  };
  return [{ count: end, head: 0 }, rest];
};

// Hits of a page of browsing, with what went without saying.
export const wholeHits = (hits) => hits.map((hit) => ({ score: null, copies: 1, tags: [], ...hit }));

// An array of all that there are, with the first hits in it.
export const withHoles = (hits, length) => {
  const all = [...hits];
  all.length = length;
  return all;
};
