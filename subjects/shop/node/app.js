// The shop's routes, and what they have in common.

import { createHash } from 'node:crypto';
import fastifyStatic from '@fastify/static';
import Fastify from 'fastify';
import { Counter, Registry } from 'prom-client';
import { request as fetchFrom } from 'undici';
import { ApiError, fromDatabase } from './errors.js';
import { parseKey, parseOrder, placeOrder } from './orders.js';
import * as schema from './schema.js';

const MAX_BODY_BYTES = 64 * 1024;
const KEEP_ALIVE_MS = 75_000;
const MAX_PAGE = 10_000;
const PAGE_SIZE = 20;
const ITEMS = 1000;
const IMAGES = 8;
const READY_TIMEOUT_MS = 1000;
const THIRD_PARTY_TIMEOUT_MS = 2000;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export function buildApp(services) {
  const app = Fastify({
    logger: { level: 'warn' },
    bodyLimit: MAX_BODY_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: 1000 },
  });
  // Bodies are fingerprinted and hashed as they came.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body));
  addErrors(app);
  addMetrics(app);
  addItems(app, services);
  addPrice(app, services);
  addImage(app, services);
  addOrders(app, services);
  addChecksum(app, services);
  addHealth(app, services);
  return app;
}

function addErrors(app) {
  const codes = { FST_ERR_CTP_BODY_TOO_LARGE: 'too_large' };

  app.setErrorHandler((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 503 || status === 500) request.log.warn({ err: error.cause ?? error }, error.message);
    if (error instanceof ApiError) return reply.code(status).send({ error: error.code });
    return reply.code(status).send({ error: codes[error.code] ?? (status < 500 ? 'bad_request' : 'internal') });
  });
  app.setNotFoundHandler((request, reply) => reply.code(404).send({ error: 'not_found' }));
}

/** A route for `method`, and 405 for the others. */
function route(app, method, url, options, handler) {
  app.route({ method, url, ...options, handler });
  app.route({
    method: METHODS.filter((other) => other !== method),
    url,
    config: { unmatched: true },
    handler: (request, reply) => reply.code(405).header('allow', method).send({ error: 'method_not_allowed' }),
  });
}

function addMetrics(app) {
  const registry = new Registry();
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });

  app.addHook('onResponse', async (request, reply) => {
    const { url, config } = request.routeOptions;
    const template = url && !config.unmatched ? url.replace(/:(\w+)/g, '{$1}') : 'unmatched';
    requests.inc({ method: request.method, route: template, status: reply.statusCode });
  });
  route(app, 'GET', '/metrics', {}, async (request, reply) => {
    reply.type(registry.contentType);
    return registry.metrics();
  });
}

function itemId(text) {
  if (text === '') throw new ApiError(404, 'not_found'); // the router takes nothing for an id
  if (!/^[0-9]{1,9}$/.test(text) || Number(text) === 0) throw new ApiError(400, 'invalid_id');
  return Number(text);
}

async function findItem(pool, columns, id) {
  const { rows } = await fromDatabase(pool.query(`select ${columns} from items where id = $1`, [id]));
  if (rows.length === 0) throw new ApiError(404, 'not_found');
  return rows[0];
}

function addItems(app, { pool }) {
  route(app, 'GET', '/items/:id', { schema: schema.item }, (request) =>
    findItem(pool, 'id, name, category, description, price_cents, stock', itemId(request.params.id)),
  );

  route(app, 'GET', '/items', { schema: schema.itemPage }, async (request) => {
    const { category, page = '1' } = request.query;
    if (!/^[0-9]{1,9}$/.test(page) || page < 1 || page > MAX_PAGE) throw new ApiError(400, 'invalid_page');
    const [where, values] = category === undefined ? ['', []] : ['where category = $1', [category]];
    const counted = await fromDatabase(pool.query(`select count(*)::int as total from items ${where}`, values));
    const { rows } = await fromDatabase(
      pool.query(
        `select id, name, price_cents from items ${where} order by id limit ${PAGE_SIZE} offset $${values.length + 1}`,
        [...values, (page - 1) * PAGE_SIZE],
      ),
    );
    return { items: rows, page: Number(page), total: counted.rows[0].total };
  });
}

function addPrice(app, { pool, dispatcher, thirdPartyUrl }) {
  route(app, 'GET', '/items/:id/price', { schema: schema.price }, async (request) => {
    const { id, price_cents } = await findItem(pool, 'id, price_cents', itemId(request.params.id));
    const discount_percent = await discountOf(id);
    const final_cents = Math.floor((price_cents * (100 - discount_percent)) / 100);
    return { id, price_cents, discount_percent, final_cents };
  });

  async function discountOf(id) {
    try {
      const signal = AbortSignal.timeout(THIRD_PARTY_TIMEOUT_MS);
      const { statusCode, body } = await fetchFrom(`${thirdPartyUrl}/quotes/${id}`, { dispatcher, signal });
      if (statusCode !== 200) {
        await body.dump();
        throw new ApiError(502, 'third_party');
      }
      const { discount_percent } = await body.json();
      if (!Number.isInteger(discount_percent)) throw new ApiError(502, 'third_party');
      return discount_percent;
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (error.name === 'TimeoutError') throw new ApiError(504, 'third_party_timeout', { cause: error });
      throw new ApiError(502, 'third_party', { cause: error });
    }
  }
}

function addImage(app, { imageDir }) {
  app.register(fastifyStatic, { root: imageDir, serve: false });
  route(app, 'GET', '/items/:id/image', {}, (request, reply) => {
    const id = itemId(request.params.id);
    if (id > ITEMS) throw new ApiError(404, 'not_found');
    return reply.sendFile(`${(id - 1) % IMAGES}.png`);
  });
}

function addOrders(app, { pool }) {
  route(app, 'POST', '/orders', { schema: schema.order }, async (request, reply) => {
    const body = request.body ?? Buffer.alloc(0);
    const key = parseKey(request.headers['idempotency-key']);
    const order = parseOrder(body);
    const fingerprint = createHash('sha256').update(body).digest('hex');
    const { placed, replayed } = await placeOrder(pool, key, fingerprint, order);
    if (replayed) reply.header('idempotent-replayed', 'true');
    return reply.code(201).send(placed);
  });
}

function addChecksum(app, { workers }) {
  route(app, 'POST', '/checksum', { schema: schema.checksum }, async ({ body }) => {
    if (!body?.length) throw new ApiError(400, 'empty');
    return { sha256: await workers.run(body), bytes: body.length };
  });
}

function addHealth(app, { pool }) {
  route(app, 'GET', '/health/live', {}, async () => ({ status: 'ok' }));

  route(app, 'GET', '/health/ready', {}, async (request, reply) => {
    try {
      await within(READY_TIMEOUT_MS, pool.query('select 1'));
      return { status: 'ok' };
    } catch (error) {
      request.log.warn({ err: error }, 'not ready');
      return reply.code(503).send({ status: 'unavailable' });
    }
  });
}

/** What the promise gives, or a failure after `ms`. */
async function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
