// When was the stock counted? A retailer sells all day, and files come that were cut at instants
// nobody told the hub: it finds them, and it notices when it is told the wrong one.
import assert from 'node:assert/strict'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hub, patience, scratch } from './lib.mjs'

const minute = 60000
const hour = 60 * minute
const products = Array.from({ length: 12 }, (_, i) => `P${i}`)
const start = Math.floor((Date.now() - 20 * hour) / 1000) * 1000 // all were counted then
const time = (ms) => new Date(ms).toISOString().replace('.000Z', 'Z')
const root = scratch('as-of')

let hub
before(async () => {
  mkdirSync(path.join(root, 'drop'))
  writeFileSync(
    path.join(root, 'onhand.yaml'),
    `timezone: UTC
unknown_locations: create
locations:
  - {code: HELD, guards: {as_of_check: hold}}
  - {code: FREE, guards: {as_of_check: "off"}}
  - {code: WIDE, guards: {as_of_distance: 6h}}
feeds:
  - {name: drop, url: ${root}/drop, as_of: infer, export_duration: 20m, every: 1h, stable_for: 0s, source: pos, pattern: "*.csv"}
`
  )
  hub = await Hub.start({ args: ['--config', path.join(root, 'onhand.yaml')] })
})
after(() => hub?.stop())

const csv = (location, quantity) =>
  'location,sku,quantity\n' + products.map((sku, i) => `${location},${sku},${quantity(sku, i)}\n`).join('')
const post = (body, query) =>
  hub.json('POST', '/v1/resets', { body, type: 'text/csv', query: { source: 'pos', ...query } }, 200)

/** Counted at the start, 60 each; then a sale every 20 minutes for 15 hours. */
async function trade(location, from = start) {
  const opening = await post(csv(location, () => 60), { as_of: time(from) })
  assert.equal(opening.status, 'applied')
  const sales = Array.from({ length: 45 }, (_, i) => ({
    id: `${location}-${i}`,
    source: 'pos',
    type: 'sale',
    location,
    sku: products[(i * 5) % 12],
    delta: -1 - (i % 2),
    occurred_at: time(from + (i + 1) * 20 * minute),
  }))
  await hub.adjust(sales)
  const sold = (sku, until) =>
    sales.filter((s) => s.sku === sku && Date.parse(s.occurred_at) <= until).reduce((n, s) => n - s.delta, 0)
  return (at) => csv(location, (sku) => 60 - sold(sku, at))
}

const cut = start + 7 * hour + 25 * minute // between the sales of 7:20 and 7:40
const only = (answer) => {
  assert.equal(answer.locations.length, 1)
  return answer.locations[0]
}

test('infer finds the instant that nobody told', async () => {
  const stock = await trade('S1')
  const now = await hub.cell('S1', 'P0')
  const answer = await post(stock(cut), { as_of: 'infer' })
  const location = only(answer)
  assert.equal(answer.status, 'applied')
  assert.equal(answer.as_of, time(start + 7 * hour + 20 * minute))
  assert.equal(answer.as_of_origin, 'inferred')
  assert.equal(answer.as_of_assumed, false)
  assert.equal(location.as_of, answer.as_of)
  assert.equal(location.as_of_check.verdict, 'inferred')
  assert.equal(location.as_of_check.inferred_from, time(start + 7 * hour + 20 * minute))
  assert.equal(location.as_of_check.inferred_to, time(start + 7 * hour + 40 * minute))
  assert.equal(location.as_of_check.moved_agreeing, 12)
  assert.ok(location.as_of_check.confidence > 0.8, JSON.stringify(location.as_of_check))
  assert.equal(location.changed, 0, 'what was sold since is not taken back')
  assert.equal((await hub.cell('S1', 'P0')).on_hand, now.on_hand)
  const kept = await hub.json('GET', `/v1/resets/${answer.id}`)
  assert.deepEqual(kept.locations[0].as_of_check, location.as_of_check)
  const explained = await hub.json('GET', '/v1/inventory/S1/P0/explain')
  assert.equal(explained.statement.as_of_origin, 'inferred')
  assert.equal(explained.statement.as_of_assumed, false)
})

test('wrong figures do not hide it', async () => {
  const stock = await trade('S2')
  const lines = stock(cut).split('\n')
  lines[3] = 'S2,P2,7'
  lines[6] = 'S2,P5,99'
  const location = only(await post(lines.join('\n'), { as_of: 'infer' }))
  assert.equal(location.as_of_check.inferred_from, time(start + 7 * hour + 20 * minute))
  assert.equal(location.as_of_check.moved_agreeing, 10)
  assert.equal(location.changed, 2)
})

test('a wrong zone, summer time and a store that lags are told apart', async () => {
  for (const [name, given, cause, shift, words] of [
    ['Z1', cut - 5 * hour, 'zone', 300, /zone of -05:00 read as UTC/],
    ['Z2', cut + 2 * hour, 'zone', -120, /zone of \+02:00 read as UTC/],
    ['Z3', cut - hour, 'summer_time', 60, /summer time/],
    ['Z4', cut + 2 * hour + 25 * minute, 'behind', 0, /lags behind/],
  ]) {
    const stock = await trade(name)
    const answer = await post(stock(cut), { as_of: time(given) })
    const { as_of_check: check, ...location } = only(answer)
    assert.equal(answer.status, 'applied', 'a warning holds nothing')
    assert.deepEqual(location.reasons, [])
    assert.equal(location.as_of_origin, 'parameter')
    assert.equal(check.verdict, 'differs')
    assert.equal(check.cause, cause, JSON.stringify(check))
    assert.equal(check.shift_minutes, shift)
    assert.match(check.detail, words)
    const from = start + 7 * hour + 20 * minute
    const distance = given < from ? from - given : from + 20 * minute - given
    assert.ok(Math.abs(check.distance_seconds - distance / 1000) <= 1, JSON.stringify(check))
  }
})

