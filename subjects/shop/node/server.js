// The shop on Fastify: what it is connected to, and how it starts and ends.

import { Agent } from 'undici';
import pg from 'pg';
import { Piscina } from 'piscina';
import { buildApp } from './app.js';

const CONNECTIONS = 10;
const DATABASE_TIMEOUT_MS = 2000;

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: CONNECTIONS,
  connectionTimeoutMillis: DATABASE_TIMEOUT_MS,
  query_timeout: DATABASE_TIMEOUT_MS,
  statement_timeout: DATABASE_TIMEOUT_MS,
});
const dispatcher = new Agent();
const workers = new Piscina({
  filename: new URL('./checksum.js', import.meta.url).href,
  minThreads: 1,
  maxThreads: 1,
});

const app = buildApp({
  pool,
  workers,
  dispatcher,
  thirdPartyUrl: process.env.THIRD_PARTY_URL,
  imageDir: process.env.IMAGE_DIR ?? new URL('../images', import.meta.url).pathname,
});
// An idle connection that breaks; the pool replaces it.
pool.on('error', (error) => app.log.warn({ err: error }, 'database connection lost'));

async function stop() {
  await app.close(); // answers what is under way
  await Promise.all([pool.end(), dispatcher.close(), workers.destroy()]);
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
