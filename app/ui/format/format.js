// Numbers as people read them, in the page's language.
import { _, language, plural } from "../language/language.js";

export const count = (number) => Number(number).toLocaleString(language);

export const images = (number) => plural("{n} image", "{n} images", number);

// A number with a fixed number of decimals.
export const decimal = (value, digits) =>
  Number(value).toLocaleString(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    useGrouping: false,
  });

// A cosine similarity, with a real minus sign.
export const score = (value) => decimal(value, 3).replace("-", "−");

// A share as a percentage; without decimals where they would say nothing.
export const percent = (share) => `${decimal(100 * share, share > 0.9995 || share < 0.0005 ? 0 : 1)}\u2009%`;

// A figure's interval, { low, high } as shares.
export const interval = (figure) => _("{low} to {high}", { low: percent(figure.low), high: percent(figure.high) });

export const minutes = (seconds) =>
  seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : _("{minutes} min", { minutes: Math.round(seconds / 60) });

export const fileSize = (bytes) => {
  if (bytes > 1e9) return `${decimal(bytes / 1e9, 1)} GB`;
  if (bytes > 1e6) return `${decimal(bytes / 1e6, 1)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
};
