// GET /v1/now: one answer with all that the first page of the console and `onhand top` show.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hub, patience, scratch } from './lib.mjs'

let hub
before(async () => {
  const directory = scratch('now')
  const config = path.join(directory, 'onhand.yaml')
  writeFileSync(
    config,
    `unknown_locations: create
locations: [{code: NY01, timezone: America/New_York}]
feeds:
  - {name: late, url: ${directory}, pattern: "*.csv", schedule: "0 5 1 1 *", source: prism}
  - {name: soon, url: ${directory}, pattern: "*.csv", every: 1h, source: prism}
`
  )
  hub = await Hub.start({ args: ['--config', config] })
})
after(() => hub.stop())

const now = (options) => hub.json('GET', '/v1/now', options)

test('it says the same as the routes of its parts', async () => {
  await hub.reset([['NY01', 'A', 5]], { source: 'prism' })
  const all = await now()
  for (const part of ['sources', 'channels', 'feeds']) {
    const { items } = await hub.json('GET', `/v1/${part}`)
    assert.deepEqual(all[part].map(Object.keys), items.map(Object.keys))
    assert.deepEqual(all[part].map((item) => item.name), items.map((item) => item.name))
  }
  assert.deepEqual(all.resets, await hub.json('GET', '/v1/resets?limit=20'))
  const { version, started_at, cells } = await hub.json('GET', '/v1/status')
  assert.deepEqual([all.status.version, all.status.started_at, all.status.cells], [version, started_at, cells])
  assert.equal(all.next_reset.job, 'feed:soon', 'the feed of New Year is later')
  assert.equal(all.next_reset.at, all.feeds.find((feed) => feed.name === 'soon').next_due)
})

test('what was applied is counted, in the second it came', async () => {
  const before = (await now()).status.adjustments.applied
  await hub.adjust(Array.from({ length: 40 }, () => ({ location: 'NY01', sku: 'A', delta: -1 })))
  const sum = async () => (await now()).adjustments_per_second.reduce((a, b) => a + b, 0)
  for (let i = 0; i < 500 * patience && (await sum()) < before + 40; i++) await sleep(20)
  assert.equal(await sum(), before + 40)
  assert.ok((await now()).adjustments_per_second.length <= 120)
})

test('a token of one location sees only resets of its own', async () => {
  await hub.reset([['BOS02', 'A', 5]], { source: 'prism' })
  const { token } = await hub.json(
    'POST', '/v1/tokens', { body: { name: 'ny', scopes: ['read'], locations: ['NY01'] } }, 201
  )
  const { resets } = await now({ token })
  assert.equal(resets.items.length, 1)
  assert.equal((await now()).resets.items.length, 2)
})

test('a location tells its zone, and an unknown one says so', async () => {
  const { items } = await hub.json('GET', '/v1/locations')
  const zones = Object.fromEntries(items.map((item) => [item.location, item.timezone]))
  assert.deepEqual(zones, { NY01: 'America/New_York', BOS02: null })
})
