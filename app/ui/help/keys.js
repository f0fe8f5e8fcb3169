// The keys of the page, listed in a dialog that ? opens.
import { node } from "../elements/elements.js";
import { _ } from "../language/language.js";

const TYPING = "input, textarea, select, [contenteditable]";
// [heading, [keys, what they do] ...]
const LISTS = [
  [_("Everywhere"), ["/", _("search")], ["?", _("this list")], ["Tab", _("next control")], ["Esc", _("close")]],
  [
    _("Images of the search"),
    ["← → ↑ ↓", _("next image")],
    [_("Enter"), _("open the image")],
    [_("Space"), _("choose it; with Shift, all up to it")],
    ["m, x", _("more or less like it")],
    ["t", _("tag it")],
    [_("Ctrl Z"), _("undo the last tag")],
  ],
  [
    _("Open image"),
    ["← →", _("previous and next")],
    ["+ − 0", _("zoom in, zoom out, whole image")],
    ["i", _("about the image")],
    ["e", _("heat map")],
  ],
  [
    _("Map"),
    ["← → ↑ ↓", _("pan")],
    ["+ − 0", _("zoom in, zoom out, whole map")],
    [_("Enter"), _("choose the images in the middle")],
  ],
  [
    _("Review of labels"),
    ["1 … 9", _("the class of this number")],
    ["0", _("none of these")],
    ["r", _("the runner-up")],
    ["c", _("another class, or a new one")],
    [_("Enter"), _("the label is right")],
    ["s, u", _("skip, undo")],
  ],
];

const listOf = ([heading, ...keys]) =>
  node(
    "section",
    {},
    node("h3", { text: heading }),
    node("dl", {}, ...keys.flatMap(([key, does]) => [node("dt", { text: key }), node("dd", { text: does })])),
  );

let dialog = null; // made when it is first asked for

export const showKeys = () => {
  dialog ??= node(
    "dialog",
    { class: "g-help-keys", id: "keys", "aria-label": _("Keys") },
    node("h2", { text: _("Keys") }),
    node("div", { class: "g-help-lists" }, ...LISTS.map(listOf)),
    node("form", { method: "dialog" }, node("button", { class: "g-button", text: _("Close") })),
  );
  if (!dialog.isConnected) {
    document.querySelector("#header").append(dialog);
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  }
  if (!dialog.open) dialog.showModal();
};

document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.ctrlKey || event.metaKey || event.target.closest?.(TYPING)) return;
  event.preventDefault();
  if (dialog?.open) dialog.close();
  else showKeys();
});
