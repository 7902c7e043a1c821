// An order: what a request for one must look like, and the transaction that places it.

import { ApiError, fromDatabase } from './errors.js';

const MAX_LINES = 5;
const MAX_QUANTITY = 10;
const MAX_CUSTOMER = 64; // characters
const MAX_ITEM_ID = 2 ** 31 - 1;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const utf8 = new TextDecoder('utf-8', { fatal: true });

export function parseKey(text) {
  if (!UUID.test(text)) throw new ApiError(400, 'invalid_key');
  return text;
}

/** The order in `body`, its lines by item, so that two orders lock the same items in the same order. */
export function parseOrder(body) {
  let order;
  try {
    order = JSON.parse(utf8.decode(body));
  } catch (error) {
    throw new ApiError(400, 'invalid_body', { cause: error });
  }
  if (!isOrder(order)) throw new ApiError(400, 'invalid_body');
  return { customer: order.customer, lines: order.lines.toSorted((a, b) => a.item_id - b.item_id) };
}

function isOrder(order) {
  return (
    isCustomer(order?.customer) &&
    Array.isArray(order.lines) &&
    isWhole(order.lines.length, MAX_LINES) &&
    order.lines.every((line) => isWhole(line?.item_id, MAX_ITEM_ID) && isWhole(line.quantity, MAX_QUANTITY)) &&
    new Set(order.lines.map((line) => line.item_id)).size === order.lines.length
  );
}

// NUL and half a surrogate pair: JSON can spell them, PostgreSQL has no such text.
function isCustomer(text) {
  return (
    typeof text === 'string' && isWhole([...text].length, MAX_CUSTOMER) && text.isWellFormed() && !text.includes('\0')
  );
}

function isWhole(number, high) {
  return Number.isInteger(number) && number >= 1 && number <= high;
}

/** The order as stored, and whether it was there before. */
export async function placeOrder(pool, key, fingerprint, order) {
  const client = await fromDatabase(pool.connect());
  try {
    await fromDatabase(client.query('begin'));
    const result = await fromDatabase(insert(client, key, fingerprint, order));
    await fromDatabase(client.query('commit'));
    client.release();
    return result;
  } catch (error) {
    await rollBack(client, error);
    throw error;
  }
}

async function rollBack(client, reason) {
  // After a failure of the database nobody knows what the connection is still doing.
  if (reason.code === 'database') return client.release(true);
  try {
    await client.query('rollback');
    client.release();
  } catch (error) {
    client.release(error);
  }
}

async function insert(client, key, fingerprint, order) {
  // Waits for a transaction with the same key; no row when that one has placed its order.
  const inserted = await client.query(
    `insert into orders (idempotency_key, fingerprint, customer, total_cents) values ($1, $2, $3, 0)
     on conflict (idempotency_key) do nothing returning id`,
    [key, fingerprint, order.customer],
  );
  if (inserted.rowCount === 0) return { placed: await earlier(client, key, fingerprint), replayed: true };
  const id = inserted.rows[0].id;
  let total = 0;
  for (const line of order.lines) total += await take(client, id, line);
  await client.query('update orders set total_cents = $1 where id = $2', [total, id]);
  return { placed: { id: Number(id), total_cents: total }, replayed: false };
}

async function earlier(client, key, fingerprint) {
  const { rows } = await client.query(
    'select id, total_cents, fingerprint from orders where idempotency_key = $1',
    [key],
  );
  if (rows[0].fingerprint !== fingerprint) throw new ApiError(422, 'key_reused');
  return { id: Number(rows[0].id), total_cents: Number(rows[0].total_cents) };
}

/** Takes the line's goods from the stock; what they cost, in cents. */
async function take(client, orderId, line) {
  const taken = await client.query(
    'update items set stock = stock - $1 where id = $2 and stock >= $1 returning price_cents',
    [line.quantity, line.item_id],
  );
  if (taken.rowCount === 0) {
    const known = await client.query('select 1 from items where id = $1', [line.item_id]);
    throw known.rowCount > 0 ? new ApiError(409, 'out_of_stock') : new ApiError(404, 'unknown_item');
  }
  const price = taken.rows[0].price_cents;
  await client.query(
    'insert into order_lines (order_id, item_id, quantity, price_cents) values ($1, $2, $3, $4)',
    [orderId, line.item_id, line.quantity, price],
  );
  return price * line.quantity;
}
