// The tags of one image, with a field for another.
import { icon, node, notice } from "../elements/elements.js";
import { _ } from "../language/language.js";

// change(name, on) gives or takes a tag; it answers the tags afterwards, or { error }.
export const tagList = (tags, change) => {
  const list = node("div", { class: "g-inspector-tags", id: "inspect-tags" });
  const field = node("input", {
    type: "text",
    class: "g-input",
    maxlength: "64",
    placeholder: _("add a tag"),
    "aria-label": _("Add a tag"),
    autocomplete: "off",
  });
  const send = async (name, on) => {
    const answer = await change(name, on);
    if (answer.error) list.append(notice(answer.error));
    else draw(answer);
  };
  const onsubmit = (event) => {
    event.preventDefault();
    if (field.value.trim()) send(field.value, true);
    field.value = "";
  };
  const form = node("form", { onsubmit }, field);
  const tag = (name) =>
    node(
      "span",
      { class: "g-query-term" },
      node("span", { text: name }),
      node(
        "button",
        {
          type: "button",
          class: "g-query-drop",
          "aria-label": _("Remove the tag {name}", { name }),
          onclick: () => send(name, false),
        },
        icon("close"),
      ),
    );
  const draw = (names) => list.replaceChildren(...names.map(tag), form);
  draw(tags);
  return list;
};
