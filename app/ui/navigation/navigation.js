// The tabs are Gradio's; the address names the open one, and Back and Forward follow it.

const FIRST = "search";
const listeners = new Set();
const collectionListeners = new Set();
const lectureListeners = new Set();
const classifyListeners = new Set();
let handedOver = null; // an image on its way to the Classify tab

const button = (name) => document.getElementById(`${name}-tab-button`);
const nameOf = (tab) => tab.id.replace("-tab-button", "");
const tabs = () => [...document.querySelectorAll('#tabs [role="tab"]')];
const parameters = () => new URLSearchParams(location.search);
const inAddress = () => parameters().get("tab") || FIRST;
const replace = (params) => history.replaceState(history.state, "", `${location.pathname}?${params}`);
const announce = (tab) => listeners.forEach((listener) => listener(tab));

// Calls listener(tab) when the address changes; every tab then reads its own part of it.
export const onAddress = (listener) => listeners.add(listener);

// Calls listener(key) when a collection is to be opened.
export const onCollection = (listener) => collectionListeners.add(listener);
export const openCollection = (key) => collectionListeners.forEach((listener) => listener(key));

// Calls listener() when the lecture is to be followed.
export const onLecture = (listener) => lectureListeners.add(listener);
export const openLecture = () => lectureListeners.forEach((listener) => listener());

export const openTab = (name) => {
  button(name)?.click();
  button(name)?.scrollIntoView({ block: "nearest", inline: "center" });
};

export const whichTab = () => {
  const open = tabs().find((tab) => tab.getAttribute("aria-selected") === "true");
  return open ? nameOf(open) : FIRST;
};

// Opens a tab by the address, so that Back returns. settings become parameters: a list gives one each, null removes one.
export const goTo = (name, settings = {}) => {
  const params = parameters();
  params.set("tab", name);
  Object.entries(settings).forEach(([key, value]) => {
    params.delete(key);
    (Array.isArray(value) ? value : [value]).forEach((one) => one !== null && params.append(key, one));
  });
  history.pushState(history.state, "", `${location.pathname}?${params}`);
  openTab(name);
  announce(name);
  window.scrollTo({ top: 0 });
};

// A tab writes down what it shows, unless another tab was opened before the answer came.
export const readdress = (tab, settings) => {
  if (inAddress() !== tab) return;
  const params = parameters();
  Object.entries(settings).forEach(([key, value]) =>
    value === null || value === "" || value === undefined ? params.delete(key) : params.set(key, value),
  );
  replace(params);
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
  const collection = parameters().get("collection");
  openTab(inAddress());
  if (collection) openCollection(collection);
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
      const params = parameters();
      params.set("tab", nameOf(tab));
      replace(params);
      announce(nameOf(tab));
    }),
  );
}, 50);
