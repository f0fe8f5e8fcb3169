// Marks a part of the page as waiting for its answer; passes the values of an event on.
export const busy = (id, values) => {
  document.getElementById(id)?.setAttribute("aria-busy", "true");
  return values;
};
