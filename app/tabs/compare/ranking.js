// Two rankings side by side, with a line between the places of each image.
import { commandButton } from "../../ui/command/command.js";
import { node, svgNode } from "../../ui/elements/elements.js";
import { count, decimal, images as imageCount } from "../../ui/format/format.js";
import { helpSign } from "../../ui/help/figures.js";
import { _ } from "../../ui/language/language.js";
import { media } from "../../ui/session/session.js";

const ROW = 62; // pixels from one ranked image to the next
const WIDTH = 90; // pixels between the two rankings

// How the rank of a hit differs on the other side: text for screen readers, class and sign.
export function shiftOf({ rank, other }) {
  const by = other - rank;
  if (!by) return { text: _("same rank"), direction: "same", sign: "=" };
  const text = _("rank {other} on the other side", { other: count(other) });
  return by > 0
    ? { text, direction: "up", sign: `↑ ${count(by)}` }
    : { text, direction: "down", sign: `↓ ${count(-by)}` };
}

// The curve from a rank on the left to a rank on the right.
function linePath(left, right) {
  const [y0, y1] = [left, right].map((rank) => (rank - 0.5) * ROW);
  return `M0 ${y0} C45 ${y0} 45 ${y1} ${WIDTH} ${y1}`;
}

function rankedImage(hit, key, look, highlight) {
  const shift = shiftOf(hit);
  const settings = {
    type: "button",
    class: "g-compare-hit",
    title: _("{name}: show its neighbours", { name: hit.name }),
    "aria-label": `${hit.name}, ${hit.rank}, ${shift.text}`,
    onclick: () => look(hit, key),
  };
  const item = node(
    "li",
    { "data-id": hit.id },
    node(
      "button",
      settings,
      node("span", { class: "g-compare-rank", text: hit.rank }),
      node("img", { src: media(key, hit.id), alt: "", loading: "lazy" }),
      node("span", { class: "g-grid-name g-compare-name", text: hit.name }),
      node("span", { class: `g-compare-shift g-compare-${shift.direction}`, text: shift.sign, title: shift.text }),
    ),
  );
  for (const event of ["pointerenter", "focusin"]) item.addEventListener(event, () => highlight(hit.id, true));
  for (const event of ["pointerleave", "focusout"]) item.addEventListener(event, () => highlight(hit.id, false));
  return item;
}

function rankedList({ key, encoder, hits }, side, look, highlight) {
  const items = hits.map((hit) => rankedImage(hit, key, look, highlight));
  const list = node("ol", { class: "g-compare-list", "aria-label": `${side}: ${encoder}` }, ...items);
  return node("div", {}, node("h2", { text: encoder }), list);
}

function lines(left, right) {
  const height = ROW * left.length;
  const onRight = new Set(right.map(({ id }) => id));
  const paths = left
    .filter(({ id }) => onRight.has(id))
    .map(({ id, rank, other }) => svgNode("path", { d: linePath(rank, other), "data-id": id }));
  const settings = { class: "g-compare-lines", width: WIDTH, height, viewBox: `0 0 ${WIDTH} ${height}` };
  return svgNode("svg", { ...settings, preserveAspectRatio: "none", "aria-hidden": "true" }, ...paths);
}

export function showAgreement(status, { overlap, rbo, images, command }) {
  const same = node("b", { text: _("{same} of the first 10 are the same", { same: Math.round(10 * overlap) }) });
  const text = _(" · agreement {rbo} of 1, top ranks weighted most · among {images} that both have", {
    rbo: decimal(rbo, 2),
    images: imageCount(images),
  });
  const copied = command ? [" ", commandButton("copy-rankings-command", () => command)] : [];
  status.replaceChildren(same, text, " ", helpSign("agreement"), ...copied);
}

// look(hit, key): called when an image of a ranking is chosen.
export function showRankings(element, { a, b }, look) {
  const highlight = (id, on) =>
    element
      .querySelectorAll(`[data-id="${CSS.escape(id)}"]`)
      .forEach((part) => part.classList.toggle("g-compare-highlight", on));
  element.replaceChildren(
    rankedList(a, "A", look, highlight),
    lines(a.hits, b.hits),
    rankedList(b, "B", look, highlight),
  );
}
