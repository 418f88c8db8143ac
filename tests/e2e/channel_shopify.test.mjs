// A channel of type shopify against a shop that answers as Shopify does: figures are compared before
// they are set, whatever goes wrong is told, and when it stops the shop shows what the hub says.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gid, ShopifyShop } from '../../demo/shops/shopify.mjs'
import { verify } from './lib.mjs'
import { Comparison, everyFault, killBetween, randomSchedule } from './shop_cases.mjs'
import { Rig } from './shop_rig.mjs'

const newYork = gid('Location', 1)
const boston = gid('Location', 2)
const skus = ['A', 'B', 'C', 'D', 'E']
let shop, rig, comparison

const channel = (url) =>
  `type: shopify, url: "${url}", token: "env:SHOP_TOKEN", allow_private: true, ` +
  `locations: {NY01: "${newYork}", BOS02: "2"}`

before(async () => {
  shop = await new ShopifyShop({ locations: { 1: 'New York', 2: 'Boston' } }).start()
  for (const sku of skus) shop.addVariant(sku)
  rig = await Rig.start('web', channel(shop.url), { env: { SHOP_TOKEN: 'shpat_token' } })
  comparison = new Comparison(rig, shop, { NY01: 'New York', BOS02: 'Boston' })
})

after(async () => {
  await rig?.hub.stop()
  await shop?.stop()
  if (rig) await verify(rig.hub.data)
})

const same = () => comparison.same()

test('what is received is shown; later figures are compared with the one before', async () => {
  await rig.adjust(skus.map((sku) => ({ sku, delta: 10, type: 'receipt' })))
  await rig.receive('A', 4, 'BOS02')
  await same()
  await rig.sell('A', 3)
  await same()
  const last = shop.applied.at(-1)
  assert.deepEqual([last.sku, last.location, last.from, last.quantity], ['A', newYork, 10, 7])
  const call = shop.requests.findLast((request) => request.operation === 'inventorySetQuantities')
  const { variables } = JSON.parse(call.body)
  assert.equal(variables.input.quantities[0].changeFromQuantity, 10)
  assert.match(variables.key, /^[0-9a-f-]{36}$/)
})

test('ids are asked for once, and survive a restart', async () => {
  await rig.hub.stop()
  await rig.hub.start()
  const asked = () => shop.requests.filter((request) => request.operation === 'productVariants').length
  const had = asked()
  await rig.sell('A')
  await same()
  assert.equal(asked(), had)
})

test('a web sale that the books do not know is never undone', async () => {
  shop.buy('B', 2, newYork)
  await rig.sell('B', 1) // wanted 9, the shop shows 8
  await rig.until('it was compared', () =>
    shop.requests.at(-1).operation === 'inventoryItem' && shop.applied.at(-1).sku !== 'B')
  assert.equal(shop.available('B', newYork), 8)
  await rig.adjust([{ sku: 'B', delta: 2, type: 'reservation', order: 'web-1' }])
  await rig.until('it is lowered', () => shop.available('B', newYork) === 7)
  await same()
})

test('an item not stocked at a location is stocked there, then set', async () => {
  shop.addVariant('N', [newYork])
  await rig.receive('N', 5, 'BOS02')
  await same()
  assert.equal(shop.available('N', boston), 5)
  assert.equal(shop.activated, 1)
})

test('variants that share a SKU are kept alike, also after one of them is sold', async () => {
  shop.addVariant('T')
  shop.addVariant('T')
  await rig.receive('T', 6)
  await same()
  shop.buy('T', 1, newYork) // of the first only
  await rig.adjust([{ sku: 'T', delta: 1, type: 'reservation', order: 'web-t' }])
  await same()
  assert.deepEqual(shop.bySku('T').map((item) => item.levels.get(newYork)), [5, 5])
})

test('a row that is refused is parked with the words of the shop, and no other', async () => {
  for (const names of [true, false]) {
    shop.namesRows = names
    const bad = `BAD-${names}`
    shop.items.get(shop.addVariant(bad)).refused = 'The quantity is not to my taste'
    const many = Array.from({ length: 30 }, (_, i) => `M${names}${i}`)
    for (const sku of many) shop.addVariant(sku)
    many.splice(17, 0, bad)
    await rig.adjust(many.map((sku) => ({ sku, delta: 3, type: 'receipt' })))
    await same()
    const { parked } = await rig.until('it is parked', async () => {
      const now = await rig.channel()
      return now.parked.some((item) => item.sku === bad) && now
    })
    assert.match(parked.find((item) => item.sku === bad).detail, /not to my taste/)
    assert.equal(shop.available(bad, newYork), 0)
  }
  delete shop.namesRows
  shop.items.get(shop.addVariant('X', [])).cannotStock = 'The location has been deactivated'
  await rig.receive('X', 1)
  await rig.until('it is parked', async () =>
    (await rig.channel()).parked.some((item) => item.sku === 'X' && /deactivated/.test(item.detail)))
})

