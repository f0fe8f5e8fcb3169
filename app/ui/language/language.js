// The page's language, and messages in it: _("No image passes these filters."). The server chose it (data-language).
import { COOKIE, LANGUAGES } from "./languages.js";

const YEAR = 365 * 86400; // seconds
const root = document.documentElement;

export { LANGUAGES };
export const language = LANGUAGES[root.dataset.language] ? root.dataset.language : "en";
export const fixed = root.hasAttribute("data-language-fixed"); // by the option --language

// English is the language of the code and needs no catalogue.
const { MESSAGES = {}, PLURAL = (n) => Number(n !== 1) } =
  language === "en" ? {} : await import(`./messages.${language}.js`);

// Gradio sets lang to the browser's language; readers aloud need that of the page.
const setLang = () => root.lang === language || (root.lang = language);
new MutationObserver(setLang).observe(root, { attributeFilter: ["lang"] });
setLang();

const PLACEHOLDER = /\{(\w+)\}/g;

const fill = (message, values) => message.replace(PLACEHOLDER, (all, name) => (name in values ? values[name] : all));

// A message in the page's language, with placeholders such as {name} filled in.
export const _ = (message, values = {}) => fill(MESSAGES[message] ?? message, values);

// As _, by number: plural("{n} image", "{n} images", 1234). {n} is the number as it is read.
export const plural = (one, several, number, values = {}) => {
  const forms = MESSAGES[one] ?? [one, several];
  return fill(forms[PLURAL(number)], { n: number.toLocaleString(language), ...values });
};

// As _, for values that are elements: what node() takes as children.
export const textNodes = (message, values) =>
  (MESSAGES[message] ?? message).split(PLACEHOLDER).map((part, i) => (i % 2 ? (values[part] ?? `{${part}}`) : part));

// Remembers another language in this browser, and shows the page in it.
export const speak = (code) => {
  document.cookie = `${COOKIE}=${code}; path=${new URL(document.baseURI).pathname}; max-age=${YEAR}; samesite=strict`;
  location.reload();
};
