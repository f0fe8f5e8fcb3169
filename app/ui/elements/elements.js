// Builds nodes of the page from text. File names and captions are other people's text, so nothing goes through innerHTML.
import { _ } from "../language/language.js";

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.4 15.4 20 20",
  image: "M4 5.5h16v13H4zM4 15l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9.2v.1",
  close: "M6 6l12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  like: "M4 4h7v7H4zM13 13h7v7h-7zM16.5 4v6M13.5 7h6M4 16.5h7",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.700l1-1",
  download: "M12 4v11M7 10.500l5 5 5-5M5 20h14",
  moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10Z",
  tag: "M4 4h7.500L20 12.500 12.500 20 4 11.500zM8 8v.1",
  unlike: "M4 4h7v7H4zM13 13h7v7h-7zM13.5 7h6M4 16.5h7",
  heat: "M12 3.500c3 4 5.500 6.500 5.500 10.500a5.500 5.500 0 0 1-11 0c0-2 1-3.500 2.500-5 .2 2 1 3 2 3.500 .3-3 .2-6 1-9Z",
  filter: "M4 6h16M7 12h10M10 18h4",
  book: "M12 6.500C9.500 5 6.500 4.700 4 5v13c2.500-.3 5.500 0 8 1.500 2.500-1.500 5.500-1.800 8-1.500V5c-2.500-.3-5.500 0-8 1.500ZM12 6.500v13",
  check: "M5 12.500l4.500 4.500L19 7.500",
  down: "M6 9.500l6 6 6-6",
  info: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17ZM12 11v5.500M12 7.700v.1",
  help: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17ZM9.500 9.700a2.500 2.500 0 1 1 3.600 2.200c-.800.4-1.100.9-1.100 1.600M12 16.500v.1",
  left: "M14.500 6l-6 6 6 6",
  right: "M9.500 6l6 6-6 6",
  folder: "M3.500 6h6l2 2.500h9v10.500h-17z",
  globe:
    "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17ZM3.500 12h17M12 3.500c4.500 5 4.500 12 0 17M12 3.500c-4.500 5-4.500 12 0 17",
  star: "M12 4l2.500 5.200 5.700.8-4.100 4 1 5.700-5.100-2.700-5.100 2.700 1-5.700-4.100-4 5.700-.8z",
  pin: "M12 21c4-4.500 6.500-7.500 6.500-11a6.500 6.500 0 0 0-13 0c0 3.500 2.500 6.500 6.500 11ZM12 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4Z",
  text: "M5 7h14M5 12h14M5 17h8",
  copy: "M9 9h11v11H9zM5 15V4h11",
};

// An element. settings: attributes; text; style (an object); onNAME listeners. null, undefined and false are left out.
export const node = (tag, settings = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "text") made.textContent = value;
    else if (name === "style") Object.entries(value).forEach(([k, v]) => made.style.setProperty(k, v));
    else made.setAttribute(name, value === true ? (name.startsWith("aria-") ? "true" : "") : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
};

// An SVG element with attributes, text and children.
export const svgNode = (tag, settings = {}, ...children) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(settings)) {
    if (name === "text") made.textContent = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
};

export const icon = (name) =>
  svgNode("svg", { viewBox: "0 0 24 24", class: "g-icon", "aria-hidden": "true" }, svgNode("path", { d: ICONS[name] }));

// A button with a label and, unless iconName is null, an icon before it.
export const button = (iconName, label, onclick, settings = {}) =>
  node(
    "button",
    { type: "button", class: "g-button", onclick, ...settings },
    iconName && icon(iconName),
    node("span", { text: label }),
  );

// A message in place of what was asked for, with buttons after it.
export const notice = (text, ...more) =>
  node("div", { class: "g-notice", role: "status" }, node("p", { text }), ...more);

// Copies text; the label of the button says so for a moment, or what to do where the browser does not let it.
export const copy = async (text, copyButton, otherwise = _("Copy it from the address bar")) => {
  const label = copyButton.querySelector("span");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = _("Copied");
  } catch {
    label.textContent = otherwise;
  }
  setTimeout(() => (label.textContent = before), 1600);
};
