// Swipes of one finger: to the left or right for another image, up for what is known of it, down from the top to close.

const FAR = 60; // pixels from which a movement is a swipe

// The direction of a movement in pixels, "" if it is none. atTop: whether the panel is scrolled to its top.
const swipeDirection = (dx, dy, atTop) => {
  if (Math.abs(dx) > FAR && Math.abs(dx) > 2 * Math.abs(dy)) return dx < 0 ? "left" : "right";
  if (-dy > FAR && -dy > 2 * Math.abs(dx)) return "up";
  return atTop && dy > FAR && dy > 2 * Math.abs(dx) ? "down" : "";
};

// actions: { left(), right(), up(), down() }, those that there are.
export const onSwipe = (panel, actions) => {
  let start = null; // where the finger came down
  const moved = (finger) => [finger.clientX - start.x, finger.clientY - start.y];
  const begin = ({ touches }) => {
    const [finger] = touches;
    start = touches.length === 1 ? { x: finger.clientX, y: finger.clientY, atTop: panel.scrollTop <= 0 } : null;
  };
  // Without this the browser may take the movement for scrolling, and then tells no more of it.
  const keep = (event) => {
    if (!start) return;
    const [dx, dy] = moved(event.touches[0]);
    if (event.cancelable && (Math.abs(dx) > Math.abs(dy) || (start.atTop && dy > 0))) event.preventDefault();
  };
  const end = ({ changedTouches }) => {
    if (!start) return;
    const direction = swipeDirection(...moved(changedTouches[0]), start.atTop);
    start = null;
    actions[direction]?.();
  };
  panel.addEventListener("touchstart", begin, { passive: true });
  panel.addEventListener("touchmove", keep, { passive: false });
  panel.addEventListener("touchend", end);
  panel.addEventListener("touchcancel", () => (start = null));
};
