// The field of the bar by which chosen images get a tag or lose one.
import { button, icon, node } from "../elements/elements.js";
import { _ } from "../language/language.js";

// send(name, on) tags what is chosen and gives { error } if that cannot be done; names() gives tags to offer.
export const tagForm = (send, names) => {
  const list = node("datalist", { id: "tag-names" });
  const offer = async () => list.replaceChildren(...(await names()).map((value) => node("option", { value })));
  const field = node("input", {
    type: "text",
    class: "g-input",
    id: "tag-name",
    maxlength: "64",
    placeholder: _("tag"),
    list: "tag-names",
    "aria-label": _("Tag"),
    autocomplete: "off",
    onfocus: offer,
  });
  const act = async (on) => {
    const { error } = await send(field.value, on);
    if (!error) field.value = "";
  };
  const onsubmit = (event) => {
    event.preventDefault();
    act(true);
  };
  return node(
    "form",
    { class: "g-selection-tagging", onsubmit },
    field,
    list,
    node("button", { type: "submit", class: "g-button" }, icon("tag"), node("span", { text: _("Tag") })),
    button(null, _("Untag"), () => act(false), { id: "untag", title: _("Take this tag from the chosen images") }),
  );
};
