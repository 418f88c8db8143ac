// Two hubs on one PostgreSQL: what one answers the other shows, an event given to both counts once,
// tokens hold on both; and a database that goes away costs answers, not figures: writes get 503,
// reads go on with their age, and everything heals by itself.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Hub, patience, scratch } from './lib.mjs'
import { Postgres, postgresMissing } from './postgres.mjs'

const server = await Postgres.start()
const options = { skip: server === null && postgresMissing }

let first, second

async function startHub(name, token) {
  const directory = scratch(name)
  const data = path.join(directory, 'data')
  const config = path.join(directory, 'onhand.yaml')
  const url = new URL(server.url)
  const env = { PGPASSWORD: url.password } // it does not belong into the configuration
  url.password = ''
  writeFileSync(config, `store: ${url}\n`, { mode: 0o600 })
  mkdirSync(data, { mode: 0o700 })
  // Tokens are in the store: only the hub that made the first one wrote it down.
  if (token !== undefined) writeFileSync(path.join(data, 'admin.token'), token, { mode: 0o600 })
  return Hub.start({ data, args: ['--config', config], env })
}

before(async () => {
  if (server === null) return
  first = await startHub('first')
  second = await startHub('second', first.token)
})

after(async () => {
  if (server !== null) await server.end()
})

async function until(what, probe) {
  const end = Date.now() + 30000 * patience
  for (;;) {
    const value = await probe()
    if (value) return value
    assert.ok(Date.now() < end, `${what}: not in time`)
    await sleep(50)
  }
}

const receipt = (id, delta = 1) => ({ id, type: 'receipt', location: 'NY01', sku: 'A', delta })

test('what one hub answers the other shows, with its age', options, async () => {
  const [mine] = (await first.adjust([receipt('a', 5)])).results
  assert.equal(mine.status, 'applied')
  const target = '/v1/inventory/NY01/A'
  const answer = await until('the figure', async () => {
    const seen = await second.call('GET', target)
    return seen.status === 200 && seen.json.on_hand === 5 && seen
  })
  assert.match(answer.headers['x-onhand-age-ms'], /^\d+$/)
  const [again] = (await second.adjust([receipt('a', 5)])).results
  assert.equal(again.status, 'duplicate')
  assert.equal(again.sequence, mine.sequence)
})

test('both write at once, and both end with the same', options, async () => {
  const hubs = [first, second]
  for (let round = 0; round < 10; round++) {
    const batch = (k) => [receipt(`both-${round}`), receipt(`own-${k}-${round}`)]
    const answers = await Promise.all(hubs.map((hub, k) => hub.adjust(batch(k))))
    const shared = answers.map((answer) => answer.results[0].status).sort()
    assert.deepEqual(shared, ['applied', 'duplicate'])
  }
  for (const hub of hubs) await until('35', async () => (await hub.cell('NY01', 'A')).on_hand === 35)
  const status = await Promise.all(hubs.map((hub) => hub.json('GET', '/v1/status')))
  assert.equal(status[0].sequence, status[1].sequence)
  assert.equal(typeof status[0].store_age_ms, 'number')
})

test('a reset applied on one hub is seen on the other', options, async () => {
  await first.reset([
    ['NY01', 'A', 7],
    ['NY01', 'B', 3],
  ], { guard: 'off' })
  await until('A', async () => (await second.cell('NY01', 'A')).on_hand === 7)
  await until('B', async () => (await second.cell('NY01', 'B')).on_hand === 3)
})

test('a token made on one hub holds on the other, until it is revoked', options, async () => {
  const body = { name: 'reader', scopes: ['read'] }
  const { token } = await first.json('POST', '/v1/tokens', { body }, 201)
  const look = async () => (await second.call('GET', '/v1/status', { token })).status
  await until('the token', async () => (await look()) === 200)
  await first.call('DELETE', '/v1/tokens/reader')
  await until('its end', async () => (await look()) === 401)
})

test('a database that goes away costs answers, not figures', options, async () => {
  await server.crash()
  const refused = await first.call('POST', '/v1/adjustments', {
    body: { adjustments: [receipt('late', 10)] },
  })
  assert.equal(refused.status, 503, refused.text)
  assert.match(refused.headers['retry-after'], /^\d+$/)
  assert.doesNotMatch(refused.text, /postgresql:/)
  const state = await until('store_away', async () => {
    const { json } = await second.call('GET', '/readyz')
    return json.status === 'store_away' && json
  })
  assert.match(state.detail, /503/)
  assert.equal((await second.cell('NY01', 'A')).on_hand, 7)
  await server.start()
  await until('an answer', async () => {
    const body = { adjustments: [receipt('late', 10)] }
    return (await first.call('POST', '/v1/adjustments', { body })).status === 200
  })
  for (const hub of [first, second]) {
    await until('17', async () => (await hub.cell('NY01', 'A')).on_hand === 17)
    await until('ready', async () => (await hub.call('GET', '/readyz')).json.status === 'ready')
    assert.ok(hub.running)
  }
  await first.stop()
  await second.stop()
})
