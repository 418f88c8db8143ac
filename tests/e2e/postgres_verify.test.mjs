// `onhand verify --store`: every figure once more from the ledger in PostgreSQL, while a hub writes;
// no password on a command line, and words for whoever mistook the address.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { onhand } from './lib.mjs'
import { Hubs, Load, until } from './many_hubs.mjs'
import { ask, Postgres, postgresMissing } from './postgres.mjs'

const server = await Postgres.start()
const skip = server === null && postgresMissing
let hubs

after(async () => {
  hubs?.end()
  await server?.end()
})

/** The address without its password, which goes by itself. */
function verifyStore(url, ...more) {
  const address = new URL(url)
  const env = { ...process.env, PGPASSWORD: decodeURIComponent(address.password) }
  address.password = ''
  return onhand(['verify', '--store', address.href, ...more], { env })
}

test('while a hub writes', { skip }, async () => {
  hubs = new Hubs(server.url)
  const hub = await hubs.add('hub-a')
  await hub.reset([['NY01', 'A', 7], ['NY01', 'B', 8]])
  await hub.reset([['NY01', 'A', 6], ['NY01', 'B', 8]])
  const load = new Load([hub], 'NY01', 4)
  try {
    for (let round = 0; round < 2; round++) {
      const before = load.confirmed
      await until('it runs', () => load.confirmed > before + 50)
      const { code, stdout, stderr } = await verifyStore(server.url, '--json')
      assert.equal(code, 0, stdout + stderr)
      const report = JSON.parse(stdout)
      assert.equal(report.differences, 0)
      assert.ok(report.rows >= before + 50 && report.cells > 2 && report.statements >= 2, stdout)
    }
  } finally {
    await load.stop()
  }
  await hubs.stop()
  // A turn that tells of more than there is: not a word of "every figure is what the ledger says".
  await ask(server.url, 'delete from onhand.statement')
  const { code, stdout } = await verifyStore(server.url)
  assert.equal(code, 1, stdout)
})

test('what is refused, and why', { skip }, async () => {
  const secret = new URL(server.url).password
  for (const args of [['--store', server.url], ['--store', `postgresql://h/d?password=${secret}`]]) {
    const { code, stdout, stderr } = await onhand(['verify', ...args])
    assert.equal(code, 2, stderr)
    assert.match(stderr, /PGPASSWORD/)
    assert.ok(!(stdout + stderr).includes(secret))
  }
  assert.equal((await onhand(['verify', '--store', 'sqlite:/x'])).code, 2)
  assert.equal((await onhand(['verify', '--store', 'postgresql://h/d', '--data', '.'])).code, 2)
  const empty = await verifyStore(await server.database())
  assert.equal(empty.code, 1)
  assert.match(empty.stderr, /no tables of onhand/)
})
