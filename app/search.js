// The search tab. What is asked lives in one object; the address is written from it and read back into it.
(() => {
  const g = window.gelato;
  const PAGE = 60,
    MOST = 1200;
  const COMMAND = "python app.py --encoder ViT-B-32/laion2b_s34b_b79k";

  g.search = (element, server) => {
    let ask = { q: "", like: [], pictures: [], k: PAGE };
    let shown = null; // { hits, total, low, high, revision, milliseconds }
    let turn = 0; // answers to questions that were overtaken are dropped
    let lost = false; // the last question never arrived; it is asked again
    let open = null; // id in the inspector

    // ---- what there is to see
    const field = g.node("input", { type: "text", id: "q", name: "q", class: "g-field",
      placeholder: "Describe a picture: a cat + beach - dog", "aria-label": "Describe a picture",
      autocomplete: "off", spellcheck: "false", enterkeyhint: "search", maxlength: "2000" });
    const file = g.node("input", { type: "file", id: "search-file", accept: "image/*",
    hidden: true, "aria-label": "Search with a picture", onchange: () => { if (file.files[0]) addFile(file
          .files[0]);
        file.value = ""; } });
    const form = g.node("form", { class: "g-searchbar", role: "search", onsubmit: (event) => { event
            .preventDefault();
          typed(); } },
      g.icon("search"), field,
      g.node("button", { type: "button", class: "g-inside", id: "add-picture",
        title: "Search with a picture: choose, drop or paste one", "aria-label": "Search with a picture",
        onclick: () => file.click() }, g.icon("picture"), g.node("span", { text: "Picture" })),
      g.node("button", { type: "submit", class: "g-go", id: "go", text: "Search" }), file);
    const pills = g.node("div", { class: "g-terms", id: "terms", "aria-label": "What is asked for" });
    const chips = g.node("div", { class: "g-chips", id: "chips", "aria-label": "Suggestions" });
    const status = g.node("p", { class: "g-status", id: "status", role: "status" });
    const link = g.button("link", "Copy link", () => g.copy(location.href, link), { id: "copy-link",
      hidden: true });
    const csv = g.node("a", { class: "g-button", id: "export", download: "", hidden: true }, g.icon("download"), g
      .node("span", { text: "CSV" }));
    const notice = g.node("div", { id: "search-notice" });
    const grid = g.arrows(g.node("div", { class: "g-grid", id: "grid" }));
    const more = g.button(null, "Show 60 more", () => showMore(), { id: "more", class: "g-button g-more",
      hidden: true });
    const inspector = g.node("aside", { class: "g-inspector", id: "inspector", "aria-label": "About this picture",
      hidden: true });
    const foot = g.node("div", { class: "g-foot", id: "foot" });
    element.querySelector(".g-search").append(
      form, pills, chips,
      g.node("div", { class: "g-results-head" }, status, g.node("div", { class: "g-tools" }, link, csv)),
      notice,
      g.node("div", { class: "g-split" }, g.node("div", { class: "g-main" }, grid, more), inspector),
      foot,
    );

    // ---- the address
    const address = () => {
      const params = new URLSearchParams();
      const collections = g.state?.collections || [];
      if (collections.length > 1) params.set("collection", g.collection());
      params.set("tab", "search");
      if (ask.q) params.set("q", ask.q);
      ask.like.forEach((like) => params.append("like", like.sign < 0 ? `-${like.id}` : like.id));
      if (ask.k !== PAGE) params.set("k", ask.k);
      const theme = new URLSearchParams(location.search).get("__theme");
      if (theme) params.set("__theme", theme);
      return `${location.pathname}?${params}`;
    };
    const read = () => {
      const params = new URLSearchParams(location.search);
      const k = parseInt(params.get("k"), 10);
      ask = {
        q: params.get("q") || "",
        like: params.getAll("like").map((like) => (like.startsWith("-") ? { id: like.slice(1), sign: -1 } :
        { id: like, sign: 1 })),
        pictures: history.state?.pictures || [],
        k: k > 0 ? Math.min(k, MOST) : PAGE,
      };
      field.value = ask.q;
    };
    const push = () => history.pushState({ pictures: ask.pictures }, "", address());
    const asking = () => Boolean(ask.q || ask.like.length || ask.pictures.length);
    const signed = (terms, key) => terms.map((term) => (term.sign < 0 ? `-${term[key]}` : term[key]));
    const question = () => ({ collection: g.collection(), q: ask.q, like: signed(ask.like, "id"),
      pictures: signed(ask.pictures, "token") });

    // ---- asking
    const typed = () => {
      ask.q = field.value.trim();
      changed();
    };
    const changed = () => {
      ask.k = PAGE;
      field.value = ask.q;
      push();
      run();
    };
    const run = async (quietly = false) => {
      const mine = ++turn;
      drawTerms();
      if (!quietly) {
        notice.replaceChildren();
        setTimeout(() => {
          if (mine !== turn) return;
          grid.setAttribute("aria-busy", "true");
          if (!grid.childElementCount) grid.replaceChildren(...g.skeletons(14));
          if (asking() && g.state?.encoder?.state === "loading") status.textContent =
            "The encoder is being loaded; the search runs as soon as it is there.";
        }, 150);
      }
      const answer = await g.ask(server.find, { ...question(), k: ask.k });
      if (mine !== turn) return;
      turn++;
      grid.removeAttribute("aria-busy");
      draw(answer);
    };
    const showMore = async () => {
      const mine = ++turn;
      more.disabled = true;
      const offset = shown.hits.length;
      const answer = await g.ask(server.find, { ...question(), k: PAGE, offset });
      more.disabled = false;
      if (mine !== turn) return;
      if (answer.error) return draw(answer);
      shown.hits.push(...answer.hits);
      ask.k = Math.min(MOST, offset + PAGE);
      history.replaceState(history.state, "", address());
      grid.append(...answer.hits.map(card));
      drawStatus();
    };

    // ---- drawing
    const card = (hit) => {
      const share = hit.score === null ? null : (hit.score - shown.low) / Math.max(shown.high - shown.low,
      1e-6);
      return g.card(hit, shown.collection, { share: share === null ? null : Math.min(1, Math.max(0, share)),
        score: hit.score === null ? "" : g.score(hit.score), onpick: inspect, onlike: (h) => like(h.id) });
    };
    const draw = (answer) => {
      lost = Boolean(answer.lost);
      if (lost && shown) return notice.replaceChildren(g.notice(answer.error)); // what is on the page stays
      if (answer.error) {
        const waiting = !g.state || (g.state.job?.state === "running" && !g.state.searchable);
        if (waiting && !g.state?.error) {
          grid.replaceChildren(...g.skeletons(14));
          grid.setAttribute("aria-busy", "true");
          status.textContent = g.state?.encoder?.state === "loading" ?
            "Loading the encoder, then the first pictures are indexed." :
            "Indexing the first pictures; they appear here as soon as they can be searched.";
        } else {
          shown = null;
          grid.replaceChildren();
          status.textContent = "";
          notice.replaceChildren(g.notice(answer.error));
        }
        more.hidden = link.hidden = csv.hidden = true;
        return;
      }
      const scores = answer.hits.map((hit) => hit.score ?? 0);
      const first = scores.slice(0, PAGE);
      const high = Math.max(...first, 0),
        last = Math.min(...first, high);
      // A bar compares the results of this page; a little below the weakest is its zero.
      shown = { ...answer, high, low: last - 0.15 * (high - last) - 1e-6 };
      grid.replaceChildren(...answer.hits.map(card));
      notice.replaceChildren();
      if (!answer.hits.length) notice.replaceChildren(g.notice("There are no pictures here yet."));
      drawStatus();
      if (open && !shown.hits.some((hit) => hit.id === open)) close();
      else mark();
    };
    const drawStatus = () => {
      const total = g.count(shown.total);
      const indexing = g.state?.job?.state === "running" && g.state.job.total > shown.total;
      const amount = `of ${total} pictures` + (indexing ? ` indexed so far` : "");
      status.replaceChildren(
        g.node("b", { text: g.count(shown.hits.length) }), ` ${amount}`,
        ...(asking() ? [` · ${Math.max(1, Math.round(shown.milliseconds))} ms`] : []));
      const left = Math.min(shown.total, MOST) - shown.hits.length;
      more.hidden = left <= 0;
      more.querySelector("span").textContent = `Show ${Math.min(PAGE, left)} more`;
      link.hidden = csv.hidden = !asking();
      const params = new URLSearchParams({ q: ask.q, k: shown.hits.length });
      signed(ask.like, "id").forEach((id) => params.append("like", id));
      signed(ask.pictures, "token").forEach((token) => params.append("picture", token));
      csv.href = `export/${encodeURIComponent(shown.collection)}.csv?${params}`;
      link.disabled = ask.pictures.length > 0;
      link.title = link.disabled ? "An uploaded picture stays on this computer, so it cannot be in a link" :
        "Copy the address of this search";
    };
    const drawTerms = () => {
      const words = splitWords(ask.q);
      const single = words.length === 1 && words[0].sign > 0 && !ask.like.length && !ask.pictures.length;
      const drop = (label, act) => g.node("button", { type: "button",
      class: "g-drop", "aria-label": `Remove ${label}`, title: "Remove", onclick: act }, g.icon("close"));
      const sign = (term, label) => g.node("button", { type: "button", class: "g-sign", "aria-label": term
          .sign > 0 ? `${label} is wanted; make it unwanted` : `${label} is unwanted; make it wanted`,
        title: term.sign > 0 ? "Wanted; click for unwanted" : "Unwanted; click for wanted",
    onclick: () => { term.sign *= -1;
          ask.q = joinWords(words);
          changed(); } }, g.icon(term.sign > 0 ? "plus" : "minus"));
      const pill = (term, label, body, remove) => g.node(
      "span", { class: `g-term ${term.sign < 0 ? "g-without" : ""}` }, sign(term, label), ...body, drop(
        label, remove));
      pills.replaceChildren(
        ...(single ? [] : words).map((term) => pill(term, term.words, [g.node("span", { text: term.words }),
          term.weight !== 1 && g.node("b", { text: `×${term.weight}` })
        ].filter(Boolean), () => { ask.q = joinWords(words.filter((other) => other !== term));
          changed(); })),
        ...ask.pictures.map((term) => pill(term, term.name, [g.node(
          "img", { src: `pictures/${term.token}.webp`, alt: "" }), g.node("span", { text: term.name })],
        () => { ask.pictures = ask.pictures.filter((other) => other !== term);
            changed(); })),
        ...ask.like.map((term) => pill(term, "like this picture", [g.node("img", { src: g.media(g
          .collection(), term.id), alt: "" }), g.node("span", { text: term.sign > 0 ? "like this" :
            "not like this" })], () => { ask.like = ask.like.filter((other) => other !== term);
          changed(); })),
        ...(ask.pictures.length ? [g.node("span", { class: "g-aside",
          text: "An uploaded picture stays on this computer; it is not part of the link." })] : []),
        ...(asking() && !single ? [g.node("button", { type: "button", class: "g-clear", text: "Clear all",
          onclick: () => { ask = { q: "", like: [], pictures: [], k: PAGE };
            changed(); } })] : []),
      );
      pills.hidden = !pills.childElementCount;
      chips.hidden = !pills.hidden;
      chips.childNodes.forEach((chip) => chip.setAttribute("aria-pressed", single && chip.textContent === ask
        .q));
      document.title = ask.q ? `${ask.q} · Gelato` : "Gelato";
    };
    const drawChips = (words) => {
      const now = JSON.stringify(words);
      if (chips.dataset.words === now) return;
      chips.dataset.words = now;
      chips.replaceChildren(...(words || []).map((word) => g.node("button", { type: "button", class: "g-chip",
        text: word, "aria-pressed": word === ask.q, onclick: () => { ask = { q: word, like: [],
            pictures: [], k: PAGE };
          changed(); } })));
    };
    const drawFoot = async (state) => {
      const starter = state.encoder?.name === "starter";
      const now = `${state.collection} ${state.encoder?.name} ${state.job?.state} ${state.searchable > 0}`;
      if (foot.dataset.now === now) return;
      foot.dataset.now = now;
      const parts = [];
      if (starter) {
        const copy = g.button("copy", "Copy", () => g.copy(COMMAND,
      copy), { class: "g-button g-small", "aria-label": "Copy the command" });
        parts.push(g.node("p", { id: "starter-note" }, g.node("b", { text: "starter" }),
          " is a small encoder in the spirit of DeViSE, brought up to date; it is not CLIP, and will often be wrong. " +
          "For a real one: ",
          g.node("code", { text: COMMAND }), " ", copy));
      }
      if (state.columns?.includes("attribution")) {
        const { credits = [] } = await g.ask(server.credits, { collection: state.collection });
        if (credits.length) {
          parts.push(g.node("details", { id: "credits" }, g.node("summary", {}, "Pictures by ", credits[0].by,
              credits.length > 1 ? ` and ${credits.length - 1} others` : ""),
            g.node("ul", {}, ...credits.map((c) => g.node(
            "li", { text: `${c.by}: ${g.pictures(c.pictures)}` })))));
        }
      }
      foot.replaceChildren(...parts);
    };

    // ---- terms
    const splitWords = (q) => {
      const parts = q.trim().split(/(?:^|\s)([+\-−–])\s+/);
      const signs = ["+"],
        texts = [parts[0]];
      for (let i = 1; i < parts.length; i += 2) {
        signs.push(parts[i]);
        texts.push(parts[i + 1]);
      }
      return texts.map((text, i) => {
        const match = text.trim().match(/^(\d+(?:\.\d+)?):\s*(?=\S)/);
        return { sign: signs[i] === "+" ? 1 : -1, weight: match ? Number(match[1]) : 1, words: text.trim()
            .slice(match ? match[0].length : 0) };
      }).filter((term) => term.words);
    };
    const joinWords = (terms) =>
      terms.map((term, i) =>
        `${term.sign < 0 ? "- " : i ? "+ " : ""}${term.weight === 1 ? "" : `${term.weight}:`}${term.words}`).join(
        " ");
    const like = (id) => {
      ask.q = field.value.trim();
      ask.like = [...ask.like.filter((term) => term.id !== id), { id, sign: 1 }];
      changed();
      window.scrollTo({ top: 0 });
    };
    const addFile = async (picture) => {
      notice.replaceChildren();
      form.classList.add("g-sending");
      const answer = await g.upload(picture);
      form.classList.remove("g-sending");
      if (answer.error) return notice.replaceChildren(g.notice(answer.error));
      ask.q = field.value.trim();
      ask.pictures = [...ask.pictures, { token: answer.picture, sign: 1, name: picture.name && picture
          .name !== "image.png" ? picture.name : "your picture" }];
      changed();
    };

    // ---- the inspector
    let origin = null;
    const mark = () => grid.querySelectorAll(".g-card").forEach((c) => c.classList.toggle("g-open", c.dataset
      .id === open));
    const close = () => {
      open = null;
      inspector.hidden = true;
      mark();
      origin?.isConnected && origin.focus();
    };
    const inspect = async (hit, from) => {
      if (open === hit.id) return close();
      open = hit.id;
      origin = from;
      mark();
      const collection = shown.collection;
      const answer = await g.ask(server.inspect, { collection, id: hit.id });
      if (open !== hit.id) return;
      const shut = g.node("button", { type: "button", class: "g-icon-button", "aria-label": "Close",
        title: "Close", onclick: close }, g.icon("close"));
      if (answer.error) {
        inspector.replaceChildren(shut, g.notice(answer.error));
      } else {
        const { facts, columns } = answer;
        const rank = shown.hits.findIndex((h) => h.id === hit.id) + 1;
        const size = facts.bytes > 1e6 ? `${(facts.bytes / 1e6).toFixed(1)} MB` :
          `${Math.max(1, Math.round(facts.bytes / 1e3))} kB`;
        const rows = [
          hit.score !== null && ["Score", `${g.score(hit.score)}, rank ${rank}`],
          ["File", facts.path],
          ["Size", `${facts.width} × ${facts.height}, ${size}`],
          facts.date && ["Date", facts.date],
          ...Object.entries(columns).map(([name, value]) => [name[0].toUpperCase() + name.slice(1), value]),
        ].filter(Boolean);
        inspector.replaceChildren(
          shut,
          g.node("img", { class: "g-preview", src: g.media(collection, hit.id), alt: facts.caption || facts
              .file }),
          g.node("h2", { text: facts.caption || facts.file }),
          g.node("dl", {}, ...rows.flatMap(([name, value]) => [g.node("dt", { text: name }), g.node(
          "dd", { text: value })])),
          g.node("div", { class: "g-actions" },
            g.button("like", "More like this", () => like(hit.id), { id: "inspect-like" }),
            g.button("tag", "Classify this", () => g.classify({ id: hit.id, collection, name: facts
                .caption || facts.file }), { id: "inspect-classify" })),
        );
      }
      inspector.hidden = false;
      if (matchMedia("(max-width: 800px)").matches) shut.focus();
    };

    // ---- what happens
    g.droppable(element, addFile);
    document.addEventListener("paste", (event) => {
      const picture = g.pasted(event);
      if (picture && g.whichTab() === "search") {
        event.preventDefault();
        addFile(picture);
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
      if (event.key === "Escape" && open) close();
    });
    window.addEventListener("gelato:address", ({ detail }) => {
      if (detail.tab !== "search") return;
      read();
      run();
    });
    let seen = "";
    window.addEventListener("gelato:state", ({ detail }) => {
      if (!detail.collection) return shown ? undefined : draw({ error: detail.error });
      drawChips(detail.chips);
      drawFoot(detail);
      const now = `${detail.collection} ${detail.revision}`;
      if (seen && detail.changed) {
        ask.like = [];
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
})();
