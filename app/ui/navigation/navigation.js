// The tabs are Gradio's; the address names the open one, and Back and Forward follow it.
import { collection } from "../session/session.js";

const FIRST = "search";
const listeners = new Set();
const collectionListeners = new Set();
const classifyListeners = new Set();
let handedOver = null; // an image on its way to the Classify tab

const button = (name) => document.getElementById(`${name}-tab-button`);
const nameOf = (tab) => tab.id.replace("-tab-button", "");
const tabs = () => [...document.querySelectorAll('#tabs [role="tab"]')];
const parameters = () => new URLSearchParams(location.search);
const inAddress = () => parameters().get("tab") || FIRST;
const replace = (params) => history.replaceState(history.state, "", `${location.pathname}?${params}`);
const push = (params, state = history.state) => history.pushState(state, "", `${location.pathname}?${params}`);
const announce = (tab) => listeners.forEach((listener) => listener(tab));

// The parameters of the address with settings: a list gives one each, null and "" remove one.
const withSettings = (settings) => {
  const params = parameters();
  Object.entries(settings).forEach(([key, value]) => {
    params.delete(key);
    const values = Array.isArray(value) ? value : [value ?? ""];
    values.forEach((one) => one !== "" && params.append(key, one));
  });
  return params;
};

// Calls listener(tab) when the address changes; every tab then reads its own part of it.
export const onAddress = (listener) => listeners.add(listener);

// Calls listener(key) when a collection is to be opened.
export const onCollection = (listener) => collectionListeners.add(listener);
export const openCollection = (key) => collectionListeners.forEach((listener) => listener(key));

// Gradio draws the row of tabs anew when one is opened; the row may be wider than a phone. Only the row is scrolled.
const bringIntoSight = (name) =>
  requestAnimationFrame(() => {
    const row = document.querySelector("#tabs .tab-wrapper");
    const tab = button(name)?.getBoundingClientRect();
    if (!row || !tab) return;
    const frame = row.getBoundingClientRect();
    row.scrollBy({ left: tab.left + tab.width / 2 - frame.left - frame.width / 2 });
  });

export const whichTab = () => {
  const open = tabs().find((tab) => tab.getAttribute("aria-selected") === "true");
  return open ? nameOf(open) : FIRST;
};

export const openTab = (name) => {
  button(name)?.click();
  bringIntoSight(name);
};

// Opens a tab by the address, so that Back returns, without an image that is open. settings: see withSettings.
export const goTo = (name, settings = {}) => {
  push(withSettings({ open: null, ...settings, tab: name }), { ...history.state, visited: null });
  openTab(name);
  announce(name);
  window.scrollTo({ top: 0 });
};

// Opens a tab on another collection. The address that is left names its collection first, so that Back returns to it.
export const goToCollection = (tab, key, settings = {}) => {
  replace(withSettings({ collection: collection() }));
  openCollection(key);
  goTo(tab, { ...settings, collection: key });
};

// Opens a collection on the search tab, without a query.
export const searchCollection = (key) => goToCollection("search", key, { q: null, like: null, filters: null });

// A tab writes down what it shows, unless another tab was opened before the answer came.
export const readdress = (tab, settings) => {
  if (inAddress() === tab) replace(withSettings(settings));
};

// Opens something on top of a tab, such as an image; name: its parameter of the address. Back then closes it.
export const visit = (name, value) => {
  if (parameters().has(name)) replace(withSettings({ [name]: value }));
  else push(withSettings({ [name]: value }), { ...history.state, visited: name });
};

// Closes what `visit` has opened: one step back if this step opened it, so that Back does not open it again.
export const leave = (name) => {
  if (!parameters().has(name)) return;
  if (history.state?.visited === name) history.back();
  else replace(withSettings({ [name]: null }));
};

// Takes something off the address that is not open any more.
export const forget = (name) => {
  if (parameters().has(name)) replace(withSettings({ [name]: null }));
};

// Takes an image { id, collection, name } to the Classify tab, which Gradio draws only once it is opened.
export const classifyImage = (image) => {
  handedOver = image;
  goTo("classify");
  classifyListeners.forEach((listener) => listener(image));
};

// Calls listener(image) for each image that is taken to the Classify tab; also now, if one is waiting.
export const onClassify = (listener) => {
  classifyListeners.add((image) => {
    handedOver = null;
    listener(image);
  });
  if (!handedOver) return;
  const image = handedOver;
  handedOver = null;
  listener(image);
};

window.addEventListener("popstate", () => {
  const key = parameters().get("collection");
  openTab(inAddress());
  if (key) openCollection(key);
  announce(inAddress());
});

// Once Gradio has drawn its tabs, the one that the address names is opened; clicks are written into the address.
const waiting = setInterval(() => {
  if (!button(FIRST)) return;
  clearInterval(waiting);
  if (inAddress() !== FIRST) openTab(inAddress());
  tabs().forEach((tab) =>
    tab.addEventListener("click", (event) => {
      if (!event.isTrusted) return;
      bringIntoSight(nameOf(tab));
      if (inAddress() !== nameOf(tab)) push(withSettings({ tab: nameOf(tab) }));
      announce(nameOf(tab));
    }),
  );
}, 50);
