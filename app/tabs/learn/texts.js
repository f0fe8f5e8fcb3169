// What a lesson says before and after its figures, and the way to the next one.
import { button, icon, node } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { goTo } from "../../ui/navigation/navigation.js";

export const beginning = ({ section, title, says, look }) => [
  node("p", { class: "g-learn-section", text: section }),
  node("h2", { text: title, tabindex: "-1" }),
  node("p", { class: "g-learn-says", text: says }),
  node("p", { class: "g-learn-look" }, node("b", { text: _("Try:") }), ` ${look}`),
];

// command: the button that copies the command.
export function afterword({ equation, paper, question, answer, elsewhere }, command) {
  const link = ({ text, tab, settings = {} }) =>
    button("right", text, () => goTo(tab, settings), { class: "g-button g-small g-learn-link" });
  return [
    equation && node("p", { class: "g-learn-equation" }, node("code", { text: equation })),
    question &&
      node("details", { class: "g-learn-question" }, node("summary", { text: question }), node("p", { text: answer })),
    node(
      "div",
      { class: "g-learn-after" },
      node("span", { class: "g-aside", text: paper }),
      command,
      ...elsewhere.map(link),
    ),
  ].filter(Boolean);
}

export function pager(lessons, lesson, open) {
  const at = lessons.indexOf(lesson);
  const to = (other, label, id, iconName) =>
    other &&
    node(
      "button",
      { type: "button", class: "g-button", id, onclick: () => open(other.name) },
      iconName === "left" && icon("left"),
      node("span", { text: `${label}: ${other.title}` }),
      iconName === "right" && icon("right"),
    );
  return node(
    "div",
    { class: "g-learn-pager" },
    to(lessons[at - 1], _("Before"), "learn-before", "left") || node("span"),
    to(lessons[at + 1], _("Next"), "learn-next", "right"),
  );
}
