// Marks a part of the page as waiting for its answer; passes the values of an event on.
export const busy = (id, values) => {
  document.getElementById(id)?.setAttribute("aria-busy", "true");
  return values;
};

let awaited = false; // somebody pressed the button and waits for the labels

const scrollToLabels = () => {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.getElementById("labels").scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
};

// The same for the labels of the collection, which lie below the form: they come into view, and get the focus.
export const awaitLabels = (values) => {
  awaited = true;
  const labels = document.getElementById("labels");
  labels.tabIndex = -1;
  labels.focus({ preventScroll: true });
  scrollToLabels();
  return busy("labels", values);
};

// To be called when labels are drawn: only now is the page long enough to scroll to them.
export const labelsDrawn = () => {
  if (awaited) scrollToLabels();
  awaited = false;
};
