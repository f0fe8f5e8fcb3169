// The probe tab: five questions to an encoder, each asked of images that one can see and change.
import * as g from "../../ui/ui.js";

const PROBES = {
  pairs: ["Two by two",
    "Two images, two captions made of the same words: an encoder that understands who does what to whom gives each image its own caption. One that only counts words cannot, since both captions are one to it (Winoground, Thrush et al. 2022)."
  ],
  order: ["Word order",
    "The same words in other orders, scored against one image. Where the original is not clearly first, the encoder reads the caption as a bag of words."
  ],
  colour: ["Colour",
    "Which colour does the encoder give a thing? By the words alone it can only answer with the usual one; shown a purple lemon it should answer purple, and it answers yellow where the habit of words is stronger than the pixels (“When are Lemons Purple?”, Yamada et al. 2023)."
  ],
  written: ["Words on an image",
    "A word is written on the image and the labels are asked again. An encoder that has learnt to read may believe the writing more than what is shown."
  ],
  phrasing: ["Phrasing",
    "One image, a few labels, 28 phrasings: the bare word and every third of CLIP's 80 templates. Where the dots of two labels overlap, the answer depends on how one asks; averaging the phrasings, as Classify can, steadies it."
  ],
};
const PAINTS = { words: "words alone", natural: "usual colour", grey: "grey", wrong: "wrong colour" };
const KINDS = { "original": "as written", "swap nouns": "nouns swapped", "swap adjectives": "descriptions swapped",
  "reverse": "reversed", "drop relation words": "relation words dropped", "shuffle": "shuffled" };

