// A channel of type bigcommerce against a shop that answers as BigCommerce does: what it took down it
// shows only later, one bad item makes it refuse all, and its budget is what its answers say.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { BigCommerceShop } from '../../demo/shops/bigcommerce.mjs'
import { verify } from './lib.mjs'
import { Comparison, everyFault, killBetween, randomSchedule } from './shop_cases.mjs'
import { Rig } from './shop_rig.mjs'

const places = { NY01: '1', BOS02: '2' }
const env = { BC_TOKEN: 'bc-token' }
let shop, rig, comparison

const channel = (url, more = '') =>
  `type: bigcommerce, url: "${url}", token: "env:BC_TOKEN", allow_private: true, settle: 1s, ` +
  `locations: {NY01: 1, BOS02: 2${more}}`
const writes = (call) => call.method === 'PUT'

before(async () => {
  shop = await new BigCommerceShop({ locations: [1, 2] }).start()
  shop.product = (sku) => shop.products.get(sku) ?? null
  for (const sku of ['A', 'B', 'C']) shop.addProduct(sku)
  rig = await Rig.start('bc', channel(shop.url + shop.base, ', MIAMI: 77'), { env })
  comparison = new Comparison(rig, shop, places)
})

after(async () => {
  await rig?.hub.stop()
  await shop?.stop()
  if (rig) await verify(rig.hub.data)
})

test('figures by location, confirmed only once the shop shows them', async () => {
  shop.settleMs = 600
  await rig.receive('A', 10)
  await rig.until('the call', () => shop.transactions > 0)
  const { channels } = await rig.hub.json('GET', '/v1/inventory/NY01/A/explain')
  assert.notEqual(channels[0].confirmed, 10)
  await rig.receive('A', 4.5, 'BOS02')
  await comparison.same()
  assert.deepEqual([shop.shown('1', 'A'), shop.shown('2', 'A')], [10, 4])
  assert.equal(shop.applied.filter((row) => row.place === '1').length, 1)
  shop.settleMs = 20
})

test('an item that is refused is parked with the words of the shop, named or not, and no other', async () => {
  for (const names of [true, false]) {
    shop.namesRows = names
    const bad = [`BAD-${names}`, `BAD-${names}-2`]
    const many = Array.from({ length: 30 }, (_, i) => `M${names}${i}`)
    many.splice(11, 0, bad[0])
    many.splice(25, 0, bad[1])
    for (const sku of many) shop.addProduct(sku).refused = bad.includes(sku) ? 'not tracked' : undefined
    await rig.adjust(many.map((sku) => ({ sku, delta: 3, type: 'receipt' })))
    for (const sku of bad) assert.match((await rig.parked(sku)).detail, names ? /not tracked/ : /could not be processed/)
    await comparison.same()
  }
  shop.namesRows = true
})

test('a location the shop does not have is told for its items, and holds up no other', async () => {
  await rig.receive('A', 3, 'MIAMI')
  await rig.receive('A', 3)
  assert.match((await rig.parked('A')).detail, /the shop has no location 77/)
  await comparison.same()
})

test('what the shop does not sell is left out, and found once it is there', async () => {
  await rig.receive('NOT-SOLD', 2)
  await rig.until('it is left out', async () => (await rig.channel()).unmapped === 1)
  shop.addProduct('NOT-SOLD')
  await rig.hub.json('POST', '/v1/channels/bc/retry?location=NY01&sku=NOT-SOLD')
  await comparison.same()
  assert.equal(shop.shown('1', 'NOT-SOLD'), 2)
})

test('the budget is what the answers say', async () => {
  Object.assign(shop.window, { most: 5, ms: 300, left: 1 })
  shop.throttled = 0
  const many = Array.from({ length: 600 }, (_, i) => `Q${i}`)
  for (const sku of many) shop.addProduct(sku)
  await rig.adjust(many.map((sku) => ({ sku, delta: 1, type: 'receipt' })))
  await comparison.same()
  assert.ok(shop.throttled <= 8, `throttled ${shop.throttled} times`)
  Object.assign(shop.window, { most: 1000, ms: 1000, left: 1000 })
})

test('each fault: told, never applied twice, made good', () => everyFault(rig, shop, comparison, 'A'))

test('an audit reads all pages, finds what was changed by hand, and mends it', async () => {
  shop.levels.set('2/A', 99)
  shop.levels.set('1/Q300', 98)
  const audit = await rig.audited()
  assert.equal(audit.drift, 2, JSON.stringify(audit))
  assert.ok(audit.agreed > 600)
  await rig.until('it is mended', () => shop.shown('2', 'A') !== 99)
  await comparison.same()
})

test('kill -9 between send and answer: one effect, whether it was applied or not', () =>
  killBetween(rig, shop, comparison, 'A', writes))

test('a random schedule of faults ends with shop = hub, and no older figure ever comes after', () =>
  randomSchedule(rig, shop, comparison, { steps: 30 }))

test('wrong credentials and another address are told in plain words', async () => {
  const other = await Rig.start('bc', channel(shop.url + shop.base), { env: { BC_TOKEN: 'bc-wrong' } })
  await other.receive('A', 1)
  await other.said(/does not accept the credentials/)
  assert.equal((await other.channel()).state, 'unauthorized')
  assert.ok(!other.hub.log.includes('bc-wrong'))
  await other.hub.stop()
  const elsewhere = await Rig.start('bc', channel(shop.url).replace('NY01: 1', 'NY01: one'), { env })
  await elsewhere.receive('A', 1)
  await elsewhere.said(/'one' is no number of a BigCommerce location/)
  await elsewhere.hub.stop()
})
