// What the answers look like: Fastify compiles a serializer from each.

const integer = { type: 'integer' };
const string = { type: 'string' };

function answers(status, properties) {
  return { response: { [status]: { type: 'object', properties } } };
}

export const item = answers(200, {
  id: integer,
  name: string,
  category: string,
  description: string,
  price_cents: integer,
  stock: integer,
});

export const itemPage = answers(200, {
  items: { type: 'array', items: { type: 'object', properties: { id: integer, name: string, price_cents: integer } } },
  page: integer,
  total: integer,
});

export const price = answers(200, {
  id: integer,
  price_cents: integer,
  discount_percent: integer,
  final_cents: integer,
});

export const order = answers(201, { id: integer, total_cents: integer });

export const checksum = answers(200, { sha256: string, bytes: integer });
