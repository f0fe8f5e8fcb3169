// The search tab. What is asked lives in one object; the address is written from it and read back into it.
import * as g from "../../ui/ui.js";

const PAGE = 60;
const MOST = 1200;
const CLOSE = 0.7; // a best match this near to the line is not called nothing
const SORTS = { best: "Best first", newest: "Newest first", oldest: "Oldest first", largest: "Largest first", name: "By name" };
const NOTHING = { q: "", like: [], images: [] };
const DESCRIBE = "Describe an image: a cat + beach - dog";

export const search = (element, server) => {
  let ask = { ...NOTHING, k: PAGE, filters: [], sort: "best", line: null };
  let shown = null; // the last answer: hits, total, matching, likely, line, low, high
  let turn = 0; // answers to questions that were overtaken are dropped
  let lost = false; // the last question never arrived; it is asked again
  let tagNames = [];

  // ---- what there is to see
  const field = g.node("input", {
    type: "text", id: "q", name: "q", class: "g-field", placeholder: DESCRIBE,
    "aria-label": "Describe an image", autocomplete: "off", spellcheck: "false", enterkeyhint: "search", maxlength: "2000",
  });
  const file = g.node("input", {
    type: "file", id: "search-file", accept: "image/*", hidden: true, "aria-label": "Search with an image",
    onchange: () => {
      if (file.files[0]) addFile(file.files[0]);
      file.value = "";
    },
  });
  const form = g.node("form", {
    class: "g-searchbar", role: "search",
    onsubmit: (event) => {
      event.preventDefault();
      change({ ...ask, q: field.value.trim() });
    },
  },
  g.icon("search"), field,
  g.node("button", {
    type: "button", class: "g-inside", id: "add-image", title: "Search with an image: choose, drop or paste one",
    "aria-label": "Search with an image", onclick: () => file.click(),
  }, g.icon("image"), g.node("span", { text: "Image" })),
  g.node("button", { type: "submit", class: "g-go", id: "go", text: "Search" }), file);
  const pills = g.node("div", { class: "g-terms", id: "terms", "aria-label": "What is asked for" });
  const chips = g.node("div", { class: "g-chips", id: "chips", "aria-label": "Suggestions" });
  const status = g.node("p", { class: "g-status", id: "status", role: "status" });
  const remarks = g.remarks(server, (line) => change({ ...ask, line }, true));
  const histogram = g.histogram((strength) => change({ ...ask, line: strength }, true));
  const filterButton = g.button("filter", "Filters", () => openFilters(filters.panel.hidden), { id: "open-filters", "aria-expanded": "false", "aria-controls": "filters" });
  const sort = g.node("select", {
    class: "g-button", id: "sort", "aria-label": "Order", onchange: () => change({ ...ask, sort: sort.value }),
  }, ...Object.entries(SORTS).map(([value, text]) => g.node("option", { value, text })));
  const link = g.button("link", "Copy link", () => g.copy(location.href, link), { id: "copy-link", hidden: true });
  const exporting = g.node("span", { id: "export" });
  const filters = g.filters((asked) => g.request(server.filters, { collection: g.collection(), filters: asked }), (asked) => change({ ...ask, filters: asked }));
  const filtered = g.node("div", { class: "g-terms", id: "filtered", "aria-label": "Filters that are on" });
  const notice = g.node("div", { id: "search-notice" });
  const grid = g.arrows(g.node("div", { class: "g-grid", id: "grid" }));
  const more = g.button(null, "Show 60 more", () => showMore(), { id: "more", class: "g-button g-more", hidden: true });
  const foot = g.foot(server);

  const tag = async (ids, name, on) => {
    const answer = await g.request(server.tagging, { collection: shown.collection, ids, name, on });
    if (answer.error) return answer;
    tagNames = answer.all;
    shown.hits.forEach((hit) => hit.id in answer.tags && (hit.tags = answer.tags[hit.id]));
    ids.forEach((id) => grid.querySelector(`[data-id="${CSS.escape(id)}"] .g-card-tags`)?.replaceChildren(...tagDots(answer.tags[id])));
    filters.refresh();
    return answer;
  };
  const inspector = g.inspector({
    tag,
    like: (id, sign) => like([id], sign),
    classify: (hit, facts) => g.classifyImage({ id: hit.id, collection: shown.collection, name: facts.caption || facts.file }),
    explain: (question) => g.request(server.explain, question),
    inspect: (question) => g.request(server.inspect, question),
    similar: async (id) => {
      const answer = await g.request(server.find, { collection: shown.collection, like: [id], k: 7 });
      return { hits: (answer.hits || []).filter((hit) => hit.id !== id).slice(0, 6) };
    },
    open: (hit) => inspect({ ...hit, score: null, strength: undefined }, origin),
  }, () => {
    mark();
    if (origin?.isConnected) origin.focus();
  });
  const selection = g.selection(grid, () => shown.collection, () => shown?.hits || [], {
    tag, like: (ids, sign) => like(ids, sign), tags: () => tagNames,
  });
  element.querySelector(".g-search").append(
    form, pills, chips,
    g.node("div", { class: "g-results-head" }, status, histogram.root,
      g.node("div", { class: "g-tools" }, filterButton, sort, link, exporting)),
    filters.panel, filtered, remarks.root, notice,
    g.node("div", { class: "g-split" }, g.node("div", { class: "g-main" }, grid, more), inspector.root),
    selection.bar, foot.root,
  );

  // ---- the address
  const settings = (params, all) => {
    if (ask.q) params.set("q", ask.q);
    signed(ask.like, "id").forEach((id) => params.append("like", id));
    if (ask.filters.length) params.set("filters", JSON.stringify(ask.filters));
    if (ask.sort !== "best") params.set("sort", ask.sort);
    if (ask.line !== null) params.set("line", ask.line);
    if (all) signed(ask.images, "token").forEach((token) => params.append("image", token));
    return params;
  };
  const address = () => {
    const params = new URLSearchParams();
    if ((g.session.state?.collections || []).length > 1) params.set("collection", g.collection());
    params.set("tab", "search");
    settings(params, false);
    if (ask.k !== PAGE) params.set("k", ask.k);
    const theme = new URLSearchParams(location.search).get("__theme");
    if (theme) params.set("__theme", theme);
    return `${location.pathname}?${params}`;
  };
  const read = () => {
    const params = new URLSearchParams(location.search);
    const k = parseInt(params.get("k"), 10);
    const line = params.get("line");
    let given = [];
    try {
      given = JSON.parse(params.get("filters") || "[]");
    } catch { /* an address that was cut off: without filters, then */ }
    ask = {
      q: params.get("q") || "",
      like: params.getAll("like").map((id) => (id.startsWith("-") ? { id: id.slice(1), sign: -1 } : { id, sign: 1 })),
      images: history.state?.images || [],
      k: k > 0 ? Math.min(k, MOST) : PAGE,
      filters: Array.isArray(given) ? given : [],
      sort: params.get("sort") in SORTS ? params.get("sort") : "best",
      line: line === null ? null : Number.isNaN(Number(line)) ? line : Number(line),
    };
    field.value = ask.q;
    sort.value = ask.sort;
    filters.read(ask.filters);
  };
  const asking = () => Boolean(ask.q || ask.like.length || ask.images.length);
  const signed = (terms, key) => terms.map((term) => (term.sign < 0 ? `-${term[key]}` : term[key]));
  const question = () => ({
    collection: g.collection(), q: ask.q, like: signed(ask.like, "id"), images: signed(ask.images, "token"),
    filters: ask.filters, sort: ask.sort, line: ask.line,
  });

  // ---- asking
  const change = (next, quietly = false) => {
    ask = { ...next, k: PAGE };
    field.value = ask.q;
    history.pushState({ images: ask.images }, "", address());
    run(quietly);
  };
  const run = async (quietly = false) => {
    const mine = ++turn;
    drawTerms();
    if (!quietly) {
      notice.replaceChildren();
      holdImages();
      setTimeout(() => {
        if (mine !== turn) return;
        grid.setAttribute("aria-busy", "true");
        if (!grid.childElementCount) grid.replaceChildren(...g.skeletons(14));
        if (asking() && g.session.state?.encoder?.state === "loading")
          status.textContent = `${g.gettingReady()} The search runs as soon as it is there.`;
      }, 150);
    }
    const answer = await g.request(server.find, { ...question(), k: ask.k });
    if (mine !== turn) return;
    turn++;
    grid.removeAttribute("aria-busy");
    draw(answer);
    if (answer.line?.why === "soon") setTimeout(() => turn === mine + 1 && run(true), 1200);
  };
  // A browser has six connections to a server: previews of the last answer still on their way would keep this
  // question waiting.
  const holdImages = () => grid.querySelectorAll("img[src]").forEach((image) => {
    if (image.complete) return;
    image.dataset.src = image.getAttribute("src");
    image.removeAttribute("src");
  });
  const fetchImages = () => grid.querySelectorAll("img[data-src]").forEach((image) => {
    image.src = image.dataset.src;
    delete image.dataset.src;
  });
  const showMore = async () => {
    const mine = ++turn;
    more.disabled = true;
    const offset = shown.hits.length;
    const answer = await g.request(server.find, { ...question(), k: PAGE, offset });
    more.disabled = false;
    if (mine !== turn) return;
    if (answer.error) return draw(answer);
    const before = shown.hits.at(-1);
    shown.hits.push(...answer.hits);
    ask.k = Math.min(MOST, offset + PAGE);
    g.readdress("search", { k: ask.k });
    grid.append(...cards(answer.hits, before));
    selection.mark();
    drawStatus();
  };

  // ---- drawing
  const tagDots = (names) => (names || []).map((name) => g.node("span", { text: name }));
  const cards = (hits, before = null) => {
    const nodes = [];
    let previous = before;
    hits.forEach((hit) => {
      const edge = shown.likely !== null && hit.likely === false && previous?.likely !== false;
      if (edge && (shown.likely || previous)) nodes.push(divider());
      nodes.push(card(hit));
      previous = hit;
    });
    return nodes;
  };
  const divider = () => g.node("div", { class: "g-divider", id: "relevance-line", role: "separator" },
    g.node("span", { text: "Relevance line: what follows looks like this collection’s noise" }));
  const card = (hit) => {
    const [value, low, high] = shown.line?.shown ? [hit.strength, 0, Math.max(shown.line.best, 1)] : [hit.score, shown.low, shown.high];
    const share = value === null || value === undefined ? null : Math.min(1, Math.max(0, (value - low) / Math.max(high - low, 1e-6)));
    const less = g.node("button", {
      type: "button", class: "g-like g-unlike", title: "Less like this (x)", "aria-label": `Less like this: ${hit.name}`, onclick: () => like([hit.id], -1),
    }, g.icon("unlike"));
    const made = g.card(hit, shown.collection, {
      share, score: hit.score === null ? "" : g.score(hit.score), onpick: inspect, onlike: (h) => like([h.id], 1),
      tools: [less, selection.tick(hit), g.node("div", { class: "g-card-tags" }, ...tagDots(hit.tags))],
    });
    if (hit.likely === false && (shown.likely || shown.line.best < CLOSE)) made.classList.add("g-weak");
    return made;
  };
  const draw = (answer) => {
    lost = Boolean(answer.lost);
    if (lost && shown) { // what is on the page stays
      fetchImages();
      return notice.replaceChildren(g.notice(answer.error));
    }
    if (answer.error) {
      const waiting = !g.session.state || (g.session.state.job?.state === "running" && !g.session.state.searchable);
      if (waiting && !g.session.state?.error) {
        grid.replaceChildren(...g.skeletons(14));
        grid.setAttribute("aria-busy", "true");
        status.textContent = g.session.state?.encoder?.state === "loading" ?
          `${g.gettingReady()} Then the first images are indexed.` :
          "Indexing the first images; they appear here as soon as they can be searched.";
      } else {
        shown = null;
        grid.replaceChildren();
        status.textContent = "";
        notice.replaceChildren(g.notice(answer.error));
      }
      histogram.show(null);
      remarks.clear();
      more.hidden = link.hidden = exporting.hidden = true;
      return;
    }
    const scores = answer.hits.slice(0, PAGE).map((hit) => hit.score ?? 0);
    const high = Math.max(...scores, 0), last = Math.min(...scores, high);
    // A bar compares the results of this page; a little below the weakest is its zero.
    shown = { ...answer, high, low: last - 0.15 * (high - last) - 1e-6 };
    const held = grid.contains(document.activeElement) && document.activeElement.closest(".g-card")?.dataset.id;
    grid.replaceChildren(...cards(answer.hits));
    // Who moves about by keyboard stays where they were, or at the first of other results.
    if (held) (grid.querySelector(`[data-id="${CSS.escape(held)}"] .g-frame`) || grid.querySelector(".g-frame"))?.focus({ preventScroll: true });
    notice.replaceChildren(...(emptiness() || []));
    histogram.show(answer.line);
    drawStatus();
    remarks.show(shown.line, ask.q);
    if (inspector.opened() && !shown.hits.some((hit) => hit.id === inspector.opened())) inspector.close();
    else mark();
    selection.mark();
  };
  const emptiness = () => {
    if (!shown.hits.length) {
      const text = ask.filters.length ? "No image passes these filters." : "There are no images here yet.";
      return [g.notice(text, ...(ask.filters.length ? [g.button(null, "Remove the filters", () => change({ ...ask, filters: [] }))] : []))];
    }
    if (shown.likely !== 0) return null;
    const words = g.splitWords(ask.q).filter((term) => term.sign > 0).map((term) => term.words).join(", ");
    const text = shown.line.best > CLOSE ? `No image stands out clearly for “${words}”; the closest come first.` :
      `Nothing here looks like “${words}”. The closest follow; all are within this collection’s noise.`;
    return [g.notice(text)];
  };
  const drawStatus = () => {
    const indexing = g.session.state?.job?.state === "running" && g.session.state.job.total > shown.total;
    const within = ask.filters.length ? `${g.count(shown.matching)} filtered of ${g.count(shown.total)}` : g.count(shown.total);
    const amount = `of ${within} images${indexing ? " indexed so far" : ""}`;
    const lead = shown.likely ? [g.node("b", { text: `${g.count(shown.likely)} likely` }), ` · ${g.count(shown.hits.length)} shown`] :
      [g.node("b", { text: g.count(shown.hits.length) })];
    status.replaceChildren(...lead, ` ${amount}`,
      ...(asking() ? [` · ${Math.max(1, Math.round(shown.milliseconds))} ms`] : []));
    const left = Math.min(shown.matching, MOST) - shown.hits.length;
    more.hidden = left <= 0;
    more.querySelector("span").textContent = `Show ${Math.min(PAGE, left)} more`;
    link.hidden = !asking() && !ask.filters.length && ask.sort === "best";
    link.disabled = ask.images.length > 0;
    link.title = link.disabled ? "An uploaded image stays on this computer, so it cannot be in a link" : "Copy the address of this search";
    const params = settings(new URLSearchParams({ k: shown.hits.length }), true);
    const to = (kind) => `export/${encodeURIComponent(shown.collection)}.${kind}?${params}`;
    exporting.hidden = !shown.hits.length;
    exporting.replaceChildren(g.menu("download", "Export", [["CSV", to("csv")], ["JSON", to("json")], ["List of files", to("txt")], ["Previews, zip", to("zip")]]));
    filterButton.querySelector("span").textContent = ask.filters.length ? `Filters (${ask.filters.length})` : "Filters";
  };
  const drawTerms = () => {
    const { nodes, single } = g.pills(ask, change);
    pills.replaceChildren(...nodes);
    pills.hidden = !nodes.length;
    filtered.replaceChildren(...ask.filters.map((one) => g.node("span", { class: "g-term" }, g.node("span", { text: g.filterText(one) }),
      g.node("button", {
        type: "button", class: "g-drop", title: "Remove", "aria-label": `Remove the filter ${g.filterText(one)}`,
        onclick: () => {
          const rest = ask.filters.filter((other) => other !== one);
          filters.read(rest);
          change({ ...ask, filters: rest });
        },
      }, g.icon("close")))));
    filtered.hidden = !ask.filters.length;
    chips.hidden = !pills.hidden;
    chips.childNodes.forEach((chip) => chip.setAttribute("aria-pressed", single && chip.textContent === ask.q));
    document.title = ask.q ? `${ask.q} · Gelato` : "Gelato";
  };
  const drawChips = (words) => {
    const now = JSON.stringify(words);
    if (chips.dataset.words === now) return;
    chips.dataset.words = now;
    chips.replaceChildren(...(words || []).map((word) => g.node("button", {
      type: "button", class: "g-chip", text: word, "aria-pressed": word === ask.q, onclick: () => change({ ...ask, ...NOTHING, q: word }),
    })));
  };
  // ---- terms and the inspector
  const like = (ids, sign) => {
    selection.clear();
    const others = ask.like.filter((term) => !ids.includes(term.id));
    change({ ...ask, q: field.value.trim(), like: [...others, ...ids.slice(0, 24).map((id) => ({ id, sign }))] });
    window.scrollTo({ top: 0 });
  };
  const addFile = async (image) => {
    notice.replaceChildren();
    form.classList.add("g-sending");
    const answer = await g.upload(image);
    form.classList.remove("g-sending");
    if (answer.error) return notice.replaceChildren(g.notice(answer.error));
    const name = image.name && image.name !== "image.png" ? image.name : "your image";
    change({ ...ask, q: field.value.trim(), images: [...ask.images, { token: answer.image, sign: 1, name }] });
  };
  let origin = null;
  const mark = () => grid.querySelectorAll(".g-card").forEach((c) => c.classList.toggle("g-open", c.dataset.id === inspector.opened()));
  const inspect = (hit, from) => {
    if (inspector.opened() === hit.id) return inspector.close();
    origin = from;
    inspector.show(hit, shown.collection, asking() ? question() : null);
    mark();
  };
  const openFilters = (on) => {
    filters.open(on);
    filterButton.setAttribute("aria-expanded", on);
  };

  // ---- what happens
  g.droppable(element, addFile);
  document.addEventListener("paste", (event) => {
    const image = g.pasted(event);
    if (image && g.whichTab() === "search") {
      event.preventDefault();
      addFile(image);
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      g.openTab("search");
      field.focus();
      field.select();
    }
    if (event.key !== "Escape" || g.whichTab() !== "search") return;
    if (inspector.opened()) inspector.close();
    else if (selection.size()) selection.clear();
  });
  grid.addEventListener("keydown", (event) => {
    const id = event.target.closest(".g-card")?.dataset.id;
    if (!id || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "m") like([id], 1);
    else if (event.key === "x") like([id], -1);
    else if (event.key === "e" && inspector.opened()) inspector.explain();
  });
  g.onAddress((tab) => {
    if (tab !== "search") return;
    read();
    run();
  });
  let seen = "";
  g.onState((detail) => {
    if (!detail.collection) return shown ? undefined : draw({ error: detail.error });
    drawChips(detail.chips);
    foot.show(detail);
    field.placeholder = detail.encoder?.readsText === false ? "This encoder sees images only: ask with an image" : DESCRIBE;
    const now = `${detail.collection} ${detail.revision}`;
    if (seen && detail.changed) {
      ask = { ...ask, like: [], filters: [] };
      selection.clear();
      filters.read([]);
      field.focus();
    }
    if (!shown || lost || now !== seen) run(Boolean(shown) && !lost && !detail.changed);
    else drawStatus();
    seen = now;
  });
  read();
  drawTerms();
  grid.replaceChildren(...g.skeletons(14));
  grid.setAttribute("aria-busy", "true");
};
