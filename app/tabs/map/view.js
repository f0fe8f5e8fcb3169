// What the map draws: the state that the renderer, the pointer and the text around the map read.
import { NO_COLOURS } from "./colours.js";

export function newView() {
  return {
    facts: null, // the answer of `describe`: collection, revision, images, method, ...
    order: new Uint32Array(0), // rows in the order in which points are drawn
    colouring: NO_COLOURS,
    regions: [], // named parts of the map
    regionCodes: null, // Uint8Array, the region of each row
    selected: [], // selected rows, in the order in which they are shown
    selectedMask: new Uint8Array(0), // 1 for a selected row
    hovered: -1, // the row under the pointer
    lasso: null, // the lasso being drawn, in pixels
    outline: null, // the last lasso, in map coordinates
    lassoActive: false, // whether dragging draws a lasso
    showThumbnails: true,
    pixelRatio: 1,
  };
}

// The theme, which the header keeps as a class of the page.
export const themeNow = () => (document.body.classList.contains("dark") ? "dark" : "light");

// The class that an image is coloured by, or "".
export function className(colouring, row) {
  const entry = colouring.kind === "classes" && colouring.classes[colouring.codes[row]];
  return entry ? entry[0] : "";
}
