// What every part of the page is made of: nodes built from text, never from markup; icons; cards.
// File names and captions are other people's text, so nothing here goes through innerHTML.
window.gelato = window.gelato || {};
(() => {
  const g = window.gelato;

  g.node = (tag, settings = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(settings)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "text") node.textContent = value;
      else if (name === "style") Object.entries(value).forEach(([k, v]) => node.style.setProperty(k, v));
      else node.setAttribute(name, value === true ? (name.startsWith("aria-") ? "true" : "") : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  };

  const ICONS = {
    search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.4 15.4 20 20",
    image: "M4 5.5h16v13H4zM4 15l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9.2v.1",
    close: "M6 6l12 12M18 6 6 18",
    plus: "M12 5v14M5 12h14",
    minus: "M5 12h14",
    like: "M4 4h7v7H4zM13 13h7v7h-7zM16.5 4v6M13.5 7h6M4 16.5h7",
    link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.700l1-1",
    download: "M12 4v11M7 10.500l5 5 5-5M5 20h14",
    moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10Z",
    tag: "M4 4h7.500L20 12.500 12.500 20 4 11.500zM8 8v.1",
    unlike: "M4 4h7v7H4zM13 13h7v7h-7zM13.5 7h6M4 16.5h7",
    heat: "M12 3.500c3 4 5.500 6.500 5.500 10.500a5.500 5.500 0 0 1-11 0c0-2 1-3.500 2.500-5 .2 2 1 3 2 3.500 .3-3 .2-6 1-9Z",
    filter: "M4 6h16M7 12h10M10 18h4",
    book: "M12 6.500C9.500 5 6.500 4.700 4 5v13c2.500-.3 5.500 0 8 1.500 2.500-1.500 5.500-1.800 8-1.500V5c-2.500-.3-5.500 0-8 1.500ZM12 6.500v13",
    check: "M5 12.500l4.500 4.500L19 7.500",
    copy: "M9 9h11v11H9zM5 15V4h11",
  };
  g.icon = (name) => {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const path = document.createElementNS(space, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", "g-icon");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  };

  g.button = (icon, label, onclick, settings = {}) =>
    g.node("button", { type: "button", class: "g-button", onclick, ...settings }, icon && g.icon(icon), g.node(
      "span", { text: label }));

  g.count = (number) => Number(number).toLocaleString("en");
  g.images = (number) => `${g.count(number)} ${number === 1 ? "image" : "images"}`;
  g.score = (score) => score.toFixed(3).replace("-", "−");
  g.percent = (p) => `${(100 * p).toFixed(p > 0.9995 || p < 0.0005 ? 0 : 1)}\u2009%`;
  g.media = (collection, id) => `media/${encodeURIComponent(collection)}/${encodeURIComponent(id)}.webp`;

  // A request that went wrong on the way is not an answer of ours; the banner of the header says so too.
  g.ask = async (question, ask) => {
    const lost = { error: "The connection to Gelato is lost; trying again.", lost: true };
    try {
      return (await question(ask)) ?? lost;
    } catch {
      return lost;
    }
  };

  g.notice = (text, ...more) => g.node("div", { class: "g-notice", role: "status" }, g.node("p", { text }), ...
  more);

  g.skeletons = (number) =>
    Array.from({ length: number }, () =>
      g.node("div", { class: "g-card g-skeleton", "aria-hidden": "true" }, g.node("div", { class: "g-frame" }), g
        .node("div", { class: "g-line" })));

  // One image of a grid. share is how full its bar is, 0 to 1; null leaves the bar and the score away.
  // tools are further buttons over the image.
  g.card = (hit, collection, { share = null, score = "", onpick, onlike, note = "", tools = [] }) => {
    const image = g.node("img", { src: g.media(collection, hit.id), alt: hit.name, loading: "lazy",
      decoding: "async", draggable: "false" });
    const card = g.node("article", { class: "g-card", "data-id": hit.id });
    image.addEventListener("error", () => card.classList.add("g-gone"));
    const pick = g.node("button", { type: "button", class: "g-frame", title: hit.name, "aria-label": score ?
          `${hit.name}, ${score}` : hit.name, onclick: () => onpick(hit, pick) },
      image, g.node("span", { class: "g-missing", text: "moved or deleted" }));
    card.append(pick);
    if (onlike) {
      card.append(g.node("button", { type: "button", class: "g-like",
        title: "More like this", "aria-label": `More like this: ${hit.name}`, onclick: () => onlike(hit) }, g
        .icon("like")));
    }
    card.append(...tools);
    card.append(g.node("div", { class: "g-line" }, g.node("span", { class: "g-name", text: hit.name }), score && g
      .node("span", { class: "g-score", text: score })));
    if (share !== null) card.append(g.node("div", { class: "g-bar" }, g.node(
    "i", { style: { width: `${Math.max(2, 100 * share)}%` } })));
    if (note) card.append(g.node("div", { class: "g-note", text: note }));
    return card;
  };

  // Arrow keys move between the images of a grid.
  g.arrows = (grid) => {
    grid.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: NaN, ArrowUp: NaN } [event.key];
      if (step === undefined || !event.target.classList.contains("g-frame")) return;
      const frames = [...grid.querySelectorAll("button.g-frame")];
      const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
      const by = event.key === "ArrowDown" ? columns : event.key === "ArrowUp" ? -columns : step;
      const next = frames[frames.indexOf(event.target) + by];
      if (next) {
        next.focus();
        event.preventDefault();
      }
    });
    return grid;
  };

  // Files come in by a button, by dropping and by pasting; each is sent once and asked with by its token.
  g.upload = async (file) => {
    if (file.size > 25 * 2 ** 20)
    return { error: `${file.name} is larger than 25 MB; use a smaller copy of it.` };
    try {
      const response = await fetch("images", { method: "POST", body: file });
      return await response.json();
    } catch {
      return { error: "The image could not be sent; the connection to Gelato is lost." };
    }
  };
  g.pasted = (event) => [...(event.clipboardData?.files || [])].find((file) => file.type.startsWith("image/"));
  g.droppable = (element, take) => {
    let depth = 0;
    const over = (by) => {
      depth += by;
      element.classList.toggle("g-over", depth > 0);
    };
    element.addEventListener("dragenter", (event) => { event.preventDefault();
      over(1); });
    element.addEventListener("dragover", (event) => event.preventDefault());
    element.addEventListener("dragleave", () => over(-1));
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      over(-depth);
      const file = event.dataTransfer.files[0];
      if (file) take(file);
    });
  };

  g.copy = async (text, button) => {
    const label = button.querySelector("span");
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(text);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Copy it from the address bar";
    }
    setTimeout(() => (label.textContent = before), 1600);
  };

  g.state = null; // what the header heard last
  g.collection = () => g.state?.collection || new URLSearchParams(location.search).get("collection") || "";
})();
