// The list of lessons: at the side, and on a phone a menu on top.
import { node } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";

// The lessons by the section of the lecture that they belong to.
export function sectionsOf(lessons) {
  const sections = new Map();
  for (const lesson of lessons) sections.set(lesson.section, [...(sections.get(lesson.section) ?? []), lesson]);
  return [...sections];
}

// open(name) opens a lesson.
export function contents(lessons, current, open) {
  const item = (lesson) =>
    node(
      "li",
      {},
      node("button", {
        type: "button",
        text: lesson.title,
        "data-lesson": lesson.name,
        "aria-current": lesson.name === current ? "page" : null,
        onclick: () => open(lesson.name),
      }),
    );
  const section = ([name, own]) =>
    node("li", {}, node("span", { class: "g-learn-section", text: name }), node("ul", {}, ...own.map(item)));
  return node("nav", { class: "g-learn-contents", "aria-label": _("Lessons") }, menu(lessons, current, open), list());

  function list() {
    return node("ul", { class: "g-learn-list" }, ...sectionsOf(lessons).map(section));
  }
}

function menu(lessons, current, open) {
  const option = ({ name, title }) => node("option", { value: name, text: title, selected: name === current });
  const group = ([name, own]) => node("optgroup", { label: name }, ...own.map(option));
  const settings = {
    class: "g-button g-learn-menu",
    id: "learn-menu",
    "aria-label": _("Lesson"),
    onchange: (event) => open(event.target.value),
  };
  return node("select", settings, ...sectionsOf(lessons).map(group));
}
