// The compare tab: two encoders on one query, every encoder's neighbours of an image, and the encoders themselves.
import * as g from "../../ui/ui.js";
import * as runsModule from "./runs.js";

const ROW = 62; // pixels from one ranked image to the next

export const compare = (element, server) => {
  let shelves = [];
  let ask = { a: "", b: "", q: "", like: "", images: [] };
  let shown = null; // the comparison on the page
  let turn = 0;
  const speeds = {};

  // ---- what there is to see
  const choice = (side) => g.node("select", { id: `compare-${side}`, "aria-label": `Encoder ${side.toUpperCase()}`,
    onchange: (event) => {
      ask[side] = event.target.value;
      changed();
    } });
  const sides = { a: choice("a"), b: choice("b") };
  const field = g.node("input", { type: "text", id: "compare-q", class: "g-field", "aria-label": "One query for both",
    placeholder: "One query for both encoders", autocomplete: "off", spellcheck: "false", maxlength: "2000",
    enterkeyhint: "search" });
  const file = g.node("input", { type: "file", id: "compare-file", accept: "image/*", hidden: true,
    "aria-label": "Compare with an image", onchange: () => {
      if (file.files[0]) addFile(file.files[0]);
      file.value = "";
    } });
  const form = g.node("form", { class: "g-map-ask", role: "search", onsubmit: (event) => {
      event.preventDefault();
      Object.assign(ask, { q: field.value.trim(), like: "", images: [] });
      changed();
    } }, g.icon("search"), field, g.node("button", { type: "button", class: "g-inside", id: "compare-image",
      title: "Ask with an image: choose, drop or paste one", "aria-label": "Compare with an image",
      onclick: () => file.click() }, g.icon("image"), g.node("span", { text: "Image" })),
    g.node("button", { type: "submit", class: "g-go", text: "Compare" }), file);
  const asked = g.node("div", { class: "g-compare-asked" });
  const notice = g.node("div", { id: "compare-notice" });
  const status = g.node("p", { class: "g-status", id: "compare-status", role: "status" });
  const columns = g.node("div", { class: "g-compare-columns", id: "compare-columns" });
  const near = g.node("section", { class: "g-compare-part", id: "compare-neighbours", "aria-live": "polite",
    hidden: true });
  const table = g.node("section", { class: "g-compare-part", id: "compare-encoders" });
  const runs = g.node("section", { class: "g-compare-part", id: "compare-runs" });
  const alone = g.node("div", { id: "compare-alone" });
  const question = g.node("div", {}, g.node("div", { class: "g-compare-bar" }, g.node("div", {
    class: "g-compare-sides" }, sides.a, g.node("span", { text: "and" }), sides.b), form), asked);
  element.querySelector(".g-compare").append(question, alone, notice, g.node("div", { class: "g-results-head" },
    status), columns, near, table, runs);

  // ---- the address
  const read = () => {
    const params = new URLSearchParams(location.search);
    ask = { ...ask, a: params.get("a") || ask.a, b: params.get("b") || ask.b, q: params.get("q") || "",
      like: params.get("like") || "" };
    field.value = ask.q;
  };
  const changed = () => {
    const params = new URLSearchParams(location.search);
    params.set("tab", "compare");
    ["a", "b", "q", "like"].forEach((key) => (ask[key] ? params.set(key, ask[key]) : params.delete(key)));
    history.pushState(history.state, "", `${location.pathname}?${params}`);
    run();
  };

  // ---- asking
  const load = async () => {
    const answer = await g.request(server.sides, {});
    if (answer.error) return notice.replaceChildren(g.notice(answer.error));
    const before = JSON.stringify(shelves);
    shelves = answer.shelves;
    if (JSON.stringify(shelves) === before) return;
    const key = (k) => shelves.some((s) => s.key === k) && k;
    ask.a = key(ask.a) || key(g.collection()) || shelves[0].key;
    const left = shelves.find((s) => s.key === ask.a);
    const rivals = shelves.filter((s) => s.key !== ask.a);
    const alike = (s) => s.samples.some((hit) => left.samples.some((own) => own.id === hit.id));
    if (!key(ask.b) || ask.b === ask.a) ask.b = (rivals.find((s) => s.encoder !== left.encoder && alike(s)) || rivals
      .find(alike) || rivals[0] || left).key;
    for (const side of ["a", "b"]) {
      sides[side].replaceChildren(...shelves.map((s) => g.node("option", { value: s.key,
        text: `${s.encoder} · ${s.name}` })));
      sides[side].value = ask[side];
    }
    drawAlone();
    drawTable();
    if (shelves.length > 1 && !shown) run();
    else if (!near.childElementCount && shelves[0].samples.length) lookAt(shelves[0].samples[0], shelves[0].key);
  };
  const run = async () => {
    const mine = ++turn;
    for (const side of ["a", "b"]) sides[side].value = ask[side];
    field.value = ask.q;
    const both = ["a", "b"].map((side) => shelves.find((s) => s.key === ask[side]));
    const words = both.every((s) => s?.readsText);
    field.disabled = !words;
    field.placeholder = words ? "One query for both encoders" : "One of the two sees images only: ask with an image";
    if (shelves.length < 2) return;
    if (!words) ask.q = field.value = "";
    if (!ask.q && !ask.like && !ask.images.length) {
      const word = words && g.session.state?.chips?.[0];
      if (word) ask.q = field.value = word;
      else ask.like = both[0].samples[0]?.id || "";
    }
    drawAsked(both[0]);
    columns.setAttribute("aria-busy", "true");
    const waiting = both.find((s) => s.state === "loading");
    if (waiting) status.textContent = `${waiting.encoder} is being loaded; the answer comes as soon as it is there.`;
    const answer = await g.request(server.both, { a: ask.a, b: ask.b, q: ask.q, like: ask.like ? [ask.like] : [],
      images: ask.images.map((p) => p.token) });
    if (mine !== turn) return;
    columns.removeAttribute("aria-busy");
    notice.replaceChildren();
    if (answer.error) {
      if (!answer.lost || !shown) notice.replaceChildren(g.notice(answer.error));
      if (!answer.lost) {
        shown = null;
        columns.replaceChildren();
        status.textContent = "";
      }
      return;
    }
    shown = answer;
    draw();
    const first = ask.like ? both[0].samples.find((s) => s.id === ask.like) || { id: ask.like, name: "this image" } :
      answer.a.hits[0];
    if (ask.images.length) lookAt({ token: ask.images[0].token, name: ask.images[0].name }, ask.a);
    else if (first) lookAt(first, ask.a);
  };
  const addFile = async (image) => {
    form.classList.add("g-sending");
    const answer = await g.upload(image);
    form.classList.remove("g-sending");
    if (answer.error) return notice.replaceChildren(g.notice(answer.error));
    Object.assign(ask, { q: "", like: "", images: [{ token: answer.image, name: image.name || "your image" }] });
    if (shelves.length > 1) changed();
    else lookAt({ token: answer.image, name: image.name || "your image" }, shelves[0].key);
  };

  // ---- drawing
  const drawAlone = () => {
    question.hidden = shelves.length < 2;
    columns.hidden = status.hidden = shelves.length < 2;
    const command = "python -m index build IMAGES --into second.gelato --encoder ENCODER";
    const open = "python app.py --collection first.gelato --collection second.gelato";
    const line = (text) => {
      const copy = g.button("copy", "Copy", () => g.copy(text, copy), { class: "g-button g-small",
        "aria-label": "Copy the command" });
      return g.node("p", {}, g.node("code", { text }), " ", copy);
    };
    alone.replaceChildren(...(shelves.length > 1 ? [] : [g.node("div", { class: "g-empty" }, g.node("b", {
      text: "Two encoders side by side need the same images read by both" }), g.node("p", {
      text: "Build a second collection of them with another encoder (an open_clip name, or a run of your own such as runs/my-run) and open both:" }),
    line(command), line(open))]));
  };
  const drawAsked = (left) => {
    const chips = (g.session.state?.chips || []).map((word) => g.node("button", { type: "button", class: "g-chip", text: word,
      "aria-pressed": String(word === ask.q), onclick: () => {
        Object.assign(ask, { q: word, like: "", images: [] });
        changed();
      } }));
    const images = (left?.samples || []).map((hit) => g.node("button", { type: "button", class: "g-compare-sample",
      "aria-pressed": String(hit.id === ask.like), title: `Ask with ${hit.name}`, "aria-label": `Ask with ${hit.name}`,
      onclick: () => {
        Object.assign(ask, { q: "", like: hit.id, images: [] });
        changed();
      } }, g.node("img", { src: g.media(left.key, hit.id), alt: "", loading: "lazy" })));
    const own = ask.images.map((p) => g.node("span", { class: "g-compare-sample", "aria-current": "true" }, g.node(
      "img", { src: `images/${p.token}.webp`, alt: p.name })));
    asked.replaceChildren(...(field.disabled ? [] : chips), ...own, ...images);
  };
  const shift = (hit) => {
    const by = hit.other - hit.rank;
    if (!by) return ["same place", "g-same", "="];
    return by > 0 ? [`${g.count(hit.other)} on the other side`, "g-up", `↑ ${g.count(by)}`] : [
      `${g.count(hit.other)} on the other side`, "g-down", `↓ ${g.count(-by)}`
    ];
  };
  const column = (side, name) => {
    const { key, encoder, hits } = shown[side];
    return g.node("ol", { class: "g-compare-list", "aria-label": `${name}: ${encoder}` }, ...hits.map((hit) => {
      const [words, kind, sign] = shift(hit);
      const item = g.node("li", { "data-id": hit.id }, g.node("button", { type: "button", class: "g-compare-hit",
          title: `${hit.name}: see its neighbours`, "aria-label": `${hit.name}, ${hit.rank}, ${words}`, onclick: () =>
            lookAt(hit, key, true) }, g.node("span", { class: "g-compare-rank", text: hit.rank }), g.node(
          "img", { src: g.media(key, hit.id), alt: "", loading: "lazy" }), g.node("span", { class: "g-name",
          text: hit.name }), g.node("span", { class: `g-compare-shift ${kind}`, text: sign, title: words })));
      const both = (on) => columns.querySelectorAll(`[data-id="${hit.id}"]`).forEach((n) => n.classList.toggle(
        "g-same-image", on));
      item.addEventListener("pointerenter", () => both(true));
      item.addEventListener("pointerleave", () => both(false));
      item.addEventListener("focusin", () => both(true));
      item.addEventListener("focusout", () => both(false));
      return item;
    }));
  };
  const svg = (tag, settings) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(settings).forEach(([name, value]) => node.setAttribute(name, value));
    return node;
  };
  const draw = () => {
    const share = Math.round(10 * shown.overlap);
    status.replaceChildren(g.node("b", { text: `${share} of the first 10 are the same` }),
      ` · agreement ${shown.rbo.toFixed(2)} of 1, the top counting most · among ${g.images(shown.images)} that both have`
      );
    status.title =
      "Agreement is rank-biased overlap with p = 0.9 over the first 100. Only ranks are compared: a cosine of one encoder says nothing about one of another.";
    const lines = svg("svg", { class: "g-compare-lines", width: 90, height: ROW * shown.a.hits.length,
      viewBox: `0 0 90 ${ROW * shown.a.hits.length}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const hit of shown.a.hits) {
      if (!shown.b.hits.some((other) => other.id === hit.id)) continue;
      const [y0, y1] = [hit.rank, hit.other].map((rank) => (rank - 0.5) * ROW);
      lines.append(svg("path", { d: `M0 ${y0} C45 ${y0} 45 ${y1} 90 ${y1}`, "data-id": hit.id }));
    }
    columns.replaceChildren(
      g.node("div", {}, g.node("h2", { text: shown.a.encoder }), column("a", "A")), lines, g.node("div", {}, g.node(
        "h2", { text: shown.b.encoder }), column("b", "B")));
  };
  let looked = 0;
  const lookAt = async (hit, key, goThere = false) => {
    const mine = ++looked;
    const answer = await g.request(server.neighbours, { collection: key, id: hit.id || "", images: hit.token ? [hit
        .token
      ] : [] });
    if (mine !== looked || answer.error) return;
    near.hidden = false;
    const source = hit.token ? `images/${hit.token}.webp` : g.media(key, hit.id);
    near.replaceChildren(g.node("h2", { text: "Neighbours of one image, a row an encoder" }),
      g.node("div", { class: "g-near" }, g.node("figure", { class: "g-near-asked" }, g.node("img", { src: source,
          alt: hit.name }), g.node("figcaption", { text: hit.name })),
        g.node("div", { class: "g-near-rows" }, ...answer.rows.map((row) => g.node("div", { class: "g-near-row" },
          g.node("h3", { text: row.encoder, title: row.name }),
          row.waiting || row.error ? g.node("p", { class: "g-aside", text: row.error ||
              "being loaded; choose the image again in a moment" }) :
          g.node("div", { class: "g-near-images" }, ...row.hits.map((near) => g.node("button", { type: "button",
            class: "g-frame", title: near.name, "aria-label": `${near.name}: see its neighbours`, onclick: () =>
              lookAt(near, row.key, true) }, g.node("img", { src: g.media(row.key, near.id), alt: "",
            loading: "lazy" })))))))));
    if (!answer.rows.length) near.hidden = true;
    if (goThere) near.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)")
        .matches ? "auto" : "smooth" });
    if (answer.rows.some((row) => row.waiting)) setTimeout(() => mine === looked && lookAt(hit, key), 1500);
  };

  // ---- the encoders
  const FIGURES = [/zero.?shot/, /retrieval|recall/, /knn/, /linear/, /alignment/, /uniformity/, /rank/];
  const millions = (n) => (n ? (n < 1e6 ? `${(n / 1e3).toFixed(0)} thousand` : `${(n / 1e6).toFixed(1)} million`) : "–");
  const drawTable = () => {
    const seen = new Map(shelves.map((s) => [s.encoder, s])); // one row an encoder, not one a collection
    const rows = [...seen.values()];
    const place = (name) => {
      const at = FIGURES.findIndex((kind) => kind.test(name));
      return at < 0 ? FIGURES.length : at;
    };
    const names = [...new Set(rows.flatMap((s) => Object.keys(s.figures)))].sort((a, b) => place(a) - place(b) || (a <
      b ? -1 : 1)).slice(0, 8);
    const figure = (value) => {
      if (!value) return g.node("td", { class: "g-number", text: "–" });
      const text = Math.abs(value.value) >= 100 ? value.value.toFixed(0) : value.value.toFixed(3);
      const interval = value.low !== undefined && value.high !== undefined;
      const cell = g.node("td", { class: "g-number", title: interval ?
          `95 % interval ${value.low.toFixed(3)} to ${value.high.toFixed(3)}${value.n ? `, n = ${g.count(value.n)}` : ""}` :
          "" }, g.node("span", { text }));
      if (interval) cell.append(g.node("small", { text: `${value.low.toFixed(2)}–${value.high.toFixed(2)}` }));
      if (interval && value.low >= 0 && value.high <= 1) cell.append(g.node("span", { class: "g-interval",
        "aria-hidden": "true" }, g.node("i", { style: { left: `${100 * value.low}%`,
          width: `${Math.max(1, 100 * (value.high - value.low))}%` } }), g.node("b", { style: {
          left: `${100 * value.value}%` } })));
      return cell;
    };
    const head = ["Encoder", "Reads", "Numbers an image", "Side", "Parameters", "An image here", ...names.map((name) =>
      name.replaceAll("_", " ").replaceAll("/", " · "))];
    table.replaceChildren(g.node("h2", { text: "Encoders" }), g.node("div", { class: "g-scroll", tabindex: "0",
        role: "region", "aria-label": "Encoders" }, g.node("table", { class: "g-table" },
        g.node("thead", {}, g.node("tr", {}, ...head.map((text) => g.node("th", { scope: "col", text })))),
        g.node("tbody", {}, ...rows.map((s) => g.node("tr", {},
          g.node("th", { scope: "row", text: s.encoder }),
          g.node("td", { text: s.state === "loading" ? "being loaded" : s.readsText ? "images, words" :
              "images only" }),
          g.node("td", { class: "g-number", text: s.dim ?? "–" }),
          g.node("td", { class: "g-number", text: s.size ? `${s.size} px` : "–" }),
          g.node("td", { class: "g-number", text: millions(s.parameters) }),
          g.node("td", { class: "g-number", "data-speed": s.key, text: s.state === "ready" && s.images ?
              "measuring" : "–" }),
          ...names.map((name) => figure(s.figures[name]))))))),
      g.node("p", { class: "g-aside", text: names.length ?
          "Figures are those stored in the runs, with 95 % intervals where they have them." :
          "Figures of a run, such as kNN, linear probe and zero-shot accuracy, appear here once it has been evaluated." })
      );
    for (const s of rows)
      if (s.state === "ready" && s.images) time(s);
  };
  const time = async (s) => {
    speeds[s.encoder] = speeds[s.encoder] || g.request(server.speed, { key: s.key });
    const answer = await speeds[s.encoder];
    const cell = table.querySelector(`[data-speed="${CSS.escape(s.key)}"]`);
    if (!cell) return;
    if (answer.error) delete speeds[s.encoder];
    cell.textContent = answer.error ? "–" : `${answer.milliseconds.toFixed(answer.milliseconds < 10 ? 1 : 0)} ms`;
    cell.title = answer.error || `by ${s.runtime} in ${s.precision}, ${answer.images} images at once, preparing included`;
  };

  // ---- what happens
  g.droppable(element, addFile);
  document.addEventListener("paste", (event) => {
    const image = g.pasted(event);
    if (image && g.whichTab() === "compare") {
      event.preventDefault();
      addFile(image);
    }
  });
  g.onAddress((tab) => {
    if (tab !== "compare") return;
    const before = JSON.stringify([ask.a, ask.b, ask.q, ask.like]);
    read();
    if (!shelves.length) load();
    else if (before !== JSON.stringify([ask.a, ask.b, ask.q, ask.like])) run();
  });
  g.onState(() => g.whichTab() === "compare" && load());
  read();
  if (g.session.state) load();
  runsModule.runs(runs, server.runs, () => g.whichTab() === "compare");
};
