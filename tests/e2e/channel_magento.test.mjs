// A channel of type magento against a shop that answers as Adobe Commerce does: few figures at once,
// many as a bulk that its queue works off, signed or with a token, whatever goes wrong.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { MagentoShop } from '../../demo/shops/magento.mjs'
import { verify } from './lib.mjs'
import { Comparison, everyFault, killBetween, randomSchedule } from './shop_cases.mjs'
import { Rig } from './shop_rig.mjs'

const places = { NY01: 'ny_source', BOS02: 'bos' }
const env = { ADOBE_TOKEN: 'mage-token' }
let shop, rig, comparison

const channel = (url, more = '') =>
  `type: magento, url: "${url}", token: "env:ADOBE_TOKEN", allow_private: true, settle: 1s, ` +
  `locations: {NY01: ny_source, BOS02: bos${more}}`
const writes = (call) => call.method === 'POST'
const bulks = () => shop.requests.filter((call) => call.path.includes('/async/bulk/')).length

before(async () => {
  shop = await new MagentoShop({ sources: ['ny_source', 'bos'] }).start()
  shop.product = (sku) => shop.products.get(sku.toLowerCase()) ?? null
  for (const sku of ['A', 'B', 'C']) shop.addProduct(sku)
  rig = await Rig.start('adobe', channel(shop.url, ', MIAMI: miami'), { env })
  comparison = new Comparison(rig, shop, places, { whole: false })
})

after(async () => {
  await rig?.hub.stop()
  await shop?.stop()
  if (rig) await verify(rig.hub.data)
})

test('figures by source, with their decimals, under the shop\'s own spelling of a SKU', async () => {
  await rig.receive('A', 10)
  await rig.receive('A', 4.5, 'BOS02')
  shop.addProduct('Shirt-XL')
  await rig.receive('SHIRT-XL', 3)
  await comparison.same()
  assert.deepEqual([shop.shown('ny_source', 'A'), shop.shown('bos', 'A')], [10, 4.5])
  assert.equal(shop.applied.at(-1).sku, 'Shirt-XL')
  assert.equal(bulks(), 0)
})

test('many go as a bulk, and count once the shop has worked it off', async () => {
  shop.queueMs = 1500
  const many = Array.from({ length: 300 }, (_, i) => `M${i}`)
  for (const sku of many) shop.addProduct(sku)
  await rig.adjust(many.map((sku) => ({ sku, delta: 2, type: 'receipt' })))
  await rig.until('a bulk', () => bulks() > 0)
  assert.ok((await rig.channel()).pending > 0)
  await comparison.same()
  assert.equal(bulks(), 1)
  assert.equal(shop.applied.filter((row) => row.sku === 'M7').length, 1)
  shop.queueMs = 50
})

test('a hub that is killed while the shop works on a bulk waits for it, and sends nothing twice', async () => {
  shop.queueMs = 2000
  const many = Array.from({ length: 80 }, (_, i) => `K${i}`)
  for (const sku of many) shop.addProduct(sku)
  const had = bulks()
  await rig.adjust(many.map((sku) => ({ sku, delta: 2, type: 'receipt' })))
  await rig.until('it asks for the bulk', () => bulks() > had && shop.requests.at(-1).path.endsWith('/detailed-status'))
  await rig.hub.kill()
  await rig.hub.start()
  await rig.sell('K5')
  await comparison.same()
  for (const sku of many) {
    const effects = shop.applied.filter((row) => row.sku === sku)
    assert.deepEqual(effects.map((row) => row.quantity), sku === 'K5' ? [2, 1] : [2], sku)
  }
  shop.queueMs = 50
})

test('an item that is refused is parked with the words of the shop, in a bulk and without', async () => {
  for (const count of [60, 15]) {
    const many = Array.from({ length: count }, (_, i) => `P${count}-${i}`)
    many.splice(11, 0, `BAD${count}`)
    for (const sku of many) shop.addProduct(sku)
    shop.product(`BAD${count}`).refused = 'Quantity is not to my taste'
    await rig.adjust(many.map((sku) => ({ sku, delta: 3, type: 'receipt' })))
    assert.match((await rig.parked(`BAD${count}`)).detail, /400: .*Validation Failed.*not to my taste/)
    await comparison.same()
  }
})

