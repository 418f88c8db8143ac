// A hub that has outgrown its machine: `onhand migrate` carries its store to PostgreSQL and back, and
// nobody who asks it notices: figures, histories, tokens, senders' keys and positions go on.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import { Hub, onhand, run, scratch, verify } from './lib.mjs'
import { Hubs, listen, until } from './many_hubs.mjs'
import { Postgres, postgresMissing, superuser } from './postgres.mjs'

const server = await Postgres.start()
const skip = server === null && postgresMissing
const data = path.join(scratch('migrate'), 'data')
const back = path.join(scratch('migrate'), 'back')
const sales = Array.from({ length: 40 }, (_, i) => ({
  id: `sale-${i}`,
  location: i % 2 ? 'NY01' : 'LA"02',
  sku: `S${i % 7}`,
  delta: -1,
  reason: 'Stück "é"',
}))
let database, small, password, listener, told

after(async () => {
  listener?.close()
  small?.end()
  await server?.end()
})

/** The URL as it may be on a command line. */
function plain(url) {
  const bare = new URL(url)
  bare.password = ''
  return bare.href
}

function migrate(args, env = {}) {
  const environment = { ...process.env, PGPASSWORD: password, ...env }
  return onhand(['migrate', ...args], { env: environment })
}

async function migrated(args, env) {
  const { code, stdout, stderr } = await migrate([...args, '--json'], env)
  assert.equal(code, 0, stdout + stderr)
  const report = JSON.parse(stdout)
  assert.equal(report.differences, 0, stdout)
  return report
}

async function refused(args, why, env) {
  const { code, stdout, stderr } = await migrate(args, env)
  assert.notEqual(code, 0, stdout)
  assert.match(stderr, why)
}

