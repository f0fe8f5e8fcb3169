// A grid of images: cards, placeholders while they load, and arrow keys between them.
import { icon, node } from "../elements/elements.js";
import { _ } from "../language/language.js";
import { media } from "../session/session.js";
import { oneTabStop } from "./tab_stop.js";

export const skeletons = (number) =>
  Array.from({ length: number }, () =>
    node(
      "div",
      { class: "g-grid-card g-grid-skeleton", "aria-hidden": "true" },
      node("div", { class: "g-grid-frame" }),
      node("div", { class: "g-grid-line" }),
    ),
  );

// What an image is known by on the page: its id, which is of one collection, and that collection where several are shown.
export const keyOf = ({ id, collection }) => (collection ? `${collection}/${id}` : id);

// How many files an image stands for.
const badge = (hit) =>
  hit.copies > 1 &&
  node("span", {
    class: "g-grid-copies",
    text: `×${hit.copies}`,
    title: _("{copies} copies; the best one is shown", { copies: hit.copies }),
    "aria-hidden": "true",
  });

const label = (hit, score, told) =>
  [hit.name, score, told, hit.copies > 1 && _("{copies} copies", { copies: hit.copies })].filter(Boolean).join(", ");

const likeButton = (hit, onlike) =>
  node(
    "button",
    {
      type: "button",
      class: "g-grid-like",
      title: _("More like this"),
      "aria-label": _("More like this: {name}", { name: hit.name }),
      onclick: () => onlike(hit),
    },
    icon("like"),
  );

// One image. share: how full its bar is, 0 to 1; null leaves the bar away. mark: an icon before the score. tools: further
// buttons over the image. told: what a screen reader says beside the name and the score.
export const card = (
  hit,
  collection,
  { share = null, score = "", mark = null, told = "", onpick, onlike, note = "", tools = [] },
) => {
  const image = node("img", {
    src: media(collection, hit.id),
    alt: hit.name,
    loading: "lazy",
    decoding: "async",
    draggable: "false",
  });
  const made = node("article", { class: "g-grid-card", "data-id": keyOf(hit) });
  image.addEventListener("error", () => made.classList.add("g-grid-gone"));
  const pick = node(
    "button",
    {
      type: "button",
      class: "g-grid-frame",
      title: hit.name,
      "aria-label": label(hit, score, told),
      onclick: () => onpick(hit, pick),
    },
    image,
    node("span", { class: "g-grid-missing", text: _("moved or deleted") }),
    badge(hit),
    hit.offline &&
      node("span", {
        class: "g-grid-offline",
        text: _("offline"),
        title: _("offline: its drive or folder is not there"),
      }),
  );
  made.append(pick);
  if (onlike) made.append(likeButton(hit, onlike));
  made.append(...tools);
  made.append(
    node(
      "div",
      { class: "g-grid-line" },
      node("span", { class: "g-grid-name", text: hit.name }),
      mark,
      score && node("span", { class: "g-grid-score", text: score }),
    ),
  );
  if (share !== null)
    made.append(node("div", { class: "g-grid-bar" }, node("i", { style: { width: `${Math.max(2, 100 * share)}%` } })));
  if (note) made.append(node("div", { class: "g-grid-note", text: note }));
  return made;
};

// Arrow keys move between the images of the grid.
export const arrows = (grid) => {
  grid.addEventListener("keydown", (event) => {
    if (!event.target.classList.contains("g-grid-frame")) return;
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (by === undefined) return;
    const frames = [...grid.querySelectorAll("button.g-grid-frame")];
    const next = frames[frames.indexOf(event.target) + by];
    if (next) {
      next.focus();
      event.preventDefault();
    }
  });
  return oneTabStop(grid);
};
