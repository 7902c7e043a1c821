// The benchmarks' service on Fastify and pg, as one would write it: schemas for what is answered, no request log.
import { parseArgs } from 'node:util';
import Fastify from 'fastify';
import pg from 'pg';

const WORK_US = 1000; // of a request to /cpu

const { values: options } = parseArgs({ options: { port: { type: 'string' }, database: { type: 'string' } } });
const app = Fastify({ logger: false });

const integer = { type: 'integer' };
const text = { type: 'string' };
const answers = (properties) => ({ schema: { response: { 200: { type: 'object', properties } } } });
const item = { id: integer, name: text, price_cents: integer, in_stock: { type: 'boolean' },
  tags: { type: 'array', items: text } };

app.get('/', async (_, reply) => reply.type('text/plain; charset=utf-8').send('hello, world\n'));
app.get('/json', answers(item), async () => (
  { id: 42, name: 'garden chair', price_cents: 12900, in_stock: true, tags: ['outdoor', 'wood', 'new'] }));
app.get('/cpu', async (_, reply) => {
  // There is one thread, and while it computes no other runs: the process's clock is its clock.
  const start = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(start);
    if (user + system >= WORK_US) return reply.type('text/plain; charset=utf-8').send('worked\n');
  }
});

if (options.database) {
  const pool = new pg.Pool({ connectionString: options.database, max: 10 });
  const row = { id: integer, name: text, price_cents: integer };
  app.get('/rows/:id', answers(row), async (request, reply) => {
    const values = [request.params.id];
    const statement = 'SELECT id, name, price_cents FROM items WHERE id = $1';
    const { rows } = await pool.query({ name: 'row', text: statement, values });
    return rows.length === 0 ? reply.code(404).send() : rows[0];
  });
}

for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => process.exit(0));
await app.listen({ host: '127.0.0.1', port: Number(options.port) });
