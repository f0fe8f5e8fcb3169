// What the page says about the results of a search: how many, and why there may be none.
import { count, images } from "../../ui/format/format.js";
import { parseQuery } from "../../ui/query/terms.js";
import { CLOSE } from "./results.js";

// { lead, rest }: the number that is emphasised and the rest of the sentence.
export const statusText = (results, query, indexing) => {
  const total = images(results.total);
  const among = query.filters.length ? `${count(results.matching)} filtered of ${total}` : total;
  const copies = results.matching - (results.distinct ?? results.matching);
  const hidden = copies > 0 ? `, ${count(copies)} of them copies` : "";
  const time = results.milliseconds === undefined ? "" : ` · ${Math.max(1, Math.round(results.milliseconds))} ms`;
  const rest = `of ${among}${hidden}${indexing ? " indexed so far" : ""}${time}`;
  if (results.timeline && !query.filters.length && !indexing) return { lead: total, rest: hidden };
  const shown = count(results.hits.length);
  if (!results.likely) return { lead: shown, rest: ` ${rest}` };
  return { lead: `${count(results.likely)} likely`, rest: ` · ${shown} shown ${rest}` };
};

// Why no result is likely, or why there is none at all; null where there is nothing to say.
export const emptyText = (results, query) => {
  if (!results.hits.length) {
    if (results.threshold?.reason === "names" && results.matching)
      return "This encoder has no text encoder, and no name, caption or tag has these words.";
    return query.filters.length ? "No image passes these filters." : "There are no images here yet.";
  }
  if (results.likely !== 0 || results.threshold.reason === "names") return null;
  const wanted = parseQuery(query.q).filter((term) => term.sign > 0);
  const texts = wanted.length ? `“${wanted.map((term) => term.text).join(", ")}”` : "";
  const where = query.filters.length ? "of the filtered images" : "here";
  if (!texts) return "No image stands out clearly for what this search leaves out; the closest come first.";
  return results.threshold.best > CLOSE
    ? `No image stands out clearly for ${texts}; the closest come first.`
    : `Nothing ${where} looks like ${texts}. The closest follow; all score no higher than for unrelated texts.`;
};

// What lies outside the filters, where nothing inside is likely; likely: how many images that is.
export const outsideText = (likely) => `${images(likely)} outside the filters ${likely === 1 ? "is" : "are"} likely. `;

// How many results can still be shown.
export const remaining = (results, most) => Math.min(results.distinct ?? results.matching, most) - results.hits.length;
