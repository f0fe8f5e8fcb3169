// The query bar: two encoders, and the text or image that both are queried with.
import { askBar } from "../../ui/ask_bar/ask_bar.js";
import { button, copy, node } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { sampleButton, sampleImage, samples } from "../../ui/samples/samples.js";
import { session } from "../../ui/session/session.js";
import { imageButton } from "../../ui/upload/upload.js";

const HINT = _("One query for both encoders");
const COMMANDS = [
  "python -m index build IMAGES --into second.gelato --encoder ENCODER",
  "python app.py --collection first.gelato --collection second.gelato",
];

function sideSelect(side, choose) {
  const select = node("select", {
    id: `compare-${side}`,
    "aria-label": _("Encoder {side}", { side: side.toUpperCase() }),
    onchange: () => choose(side, select.value),
  });
  return select;
}

// act: { side(side, key), text(q), upload(file) }
export function queryBar(act) {
  const sides = { a: sideSelect("a", act.side), b: sideSelect("b", act.side) };
  const settings = { placeholder: HINT, enterkeyhint: "search" };
  const ids = { button: "compare-image", file: "compare-file" };
  const image = imageButton(_("Compare with an image"), ([chosen]) => act.upload(chosen), ids);
  const { form, field } = askBar("compare-q", HINT, _("Compare"), act.text, settings, ...image);
  const choices = node("div", { class: "g-compare-choices" });
  const pair = node("div", { class: "g-compare-sides" }, sides.a, node("span", { text: _("and") }), sides.b);
  const element = node("div", {}, node("div", { class: "g-compare-bar" }, pair, form), choices);
  return { element, sides, form, field, choices };
}

export function showSides({ sides }, collections, settings) {
  for (const [side, select] of Object.entries(sides)) {
    const options = collections.map(({ key, encoder, name }) =>
      node("option", { value: key, text: `${encoder} · ${name}` }),
    );
    select.replaceChildren(...options);
    select.value = settings[side];
  }
}

// Disables the field where one of the two encoders has no text encoder.
export function showField({ field }, readsText, q) {
  field.disabled = !readsText;
  field.placeholder = readsText ? HINT : _("One of the two has no text encoder: search with an image");
  field.value = q;
}

// Suggested texts and images below the field. act: { text(q), like(id) }
export function showChoices({ field, choices }, collection, settings, act) {
  const chip = (word) =>
    node("button", {
      type: "button",
      class: "g-chip",
      text: word,
      "aria-pressed": String(word === settings.q),
      onclick: () => act.text(word),
    });
  const sample = (hit) =>
    sampleButton(hit, collection.key, {
      label: _("Search with {name}", { name: hit.name }),
      pressed: hit.id === settings.like,
      onclick: () => act.like(hit.id),
    });
  const words = session.state?.chips || [];
  const shown = JSON.stringify([collection?.key, settings, field.disabled, words]);
  if (choices.dataset.shown === shown) return;
  choices.dataset.shown = shown;
  const chips = field.disabled ? [] : words.map(chip);
  const own = settings.images.map(({ token, name }) => sampleImage(`images/${token}.webp`, name));
  choices.replaceChildren(samples(...chips, ...own, ...(collection?.samples || []).map(sample)));
}

// What stands there while only one collection is open.
export function howToCompare() {
  const line = (text) => {
    const copyButton = button("copy", _("Copy"), () => copy(text, copyButton), {
      class: "g-button g-small",
      "aria-label": _("Copy the command"),
    });
    return node("p", {}, node("code", { text }), " ", copyButton);
  };
  return node(
    "div",
    { class: "g-empty" },
    node("b", { text: _("To compare two encoders, the same images must be embedded by both") }),
    node("p", {
      text: _(
        "Under Models, embed this collection with another encoder and choose “Compare both”. Or build a second collection of them with another encoder (an open_clip name, or a run of your own such as runs/my-run) and open both:",
      ),
    }),
    ...COMMANDS.map(line),
  );
}
