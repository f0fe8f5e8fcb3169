// A group of copies: its images side by side, of which a press says whether it stays.
import { button, icon, node } from "../../ui/elements/elements.js";
import { _, plural } from "../../ui/language/language.js";
import { media } from "../../ui/session/session.js";
import { kindText, sizeText } from "./texts.js";

const SIDE_BY_SIDE = 3; // images of a group beside which there is room for another group

const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);
const folderOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

const imageCard = (image, stays, collection, { toggle, look }) => {
  const name = nameOf(image.path);
  const state = node("span", { class: "g-duplicates-state" }, icon("check"), node("span"));
  const press = node(
    "button",
    {
      type: "button",
      class: "g-duplicates-frame",
      "aria-pressed": String(stays),
      "aria-label": _("{name} stays", { name }),
      title: image.path,
      onclick: () => toggle(image.row),
    },
    node("img", { src: media(collection, image.id), alt: "", loading: "lazy", draggable: "false" }),
    state,
  );
  state.lastChild.textContent = stays ? _("stays") : _("goes");
  const open = node(
    "button",
    {
      type: "button",
      class: "g-duplicates-look",
      title: _("Look at it in full"),
      "aria-label": _("Look at {name} in full", { name }),
      onclick: () => look(image.id),
    },
    icon("search"),
  );
  return node(
    "figure",
    { class: "g-duplicates-image", "data-row": image.row },
    press,
    open,
    node(
      "figcaption",
      {},
      node("b", { text: name }),
      node("span", { text: sizeText(image) }),
      folderOf(image.path) && node("span", { text: folderOf(image.path), title: image.path }),
      image.offline && node("span", { text: _("offline") }),
    ),
  );
};

// kept: which images stay, kept.js. changed() hears of a change. look(id) opens an image.
export const groupSection = (group, collection, kept, { changed, look, local }) => {
  const images = node("div", { class: "g-duplicates-images" });
  const set = (change) => {
    change();
    draw();
    changed();
  };
  const all = button(null, _("Keep all"), () => set(() => kept.keepAll(group)), { class: "g-button g-small" });
  const best = button(null, _("Keep the best"), () => set(() => kept.keepBest(group)), { class: "g-button g-small" });
  const toggle = (row) => {
    set(() => kept.toggle(group, row));
    images.querySelector(`[data-row="${row}"] button`)?.focus();
  };
  const draw = () => {
    const stays = kept.of(group);
    const actions = { toggle, look };
    images.replaceChildren(...group.images.map((image) => imageCard(image, stays.has(image.row), collection, actions)));
    if (!local) images.querySelectorAll(".g-duplicates-frame").forEach((frame) => (frame.disabled = true));
    all.hidden = !local || stays.size === group.images.length;
    best.hidden = !local || (stays.size === 1 && stays.has(group.images[0].row));
  };
  draw();
  const title = plural("{n} file", "{n} files", group.images.length);
  return node(
    "section",
    { class: `g-duplicates-group ${group.images.length > SIDE_BY_SIDE ? "g-duplicates-many" : ""}` },
    node(
      "div",
      { class: "g-duplicates-head" },
      node("h3", { text: title }),
      node("span", { class: "g-aside", text: kindText(group) }),
      all,
      best,
    ),
    images,
  );
};
