// Controls that the probes are made of: choices, text fields and images.
import { askBar } from "../../ui/ask_bar/ask_bar.js";
import { icon, node } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { sampleButton, samples } from "../../ui/samples/samples.js";
import { media } from "../../ui/session/session.js";
import { filePicker } from "../../ui/upload/upload.js";

// A group of buttons of which one is pressed. choices: [value, text, settings] of each.
export function choiceGroup(label, choices, chosen, choose) {
  const button = ([value, text, settings = {}]) =>
    node("button", {
      type: "button",
      class: "g-way",
      text,
      "aria-pressed": String(value === chosen),
      onclick: () => choose(value),
      ...settings,
    });
  return node("div", { class: "g-ways g-probe-choices", role: "group", "aria-label": label }, ...choices.map(button));
}

// A text field with a button; submit(text).
export const textForm = (id, label, value, placeholder, submit) =>
  askBar(id, label, _("Run"), submit, { value, placeholder, maxlength: "500" }).form;

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
    ? node("img", { class: "g-probe-image", src: sourceOf(chosen, facts.collection), alt: chosen.name })
    : node("div", { class: "g-probe-image" });
  const sample = (hit) =>
    sampleButton(hit, facts.collection, {
      label: _("Use {name}", { name: hit.name }),
      pressed: chosen?.id === hit.id,
      onclick: () => act.choose(hit),
    });
  return node(
    "div",
    { class: "g-probe-chooser" },
    current,
    samples(...fileButton(label, act.upload), ...facts.samples.map(sample)),
  );
}