function sql(url, text) {
  return run('psql', ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', text])
}

/** What a hub says of everything; what it says of itself or of now is left out. */
async function everything(hub) {
  const cells = await hub.cells()
  const told = { cells: [...cells].sort(([a], [b]) => (a < b ? -1 : 1)) }
  for (const { location, sku } of cells.values()) {
    const target = [location, sku].map(encodeURIComponent).join('/')
    told[target] = {
      history: await hub.json('GET', `/v1/inventory/${target}/history`),
      explain: await hub.json('GET', `/v1/inventory/${target}/explain`),
    }
  }
  const { items: resets } = await hub.json('GET', '/v1/resets')
  told.resets = resets
  told.tokens = await hub.json('GET', '/v1/tokens')
  return told
}

test('a hub with a past', { skip }, async () => {
  database = await server.database()
  password = decodeURIComponent(new URL(database).password)
  const hub = await Hub.start({ data })
  const rows = (n) =>
    ['NY01', 'LA"02'].flatMap((location) =>
      Array.from({ length: 7 }, (_, i) => [JSON.stringify(location).replaceAll('\\"', '""'), `S${i}`, n + i])
    )
  await hub.reset(rows(20))
  await hub.adjust(sales)
  const { results } = await hub.adjust([
    { id: 'order-1', type: 'reservation', order: 'O1', location: 'NY01', sku: 'S1', delta: 2 },
    { id: 'loose', location: 'NY01', sku: 'NEW', delta: 3.5 },
  ])
  assert.deepEqual(results.map(({ status }) => status), ['applied', 'applied'])
  await hub.reset(rows(18))
  await hub.adjust([{ id: 'later', location: 'NY01', sku: 'S2', delta: -2 }])
  await hub.reset(rows(0).map(([location, sku]) => [location, sku, 900000])) // it is held
  const { items: resets } = await hub.json('GET', '/v1/resets')
  assert.ok(resets.some(({ status }) => status === 'held'), JSON.stringify(resets))
  told = await everything(hub)
  listener = await listen(hub, '0')
  await until('all events', () => listener.events.length > 10)
  await refused(['--from', 'sqlite', '--data', data, '--to', plain(database)], /in use by another hub/)
  await hub.stop()
})

test('what is not safe is refused', { skip }, async () => {
  const argued = ['--from', 'sqlite', '--data', data, '--to']
  await refused([...argued, database], /no password may be in it/)
  await refused(['--from', `sqlite:${back}`, '--to', plain(database)], /there is no .*onhand\.db/)
  await refused([...argued, `sqlite:${data}`], /the same store/)
  await refused([], /say --from or --to/)
  await refused(['--distribute', '--to', plain(database)], /has no Citus: install it/)
})

test('it goes to PostgreSQL, cell by cell', { skip }, async () => {
  const report = await migrated(['--from', 'sqlite', '--data', data], { ONHAND_STORE: database })
  assert.ok(report.cells >= 15 && report.statements >= 4 && report.documents > 0, JSON.stringify(report))
  await refused(['--from', 'sqlite', '--data', data, '--to', plain(database)], /is not empty/)
})

test('a hub there answers the same and goes on', { skip }, async () => {
  small = new Hubs(database)
  small.all.push({ data }) // the token of the hub that was
  const hub = await small.add('hub-a')
  assert.deepEqual(await everything(hub), told)
  const { results } = await hub.adjust(sales)
  assert.ok(results.every(({ status }) => status === 'duplicate'), JSON.stringify(results))
  const resumed = await listen(hub, listener.lastId)
  await hub.adjust([{ id: 'after', location: 'NY01', sku: 'S3', delta: 5 }])
  const heard = () => resumed.events.map(({ subject }) => subject)
  await until('the next event', () => heard().length > 0)
  assert.deepEqual(heard(), ['NY01/S3'], 'from where the other hub stopped')
  resumed.close()
  told = await everything(hub)
  await refused(['--from', plain(database), '--to', `sqlite:${back}`], /a hub is connected/)
  await small.stop()
})

test('and back', { skip }, async () => {
  await migrated(['--from', plain(database), '--to', `sqlite:${back}`])
  await refused(['--from', plain(database), '--to', `sqlite:${back}`], /is not empty/)
  await verify(back)
  copyFileSync(path.join(data, 'admin.token'), path.join(back, 'admin.token'))
  const hub = await Hub.start({ data: back })
  assert.deepEqual(await everything(hub), told)
  const { results } = await hub.adjust([...sales, { id: 'after', location: 'NY01', sku: 'S3', delta: 5 }])
  assert.ok(results.every(({ status }) => status === 'duplicate'), JSON.stringify(results))
  await hub.stop()
})

test('half of a store is not taken for the whole', { skip }, async () => {
  const half = await server.database()
  const to = ['--to', plain(half)]
  await migrated(['--from', `sqlite:${back}`, ...to])
  const marked = await sql(half, "UPDATE onhand.item SET value = '{}' WHERE kind = 'migration'")
  assert.equal(marked.code, 0, marked.stderr)
  const hub = new Hubs(half)
  await assert.rejects(hub.add('hub-h'), /did not come to its end/)
  await refused(['--from', `sqlite:${back}`, ...to], /an earlier migration to it did not come/)
  await refused(['--from', plain(half), '--to', `sqlite:${scratch('x')}`], /did not come to its end/)
  assert.equal((await sql(half, 'DROP SCHEMA onhand CASCADE')).code, 0)
  await migrated(['--from', `sqlite:${back}`, ...to])
})

// Not Citus itself: the names that are asked for, so that the order of calls is seen.
test('--distribute asks Citus for every table, once', { skip }, async () => {
  const url = await server.database()
  const owner = new URL(url).username
  const stand = await sql(
    superuser(url),
    `SET allow_system_table_mods = on;
     INSERT INTO pg_extension SELECT 99999, 'citus', extowner, extnamespace, false, '0', null, null
       FROM pg_extension WHERE extname = 'plpgsql';
     CREATE TABLE public.pg_dist_partition (n serial, logicalrel regclass, col text, beside text);
     GRANT ALL ON public.pg_dist_partition, public.pg_dist_partition_n_seq TO ${owner};
     CREATE FUNCTION public.create_distributed_table(t regclass, c text, colocate_with text DEFAULT 'default')
       RETURNS void LANGUAGE sql AS
       'INSERT INTO public.pg_dist_partition (logicalrel, col, beside) VALUES (t, c, colocate_with)';`
  )
  assert.equal(stand.code, 0, stand.stderr)
  const first = await migrate(['--distribute', '--to', plain(url)])
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stdout, /^9 tables distributed/)
  const tables = await sql(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'onhand'")
  assert.equal(tables.stdout.trim(), '9', 'a table more: it has to be distributed too')
  const calls = await sql(url, 'SELECT logicalrel, col, beside FROM pg_dist_partition ORDER BY n')
  const lines = calls.stdout.trim().split('\n')
  assert.match(lines[0], /^(onhand\.)?turn\|bkt\|default$/)
  assert.ok(lines.slice(1).every((line) => line.endsWith('|bkt|onhand.turn')), calls.stdout)
  const again = await migrate(['--distribute'], { ONHAND_STORE: url })
  assert.match(again.stdout, /already/, again.stderr)
})
