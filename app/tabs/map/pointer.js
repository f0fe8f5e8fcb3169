// How the map is taken hold of: mouse, fingers, wheel and keys.

// act: { draw(all), choose(rows, ring), look(at), leave(), nearest(at, times) }; state as the painter's, with lassoing.
export const mapHand = (over, points, camera, state, act) => {
  const at = (event) => {
    const box = over.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const held = new Map(); // pointers that are down
  let pressed = null;
  over.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    over.setPointerCapture(event.pointerId);
    held.set(event.pointerId, at(event));
    if (held.size === 1 && (state.lassoing || event.shiftKey)) state.path = [at(event)];
    if (held.size === 2) state.path = null;
    pressed = { at: at(event), moved: false };
    act.leave();
  });
  over.addEventListener("pointermove", (event) => {
    const now = at(event);
    const last = held.get(event.pointerId);
    if (!last) return event.pointerType === "mouse" ? act.look(now) : undefined;
    if (pressed && Math.hypot(now[0] - pressed.at[0], now[1] - pressed.at[1]) > 4) pressed.moved = true;
    if (state.path) {
      const end = state.path[state.path.length - 1];
      if (Math.hypot(now[0] - end[0], now[1] - end[1]) > 3) state.path.push(now);
      act.draw(false);
    } else if (held.size === 2) {
      const other = [...held].find(([id]) => id !== event.pointerId)[1];
      const before = Math.hypot(last[0] - other[0], last[1] - other[1]),
        after = Math.hypot(now[0] - other[0], now[1] - other[1]);
      camera.pan((now[0] - last[0]) / 2, (now[1] - last[1]) / 2);
      if (before > 0) camera.zoomBy(after / before, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else if (pressed?.moved) camera.pan(now[0] - last[0], now[1] - last[1]);
    held.set(event.pointerId, now);
  });
  const lift = (event) => {
    if (!held.delete(event.pointerId)) return;
    if (state.path) {
      const ring = state.path.map(([px, py]) => camera.toMap(px, py));
      state.path = null;
      if (ring.length > 2) act.choose(points.inside(ring), ring);
      act.draw();
    } else if (pressed && !pressed.moved && event.type === "pointerup" && state.facts) {
      const i = act.nearest(at(event), event.pointerType === "mouse" ? 1 : 2);
      act.choose(i >= 0 ? [i] : []);
    }
    if (!held.size) pressed = null;
  };
  over.addEventListener("pointerup", lift);
  over.addEventListener("pointercancel", lift);
  over.addEventListener("pointerleave", () => act.leave());
  over.addEventListener("wheel", (event) => {
    event.preventDefault();
    act.leave();
    camera.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015) * (event.ctrlKey ? 4 : 1)), ...at(event));
  }, { passive: false });
  over.addEventListener("dblclick", (event) => camera.zoomBy(2, ...at(event)));
  over.addEventListener("focus", () => act.draw(false));
  over.addEventListener("blur", () => act.draw(false));
  over.addEventListener("keydown", (event) => {
    const step = (event.shiftKey ? 0.4 : 0.1) * Math.min(camera.width, camera.height);
    const does = {
      ArrowLeft: () => camera.pan(step, 0),
      ArrowRight: () => camera.pan(-step, 0),
      ArrowUp: () => camera.pan(0, step),
      ArrowDown: () => camera.pan(0, -step),
      "+": () => camera.zoomBy(1.4),
      "=": () => camera.zoomBy(1.4),
      "-": () => camera.zoomBy(1 / 1.4),
      0: camera.fit,
      Enter: () => {
        const ring = Array.from({ length: 32 }, (_, n) => camera.toMap(camera.width / 2 + camera.middle() * Math.cos(n / 16 * Math.PI),
          camera.height / 2 + camera.middle() * Math.sin(n / 16 * Math.PI)));
        const rows = points.inside(ring);
        const one = act.nearest([camera.width / 2, camera.height / 2], Infinity);
        if (rows.length || one < 0) act.choose(rows, ring);
        else act.choose([one]);
      },
      Escape: () => act.choose([]),
    } [event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    does();
  });
};
