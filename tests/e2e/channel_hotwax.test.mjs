// A channel of type hotwax against a system that only takes differences and counts twice what it is
// told twice: whatever goes wrong, each difference takes effect once.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HotwaxShop } from '../../demo/shops/hotwax.mjs'
import { scaled, verify } from './lib.mjs'
import { random, Rig } from './shop_rig.mjs'

let shop, rig
const skus = ['A', 'B', 'C', 'D']

const channel = (url) =>
  `type: hotwax, url: "${url}", token: "env:OMS_TOKEN", allow_private: true, ` +
  'locations: {NY01: STORE_1, BOS02: STORE_2}'

before(async () => {
  shop = await new HotwaxShop({ facilities: ['STORE_1', 'STORE_2'], products: skus }).start()
  rig = await Rig.start('oms', channel(shop.url), { env: { OMS_TOKEN: 'hc-token' } })
})

after(async () => {
  await rig?.hub.stop()
  await shop?.stop()
  if (rig) await verify(rig.hub.data)
})

const same = () => rig.agree(async () => {
  for (const [key, cell] of await rig.hub.cells()) {
    const [location, sku] = key.split('/')
    const facility = location === 'NY01' ? 'STORE_1' : 'STORE_2'
    if (!shop.products.has(sku) || shop.refused.has(sku)) continue
    assert.equal(shop.available(sku, facility) ?? 0, Math.max(0, cell.available), key)
  }
})

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

test('each fault, on reading and on writing: told, and one effect', async () => {
  const cases = [
    ['lost', /./], ['error_after', /502: the shop failed/], ['html_after', /not an answer/], ['cut_off', /./],
    ['broken', /./], ['error', /500: the shop failed/], ['html', /not an answer/],
    ['redirect', /redirected/], ['too_many', /too many requests/], ['unavailable', /asks to wait/],
    ['unauthorized', /does not accept the credentials/],
  ]
  for (const writing of [false, true]) {
    for (const [fault, words] of cases) {
      const had = shop.applied.length
      shop.script.push(...(writing ? [null, fault] : [fault]))
      await rig.sell('C', 0.5)
      await rig.until(`the fault ${fault}`, () => shop.script.length === 0)
      // A read whose connection breaks is said again at once; a doubt about one item is its own.
      const isQuiet = writing ? ['html', 'html_after'] : ['lost', 'broken']
      if (!isQuiet.includes(fault)) await rig.said(words)
      await same()
      assert.equal(shop.applied.length - had, 1, `${fault} while ${writing ? 'writing' : 'reading'}`)
    }
  }
})

test('kill -9 between send and answer: one effect, whether it was applied or not', async () => {
  for (const applies of [true, false]) {
    let open
    shop.script.push(null, (call, response, answer) => {
      if (applies) answer()
      open = response
    })
    const had = shop.applied.length
    await rig.sell('D')
    await rig.until('the call', () => open)
    await rig.hub.kill()
    open.destroy()
    await rig.hub.start()
    await same()
    assert.equal(shop.applied.length - had, 1)
  }
})

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

test('a random schedule of faults ends with the same figures, each difference once', async () => {
  const seed = Number(process.env.ONHAND_SEED ?? 20261123)
  const next = random(seed)
  const kinds = ['lost', 'error_after', 'html_after', 'cut_off', 'broken', 'error', 'html', 'too_many', 'unavailable']
  const names = Array.from({ length: 12 }, (_, i) => `R${i}`)
  for (const sku of names) shop.products.add(sku)
  await rig.adjust(names.map((sku) => ({ sku, delta: 500, type: 'receipt' })))
  await same()
  const from = shop.applied.length
  const calls = shop.requests.length
  shop.chance = () => (next() < 0.25 ? kinds[Math.floor(next() * kinds.length)] : null)
  for (let step = 0; step < scaled(60, 15); step++) {
    const sku = names[Math.floor(next() * names.length)]
    if (next() < 0.2) {
      shop.move(sku, 'STORE_1', -1)
      await rig.adjust([{ sku, delta: 1, type: 'reservation', order: `r${step}` }])
    } else await rig.sell(sku, 1 + Math.floor(next() * 3))
    await rig.order('resume')
    const had = shop.requests.length
    for (let i = 0; i < 10 && shop.requests.length === had; i++) await sleep(2)
  }
  shop.chance = null
  await same()
  const faults = shop.requests.slice(calls).filter((call) => call.fault).length
  assert.ok(faults >= scaled(10, 2), `${faults} faults`)
  // Everything only fell: a difference that raised a figure undid something.
  for (const { sku, delta } of shop.applied.slice(from)) {
    assert.ok(delta < 0, `seed ${seed}: ${sku} was raised by ${delta}`)
  }
})
