// Guards end to end: limits per feed and per location, what a dry run forecasts, and approval by two.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Hub, onhand, scratch } from './lib.mjs'

let hub
before(async () => {
  const config = path.join(scratch('guards'), 'onhand.yaml')
  writeFileSync(
    config,
    `approvals: 2
guards: {max_zeroed_percent: 30}
locations:
  - {code: STRICT, guards: {max_zeroed_percent: 5}}
  - {code: LOOSE, guards: {max_zeroed_percent: 0, min_units_percent: 0}}
unknown_locations: create
`
  )
  hub = await Hub.start({ args: ['--config', config] })
})
after(() => hub.stop())

const day = (back) => new Date(Date.now() - back * 86400000).toISOString()
const rows = (location, quantity) => [...Array(20).keys()].map((i) => [location, `S${i}`, quantity(i)])
const post = (back, list, query = {}) => hub.reset(list, { as_of: day(back), source: 'prism', ...query })
const token = async (name) =>
  (await hub.json('POST', '/v1/tokens', { body: { name, scopes: ['reset', 'read'] } }, 201)).token

test('limits are per location, and what they name goes before the rest', async () => {
  const all = (quantity) => ['STRICT', 'LOOSE', 'PLAIN'].flatMap((location) => rows(location, quantity))
  await post(5, all((i) => i + 1))
  const tenth = await post(4, all((i) => (i < 4 ? 0 : i + 1))) // 20 % to zero
  const statuses = Object.fromEntries(tenth.locations.map((l) => [l.location, l.status]))
  assert.deepEqual(statuses, { STRICT: 'held', LOOSE: 'applied', PLAIN: 'applied' })
  assert.equal(tenth.status, 'partial')
  const none = await post(3, all(() => 0))
  assert.deepEqual(
    Object.fromEntries(none.locations.map((l) => [l.location, l.status])),
    { STRICT: 'held', LOOSE: 'applied', PLAIN: 'held' }
  )
})

test('a dry run forecasts what goes to zero, what returns, and units', async () => {
  await post(5, rows('DRY', (i) => (i === 19 ? 0 : i + 1)))
  const before = await hub.cells({ location: 'DRY' })
  const dry = await post(4, rows('DRY', (i) => (i < 2 ? 0 : i === 19 ? 7 : i + 1)), { dry_run: true })
  assert.equal(dry.status, 'dry_run')
  assert.deepEqual(dry.locations[0].forecast, {
    to_zero: 2, from_zero: 1, units_before: 190, units_after: 194, zeroed_skus: ['S1', 'S0'],
  })
  assert.deepEqual(await hub.cells({ location: 'DRY' }), before)
  const fresh = await post(4, rows('NEVER', (i) => i), { dry_run: true })
  assert.deepEqual(fresh.locations[0].forecast, {
    to_zero: 0, from_zero: 19, units_before: 0, units_after: 190, zeroed_skus: [],
  })
  const many = await post(3, [...Array(20).keys()].map((i) => ['DRY', `S${i}`, 0]), { dry_run: true })
  assert.equal(many.locations[0].forecast.to_zero, 19)
  assert.equal(many.locations[0].forecast.zeroed_skus.length, 19)
  assert.equal(many.locations[0].forecast.zeroed_skus[0], 'S18')
})

test('two different tokens approve; the first is on record and nothing happens', async () => {
  const [anna, ben] = [await token('anna'), await token('ben')]
  await post(5, rows('TWO', () => 10))
  const held = await post(4, rows('TWO', () => 0))
  assert.equal(held.status, 'held')
  assert.equal(held.locations[0].forecast.to_zero, 20)
  const approve = (by, status) => hub.json('POST', `/v1/resets/${held.id}/approve`, { token: by }, status)
  const first = await approve(anna)
  assert.equal(first.status, 'held')
  assert.deepEqual(first.approvals.map((a) => a.by), ['anna'])
  assert.equal((await hub.cell('TWO', 'S0')).on_hand, 10)
  await approve(anna, 409)
  await hub.stop()
  await hub.start()
  const seen = await hub.json('GET', `/v1/resets/${held.id}`)
  assert.deepEqual(seen.approvals, first.approvals)
  assert.deepEqual(seen.locations[0].forecast, held.locations[0].forecast)
  const shown = await onhand(['resets', 'show', held.id, '--url', hub.url, '--token', hub.token])
  assert.match(shown.stdout, /approved by +anna, /)
  assert.match(shown.stdout, /^TWO +20 +0 +200 +0 +S\d+/m)
  const second = await approve(ben)
  assert.equal(second.status, 'applied')
  assert.deepEqual(second.approvals.map((a) => a.by), ['anna', 'ben'])
  assert.equal(second.locations[0].forecast, undefined)
  assert.equal((await hub.cell('TWO', 'S0')).on_hand, 0)
  await approve(ben, 409)
})

test('guard=off does not go round two approvals', async () => {
  const body = 'location,sku,quantity\nTWO,S0,0\n'
  const answer = await hub.call('POST', '/v1/resets', { body, type: 'text/csv', query: { guard: 'off' } })
  assert.equal(answer.status, 403)
})
