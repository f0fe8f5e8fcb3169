// What the page says about the results of a search: how many, and why there may be none.
import { count, images } from "../../ui/format/format.js";
import { _, plural } from "../../ui/language/language.js";
import { parseQuery } from "../../ui/query/terms.js";
import { CLOSE } from "./results.js";

// { lead, rest }: the number that is emphasised and the rest of the sentence.
export const statusText = (results, query, indexing) => {
  const amount = images(results.total);
  const total = results.collections
    ? _("{images} in {n} collections", { images: amount, n: count(results.collections.length) })
    : amount;
  const among = query.filters.length
    ? _("{matching} filtered of {total}", { matching: count(results.matching), total })
    : total;
  const copies = results.matching - (results.distinct ?? results.matching);
  const hidden = copies > 0 ? _(", {copies} of them copies", { copies: count(copies) }) : "";
  const time =
    results.milliseconds === undefined
      ? ""
      : _(" · {milliseconds} ms", { milliseconds: Math.max(1, Math.round(results.milliseconds)) });
  const rest = _("of {among}{hidden}{indexing}{time}", {
    among,
    hidden,
    indexing: indexing ? _(" indexed so far") : "",
    time,
  });
  if (results.timeline && !query.filters.length && !indexing) return { lead: total, rest: hidden };
  const shown = count(results.hits.length);
  if (!results.likely) return { lead: shown, rest: ` ${rest}` };
  return {
    lead: _("{likely} likely", { likely: count(results.likely) }),
    rest: _(" · {shown} shown {rest}", { shown, rest }),
  };
};

// Why no result is likely, or why there is none at all; null where there is nothing to say.
export const emptyText = (results, query) => {
  if (!results.hits.length) {
    if (results.threshold?.reason === "names" && results.matching)
      return _("This encoder has no text encoder, and no name, caption or tag has these words.");
    return query.filters.length ? _("No image passes these filters.") : _("There are no images here yet.");
  }
  if (results.likely !== 0 || results.threshold.reason === "names") return null;
  const wanted = parseQuery(query.q).filter((term) => term.sign > 0);
  const texts = wanted.length ? `“${wanted.map((term) => term.text).join(", ")}”` : "";
  const where = query.filters.length ? _("of the filtered images") : _("here");
  if (!texts) return _("No image stands out clearly for what this search leaves out; the closest come first.");
  return results.threshold.best > CLOSE
    ? _("No image stands out clearly for {texts}; the closest come first.", { texts })
    : _("Nothing {where} looks like {texts}. The closest follow; all score no higher than for unrelated texts.", {
        where,
        texts,
      });
};

// What lies outside the filters, where nothing inside is likely; likely: how many images that is.
export const outsideText = (likely) =>
  plural("{n} image outside the filters is likely. ", "{n} images outside the filters are likely. ", likely);

// How many results can still be shown. k: how many were asked for; where fewer came, there are no others.
export const remaining = ({ distinct, matching, hits }, k, most) =>
  hits.length < k ? 0 : Math.min(distinct ?? matching, most) - hits.length;
