// A channel of type hotwax against a system that only takes differences and counts twice what it is
// told twice: whatever goes wrong, each difference takes effect once.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HotwaxShop } from '../../demo/shops/hotwax.mjs'
import { verify } from './lib.mjs'
import { Comparison, everyFault, killBetween, randomSchedule } from './shop_cases.mjs'
import { Rig } from './shop_rig.mjs'

let shop, rig, comparison
const skus = ['A', 'B', 'C', 'D']

const channel = (url) =>
  `type: hotwax, url: "${url}", token: "env:OMS_TOKEN", allow_private: true, ` +
  'locations: {NY01: STORE_1, BOS02: STORE_2}'

before(async () => {
  shop = await new HotwaxShop({ facilities: ['STORE_1', 'STORE_2'], products: skus }).start()
  rig = await Rig.start('oms', channel(shop.url), { env: { OMS_TOKEN: 'hc-token' } })
  comparison = new Comparison(rig, shop, { NY01: 'STORE_1', BOS02: 'STORE_2' }, { whole: false })
})

after(async () => {
  await rig?.hub.stop()
  await shop?.stop()
  if (rig) await verify(rig.hub.data)
})

const same = () => comparison.same()

test('the difference to what is shown goes out, with everything HotWax asks for', async () => {
  shop.move('A', 'STORE_1', 3) // from before our time
  await rig.adjust(skus.map((sku) => ({ sku, delta: 10, type: 'receipt' })))
  await rig.receive('A', 4, 'BOS02')
  await same()
  const call = shop.requests.find((request) => request.method === 'POST' && /"idValue":"A"/.test(request.body))
  assert.deepEqual(JSON.parse(call.body), {
    facilityId: 'STORE_1', idType: 'SKU', idValue: 'A', availableDelta: 7,
    locationSeqId: 'TLTLTLLL01', varianceReasonId: 'VAR_MANUAL',
  })
  await rig.sell('A', 1.5)
  await same()
  assert.equal(shop.applied.at(-1).delta, -1.5)
})

test('an order taken there is neither undone nor deducted twice', async () => {
  shop.move('B', 'STORE_1', -2)
  await rig.adjust([{ sku: 'B', delta: 2, type: 'reservation', order: 'o-1' }])
  await same()
  assert.equal(shop.available('B', 'STORE_1'), 8)
  assert.equal(shop.applied.filter((row) => row.sku === 'B').length, 1)
  shop.move('B', 'STORE_1', -1) // one that the books do not know yet
  await rig.sell('B', 3)
  await rig.until('it is lowered', () => shop.available('B', 'STORE_1') === 5)
  await rig.adjust([{ sku: 'B', delta: 1, type: 'reservation', order: 'o-2' }])
  await same()
})

test('what it refuses is parked with its words, in 400 as in 200; the rest goes on', async () => {
  await rig.adjust(['NOPE', ...skus].map((sku) => ({ sku, delta: 1, type: 'receipt' })))
  await same()
  const { parked } = await rig.until('it is parked', async () => {
    const now = await rig.channel()
    return now.parked_count > 0 && now
  })
  assert.match(parked.find((item) => item.sku === 'NOPE').detail, /Product not found for SKU NOPE/)
  shop.products.add('NOPE')
  await rig.hub.json('POST', '/v1/channels/oms/retry')
  await same()
})

// A read whose connection breaks is said again at once; a doubt about one item is its own.
test('each fault on reading: told, and one effect', () =>
  everyFault(rig, shop, comparison, 'C', { quiet: ['lost', 'broken'] }))

test('each fault on writing: told, and one effect', () =>
  everyFault(rig, shop, comparison, 'C', { before: 1, quiet: ['html', 'html_after'] }))

test('kill -9 between send and answer: one effect, whether it was applied or not', () =>
  killBetween(rig, shop, comparison, 'D', (call) => call.path.endsWith('/updateInventoryByIdentification')))

test('an audit finds what somebody changed by hand, and mends it', async () => {
  shop.move('A', 'STORE_2', 50)
  await rig.hub.json('POST', '/v1/channels/oms/audit', {}, 202)
  await rig.until('it is mended', async () => shop.available('A', 'STORE_2') === await rig.wanted('A', 'BOS02'))
  await same()
})

