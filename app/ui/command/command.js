// "Copy as command": what the page shows as a command of a shell, or as a call of the API.
import { button, copy } from "../elements/elements.js";
import { _ } from "../language/language.js";

// A word of a POSIX shell that stands for text, whatever is in it.
export const shellWord = (text) =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${String(text).replaceAll("'", `'"'"'`)}'`;

// The call of the API of this page with a JSON body. base: the address of the page.
export const apiCommand = (path, body, base = document.baseURI) =>
  [
    "curl",
    "-sS",
    new URL(`api/v1/${path}`, base).href,
    "-H",
    "content-type: application/json",
    "--data-raw",
    JSON.stringify(body),
  ]
    .map(shellWord)
    .join(" ");

// A button that copies the command which text() gives; "" hides it.
export const commandButton = (id, text) => {
  const made = button("copy", _("Command"), () => copy(text(), made, _("The browser does not let it be copied")), {
    id,
    class: "g-button g-command",
    title: _("Copy as a command"),
  });
  return made;
};
