// Images that are chosen together: ticked by mouse or keys, a range with shift, and what can be done with them.
import * as g from "../ui.js";

// act: { like(ids, sign), tag(ids, name, on), tags() }; hits() gives what is on the page, in its order.
export const selection = (grid, collection, hits, act) => {
  const chosen = new Set();
  let last = null; // where a range begins
  const bar = g.node("div", { class: "g-selected", id: "selected", role: "region", "aria-label": "Chosen images", hidden: true });

  const mark = () => {
    grid.querySelectorAll(".g-card").forEach((card) => {
      const on = chosen.has(card.dataset.id);
      card.classList.toggle("g-chosen", on);
      card.querySelector(".g-tick")?.setAttribute("aria-pressed", on);
    });
    grid.classList.toggle("g-choosing", chosen.size > 0);
    bar.hidden = !chosen.size;
    if (chosen.size) drawBar();
  };
  const clear = () => {
    chosen.clear();
    last = null;
    mark();
  };
  const toggle = (id, range = false) => {
    const ids = hits().map((hit) => hit.id);
    if (range && last !== null && ids.includes(last)) {
      const [from, to] = [ids.indexOf(last), ids.indexOf(id)].sort((a, b) => a - b);
      ids.slice(from, to + 1).forEach((other) => chosen.add(other));
    } else {
      chosen.has(id) ? chosen.delete(id) : chosen.add(id);
    }
    last = id;
    mark();
  };
  const download = async (kind) => {
    const response = await fetch(`export/${encodeURIComponent(collection())}.${kind}`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ ids: [...chosen] }),
    }).catch(() => null);
    if (!response?.ok) return say(response ? await response.text() : "The connection to Gelato is lost.");
    const link = g.node("a", { href: URL.createObjectURL(await response.blob()), download: `gelato-chosen.${kind}` });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const words = g.node("span", { class: "g-said", role: "status" });
  const say = (text) => (words.textContent = text);
  const tagForm = () => {
    const field = g.node("input", {
      type: "text", class: "g-input", id: "tag-name", maxlength: "64", placeholder: "tag", list: "tag-names", "aria-label": "Tag",
      autocomplete: "off",
    });
    const send = async (on) => {
      const answer = await act.tag([...chosen], field.value, on);
      say(answer.error || `${on ? "Tagged" : "Untagged"} ${g.images(chosen.size)}`);
      if (!answer.error) field.value = "";
    };
    return g.node("form", {
      class: "g-tagging",
      onsubmit: (event) => {
        event.preventDefault();
        send(true);
      },
    }, field, g.node("datalist", { id: "tag-names" }, ...act.tags().map((name) => g.node("option", { value: name }))),
    g.node("button", { type: "submit", class: "g-button" }, g.icon("tag"), g.node("span", { text: "Tag" })),
    g.button(null, "Untag", () => send(false), { id: "untag" }));
  };
  const drawBar = () => {
    const count = g.node("b", { id: "selected-count", text: `${g.count(chosen.size)} chosen` });
    if (bar.childElementCount) return bar.querySelector("#selected-count").replaceWith(count);
    bar.replaceChildren(
      count, tagForm(),
      g.menu("download", "Export", [["CSV", () => download("csv")], ["JSON", () => download("json")],
        ["List of files", () => download("txt")], ["Previews, zip", () => download("zip")]], { id: "export-chosen" }),
      g.button("like", "More like these", () => act.like([...chosen], 1), { id: "more-like-these" }),
      g.button("unlike", "Less like these", () => act.like([...chosen], -1), { id: "less-like-these" }),
      g.button(null, "All shown", () => {
        hits().forEach((hit) => chosen.add(hit.id));
        mark();
      }, { id: "choose-all" }),
      words,
      g.node("button", { type: "button", class: "g-icon-button", title: "Choose none (Esc)", "aria-label": "Choose none", onclick: clear }, g.icon("close")),
    );
  };
  const tick = (hit) => g.node("button", {
    type: "button", class: "g-tick", title: "Choose (space); with shift a range", "aria-label": `Choose ${hit.name}`,
    "aria-pressed": chosen.has(hit.id), onclick: (event) => toggle(hit.id, event.shiftKey),
  }, g.icon("check"));

  grid.addEventListener("keydown", (event) => {
    const card = event.target.closest(".g-card");
    if (!card || !event.target.classList.contains("g-frame")) return;
    if (event.key === " ") {
      event.preventDefault();
      toggle(card.dataset.id, event.shiftKey);
    } else if (event.key === "t" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (!chosen.size) toggle(card.dataset.id);
      bar.querySelector("#tag-name").focus();
    }
  });
  // The space that chose on the way down must not press the button on the way up.
  grid.addEventListener("keyup", (event) => event.key === " " && event.target.classList.contains("g-frame") && event.preventDefault());
  return { bar, tick, mark, clear, size: () => chosen.size };
};
