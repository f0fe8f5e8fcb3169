// What is known about one image: preview, facts, tags, the share of each word, and where it matches.
import * as g from "../ui.js";

// act: { like(id, sign), classify(hit), tag(ids, name, on), explain(ask), inspect(ask), similar(id), open(hit) }
export const inspector = (act, closed) => {
  const root = g.node("aside", { class: "g-inspector", id: "inspector", "aria-label": "About this image", hidden: true });
  let open = null;

  const close = () => {
    open = null;
    root.hidden = true;
    closed();
  };
  const wordBars = (words) => {
    const most = Math.max(1e-6, ...words.map((w) => Math.abs(w.share)));
    return g.node("div", { class: "g-words", id: "word-shares" }, g.node("h3", { text: "What each word adds" }),
      ...words.map((w) => g.node("div", { class: `g-word ${w.share < 0 ? "g-against" : ""}` },
        g.node("span", { text: w.sign < 0 ? `− ${w.word}` : w.word, title: w.word }),
        g.node("i", { style: { width: `${(100 * Math.abs(w.share)) / most}%` } }),
        g.node("b", { text: `${w.share < 0 ? "−" : "+"}${Math.abs(w.share).toFixed(3)}` }))));
  };
  const tagList = (hit, tags) => {
    const list = g.node("div", { class: "g-tags", id: "inspect-tags" });
    const field = g.node("input", { type: "text", class: "g-input", maxlength: "64", placeholder: "add a tag", "aria-label": "Add a tag", autocomplete: "off" });
    const send = async (name, on) => {
      const answer = await act.tag([hit.id], name, on);
      if (answer.error) return list.append(g.notice(answer.error));
      drawTags(answer.tags[hit.id] || []);
    };
    const form = g.node("form", { onsubmit: (event) => {
      event.preventDefault();
      if (field.value.trim()) send(field.value, true);
      field.value = "";
    } }, field);
    const drawTags = (names) => list.replaceChildren(...names.map((name) => g.node("span", { class: "g-term" },
      g.node("span", { text: name }),
      g.node("button", { type: "button", class: "g-drop", "aria-label": `Remove the tag ${name}`, onclick: () => send(name, false) }, g.icon("close")))), form);
    drawTags(tags);
    return list;
  };
  const size = (bytes) => (bytes > 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`);

  // hit as it is on the page; question is what it answers, null where nothing was asked.
  const show = async (hit, collection, question) => {
    open = hit.id;
    const answer = await act.inspect({ collection, id: hit.id });
    if (open !== hit.id) return;
    const shut = g.node("button", { type: "button", class: "g-icon-button", "aria-label": "Close", title: "Close (Esc)", onclick: close }, g.icon("close"));
    root.hidden = false;
    root.scrollTop = 0;
    if (matchMedia("(max-width: 800px)").matches) shut.focus();
    if (answer.error) return root.replaceChildren(shut, g.notice(answer.error));
    const { facts, columns, tags } = answer;
    const canvas = g.node("canvas", { class: "g-heat", hidden: true, role: "img", "aria-label": "Where the image matches the words" });
    const heat = g.button("heat", "Where it matches", async () => {
      if (!canvas.hidden) return toggle(false);
      heat.disabled = true;
      const explained = await act.explain({ ...question, id: hit.id, heat: true });
      heat.disabled = false;
      if (open !== hit.id) return;
      if (explained.error) return heat.after(g.notice(explained.error));
      g.drawHeatMap(canvas, explained.heat);
      toggle(true);
    }, { id: "inspect-heat", "aria-pressed": "false" });
    const toggle = (on) => {
      canvas.hidden = !on;
      heat.setAttribute("aria-pressed", on);
    };
    const scored = hit.score !== null && hit.score !== undefined;
    const strength = hit.strength === undefined ? "" : `, strength ${hit.strength.toFixed(2)}`;
    const rows = [
      scored && ["Score", `${g.score(hit.score)}${strength}, rank ${hit.rank}`],
      ["File", facts.path],
      ["Size", `${facts.width} × ${facts.height}, ${size(facts.bytes)}`],
      facts.date && ["Date", facts.date],
      ...Object.entries(columns).map(([name, value]) => [name[0].toUpperCase() + name.slice(1).replaceAll("_", " "), value]),
    ].filter(Boolean);
    const words = g.node("div");
    const copy = g.button("copy", "Copy path", () => g.copy(facts.source ? `${facts.source}/${facts.path}` : facts.path, copy), { id: "inspect-copy" });
    root.replaceChildren(
      shut,
      g.node("div", { class: "g-preview-frame" }, g.node("span", {},
        g.node("img", { class: "g-preview", src: g.media(collection, hit.id), alt: facts.caption || facts.file }), canvas)),
      g.node("h2", { text: facts.caption || facts.file }),
      tagList(hit, tags),
      g.node("dl", {}, ...rows.flatMap(([name, value]) => [g.node("dt", { text: name }), g.node("dd", { text: value })])),
      words,
      g.node("div", { class: "g-actions" },
        question && heat,
        g.button("like", "More like this", () => act.like(hit.id, 1), { id: "inspect-like" }),
        g.button("unlike", "Less like this", () => act.like(hit.id, -1), { id: "inspect-unlike" }),
        g.button("tag", "Classify this", () => act.classify(hit, facts), { id: "inspect-classify" }),
        copy),
      g.node("div", { class: "g-similar", id: "similar" }),
    );
    if (question?.q) {
      const explained = await act.explain({ ...question, id: hit.id });
      if (open === hit.id && explained.words?.length > 1) words.replaceChildren(wordBars(explained.words));
    }
    const similar = await act.similar(hit.id);
    if (open !== hit.id || !similar.hits?.length) return;
    root.querySelector("#similar").replaceChildren(g.node("h3", { text: "Similar images" }), g.node("div", {},
      ...similar.hits.map((other) => g.node("button", { type: "button", title: other.name, "aria-label": other.name, onclick: () => act.open(other) },
        g.node("img", { src: g.media(collection, other.id), alt: "", loading: "lazy" })))));
  };
  return { root, show, close, opened: () => open, explain: () => root.querySelector("#inspect-heat")?.click() };
};
