// The menu of languages. Each is written in its own language, so that those who need it can read it.
import { menu } from "../menu/menu.js";
import { LANGUAGES, fixed, language, speak, _ } from "./language.js";

// The menu, or null where the server speaks one language only.
export const languageMenu = () => {
  if (fixed) return null;
  const codes = Object.keys(LANGUAGES);
  const choices = codes.map((code) => [LANGUAGES[code], () => speak(code)]);
  const made = menu("globe", "", choices, { id: "language-menu" });
  const summary = made.querySelector("summary");
  summary.className = "g-icon-button";
  summary.setAttribute("aria-label", _("Language"));
  summary.title = _("Language");
  made.querySelectorAll(".g-menu-choices button").forEach((choice, i) => {
    choice.lang = codes[i];
    choice.setAttribute("aria-current", String(codes[i] === language));
  });
  return made;
};
