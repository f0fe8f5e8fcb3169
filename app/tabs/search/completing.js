// What the search field offers: saved and recent searches while it is empty, and what goes on with what is typed.
import { filterText, replaced } from "../../ui/filters/filter_text.js";
import { images } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { completion } from "../../ui/completion/completion.js";
import { forgetRecent, recent, saved } from "../../ui/completion/recent.js";
import { collection, request } from "../../ui/session/session.js";

const ICONS = { tag: "tag", folder: "folder", camera: "image", place: "pin" };
const KINDS = { tag: _("tag"), folder: _("folder"), camera: _("camera"), place: _("place") };
const SHOWN = 8; // recent searches

export const searchText = ({ q, filters = [] }) => [q, ...filters.map(filterText)].filter(Boolean).join(" · ");

// search: the tab. Its field gets the list, which comes back.
export const completeSearch = (search) => {
  const run = ({ q, filters = [] }) => {
    search.filters.read(filters);
    search.change({ ...search.query, q, filters, like: [], images: [] });
  };
  const stored = () => {
    const key = collection();
    const option = (one, icon, note) => ({ icon, text: searchText(one), note, pick: () => run(one) });
    const last = recent(key).slice(0, SHOWN);
    const forget = { icon: "close", text: _("Forget recent searches"), note: "", pick: () => forgetRecent(key) };
    return [
      ...saved(key).map((one) => option(one, "star", _("saved"))),
      ...last.map((one) => option(one, "search", _("recent"))),
      ...(last.length ? [forget] : []),
    ];
  };
  // What was typed gives way to a filter.
  const narrow = ({ typed, filter }) => {
    const { column, ...rest } = filter;
    const given = search.field.value.trimEnd();
    const q = given
      .slice(0, given.length - typed.length)
      .trim()
      .replace(/\s*[+-]$/, "");
    const filters = replaced(search.query.filters, column, rest);
    search.filters.read(filters);
    search.change({ ...search.query, q, filters });
  };
  const load = async (text) => {
    if (!text.trim()) return stored();
    const { completions = [] } = await request(search.server.complete, { collection: collection(), text });
    return completions.map((one) => ({
      icon: ICONS[one.kind],
      text: one.text,
      note: `${KINDS[one.kind]} · ${images(one.images)}`,
      pick: () => narrow(one),
    }));
  };
  return completion(search.field, load);
};