test('a SKU the shop does not sell is left out quietly, and found once it is there', async () => {
  await rig.receive('NOT-SOLD', 2)
  await rig.settled()
  await rig.until('it is left out', async () => (await rig.channel()).unmapped === 1)
  shop.addVariant('NOT-SOLD')
  await rig.hub.json('POST', '/v1/channels/web/retry?location=NY01&sku=NOT-SOLD')
  await same()
  assert.equal(shop.available('NOT-SOLD', newYork), 2)
})

test('a variant made anew under another id is looked up again', async () => {
  const [old] = shop.bySku('C')
  shop.items.delete(old.id)
  shop.addVariant('C')
  await rig.sell('C')
  await same()
})

test('each fault: told, nothing applied twice, made good', () => everyFault(rig, shop, comparison, 'D'))

test('the budget is the one the answers tell: nothing is refused for it twice in a row', async () => {
  const many = Array.from({ length: 400 }, (_, i) => `Q${i}`)
  for (const sku of many) shop.addVariant(sku)
  Object.assign(shop.bucket, { maximum: 150, level: 60, restore: 400 })
  shop.throttled = 0
  await rig.adjust(many.map((sku) => ({ sku, delta: 1, type: 'receipt' })))
  await same()
  assert.ok(shop.throttled <= 3, `throttled ${shop.throttled} times`)
  Object.assign(shop.bucket, { maximum: 2000, level: 2000, restore: 1000 })
  shop.throttled = 0
})

test('a large shop is read in bulk; where that fails, page by page, and the audit is the same', async () => {
  const used = (from) => new Set(shop.requests.slice(from).map((request) => request.operation))
  await same()
  const [{ levels }] = shop.bySku('B')
  const right = levels.get(newYork)
  const plain = { polls: 1, status: 'COMPLETED', refused: null, file: (text) => text }
  const small = await rig.audited()
  shop.countedAs = 10000 // as far as such a shop counts
  const ways = [
    [{}, true], [{ polls: 0, file: (text) => text.trimEnd() }, true], [{ file: (text) => text.replaceAll('\n', '\r\n') }, true],
    [{ refused: 'A bulk query operation is already in progress' }, false], [{ status: 'FAILED' }, false],
    [{ status: 'EXPIRED' }, false], [{ size: 7 }, false],
    [{ file: (text) => `<html>${text}` }, false], [{ file: (text) => text.slice(0, -9) }, false],
    [{ file: (text) => `${text}"${'x'.repeat(70000)}"\n` }, false],
  ]
  for (const [way, works] of ways) {
    shop.bulk = { ...plain, ...way }
    const from = shop.requests.length
    const audit = await rig.audited()
    const what = JSON.stringify([Object.entries(way).map(String), audit])
    assert.equal(audit.error, null, what)
    assert.equal(audit.drift, 0, what)
    assert.equal(used(from).has('location'), !works, what)
    if (works) assert.equal(audit.read, small.read, what)
  }
  shop.bulk = plain
  levels.set(newYork, right + 40)
  const from = shop.requests.length
  const audit = await rig.audited()
  assert.deepEqual([audit.drift, audit.mended], [1, 1])
  const file = shop.requests.slice(from).find((request) => request.operation === 'file')
  assert.ok(file && !('x-shopify-access-token' in file.headers), 'the token goes to the shop only')
  await rig.until('it is mended', () => levels.get(newYork) === right)
  delete shop.countedAs
})

test('an audit finds what somebody changed by hand, and mends it', async () => {
  shop.bySku('E')[0].levels.set(newYork, 99)
  await rig.audited()
  await rig.until('it is mended', async () => {
    const { last_audit: audit } = await rig.channel()
    return audit && shop.available('E', newYork) === await rig.wanted('E')
  })
  await same()
})

test('kill -9 between send and answer: one effect, whether it was applied or not', () =>
  killBetween(rig, shop, comparison, 'A', (call) => /inventorySetQuantities/.test(call.body)))

test('a token that is taken back stops the channel in plain words; a new one is fetched', async () => {
  const own = await new ShopifyShop({ locations: { 1: 'New York' } }).start()
  own.addVariant('A')
  own.client = { id: 'app', secret: 'hush' }
  own.tokens.clear()
  const other = await Rig.start('own',
    `type: shopify, url: "${own.url}", key: "env:ID", secret: "env:SECRET", allow_private: true, locations: {NY01: "1"}`,
    { env: { ID: 'app', SECRET: 'hush' } })
  try {
    await other.receive('A', 5)
    await other.until('it is shown', () => own.available('A', newYork) === 5)
    own.tokens.clear()
    await other.sell('A')
    await other.said(/does not accept the credentials/)
    await other.until('with a new token', () => own.available('A', newYork) === 4)
    own.client.secret = 'changed'
    own.tokens.clear()
    await other.sell('A')
    await other.said(/client id and secret/)
    await other.until('it says so', async () => (await other.channel()).state === 'unauthorized')
    assert.ok(!other.hub.log.includes('hush'))
  } finally {
    await other.hub.stop()
    await own.stop()
  }
})

test('a random schedule of faults ends with shop = hub, and no older figure ever comes after', () =>
  randomSchedule(rig, shop, comparison, { buy: (sku) => shop.buy(sku, 1, newYork) }))
