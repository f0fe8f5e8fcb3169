// The image that something is shown on: images of the collection to choose from, or one of a person's own.
import { icon, node } from "../elements/elements.js";
import { _ } from "../language/language.js";
import { media } from "../session/session.js";
import { filePicker } from "../upload/upload.js";
import { sampleButton, samples } from "./samples.js";

// The address of an image: { data }, { token } of an upload, or { id } of the collection.
export function sourceOf(image, collection) {
  if (image.data) return image.data;
  return image.token ? `images/${image.token}.webp` : media(collection, image.id);
}

// A file button that uploads what is chosen.
function fileButton(label, send) {
  const file = filePicker(label, ([chosen]) => send(chosen));
  const button = node(
    "button",
    { type: "button", class: "g-button g-small", onclick: () => file.click() },
    icon("image"),
    node("span", { text: label }),
  );
  return [button, file];
}

// The chosen image, images of the collection to choose from, and a button for an image of one's own.
// facts: { collection, samples }; act: { choose(image), upload(file) }
export function imageChooser(facts, chosen, label, act) {
  const current = chosen
    ? node("img", { class: "g-samples-image", src: sourceOf(chosen, facts.collection), alt: chosen.name })
    : node("div", { class: "g-samples-image" });
  const sample = (hit) =>
    sampleButton(hit, facts.collection, {
      label: _("Use {name}", { name: hit.name }),
      pressed: chosen?.id === hit.id,
      onclick: () => act.choose(hit),
    });
  return node(
    "div",
    { class: "g-samples-chooser" },
    current,
    samples(...fileButton(label, act.upload), ...facts.samples.map(sample)),
  );
}
