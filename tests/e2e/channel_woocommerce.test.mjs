// A channel of type woocommerce against a shop that answers as WooCommerce does: the sum of all
// locations for each product and variation, item by item, whatever goes wrong.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { WooCommerceShop } from '../../demo/shops/woocommerce.mjs'
import { verify } from './lib.mjs'
import { Comparison, everyFault, killBetween, randomSchedule } from './shop_cases.mjs'
import { Rig } from './shop_rig.mjs'

const places = { NY01: '', BOS02: '' }
const env = { WOO_KEY: 'ck_key', WOO_SECRET: 'cs_secret' }
let shop, rig, comparison

const channel = (url, more = '') =>
  `type: woocommerce, url: "${url}", key: "env:WOO_KEY", secret: "env:WOO_SECRET", ` +
  `allow_private: true, locations: [NY01, BOS02]${more}`
const writes = (call) => call.method === 'POST'

before(async () => {
  shop = await new WooCommerceShop().start()
  shop.product = (sku) => shop.bySku(sku) ?? null
  for (const sku of ['A', 'B', 'C']) shop.addProduct(sku)
  rig = await Rig.start('woo', channel(shop.url), { env })
  comparison = new Comparison(rig, shop, places)
})

after(async () => {
  await rig?.hub.stop()
  await shop?.stop()
  if (rig) await verify(rig.hub.data)
})

test('the shop shows the sum of its locations, in whole units', async () => {
  await rig.receive('A', 10)
  await rig.receive('A', 4.5, 'BOS02')
  await rig.receive('A', 100, 'ELSEWHERE')
  await comparison.same()
  assert.equal(shop.shown('', 'A'), 14)
  assert.equal(shop.bySku('A').manage_stock, true)
  const { channels } = await rig.hub.json('GET', '/v1/inventory/NY01/A/explain')
  assert.equal(channels[0].confirmed, 14)
})

test('variations go to their product, and numbers are looked up once, also after a restart', async () => {
  const parent = shop.addProduct('SHIRT', { type: 'variable' })
  const skus = ['S', 'M', 'L'].map((size) => `SHIRT-${size}`)
  for (const sku of skus) shop.addProduct(sku, { parent: parent.id })
  await rig.adjust([...skus, 'B', 'C'].map((sku) => ({ sku, delta: 7, type: 'receipt' })))
  await comparison.same()
  const paths = new Set(shop.requests.filter(writes).map((call) => call.path))
  assert.deepEqual([...paths].sort(), [
    `/wp-json/wc/v3/products/${parent.id}/variations/batch`, '/wp-json/wc/v3/products/batch',
  ])
  await rig.hub.stop()
  await rig.hub.start()
  const asked = () => shop.requests.filter((call) => call.method === 'GET').length
  const had = asked()
  await rig.sell('SHIRT-M')
  await comparison.same()
  assert.equal(asked(), had)
})

test('an item that is refused is parked with the words of the shop, and no other', async () => {
  const many = Array.from({ length: 30 }, (_, i) => `M${i}`)
  for (const sku of [...many, 'BAD']) shop.addProduct(sku)
  shop.bySku('BAD').refused = 'Not for sale any more'
  many.splice(11, 0, 'BAD')
  await rig.adjust(many.map((sku) => ({ sku, delta: 3, type: 'receipt' })))
  assert.match((await rig.parked('BAD')).detail, /Not for sale any more/)
  await comparison.same()
  delete shop.bySku('BAD').refused
  await rig.hub.json('POST', '/v1/channels/woo/retry?location=NY01&sku=BAD')
  await comparison.same()
})

test('what the shop does not sell is left out; what got another number is looked up anew', async () => {
  await rig.receive('NOT-SOLD', 2)
  await rig.until('it is left out', async () => (await rig.channel()).unmapped === 1)
  shop.addProduct('NOT-SOLD')
  await rig.hub.json('POST', '/v1/channels/woo/retry?location=NY01&sku=NOT-SOLD')
  await comparison.same()
  assert.equal(shop.shown('', 'NOT-SOLD'), 2)
  shop.products.delete(shop.bySku('C').id)
  shop.addProduct('C')
  await rig.sell('C')
  await comparison.same()
  const parent = shop.bySku('SHIRT')
  shop.products.delete(shop.bySku('SHIRT-S').id)
  shop.addProduct('SHIRT-S', { parent: parent.id })
  await rig.sell('SHIRT-S')
  await comparison.same()
})

test('a shop that takes fewer at once is given fewer', async () => {
  shop.most = 20
  const many = Array.from({ length: 100 }, (_, i) => `Q${i}`)
  for (const sku of many) shop.addProduct(sku)
  await rig.adjust(many.map((sku) => ({ sku, delta: 1, type: 'receipt' })))
  await comparison.same()
  assert.equal((await rig.channel()).parked_count, 0)
  shop.most = 100
})

test('each fault: told, never applied twice, made good', () => everyFault(rig, shop, comparison, 'A'))

test('an audit reads all pages, finds what was changed by hand, and mends it', async () => {
  for (let i = 0; i < 120; i++) shop.addProduct(`OTHER${i}`).stock_quantity = 1
  shop.bySku('B').stock_quantity = 99
  shop.bySku('SHIRT-L').stock_quantity = 98
  const audit = await rig.audited()
  assert.equal(audit.drift, 2, JSON.stringify(audit))
  assert.ok(audit.not_ours >= 120)
  await rig.until('it is mended', () => shop.shown('', 'B') !== 99)
  await comparison.same()
})

test('kill -9 between send and answer: one effect, whether it was applied or not', () =>
  killBetween(rig, shop, comparison, 'A', writes))

test('a random schedule of faults ends with shop = hub, and no older figure ever comes after', () =>
  randomSchedule(rig, shop, comparison))

test('wrong credentials, another address, and http in the open are told in plain words', async () => {
  const other = await Rig.start('woo', channel(shop.url), { env: { ...env, WOO_SECRET: 'cs_wrong' } })
  await other.receive('A', 1)
  await other.said(/does not accept the credentials/)
  assert.equal((await other.channel()).state, 'unauthorized')
  assert.ok(!other.hub.log.includes('cs_wrong'))
  assert.ok(!JSON.stringify(await other.channel()).includes('cs_wrong'))
  await other.hub.stop()
  const elsewhere = await Rig.start('woo', channel(`${shop.url}/blog`), { env })
  await elsewhere.receive('A', 1)
  await elsewhere.said(/is url the address of the shop/)
  await elsewhere.hub.stop()
  const open = await Rig.start('woo', channel('http://shop.example').replace('allow_private: true, ', ''), { env })
  await open.receive('A', 1)
  await open.said(/would send the credentials for everybody to read/)
  await open.hub.stop()
})