test('with user and password it logs in, and again when the token is taken back', async () => {
  const own = await new HotwaxShop({ facilities: ['STORE_1'], products: ['A'] }).start()
  own.tokens.clear()
  own.login = { user: 'hub', password: 'hush-hush' }
  const other = await Rig.start('own',
    `type: hotwax, url: "${own.url}", user: hub, password: "env:OMS_PASSWORD", allow_private: true, locations: {NY01: STORE_1}`,
    { env: { OMS_PASSWORD: 'hush-hush' } })
  try {
    await other.receive('A', 5)
    await other.until('it is shown', () => own.available('A', 'STORE_1') === 5)
    own.tokens.clear()
    await other.sell('A')
    await other.until('with a new token', () => own.available('A', 'STORE_1') === 4)
    own.login.password = 'changed'
    own.tokens.clear()
    await other.sell('A')
    await other.said(/credentials/)
    await other.until('it says so', async () => (await other.channel()).state === 'unauthorized')
    assert.ok(!other.hub.log.includes('hush'))
  } finally {
    await other.hub.stop()
    await own.stop()
  }
})

test('many at once go as a reset file; nothing newer is sent until it is imported, then all is read', async () => {
  const many = Array.from({ length: 120 }, (_, i) => `F${i}`)
  const own = await new HotwaxShop({ facilities: ['STORE_1'], products: [...many.slice(1), 'A,"1"'] }).start()
  own.importMs = null
  const other = await Rig.start('own',
    `type: hotwax, url: "${own.url}", token: "env:OMS_TOKEN", upload: RESET_INVENTORY, settle: 1s, allow_private: true, locations: {NY01: STORE_1}`,
    { env: { OMS_TOKEN: 'hc-token' } })
  const shows = async (sku, quantity) => other.until(`${sku} shows ${quantity}`, async () => {
    await other.order('resume')
    return own.available(sku, 'STORE_1') === quantity
  })
  const imported = () => {
    for (const [id, file] of own.files) if (file.statusId === 'DmlsPending') own.importFile(id)
  }
  const lines = (id) => own.files.get(id).content.trim().split('\n')
  const deltas = () => own.applied.length
  try {
    await other.order('pause')
    await other.adjust(many.map((sku, i) => ({ sku, delta: 10 + i, type: 'receipt' })))
    await other.until('all are wanted', async () => (await other.channel()).pending === 120)
    await other.order('resume')
    await other.until('a file', () => own.files.size === 1)
    assert.equal(own.files.get('10001').configId, 'RESET_INVENTORY')
    assert.equal(lines('10001')[0], 'facilityId,locationSeqId,idType,idValue,availableQty')
    assert.ok(lines('10001').includes('STORE_1,TLTLTLLL01,SKU,F7,17'))
    assert.equal(lines('10001').length, 121)
    await other.sell('F7', 2)
    await other.until('it asks after the file', () => own.requests.filter((call) => call.path.endsWith('/logs/10001')).length > 1)
    await other.hub.kill() // the file is known again afterwards
    await other.hub.start()
    await other.until('it asks again', () => own.requests.at(-1).path.endsWith('/logs/10001'))
    assert.equal(deltas(), 0)
    imported()
    await shows('F7', 15)
    await shows('F119', 129)
    assert.equal(own.files.size, 1)
    assert.deepEqual(own.applied.map(({ sku, delta }) => [sku, delta]), [['F7', -2]])
    // The row it refused is told one by one, for the words.
    assert.match((await other.parked('F0')).detail, /Product not found for SKU F0/)
    // No files for a while after that: one by one. Commas and quotes are nobody's trouble.
    await other.receive('A,"1"', 3)
    await shows('A,"1"', 3)
    // A token that may not: words, and one by one.
    await other.hub.stop()
    await other.hub.start()
    own.configs.clear()
    await other.order('pause')
    await other.adjust(many.slice(1, 70).map((sku) => ({ sku, delta: 1, type: 'receipt' })))
    await other.until('all are wanted', async () => (await other.channel()).pending >= 69)
    await other.order('resume')
    await other.said(/it takes no file.*No data manager config RESET_INVENTORY/)
    await shows('F69', 80)
  } finally {
    await other.hub.stop()
    await own.stop()
  }
})

test('a random schedule of faults ends with the same figures, each difference once', () =>
  randomSchedule(rig, shop, comparison, { buy: (sku) => shop.move(sku, 'STORE_1', -1) }))
