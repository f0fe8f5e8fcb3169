// A list of classes of which the first are shown: found by name, and a page at a time, so that a thousand can be used.
import { button, node } from "../../ui/elements/elements.js";
import { count } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";

export const PAGE = 60; // classes
const SEARCHED = 20; // so many classes, and there is a field to find one

// The places of the classes that a search shows, and how many more there are.
export const shownOf = (names, wanted, most) => {
  const text = wanted.trim().toLowerCase();
  const found = [...names.keys()].filter((i) => names[i].toLowerCase().includes(text));
  return { shown: found.slice(0, most), more: Math.max(0, found.length - most) };
};

// rows: the nodes of all classes, by names. list: where they are shown.
export const foundClasses = (list, names, rows) => {
  let most = PAGE;
  const search = node("input", {
    class: "g-input g-classify-find",
    type: "search",
    id: "find-class",
    placeholder: _("find a class"),
    "aria-label": _("Find a class"),
    oninput: () => draw(PAGE),
  });
  const more = button(null, "", () => draw(most + PAGE), { class: "g-button g-small" });
  const draw = (amount) => {
    most = amount;
    const found = shownOf(names, search.value, most);
    more.querySelector("span").textContent = _("{more} more classes", { more: count(found.more) });
    list.replaceChildren(...found.shown.map((i) => rows[i]), ...(found.more ? [more] : []));
  };
  draw(PAGE);
  return names.length > SEARCHED ? [search, list] : [list];
};
