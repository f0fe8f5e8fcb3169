// The export of results and the link to a search.
import { button, copy, node } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { menu } from "../../ui/menu/menu.js";
import { exportKinds } from "../../ui/selection/download.js";
import { MOST, isEmpty, writeQuery } from "./address.js";

export const exportMenu = () => {
  const root = node("span", { id: "export" });
  const link = button("link", _("Copy link"), () => copy(location.href, link), { id: "copy-link", hidden: true });
  let shown = ""; // what the menu exports: it stays, and may be open, while the same results are drawn again
  const show = (query, results) => {
    link.hidden = isEmpty(query) && !query.filters.length && query.order === "best";
    link.disabled = query.images.length > 0;
    link.title = link.disabled
      ? _("An uploaded image stays on this computer, so it cannot be in a link")
      : _("Copy the address of this search");
    // A timeline is exported whole; of a search, whose list has no end, what is shown.
    const part = results.timeline ? {} : { k: Math.min(MOST, results.hits.length) };
    const params = writeQuery(query, new URLSearchParams(part), true);
    const address = (kind) => `export/${encodeURIComponent(results.collection)}.${kind}?${params}`;
    root.hidden = !results.hits.length;
    if (shown === address("csv")) return;
    shown = address("csv");
    root.replaceChildren(
      menu(
        "download",
        results.timeline ? _("Export") : _("Export {shown} shown", { shown: results.hits.length }),
        exportKinds().map(([text, kind]) => [text, address(kind)]),
      ),
    );
  };
  const hide = () => {
    root.hidden = true;
    link.hidden = true;
  };
  return { root, link, show, hide };
};