test('what fits agrees', async () => {
  const stock = await trade('A1')
  const check = only(await post(stock(cut), { as_of: time(cut) })).as_of_check
  assert.equal(check.verdict, 'agrees')
  assert.equal(check.distance_seconds, 0)
  const wide = await trade('WIDE')
  const far = only(await post(wide(cut), { as_of: time(cut - 5 * hour) })).as_of_check
  assert.equal(far.verdict, 'agrees')
  const free = await trade('FREE')
  assert.equal(only(await post(free(cut), { as_of: time(cut - 5 * hour) })).as_of_check, null)
})

test('it holds where that is configured, and says why', async () => {
  const stock = await trade('HELD')
  const before = (await hub.cell('HELD', 'P0')).on_hand
  const answer = await post(stock(cut), { as_of: time(cut - 5 * hour) })
  assert.equal(answer.status, 'held')
  const [reason] = only(answer).reasons
  assert.equal(reason.code, 'as_of_mismatch')
  assert.match(reason.detail, /12 of 12 products that moved agree .* -05:00 read as UTC/)
  assert.equal((await hub.cell('HELD', 'P0')).on_hand, before)
  const again = await post(stock(cut), { as_of: time(cut) })
  assert.equal(again.status, 'applied')
  assert.equal((await hub.cell('HELD', 'P0')).on_hand, before)
})

test('infer does not go by what is available, for that depends on as_of itself', async () => {
  const body = 'location,sku,quantity\nQ1,P0,1\n'
  const query = { as_of: 'infer', quantity: 'available' }
  const { status, json } = await hub.call('POST', '/v1/resets', { body, type: 'text/csv', query })
  assert.equal(status, 400)
  assert.match(json.detail, /reserved depends/)
})

test('thin evidence holds what was to be inferred; none leaves it to arrival', async () => {
  await post(csv('T1', () => 5), { as_of: time(start) })
  await hub.adjust([
    { id: 't1', source: 'pos', type: 'sale', location: 'T1', sku: 'P0', delta: -1, occurred_at: time(start + hour) },
  ])
  const held = await post(csv('T1', (sku) => (sku === 'P0' ? 4 : 5)), { as_of: 'infer' })
  assert.equal(held.status, 'held')
  assert.equal(only(held).reasons[0].code, 'as_of_uncertain')
  assert.match(only(held).reasons[0].detail, /1 of 1 products that moved/)
  assert.equal(only(held).as_of_check.verdict, 'uncertain')
  await hub.json('POST', `/v1/resets/${held.id}/approve`, {}, 200)
  assert.equal((await hub.cell('T1', 'P0')).on_hand, 4)

  await post(csv('T2', () => 5), { as_of: time(start) })
  const quiet = await post(csv('T2', (sku, i) => (i === 3 ? 6 : 5)), { as_of: 'infer' })
  assert.equal(quiet.status, 'applied')
  assert.equal(only(quiet).as_of_check.verdict, 'no_evidence')
  assert.equal(only(quiet).as_of_origin, 'assumed')
  assert.equal(only(quiet).as_of_assumed, true)
})

test('a manifest is its own word, and what moved before it was stated is no evidence', async () => {
  const stock = await trade('M1')
  const manifest = JSON.stringify({ locations: { M1: { as_of: time(cut) } } })
  const location = only(await post(stock(cut), { as_of: 'infer', manifest }))
  assert.equal(location.as_of, time(cut))
  assert.equal(location.as_of_origin, 'manifest')
  assert.equal(location.as_of_check.verdict, 'agrees')
  const old = only(await post(csv('M1', () => 60), { as_of: time(start - hour) }))
  assert.equal(old.status, 'stale')
  assert.equal(old.as_of_check.verdict, 'no_evidence')
})

test('a feed infers, and falls back on the time of modification less the export', async () => {
  const stock = await trade('F1')
  const file = path.join(root, 'drop', 'stock.csv')
  writeFileSync(file, stock(cut) + csv('F2', () => 3).split('\n').slice(1).join('\n'))
  const mtime = start + 9 * hour
  utimesSync(file, mtime / 1000, mtime / 1000)
  await hub.json('POST', '/v1/jobs/feed%3Adrop/run', {}, 202)
  let list
  for (let i = 0; i < 200 * patience; i++) {
    list = (await hub.json('GET', '/v1/resets')).items.filter((r) => r.feed === 'drop')
    if (list.length > 0 && list[0].status !== 'applying') break
    await sleep(25)
  }
  const reset = await hub.json('GET', `/v1/resets/${list[0].id}`)
  const at = (code) => reset.locations.find((l) => l.location === code)
  assert.equal(at('F1').as_of, time(start + 7 * hour + 20 * minute))
  assert.equal(at('F1').as_of_origin, 'inferred')
  assert.equal(at('F1').as_of_check.distance_seconds, -3600)
  assert.equal(at('F2').as_of, time(mtime - 20 * minute))
  assert.equal(at('F2').as_of_origin, 'mtime less 1200 s')
  assert.equal(reset.as_of_origin, 'inferred, else mtime less 1200 s')
})
