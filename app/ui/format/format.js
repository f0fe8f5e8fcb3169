// Numbers as people read them.

export const count = (number) => Number(number).toLocaleString("en");

// A number of things by their noun, whose plural ends in s: 1 file, 2 files.
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

export const images = (number) => counted(number, "image");

// A cosine similarity, with a real minus sign.
export const score = (value) => value.toFixed(3).replace("-", "−");

// A share as a percentage; without decimals where they would say nothing.
export const percent = (share) => `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)}\u2009%`;

// A figure's interval, { low, high } as shares.
export const interval = (figure) => `${percent(figure.low)} to ${percent(figure.high)}`;

export const minutes = (seconds) =>
  seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;

export const fileSize = (bytes) => {
  if (bytes > 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes > 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
};
