// A row of small images to choose one from, usually a few of the collection.
import { node } from "../elements/elements.js";
import { media } from "../session/session.js";

// hit: { id, name }; label: what the button does, for screen readers.
export const sampleButton = (hit, collectionKey, { label, pressed, onclick }) =>
  node(
    "button",
    {
      type: "button",
      class: "g-samples-item",
      title: hit.name,
      "aria-label": label,
      "aria-pressed": String(pressed),
      onclick,
    },
    node("img", { src: media(collectionKey, hit.id), alt: "", loading: "lazy" }),
  );

// An uploaded image in the same form; it is the chosen one.
export const sampleImage = (source, name) =>
  node("span", { class: "g-samples-item", "aria-current": "true" }, node("img", { src: source, alt: name }));

export const samples = (...children) => node("div", { class: "g-samples" }, ...children);