export const probe = (element, server) => {
  let ask = { probe: "pairs", kind: "colour swap", i: 0, own: false, caption: "", paint: "words", object: "", word: "",
    labels: "" };
  let facts = null;
  let image = null; // { id, name } or { token, name }
  let pair = [null, null]; // one's own images
  let captions = ["", ""];
  let turn = 0;

  const root = element.querySelector(".g-probe");
  const ways = g.node("div", { class: "g-ways g-probe-ways", role: "group", "aria-label": "Probes" });
  const lead = g.node("p", { class: "g-probe-lead", id: "probe-lead" });
  const notice = g.node("div", { id: "probe-notice" });
  const controls = g.node("div", { class: "g-probe-controls", id: "probe-controls" });
  const result = g.node("div", { class: "g-probe-result", id: "probe-result", "aria-live": "polite" });
  root.append(ways, lead, controls, notice, result);

  // ---- the address
  const read = () => {
    const params = new URLSearchParams(location.search);
    const probe = params.get("probe");
    if (probe in PROBES) ask.probe = probe;
    if (params.get("pair") in { "colour swap": 1, "relation swap": 1, "role swap": 1, "count swap": 1 }) ask.kind =
      params.get("pair");
    if (params.has("i")) ask.i = Math.abs(parseInt(params.get("i"), 10)) || 0;
    if (params.get("paint") in PAINTS) ask.paint = params.get("paint");
    for (const key of ["caption", "word", "labels", "object"])
      if (params.has(key)) ask[key] = params.get(key);
    if (params.get("image")) image = { id: params.get("image"), name: "the chosen image" };
  };
  const write = () => {
    const parts = { pairs: ["kind", "i"], order: ["caption"], colour: ["paint", "object"], written: ["word", "labels"],
      phrasing: ["labels"] } [ask.probe];
    const none = { pair: null, i: null, caption: null, paint: null, object: null, word: null, labels: null, image: null };
    const told = Object.fromEntries(parts.map((part) => [part === "kind" ? "pair" : part, ask[part]]));
    const shown = ask.probe === "pairs" ? {} : { image: image?.id };
    g.readdress("probe", { ...none, ...told, ...shown, probe: ask.probe });
  };

  // ---- asking
  const load = async () => {
    const answer = await g.request(server.start, { collection: g.collection() });
    if (answer.error) return notice.replaceChildren(g.notice(answer.error));
    const other = facts && facts.collection !== answer.collection;
    facts = answer;
    if (other || !image) image = image && !other ? image : facts.samples[0] || null;
    show();
  };
  const put = async (question, settings, draw) => {
    const mine = ++turn;
    result.setAttribute("aria-busy", "true");
    if (g.session.state?.encoder?.state === "loading") notice.replaceChildren(g.notice(
      "The encoder is being loaded; the answer comes as soon as it is there."));
    const answer = await g.request(question, { collection: g.collection(), ...settings });
    if (mine !== turn) return;
    result.removeAttribute("aria-busy");
    notice.replaceChildren();
    if (answer.error) {
      if (!answer.lost) result.replaceChildren();
      return notice.replaceChildren(g.notice(answer.error));
    }
    write();
    draw(answer);
  };
  const given = () => (image ? { image: { id: image.id, token: image.token } } : {});
  const ASK = {
    pairs: () => ask.own ? askOwn() : put(server.bundled, { kind: ask.kind, i: ask.i }, drawPair),
    order: () => put(server.order, ask.caption ? { ...given(), caption: ask.caption } : { i: ask.i }, drawOrder),
    colour: () => put(server.colours, ask.paint === "own" ? { ...given(), object: ask.object } : { paint: ask.paint },
      drawColours),
    written: () => put(server.written, { ...given(), word: ask.word || "iPod", labels: ask.labels }, drawWritten),
    phrasing: () => put(server.phrased, { ...given(), labels: ask.labels }, drawPhrased),
  };
  const askOwn = () => {
    if (pair.every(Boolean) && captions.every(Boolean)) return put(server.pair, { images: pair, captions }, drawPair);
    turn++;
    notice.replaceChildren();
    result.replaceChildren(g.node("p", { class: "g-aside", text:
        "Choose two images and write a caption for each; use the same words in both to make it hard." }));
  };

  // ---- controls
  const way = (name, label, on, act, settings = {}) => g.node("button", { type: "button", class: "g-way", text: label,
    "aria-pressed": String(on), onclick: act, ...settings });
  const field = (id, label, value, placeholder, act) => {
    const input = g.node("input", { type: "text", class: "g-field", id, value, placeholder, "aria-label": label,
      maxlength: "500", autocomplete: "off", spellcheck: "false" });
    return g.node("form", { class: "g-map-ask", onsubmit: (event) => {
        event.preventDefault();
        act(input.value.trim());
      } }, input, g.node("button", { type: "submit", class: "g-go", text: "Ask" }));
  };
  const source = (one) => (one.data || (one.token ? `images/${one.token}.webp` : g.media(facts.collection, one.id)));
  // The chosen image, images of the collection to choose from, and a way to bring one's own.
  const chooser = (chosen, act, label) => {
    const file = g.node("input", { type: "file", accept: "image/*", hidden: true, "aria-label": label, onchange: () => {
        if (file.files[0]) send(file.files[0], act);
        file.value = "";
      } });
    const current = chosen && g.node("img", { class: "g-probe-image", src: source(chosen), alt: chosen.name });
    return g.node("div", { class: "g-probe-chooser" }, current || g.node("div", { class: "g-probe-image" }), g.node(
      "div", { class: "g-compare-asked" }, g.node("button", { type: "button", class: "g-button g-small",
        onclick: () => file.click() }, g.icon("image"), g.node("span", { text: label })), file, ...facts.samples.map((
        hit) => g.node("button", { type: "button", class: "g-compare-sample", title: hit.name,
        "aria-label": `Ask about ${hit.name}`, "aria-pressed": String(chosen?.id === hit.id), onclick: () => act(
          hit) }, g.node("img", { src: g.media(facts.collection, hit.id), alt: "", loading: "lazy" })))));
  };
  const send = async (file, act) => {
    const answer = await g.upload(file);
    if (answer.error) return notice.replaceChildren(g.notice(answer.error));
    act({ token: answer.image, name: file.name || "your image" });
  };
  const take = (one) => {
    image = one;
    if (ask.probe === "colour" && ask.paint !== "own") ask.paint = "own";
    if (ask.probe === "written" || ask.probe === "phrasing") ask.labels = "";
    show();
  };
  const CONTROLS = {
    pairs: () => [
      g.node("div", { class: "g-probe-row" }, g.node("div", { class: "g-ways", role: "group", "aria-label": "Pairs" },
          ...facts.kinds.map((kind) => way(kind, kind, !ask.own && kind === ask.kind, () => {
            Object.assign(ask, { kind, i: 0, own: false });
            show();
          })), way("own", "your own", ask.own, () => {
            ask.own = true;
            show();
          }, { id: "probe-own" })),
        !ask.own && g.button(null, "Another pair", () => {
          ask.i++;
          show();
        }, { id: "probe-next", class: "g-button g-filled" })),
      ...(ask.own ? [g.node("div", { class: "g-probe-two" }, ...[0, 1].map((k) => g.node("div", {}, chooser(pair[k], (
        one) => {
        pair[k] = { id: one.id, token: one.token, name: one.name };
        show();
      }, k ? "Second image" : "First image"), field(`probe-caption-${k}`, k ? "Second caption" :
        "First caption", captions[k], k ? "a red ball on a blue box" : "a blue ball on a red box", (text) => {
          captions[k] = text;
          const other = root.querySelector(`#probe-caption-${1 - k}`);
          if (other) captions[1 - k] = other.value.trim();
          askOwn();
        }))))] : []),
    ],
    order: () => [g.node("div", { class: "g-probe-row" }, g.button(null, "A bundled scene", () => {
      Object.assign(ask, { caption: "", i: ask.i + 1 });
      show();
    }, { id: "probe-scene", class: "g-button g-filled" })), chooser(ask.caption ? image : null, (one) => {
      image = one;
      ask.caption = root.querySelector("#probe-caption").value.trim() || "a small dog on a large red sofa";
      show();
    }, "Your image"), field("probe-caption", "Caption", ask.caption, "what the image shows, in a sentence", (text) => {
      ask.caption = text;
      show();
    })],
    colour: () => [g.node("div", { class: "g-probe-row" }, g.node("div", { class: "g-ways", role: "group",
        "aria-label": "How the things are shown" }, ...Object.entries(PAINTS).map(([paint, label]) => way(paint, label,
        paint === ask.paint, () => {
          ask.paint = paint;
          show();
        })), way("own", "your own image", ask.paint === "own", () => {
        ask.paint = "own";
        show();
      }, { id: "probe-own-colour" }))),
      ...(ask.paint === "own" ? [chooser(image, take, "Your image"), field("probe-object", "What the image shows",
        ask.object, "what the image shows: lemon", (text) => {
          ask.object = text;
          ASK.colour();
        })] : [])
    ],
    written: () => [chooser(image, take, "Your image"), g.node("div", { class: "g-probe-two" }, field("probe-word",
      "Word to write", ask.word || "iPod", "iPod", (text) => {
        ask.word = text;
        ASK.written();
      }), field("probe-labels", "Labels", ask.labels, "labels, with commas; left empty, what fits best", (text) => {
      ask.labels = text;
      ASK.written();
    }))],
    phrasing: () => [chooser(image, take, "Your image"), field("probe-labels", "Labels", ask.labels,
      "one to six labels, with commas; left empty, what fits best", (text) => {
        ask.labels = text;
        ASK.phrasing();
      })],
  };
  const show = () => {
    ways.replaceChildren(...Object.entries(PROBES).map(([name, [label]]) => way(name, label, name === ask.probe, () => {
      ask.probe = name;
      ask.labels = "";
      result.replaceChildren();
      show();
    }, { id: `probe-${name}` })));
    lead.textContent = PROBES[ask.probe][1];
    if (!facts) return;
    controls.replaceChildren(...CONTROLS[ask.probe]().filter(Boolean));
    if (ask.probe === "colour" && ask.paint === "own" && !ask.object) {
      turn++;
      return result.replaceChildren();
    }
    ASK[ask.probe]();
  };

  // ---- drawing
  const chip = (name, won) => g.node("span", { class: `g-verdict-chip ${won ? "g-won" : "g-lost"}` }, g.icon(won ?
    "check" : "close"), g.node("b", { text: name }), g.node("span", { text: won ? "won" : "lost" }));
  const SAID = "Every image finds its caption and every caption its image.";
  const drawPair = ({ scores, wins, says, ...answer }) => {
    const shown = answer.images || pair.map(source);
    const flat = scores.flat();
    const low = Math.min(...flat),
      high = Math.max(...flat);
    const cell = (p, c) => {
      const row = scores[p][c] - scores[p][1 - c] > 1e-6,
        column = scores[p][c] - scores[1 - p][c] > 1e-6;
      const arrows = [row && ["→", "the better caption of this image"], column && ["↓",
        "the better image of this caption"
      ]].filter(Boolean);
      return g.node("td", { class: `g-pair-cell ${p === c ? "g-right" : ""}`, style: {
          "--share": `${high > low ? 8 + 62 * (scores[p][c] - low) / (high - low) : 8}%` } }, g.node("b", {
        text: g.score(scores[p][c]) }), g.node("span", { text: arrows.map(([sign]) => sign).join(" "), title: arrows
          .map(([, text]) => text).join("; ") }));
    };
    const bars = g.node("div", { class: "g-pair-bars", id: "probe-bars" });
    result.replaceChildren(
      g.node("div", { class: "g-pair" }, g.node("table", { class: "g-pair-table" }, g.node("thead", {}, g.node("tr", {},
          g.node("td"), ...answer.captions.map((caption) => g.node("th", { scope: "col", text: `“${caption}”` })))), g
        .node("tbody", {}, ...[0, 1].map((p) => g.node("tr", {}, g.node("th", { scope: "row" }, g.node("img", {
          src: shown[p], alt: p ? "the second image" : "the first image" })), cell(p, 0), cell(p, 1))))), g.node(
        "div", { class: "g-pair-side" }, g.node("div", { class: "g-verdicts", id: "probe-verdicts" }, ...["text",
          "image", "group"
        ].map((name) => chip(name, wins[name]))), g.node("p", { id: "probe-said", text: wins.group ? SAID :
            says.join(" ") }), g
        .node("p", { class: "g-aside", text:
            "Text: each image scores its own caption higher. Image: each caption scores its own image higher. Group: both. Chance 25, 25 and 16.7 %. Right pairs are outlined; → marks the better caption of an image, ↓ the better image of a caption." }),
        bars)));
    if (!ask.own) drawBars(bars);
  };
  const known = {};
  const drawBars = async (bars) => {
    const who = `${g.collection()} ${facts.encoder}`;
    known[who] = known[who] || g.request(server.bars, { collection: g.collection() });
    const answer = await known[who];
    if (answer.error) {
      delete known[who];
      return;
    }
    const kinds = Object.entries(answer.kinds);
    bars.replaceChildren(g.node("h3", { text: `${facts.encoder} on ${answer.pairs} bundled pairs of each kind` }), g
      .node("table", { class: "g-pair-known" }, g.node("thead", {}, g.node("tr", {}, g.node("td"), ...["text", "image",
        "group"
      ].map((name) => g.node("th", { scope: "col", text: name })))), g.node("tbody", {}, ...kinds.map(([kind,
        figures]) => g.node("tr", {}, g.node("th", { scope: "row", text: kind }), ...["text", "image", "group"].map((
        name) => {
        const { value, low, high } = figures[name];
        return g.node("td", { title: `95 % interval ${g.percent(low)} to ${g.percent(high)}` }, g.node("span", {
          class: "g-interval", "aria-hidden": "true" }, g.node("i", { style: { left: `${100 * low}%`,
            width: `${Math.max(1, 100 * (high - low))}%` } }), g.node("b", { style: { left: `${100 * value}%` } }),
          g.node("u", { style: { left: `${100 * answer.chance[name]}%` } })), g.node("span", { text: `${Math.round(
          100 * value)} %` }));
      }))))), g.node("p", { class: "g-aside", text:
          "Bars are 95 % intervals, the thin line is chance. These are generated scenes with known truth, not Winoground itself, whose images cannot be shipped." })
      );
  };

  const drawOrder = ({ variants, rank, image: scene, caption }) => {
    if (scene) {
      controls.querySelector(".g-probe-image").replaceWith(g.node("img", { class: "g-probe-image", src: scene,
        alt: caption }));
      controls.querySelector("#probe-caption").value = caption;
    }
    const scores = variants.map((v) => v.score);
    const low = Math.min(...scores),
      high = Math.max(...scores);
    const at = (score) => (high > low ? 100 * (score - low) / (high - low) : 50);
    const lanes = Object.keys(KINDS).filter((kind) => variants.some((v) => v.kind === kind));
    const place = (n) => `${n}${n % 100 >= 11 && n % 100 <= 13 ? "th" : ["th", "st", "nd", "rd"][n % 10] || "th"}`;
    result.replaceChildren(
      g.node("h2", { id: "probe-rank", text: rank === 1 ? `As written, it is 1st of ${variants.length}` :
          `As written, it is only ${place(rank)} of ${variants.length}` }),
      g.node("div", { class: "g-probe-strip", role: "img", "aria-label":
          `Scores from ${g.score(low)} to ${g.score(high)}; as written ${g.score(variants.find((v) => v.kind === "original").score)}` },
        ...lanes.map((kind) => g.node("div", { class: `g-probe-strip-lane ${kind === "original" ? "g-original" : ""}` }, g
          .node("span", { text: KINDS[kind] }), g.node("div", { class: "g-probe-strip-dots" }, ...variants.filter((v) => v
            .kind === kind).map((v) => g.node("i", { style: { left: `${at(v.score)}%` },
            title: `${g.score(v.score)} ${v.text}` }))))),
        g.node("div", { class: "g-probe-strip-lane g-probe-strip-axis" }, g.node("span"), g.node("div", {}, g.node("span", {
          text: g.score(low) }), g.node("span", { text: g.score(high) })))),
      g.node("ol", { class: "g-variants" }, ...variants.map((v) => g.node("li", { class: v.kind === "original" ?
          "g-original" : "" }, g.node("span", { class: "g-score", text: g.score(v.score) }), g.node("span", {
        text: v.text }), g.node("small", { text: KINDS[v.kind] })))));
  };

  const drawColours = ({ colours, swatches, rows, usual, paint, object }) => {
    result.replaceChildren(
      ...(usual !== undefined ? [g.node("h2", { id: "probe-colour-said", text: paint === "words" ?
          `Asked by words alone, it gives the usual colour ${g.percent(usual)} of its belief` :
          `Shown in ${{ natural: "the usual colour", grey: "grey", wrong: "a wrong colour" }[paint]}, it gives the usual colour ${g.percent(usual)} of its belief` })] :
        [g.node("h2", { id: "probe-colour-said", text: `Which colour is this ${object}?` })]),
      g.node("div", { class: "g-scroll" }, g.node("table", { class: "g-colour-table" }, g.node("thead", {}, g.node("tr", {},
          g.node("td"), ...colours.map((name) => g.node("th", { scope: "col" }, g.node("i", { style: {
              background: swatches[name] } }), g.node("span", { text: name }))))),
        g.node("tbody", {}, ...rows.map((row) => {
          const best = row.probabilities.indexOf(Math.max(...row.probabilities));
          return g.node("tr", {}, g.node("th", { scope: "row" }, g.node("div", {}, row.image ? g.node("img", {
            src: row.image, alt: "" }) : null, g.node("span", { text: row.name }))), ...row.probabilities.map((p, c) => g.node("td", {
            class: [c === best ? "g-best" : "", colours[c] === row.usual ? "g-usual" : "", colours[c] === row
              .painted ? "g-painted" : ""
            ].join(" "), style: { "--share": `${Math.round(100 * p)}%` }, title: `${row.name}: ${colours[c]} ${g
              .percent(p)}` }, g.node("span", { text: `${Math.round(100 * p)}` }))));
        })))),
      g.node("p", { class: "g-aside", text: rows[0].usual ?
          "Percent of belief, each row adds up to 100; chance is an eighth. Outlined: the usual colour. Underlined: the colour that is painted. Bold: the answer." :
          "Percent of belief, each row adds up to 100. The same image with its hues turned round the circle: an encoder that looks at the pixels changes its answer." })
      );
  };

  const drawWritten = ({ rows, word, image: attacked, labels }) => {
    const input = root.querySelector("#probe-labels");
    if (input && !input.value) input.placeholder = labels;
    const best = (key) => rows.reduce((a, b) => (b[key] > a[key] ? b : a)).label;
    const before = best("before"),
      after = best("after");
    result.replaceChildren(
      g.node("h2", { id: "probe-written-said", text: before === after ?
          `“${before}” before and after: the writing does not fool it` : after === word ?
          `“${before}” becomes “${after}”: it believes the writing` : `“${before}” becomes “${after}”` }),
      g.node("div", { class: "g-written" }, g.node("figure", {}, g.node("img", { src: source(image), alt: image
            .name }), g.node("figcaption", { text: "before" })), g.node("figure", {}, g.node("img", { src: attacked,
          alt: `the same with “${word}” written on it` }), g.node("figcaption", { text: "after" })),
        g.node("div", { class: "g-written-bars" }, ...rows.map((row) => g.node("div", { class: "g-written-row" }, g.node(
          "span", { class: "g-row-name", text: row.label, title: row.label }), ...["before", "after"].map((key) => g
          .node("span", { class: `g-row-bar g-${key}`, title: `${key}: ${g.percent(row[key])}` }, g.node("i", {
            style: { width: `${100 * row[key]}%` } }))), g.node("span", { class: "g-row-number",
          text: `${Math.round(100 * row.before)} → ${Math.round(100 * row.after)} %` }))))));
  };

  const drawPhrased = ({ labels, templates, scores, wins }) => {
    const flat = scores.flat();
    const low = Math.min(...flat),
      high = Math.max(...flat);
    const at = (score) => (high > low ? 100 * (score - low) / (high - low) : 50);
    const most = wins.indexOf(Math.max(...wins));
    const spread = (row) => Math.max(...row) - Math.min(...row);
    result.replaceChildren(
      g.node("h2", { id: "probe-phrased-said", text: labels.length === 1 ?
          `The phrasing moves the score of “${labels[0]}” by up to ${spread(scores[0]).toFixed(3)}` : wins[most] ===
          templates.length ? `“${labels[most]}” wins in every one of ${templates.length} phrasings` :
          `“${labels[most]}” wins in ${wins[most]} of ${templates.length} phrasings` }),
      g.node("div", { class: "g-probe-strip" }, ...labels.map((label, l) => g.node("div", { class:
          `g-probe-strip-lane ${l === most ? "g-original" : ""}` }, g.node("span", { text: label }), g.node("div", {
          class: "g-probe-strip-dots" }, ...scores[l].map((score, t) => g.node("i", { style: { left: `${at(score)}%` },
          title: `${g.score(score)} ${templates[t].replace("…", label)}` }))))),
        g.node("div", { class: "g-probe-strip-lane g-probe-strip-axis" }, g.node("span"), g.node("div", {}, g.node("span", {
          text: g.score(low) }), g.node("span", { text: g.score(high) })))),
      g.node("details", { class: "g-map-table" }, g.node("summary", { text: `The ${templates.length} phrasings as a table` }),
        g.node("table", {}, g.node("thead", {}, g.node("tr", {}, g.node("th", { scope: "col", text: "Phrasing" }), ...
          labels.map((label) => g.node("th", { scope: "col", text: label })))), g.node("tbody", {}, ...templates.map((
          template, t) => g.node("tr", {}, g.node("th", { scope: "row", text: template }), ...scores.map((row) => g
          .node("td", { text: g.score(row[t]) }))))))));
  };

  // ---- what happens
  g.droppable(element, (file) => ask.probe === "pairs" ? undefined : send(file, take));
  document.addEventListener("paste", (event) => {
    const pasted = g.pasted(event);
    if (pasted && g.whichTab() === "probe" && ask.probe !== "pairs") {
      event.preventDefault();
      send(pasted, take);
    }
  });
  g.onAddress((tab) => {
    if (tab !== "probe") return;
    read();
    facts && facts.collection === g.collection() ? show() : load();
  });
  let seen = "";
  g.onState((detail) => {
    if (detail.collection === seen || g.whichTab() !== "probe") return;
    seen = detail.collection;
    load();
  });
  read();
  show();
  if (g.session.state) {
    seen = g.session.state.collection;
    load();
  }
};
