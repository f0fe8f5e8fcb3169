// The classify tab: the picture, its bars, and the labels of a whole collection.
(() => {
  const g = window.gelato;

  // The picture to classify. Its value goes to Python as { picture } (a token) or { id, collection }.
  g.picture = (element, props, trigger, event) => {
    const root = element.querySelector(".g-picture");
    const file = g.node("input", { type: "file", id: "classify-file", accept: "image/*",
    hidden: true, "aria-label": "Choose a picture to classify", onchange: () => { if (file.files[0]) take(file
          .files[0]);
        file.value = ""; } });
    const zone = g.node("button", { type: "button", class: "g-zone", id: "classify-zone", onclick: () => file
        .click() });
    const problem = g.node("div", { id: "classify-notice" });
    const empty = () => zone.replaceChildren(g.icon("picture"), g.node("b", { text: "Choose a picture" }), g.node(
      "span", { text: "or drop or paste one here, or take one from the search" }));
    const show = (source, name) => {
      zone.replaceChildren(g.node("img", { src: source, alt: name }), g.node("span", { class: "g-caption",
        text: name }));
      zone.setAttribute("aria-label", `${name}; choose another picture`);
      problem.replaceChildren();
    };
    const set = (value) => {
      props.value = value;
      trigger(event, value);
      g.waiting("bars");
    };
    const take = async (picture) => {
      zone.classList.add("g-sending");
      const answer = await g.upload(picture);
      zone.classList.remove("g-sending");
      if (answer.error) return problem.replaceChildren(g.notice(answer.error));
      show(`pictures/${answer.picture}.webp`, picture.name || "your picture");
      set({ picture: answer.picture });
    };
    root.append(zone, file, problem);
    empty();
    g.droppable(element, take);
    document.addEventListener("paste", (pasting) => {
      const picture = g.pasted(pasting);
      if (picture && g.whichTab() === "classify") {
        pasting.preventDefault();
        take(picture);
      }
    });
    const given = ({ id, collection, name }) => {
      g.given = null;
      show(g.media(collection, id), name);
      set({ id, collection });
    };
    window.addEventListener("gelato:classify", ({ detail }) => given(detail));
    if (g.given) given(g.given);
  };

  // Takes a picture of the collection to this tab, which Gradio only draws once it is opened.
  g.classify = (picture) => {
    g.given = picture;
    g.goTo("classify");
    window.dispatchEvent(new CustomEvent("gelato:classify", { detail: picture }));
  };

  // Marks a part of the page as waiting for its answer; passes the values of an event on.
  g.waiting = (id, values) => {
    document.getElementById(id)?.setAttribute("aria-busy", "true");
    return values;
  };

  const line = (name, share, number, kind = "") =>
    g.node("div", { class: `g-row ${kind}` }, g.node("span", { class: "g-row-name", text: name, title: name }), g
      .node("span", { class: "g-row-bar" }, g.node("i", { style: { width: `${100 * share}%` } })), g.node(
      "span", { class: "g-row-number", text: number }));

  g.bars = (element, props, watch) => {
    const root = element.querySelector(".g-bars");
    const draw = () => {
      document.getElementById("bars")?.removeAttribute("aria-busy");
      const answer = props.value;
      if (answer?.error) return root.replaceChildren(g.notice(answer.error));
      if (!answer?.bars) return root.replaceChildren(g.node("div", { class: "g-empty" }, g.node(
      "b", { text: "What is in the picture?" }), g.node(
      "p", { text: "Choose a picture and write the classes it may belong to. " +
            "Each gets a bar here, and together they make 100 %." })));
      const [first, second] = answer.bars;
      const name = first.none ? "None of these" : first.name;
      const lead = second && g.percent(first.probability - second.probability).replace("%", "points");
      const verdict = second ? `${lead} ahead of ${second.none ? "none of these" : second.name}` :
        "the only class, so it gets everything";
      root.replaceChildren(
        g.node("h2", { text: name, id: "verdict" }),
        g.node("p", { class: "g-verdict", text: `${g.percent(first.probability)}, ${verdict}` }),
        ...answer.bars.slice(0, 24).map((bar, i) => line(bar.none ? "none of these" : bar.name, bar
          .probability, g.percent(bar.probability), i ? "" : "g-first")),
        answer.bars.length > 24 && g.node("p", { class: "g-aside",
          text: `and ${answer.bars.length - 24} more, each less likely` }) || "",
        g.node("p", { class: "g-aside",
          text: `By ${answer.encoder}. Not calibrated: how sure it is, not how often it is right.` }),
      );
    };
    watch("value", draw);
    draw();
  };

  g.labels = (element, props, server, watch) => {
    const root = element.querySelector(".g-labels");
    let chosen = null,
      order = "sure",
      drawn = "";

    const draw = () => {
      document.getElementById("labels")?.removeAttribute("aria-busy");
      const answer = props.value;
      if (!answer) return;
      if (answer.error) return root.replaceChildren(g.notice(answer.error));
      const params = new URLSearchParams(location.search);
      if (params.get("tab") === "classify" && params.get("job") !== answer.job) {
        params.set("job", answer.job);
        history.replaceState(history.state, "", `${location.pathname}?${params}`);
      }
      if (answer.state === "running") {
        drawn = "";
        const share = answer.total ? answer.done / answer.total : 0;
        return root.replaceChildren(g.node("div", { class: "g-job", role: "status" }, g.node("p", { text: answer
            .done ? `Labelled ${g.count(answer.done)} of ${g.pictures(answer.total)}` :
            "Reading the classes" }), g.node("div", { class: "g-progress" }, g.node(
        "i", { style: { width: `${Math.max(3, 100 * share)}%` } }))));
      }
      if (drawn === answer.job) return;
      drawn = answer.job;
      chosen = null;
      finished(answer);
    };

    const finished = (answer) => {
      const milliseconds = Math.max(1, Math.round(1000 * answer.seconds));
      const spent = answer.seconds < 1 ? `${milliseconds} ms` : `${answer.seconds.toFixed(1)} s`;
      const total = answer.classes.reduce((sum, c) => sum + c.pictures, 0);
      const most = Math.max(1, ...answer.classes.map((c) => c.pictures));
      const grid = g.arrows(g.node("div", { class: "g-grid", id: "label-grid" }));
      const head = g.node("div", { class: "g-results-head" });
      const more = g.button(null, "Show 60 more", () => fill(true), { class: "g-button g-more", hidden: true });
      const rows = answer.classes.map((c) => {
        const name = c.none ? "none of these" : c.name;
        const row = g.node("button", { type: "button", class: "g-class", "data-label": c
          .name, "aria-label": `${name}, ${g.pictures(c.pictures)}`, disabled: !c.pictures,
        onclick: () => pick(c) }, line(name, c.pictures / most, g.count(c.pictures)));
        return row;
      });
      let offset = 0;
      const fill = async (further) => {
        if (!further) offset = 0;
        grid.setAttribute("aria-busy", "true");
        const page = await g.ask(server.labelled, { job: answer.job, label: chosen.name, order, offset });
        grid.removeAttribute("aria-busy");
        if (page.error) return grid.replaceChildren(g.notice(page.error));
        const cards = page.hits.map((hit) => g.card(hit, page.collection, {
          share: hit.score,
          score: g.percent(hit.score),
          note: hit.runnerUp ? `then ${hit.runnerUp}` : "",
          onpick: (h) => g.classify({ id: h.id, collection: page.collection, name: h.name }),
        }));
        further ? grid.append(...cards) : grid.replaceChildren(...cards);
        offset += page.hits.length;
        more.hidden = offset >= page.total;
      };
      const pick = (c) => {
        chosen = c;
        rows.forEach((row) => row.setAttribute("aria-pressed", row.dataset.label === c.name));
        const way = (key, label) => g.node("button", { type: "button",
        class: "g-way", "aria-pressed": order === key, text: label, onclick: () => { order = key;
            pick(c); } });
        head.replaceChildren(
          g.node("p", { class: "g-status" }, g.node("b", { text: c.none ? "none of these" : c.name }),
            ` · ${g.pictures(c.pictures)}`),
          g.node("div", { class: "g-ways", role: "group", "aria-label": "Order" }, way("sure",
            "Surest first"), way("close", "Closest calls first")));
        fill(false);
      };
      root.replaceChildren(
        g.node("div", { class: "g-results-head g-labels-head" },
          g.node("p", { class: "g-status", id: "labels-status" }, g.node("b", { text: g.pictures(total) }),
            ` labelled in ${spent}`),
          g.node("a", { class: "g-button", id: "labels-csv",
            href: `labels/${encodeURIComponent(answer.job)}.csv`, download: "labels.csv" }, g.icon(
            "download"), g.node("span", { text: "Download CSV" }))),
        g.node("div", { class: "g-labels-split" }, g.node("div", { class: "g-classes", id: "label-counts" },
          ...rows), g.node("div", { class: "g-main" }, head, grid, more)));
      const first = answer.classes.find((c) => c.pictures);
      if (first) pick(first);
    };
    watch("value", draw);
    draw();
  };
})();
