// JSON schemas in words.

const LIMITS = [
  ["minimum", (value) => `at least ${value}`],
  ["maximum", (value) => `at most ${value}`],
  ["maxLength", (value) => `${value} characters at most`],
  ["maxItems", (value) => `${value} entries at most`],
];

const nameOf = (reference) => reference.split("/").pop();

// A JSON schema's type in words: "string", "list of Hit", "string or null".
export const typeOf = (schema) => {
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  return schema.type === "array" ? `list of ${typeOf(schema.items || {})}` : schema.type || "anything";
};

// The bounds of a JSON schema in words.
export const limits = (schema) =>
  LIMITS.filter(([key]) => schema[key] !== undefined)
    .map(([key, text]) => text(schema[key].toLocaleString("en")))
    .join(", ");

// Type, bounds and description of a schema in one line.
export const describe = (schema) => [typeOf(schema), limits(schema), schema.description].filter(Boolean).join(" · ");

// The properties of a schema, [name, schema] each; schemas resolves references.
export const propertiesOf = (schema, schemas) =>
  Object.entries((schema?.$ref ? schemas[nameOf(schema.$ref)] : schema || {}).properties || {});

// A body to start from: the defaults of a schema's properties.
export const example = (schema, schemas) => {
  const initial = (one) => (one.default !== undefined ? one.default : one.type === "array" ? [] : "");
  return Object.fromEntries(propertiesOf(schema, schemas).map(([name, one]) => [name, initial(one)]));
};
