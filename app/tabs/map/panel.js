// The images chosen on the map: cards, and what can be done with all of them.
import * as g from "../../ui/ui.js";

const PAGE = 60;
const LIKE = 12; // images that "more like these" asks with

// mine(): which collection and revision the rows are of. letGo(): choose nothing. fail(sentence): say it.
export const mapPanel = (server, mine, letGo, fail) => {
  let picked = []; // rows, in the order they are shown
  let offered = 0; // how many of them are shown as cards
  const element = g.node("section", { class: "g-map-panel", id: "map-chosen", "aria-label": "Chosen images", hidden: true });

  const search = (ids) => g.goTo("search", { q: null, like: ids, by: null, method: null });
  const lookAt = (hit) => g.classifyImage({ id: hit.id, collection: mine().collection, name: hit.name });
  const addCards = async (grid, more) => {
    const rows = picked.slice(offered, offered + PAGE);
    const now = picked;
    more.disabled = true;
    const answer = await g.request(server.images, { ...mine(), rows });
    if (now !== picked) return;
    if (answer.error) return fail(answer.error);
    offered += rows.length;
    grid.append(...answer.hits.map((hit) => g.card(hit, answer.collection, { onpick: () => lookAt(hit), onlike: () =>
        search([hit.id]) })));
    const left = picked.length - offered;
    more.hidden = left <= 0;
    more.disabled = false;
    more.querySelector("span").textContent = `Show ${Math.min(PAGE, left)} more of ${g.count(left)}`;
  };
  const likeThese = async () => {
    const answer = await g.request(server.images, { ...mine(), rows: picked.slice(0, LIKE) });
    if (answer.error) return fail(answer.error);
    search(answer.hits.map((hit) => hit.id));
  };
  const save = async (told) => {
    const answer = await g.request(server.table, { ...mine(), rows: picked });
    if (answer.error) return (told.textContent = answer.error);
    const file = URL.createObjectURL(new Blob([answer.csv], { type: "text/csv" }));
    const link = g.node("a", { href: file, download: `gelato-${mine().collection}-map.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(file), 1000);
  };
  const show = (rows) => {
    picked = rows;
    element.hidden = !picked.length;
    if (!picked.length) return element.replaceChildren();
    const told = g.node("p", { class: "g-aside", id: "map-told", role: "status" });
    const grid = g.arrows(g.node("div", { class: "g-grid", id: "map-grid" }));
    const more = g.button(null, "Show 60 more", () => addCards(grid, more), { class: "g-button g-more", id: "map-more",
      hidden: true });
    const name = g.node("input", { type: "text", class: "g-field", id: "map-tag", "aria-label": "Tag for the chosen images",
      placeholder: "tag", maxlength: "64", autocomplete: "off" });
    const tagging = g.node("form", { class: "g-map-tagging", onsubmit: async (event) => {
        event.preventDefault();
        const answer = await g.request(server.tagged, { ...mine(), rows: picked, tag: name.value });
        told.textContent = answer.error || `${g.images(answer.tagged)} tagged “${name.value.trim()}”.`;
      } }, g.icon("tag"), name, g.node("button", { type: "submit", class: "g-button g-small", text: "Tag" }));
    offered = 0;
    element.replaceChildren(
      g.node("div", { class: "g-map-head" }, g.node("h2", { text: g.images(picked.length) }), g.node("button", {
        type: "button", class: "g-icon-button", "aria-label": "Let go of the chosen images", title: "Let go",
        id: "map-let-go", onclick: letGo }, g.icon("close"))),
      g.node("div", { class: "g-actions" },
        g.button("like", "More like these", likeThese, { id: "map-like" }),
        g.button("download", "CSV", () => save(told), { id: "map-csv" })),
      tagging, told, grid, more);
    addCards(grid, more);
  };
  return { element, show };
};
