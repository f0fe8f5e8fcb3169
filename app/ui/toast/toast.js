// A line at the lower edge of the window that says what was done, with a button such as Undo; it goes by itself.
import { icon, node } from "../elements/elements.js";
import { _ } from "../language/language.js";

const STAYS = 12_000; // milliseconds; longer while a pointer or the focus is on it

// { root, show(text, ...buttons), hide() }; id: of root
export const toast = (id = "toast") => {
  let timer = 0;
  const text = node("span", { class: "g-toast-text" });
  const more = node("span", { class: "g-toast-more" });
  const close = node(
    "button",
    { type: "button", class: "g-icon-button", title: _("Dismiss"), "aria-label": _("Dismiss"), onclick: () => hide() },
    icon("close"),
  );
  const line = node("div", { class: "g-toast-line", hidden: true }, text, more, close);
  const root = node("div", { class: "g-toast", id, role: "status" }, line);
  const hide = () => {
    clearTimeout(timer);
    line.hidden = true;
  };
  const wait = () => {
    clearTimeout(timer);
    if (!line.hidden) timer = setTimeout(hide, STAYS);
  };
  const hold = () => clearTimeout(timer);
  line.addEventListener("pointerenter", hold);
  line.addEventListener("focusin", hold);
  line.addEventListener("pointerleave", wait);
  line.addEventListener("focusout", wait);
  const show = (said, ...buttons) => {
    text.textContent = said;
    more.replaceChildren(...buttons.filter(Boolean));
    line.hidden = false;
    wait();
  };
  return { root, show, hide };
};