test('a shop that takes no bulks is told by the few', async () => {
  await rig.hub.stop() // it forgets that a bulk failed
  shop.refusesBulks = true
  await rig.hub.start()
  const many = Array.from({ length: 50 }, (_, i) => `F${i}`)
  for (const sku of many) shop.addProduct(sku)
  const had = shop.requests.length
  await rig.adjust(many.map((sku) => ({ sku, delta: 3, type: 'receipt' })))
  await comparison.same()
  assert.ok(shop.requests.slice(had).filter(writes).length >= 3)
  shop.refusesBulks = false
})

test('a source the shop does not have is told for its items, and holds up no other', async () => {
  await rig.receive('B', 3, 'MIAMI')
  await rig.receive('B', 3)
  assert.match((await rig.parked('B')).detail, /the shop has no source 'miami'/)
  await comparison.same()
  shop.sources.add('miami')
  await rig.hub.stop()
  await rig.hub.start()
  await rig.hub.json('POST', '/v1/channels/adobe/retry?location=MIAMI&sku=B')
  await rig.until('it is shown', () => shop.shown('miami', 'B') === 3)
})

test('what the shop does not sell, or has no stock of its own, is left out', async () => {
  shop.addProduct('SET', 'configurable')
  await rig.receive('NOT-SOLD', 2)
  await rig.receive('SET', 2)
  await rig.until('both are left out', async () => (await rig.channel()).unmapped === 2)
  assert.equal(shop.shown('ny_source', 'SET'), undefined)
  shop.addProduct('NOT-SOLD')
  await rig.hub.json('POST', '/v1/channels/adobe/retry?location=NY01&sku=NOT-SOLD')
  await rig.until('it is shown', () => shop.shown('ny_source', 'NOT-SOLD') === 2)
  shop.product('SET').refused = 'left out'
})

test('each fault: told, never applied twice, made good', () => everyFault(rig, shop, comparison, 'A'))

test('an audit reads all pages, finds what was changed by hand, and mends it', async () => {
  shop.levels.set('ny_source/M7', 99)
  shop.levels.set('bos/A', 98)
  const audit = await rig.audited()
  assert.equal(audit.drift, 2, JSON.stringify(audit))
  assert.ok(audit.agreed > 300)
  await rig.until('it is mended', () => shop.shown('bos', 'A') !== 98 && shop.shown('ny_source', 'M7') === 2)
  await comparison.same()
})

test('kill -9 between send and answer: one effect, whether it was applied or not', () =>
  killBetween(rig, shop, comparison, 'A', writes))

test('a random schedule of faults ends with shop = hub, and no older figure ever comes after', () =>
  randomSchedule(rig, shop, comparison, { steps: 30 }))

test('requests signed by OAuth 1.0a are accepted, and a wrong secret is told', async () => {
  const own = await new MagentoShop({ sources: ['main'], token: null, store: 'default' }).start()
  own.oauth = { key: 'ckey', secret: 'c&secret', token: 'atoken', tokenSecret: 'tok en/secret' }
  for (const sku of ['A B', 'C&D,E', 'F']) own.addProduct(sku)
  const line = `type: magento, url: "${own.url}/", key: "env:K", secret: "env:S", token: "env:T", token_secret: "env:TS", ` +
    'store: default, allow_private: true, locations: {NY01: main}'
  const secrets = { K: 'ckey', S: 'c&secret', T: 'atoken', TS: 'tok en/secret' }
  const signed = await Rig.start('adobe', line, { env: secrets })
  await signed.adjust(['A B', 'F'].map((sku) => ({ sku, delta: 3, type: 'receipt' })))
  await signed.until('both are shown', () => own.shown('main', 'A B') === 3 && own.shown('main', 'F') === 3)
  await signed.hub.stop()
  const wrong = await Rig.start('adobe', line, { env: { ...secrets, TS: 'not-it' } })
  await wrong.receive('F', 1)
  await wrong.said(/does not accept the credentials/)
  assert.ok(!wrong.hub.log.includes('not-it'))
  await wrong.hub.stop()
  await own.stop()
})

test('another address is told in plain words', async () => {
  const elsewhere = await Rig.start('adobe', channel(`${shop.url}/blog`), { env })
  await elsewhere.receive('A', 1)
  await elsewhere.said(/is url the address of the shop's front/)
  await elsewhere.hub.stop()
})
