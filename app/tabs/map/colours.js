// Colours of the map: of classes, of a scale, and of both as one table by code.

// Ten colours that can be told apart with any colour vision (M. Petroff 2021).
export const CLASSES = [
  "#3f90da",
  "#ffa90e",
  "#bd1f01",
  "#832db6",
  "#94a4a2",
  "#a96b59",
  "#e76300",
  "#b9ac70",
  "#717581",
  "#92dadd",
];
// Lightness alone orders these, from low to high.
export const RAMP = {
  light: ["#e2ddd9", "#f3c56b", "#d97706", "#7c2d12"],
  dark: ["#3b3531", "#92400e", "#f59e0b", "#fef3c7"],
};
export const UNKNOWN = 255; // code of an image without a class or value
const SCALE_CODES = 254; // codes 0..254 of a scale run from its low to its high end
const PAGE = { light: "#ffffff", dark: "#131110" };
const PLAIN = { light: "#d9901a", dark: "#c98a1b" };

// What is drawn before anything is coloured.
export const NO_COLOURS = { kind: "none", codes: null, classes: [], best: [] };

export const toRgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
export const mix = (a, b, t) => a.map((value, i) => Math.round(value + (b[i] - value) * t));
export const toCss = (rgb) => `rgb(${rgb.join(" ")})`;
// A pixel of an ImageData buffer read as a little-endian 32-bit number.
export const toPixel = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

// A place 0..1 on a ramp of RGB colours.
function onRamp(ramp, share) {
  const at = share * (ramp.length - 1);
  const low = Math.min(ramp.length - 2, Math.floor(at));
  return mix(ramp[low], ramp[low + 1], at - low);
}

// The RGB colour of each code 0..255 for a colouring of the kind "none", "classes" or "scale".
export function colourTable(kind, theme) {
  const faint = mix(toRgb(PAGE[theme]), toRgb("#8a817b"), 0.35);
  const ramp = RAMP[theme].map(toRgb);
  return Array.from({ length: 256 }, (_, code) => {
    if (kind === "none") return toRgb(PLAIN[theme]);
    if (code === UNKNOWN) return faint;
    if (kind === "classes") return toRgb(CLASSES[code % CLASSES.length]);
    return onRamp(ramp, code / SCALE_CODES);
  });
}

// What the renderer needs: RGB by code, and pixels by code at full strength and dimmed towards the page.
export function paletteOf(kind, theme) {
  const page = toRgb(PAGE[theme]);
  const table = colourTable(kind, theme);
  return {
    kind,
    theme,
    page,
    table,
    bright: Uint32Array.from(table, toPixel),
    dim: Uint32Array.from(table, (rgb) => toPixel(mix(page, rgb, 0.22))),
  };
}
