// Tabs are Gradio's; the address says which one is open, and Back and Forward follow it.
(() => {
  const g = window.gelato;
  const FIRST = "search";

  const button = (name) => document.getElementById(`${name}-tab-button`);
  const nameOf = (tab) => tab.id.replace("-tab-button", "");
  const asked = () => new URLSearchParams(location.search).get("tab") || FIRST;
  g.openTab = (name) => {
    button(name)?.click();
    button(name)?.scrollIntoView({ block: "nearest", inline: "center" });
  };
  g.whichTab = () => {
    const open = [...document.querySelectorAll('#tabs [role="tab"]')].find((tab) => tab.getAttribute(
      "aria-selected") === "true");
    return open ? nameOf(open) : FIRST;
  };

  // Opens a tab by the address, so that Back returns; settings become parts of the
  // address: a list as one part each, null takes a part away.
  g.goTo = (name, settings = {}) => {
    const params = new URLSearchParams(location.search);
    params.set("tab", name);
    Object.entries(settings).forEach(([key, value]) => {
      params.delete(key);
      (Array.isArray(value) ? value : [value]).forEach((one) => one !== null && params.append(key, one));
    });
    history.pushState(history.state, "", `${location.pathname}?${params}`);
    g.openTab(name);
    window.dispatchEvent(new CustomEvent("gelato:address", { detail: { tab: name } }));
    window.scrollTo({ top: 0 });
  };

  // A tab writes down what it shows, unless the person has gone on to another one before the answer came.
  g.readdress = (tab, settings) => {
    if (asked() !== tab) return;
    const params = new URLSearchParams(location.search);
    Object.entries(settings).forEach(([key, value]) => (value === null || value === "" || value === undefined) ?
      params.delete(key) : params.set(key, value));
    history.replaceState(history.state, "", `${location.pathname}?${params}`);
  };

  // Every tab hears of a changed address and reads its own part of it.
  window.addEventListener("popstate", () => {
    const collection = new URLSearchParams(location.search).get("collection");
    g.openTab(asked());
    if (collection) window.dispatchEvent(new CustomEvent("gelato:collection", { detail: collection }));
    window.dispatchEvent(new CustomEvent("gelato:address", { detail: { tab: asked() } }));
  });

  // Once Gradio has drawn its tabs, the one that the address names is opened; clicks are written back.
  const waiting = setInterval(() => {
    if (!button(FIRST)) return;
    clearInterval(waiting);
    if (asked() !== FIRST) g.openTab(asked());
    document.querySelectorAll('#tabs [role="tab"]').forEach((tab) => tab.addEventListener("click", (event) => {
      if (!event.isTrusted) return;
      const params = new URLSearchParams(location.search);
      params.set("tab", nameOf(tab));
      history.replaceState(history.state, "", `${location.pathname}?${params}`);
      window.dispatchEvent(new CustomEvent("gelato:address", { detail: { tab: nameOf(tab) } }));
    }));
  }, 50);
})();
