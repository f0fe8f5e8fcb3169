// A field that takes a class by a part of its name, "none of these", or a new class.
import { node } from "../../ui/elements/elements.js";
import { completion } from "../../ui/completion/completion.js";
import { _ } from "../../ui/language/language.js";
import { nameOf } from "./parts.js";

const MOST = 8; // classes that are listed

// The classes of a labelling in the order of the list, without "none of these".
export const namedClasses = (classes) => classes.filter((one) => !one.none).toSorted((a, b) => a.answer - b.answer);

// The choices of a labelling by their numbers: the classes, and after them "none of these", which a person may always say.
export const choicesOf = (classes) => {
  const named = namedClasses(classes);
  return [...named, { name: "none", answer: named.length, none: true }];
};

// What a text may mean, best first: { answer, text }, or { name, text } for a new class. A name that is typed in full
// comes first; a class whose name begins so comes before one that has the text inside.
export const meanings = (classes, typed) => {
  const text = typed.trim().toLowerCase();
  const rank = (name) => (name === text ? 0 : name.startsWith(text) ? 1 : name.includes(text) ? 2 : 3);
  const found = choicesOf(classes)
    .map((one) => ({ answer: one.answer, text: nameOf(one), rank: rank(nameOf(one).toLowerCase()) }))
    .filter((one) => one.rank < 3)
    .toSorted((a, b) => a.rank - b.rank || a.answer - b.answer);
  const listed = found.slice(0, MOST).map(({ answer, text: name }) => ({ answer, text: name }));
  const known = !text || found.some((one) => one.rank === 0);
  return known ? listed : [...listed, { name: typed.trim(), text: _("New class “{name}”", { name: typed.trim() }) }];
};

// classes() gives those of the labelling; pick(meaning) takes one of `meanings`.
export const classField = (id, classes, pick) => {
  const field = node("input", {
    type: "text",
    class: "g-input",
    id,
    maxlength: "200",
    autocomplete: "off",
    placeholder: _("class"),
    "aria-label": _("Another class, or a new one"),
  });
  const choose = (meaning) => {
    field.value = "";
    pick(meaning);
  };
  const options = (text) =>
    meanings(classes(), text).map((meaning) => ({
      icon: meaning.name ? "plus" : "tag",
      text: meaning.text,
      pick: () => choose(meaning),
    }));
  const { list } = completion(field, options, 0);
  const form = node("form", { class: "g-classify-name" }, field, list);
  form.addEventListener("submit", (event) => {
    event.preventDefault(); // Enter before the list is there
    const [meaning] = field.value.trim() ? meanings(classes(), field.value) : [];
    if (meaning) choose(meaning);
  });
  return { form, field };
};
