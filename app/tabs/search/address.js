// A search in the page's address: parameters are written from the query and read back into it.
import { _ } from "../../ui/language/language.js";
import { signed, unsigned } from "../../ui/query/terms.js";

export const PAGE = 60; // results at a time
export const BROWSE_PAGE = 120; // images at a time where nothing is searched for
export const MOST = 1200; // results on the page
export const COPIES = {
  same: _("Copies as one"),
  similar: _("Similar shots as one"),
  none: _("Every file"),
};
export const GROUPS = {
  auto: _("By time"),
  day: _("By day"),
  month: _("By month"),
  folder: _("By folder"),
  place: _("By place"),
  none: _("Not grouped"),
};
export const SCOPES = {
  one: _("This collection"),
  all: _("All collections"),
};
export const ORDERS = {
  best: _("Best first"),
  newest: _("Newest first"),
  oldest: _("Oldest first"),
  largest: _("Largest first"),
  name: _("By name"),
};

// q: text; like: [{ id, sign }]; images: [{ token, sign, name }]; k: how many results;
// filters: facet filters; threshold: the relevance threshold, "auto", "on", "off" or a number; collapse: the copies of
// which one is shown; group: what images are grouped by where nothing is searched for; scope: whether all open
// collections are searched at once.
export const EMPTY = {
  q: "",
  like: [],
  images: [],
  k: PAGE,
  filters: [],
  order: "best",
  threshold: "auto",
  collapse: "same",
  group: "auto",
  scope: "one",
};

export const isEmpty = (query) => !query.q && !query.like.length && !query.images.length;

// Sets what differs from an empty query. Uploaded images are left out of addresses that others may open. An export, which
// has them, must know how copies are shown.
export const writeQuery = (query, params, withImages = false) => {
  if (query.q) params.set("q", query.q);
  signed(query.like, "id").forEach((id) => params.append("like", id));
  if (query.filters.length) params.set("filters", JSON.stringify(query.filters));
  if (query.order !== "best") params.set("order", query.order);
  if (query.threshold !== "auto") params.set("threshold", query.threshold);
  if (query.group !== "auto") params.set("group", query.group);
  if (query.scope !== "one") params.set("scope", query.scope);
  if (query.collapse !== "same" || withImages) params.set("collapse", query.collapse);
  if (withImages) signed(query.images, "token").forEach((token) => params.append("image", token));
  return params;
};

const readThreshold = (text) => {
  if (!text) return "auto";
  return Number.isNaN(Number(text)) ? text : Number(text);
};

// An address that was cut off has no filters.
const readFilters = (text) => {
  try {
    const filters = JSON.parse(text || "[]");
    return Array.isArray(filters) ? filters : [];
  } catch {
    return [];
  }
};

// The query of an address; images are not in it, so they are given.
export const readQuery = (params, images) => {
  const k = parseInt(params.get("k"), 10);
  const order = params.get("order") ?? params.get("sort"); // links of version 1 say sort and line
  return {
    q: params.get("q") || "",
    like: unsigned(params.getAll("like")),
    images,
    k: k > 0 ? Math.min(k, MOST) : PAGE,
    filters: readFilters(params.get("filters")),
    order: order in ORDERS ? order : "best",
    threshold: readThreshold(params.get("threshold") ?? params.get("line")),
    collapse: params.get("collapse") in COPIES ? params.get("collapse") : "same",
    group: params.get("group") in GROUPS ? params.get("group") : "auto",
    scope: params.get("scope") in SCOPES ? params.get("scope") : "one",
  };
};

// The parameters of the page's address for a query. current: those of now, of which the theme stays.
export const queryAddress = (query, collection, current) => {
  const params = new URLSearchParams();
  if (collection) params.set("collection", collection);
  params.set("tab", "search");
  writeQuery(query, params);
  if (query.k !== PAGE) params.set("k", query.k);
  if (current.get("__theme")) params.set("__theme", current.get("__theme"));
  return params;
};

// The body of a request about a query in one collection.
export const requestOf = (query, collection) => ({
  collection,
  q: query.q,
  like: signed(query.like, "id"),
  image: signed(query.images, "token"),
  facets: query.filters,
  order: query.order,
  threshold: query.threshold,
  collapse: query.collapse,
});

// The body of a search, in all collections if the query says so.
export const searchOf = (query, collection) => ({
  ...requestOf(query, collection),
  ...(query.scope === "all" && { collection: "", collections: ["*"] }),
});
