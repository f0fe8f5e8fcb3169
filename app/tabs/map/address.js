// What the address of the page says of the map.

// { by: a column or null for the usual one, q: text, method: "pca", "umap" or "" for the best there is, like: image ids }
export function parseAddress(search) {
  const params = new URLSearchParams(search);
  return {
    by: params.get("by"),
    q: params.get("q") || "",
    method: params.get("method") || "",
    like: params.getAll("like").filter((id) => !id.startsWith("-")),
  };
}

// The parts of the address that the map writes; a text hides the column.
export const addressParts = ({ by, q, method }) => ({ by: q ? null : by, q, method });
