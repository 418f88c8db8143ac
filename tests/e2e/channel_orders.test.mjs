// Online orders back: what Shopify, WooCommerce and others tell of them becomes reservations,
// releases and shipments, once each, in whatever order it is told.
import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { gid, ShopifyShop } from '../../demo/shops/shopify.mjs'
import { call, Hub, patience, scaled, scratch, verify } from './lib.mjs'
import { random } from './shop_rig.mjs'

const newYork = gid('Location', 1)
const boston = gid('Location', 2)
let hub, shop, sequence = 0

before(async () => {
  shop = await new ShopifyShop({ locations: { 1: 'New York', 2: 'Boston' } }).start()
  for (const sku of ['A', 'B', 'W']) shop.addVariant(sku)
  const config = path.join(scratch('orders'), 'onhand.yaml')
  writeFileSync(config, `channels:
  - {name: web, type: shopify, url: "${shop.url}", token: "env:SHOP_TOKEN", allow_private: true,
     webhook_secret: ["env:NEW_SECRET", "env:OLD_SECRET"], locations: {NY01: "${newYork}", BOS02: "2"}}
  - {name: woo, type: woocommerce, url: "https://127.0.0.1:1", key: "env:SHOP_TOKEN", secret: "env:WOO_SECRET",
     locations: [NY01, BOS02], orders_location: BOS02}
`)
  hub = await Hub.start({
    args: ['--config', config],
    env: { SHOP_TOKEN: 'shpat_token', NEW_SECRET: 'fresh', OLD_SECRET: 'stale', WOO_SECRET: 'cs_woo' },
  })
  shop.hooks = { url: `${hub.url}/v1/channels/web/webhooks`, secret: 'fresh' }
})

after(async () => {
  await hub?.stop()
  await shop?.stop()
  if (hub) await verify(hub.data)
})

const receive = (sku, delta, location = 'NY01') =>
  hub.adjust([{ id: `e${++sequence}`, type: 'receipt', location, sku, delta }])
const figures = async (sku, location = 'NY01') => {
  const { on_hand: onHand, reserved, available } = await hub.cell(location, sku)
  return [onHand, reserved, available]
}
const told = async (topic, payload, options) => {
  const answer = await shop.hook(topic, payload, options)
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  return JSON.parse(text)
}
const order = (number, sku, quantity, more = {}) => ({
  id: 7000 + number, name: `#${number}`, created_at: '2026-11-20T10:00:00-05:00', cancelled_at: null, location_id: null,
  line_items: [{ id: 8000 + number, sku, quantity, current_quantity: quantity }], fulfillments: [], ...more,
})
const fulfillment = (number, sku, quantity, more = {}) => ({
  id: 9000 + number, order_id: 7000 + number, name: `#${number}.1`, status: 'success', location_id: 1,
  created_at: '2026-11-20T11:00:00-05:00', line_items: [{ id: 8000 + number, sku, quantity }], ...more,
})

test('an order reserves, its shipment takes it, told twice and by two messages', async () => {
  await receive('A', 10)
  const first = order(1, 'A', 2)
  assert.equal((await told('orders/create', first)).applied, 2)
  assert.deepEqual(await figures('A'), [10, 2, 8])
  assert.deepEqual(await told('orders/create', first).then((a) => [a.applied, a.duplicates]), [0, 2])
  const sent = fulfillment(1, 'A', 2)
  await told('fulfillments/create', sent)
  assert.deepEqual(await figures('A'), [8, 0, 8])
  await told('orders/updated', { ...first, fulfillments: [sent] })
  assert.deepEqual(await figures('A'), [8, 0, 8])
})

test('shipped from elsewhere: the reservation goes, the other store has less', async () => {
  await receive('A', 5, 'BOS02')
  const [onHand] = await figures('A')
  await told('fulfillments/create', fulfillment(2, 'A', 1, { location_id: 2 }))
  await told('orders/create', order(2, 'A', 1))
  assert.deepEqual(await figures('A'), [onHand, 0, onHand])
  assert.deepEqual(await figures('A', 'BOS02'), [4, 0, 4])
})

test('a cancel before its create, an edit, a fulfilment taken back', async () => {
  await receive('B', 20)
  await told('orders/cancelled', order(3, 'B', 4, { cancelled_at: '2026-11-20T12:00:00Z' }))
  assert.deepEqual(await figures('B'), [20, 0, 20])
  await told('orders/create', order(3, 'B', 4))
  assert.deepEqual(await figures('B'), [20, 0, 20])
  const edited = order(4, 'B', 5)
  edited.line_items[0].current_quantity = 3
  await told('orders/updated', edited)
  await told('orders/create', order(4, 'B', 2))
  assert.deepEqual(await figures('B'), [20, 3, 17])
  await told('fulfillments/update', fulfillment(4, 'B', 3, { status: 'cancelled' }))
  await told('fulfillments/create', fulfillment(4, 'B', 3))
  assert.deepEqual(await figures('B'), [20, 3, 17])
  await told('fulfillments/create', fulfillment(4, 'B', 3, { id: 9999 }))
  assert.deepEqual(await figures('B'), [17, 0, 17])
})

test('an absolute figure never undoes a web sale that the books learn of later', async () => {
  await receive('W', 10)
  const until = async (check) => {
    for (let i = 0; i < 2000 && !check(); i++) await new Promise((go) => setTimeout(go, 10))
    assert.ok(check(), hub.log)
  }
  await until(() => shop.available('W', newYork) === 10)
  const bought = shop.buy('W', 3, newYork)
  await hub.adjust([{ id: `e${++sequence}`, type: 'sale', location: 'NY01', sku: 'W', delta: -1 }])
  await told('orders/create', bought)
  await until(() => shop.available('W', newYork) === 6)
  assert.ok(shop.applied.filter((row) => row.sku === 'W').every((row) => row.quantity === 10 || row.quantity <= 7))
})

test('signatures: the old secret while it is rotated; anything else is refused', async () => {
  const payload = order(5, 'A', 1)
  await told('orders/create', payload, { secret: 'stale' })
  const before = await figures('A')
  const refused = await shop.hook('orders/create', order(6, 'A', 1), { secret: 'guess' })
  assert.equal(refused.status, 401)
  for (const headers of [{}, { 'x-shopify-hmac-sha256': '' }, { 'x-shopify-hmac-sha256': 'A'.repeat(5000) }]) {
    const answer = await fetch(shop.hooks.url, { method: 'POST', body: '{}', headers })
    assert.equal(answer.status, 401)
  }
  assert.deepEqual(await figures('A'), before)
  assert.equal((await fetch(`${hub.url}/v1/channels/none/webhooks`, { method: 'POST', body: '{}' })).status, 404)
  assert.ok(!/fresh|stale|guess/.test(hub.log.replaceAll('CHANGE_FROM_QUANTITY_STALE', '')))
})

test('shapes nobody knows are refused whole, and other topics ignored', async () => {
  const before = await figures('A')
  const good = { id: 1, sku: 'A', quantity: 1 }
  for (const bad of [
    {}, { id: 77 }, { id: 77, line_items: {} }, { id: 77, line_items: [good, { ...good, id: 2, quantity: -1 }] },
    { id: 77, line_items: [good, { ...good, id: 2, quantity: 1.5 }] }, { id: 'a/b', line_items: [good] },
    { id: 77, line_items: [good, { ...good, id: 2, quantity: 1e9 }] }, { id: { $: 1 }, line_items: [good] }, [], 'x', 7,
  ]) {
    const answer = await shop.hook('orders/create', bad)
    assert.ok([400, 413, 422].includes(answer.status), `${JSON.stringify(bad)}: ${answer.status}`)
    assert.ok((await answer.json()).detail)
  }
  assert.deepEqual(await figures('A'), before)
  assert.equal((await told('products/update', { id: 1 })).status, 'ignored')
  assert.equal((await told('orders/create', order(8, '', 1))).applied, 0)
})

test('WooCommerce: paid reserves, completed ships, cancelled releases; its ping is answered', async () => {
  const hook = async (topic, payload, secret = 'cs_woo') => {
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
    return fetch(`${hub.url}/v1/channels/woo/webhooks`, {
      method: 'POST', body,
      headers: {
        ...(topic && { 'x-wc-webhook-topic': topic }), 'x-wc-webhook-delivery-id': randomUUID(),
        'x-wc-webhook-signature': createHmac('sha256', secret).update(body).digest('base64'),
      },
    })
  }
  const woo = (id, status, quantity = 2) => ({
    id, number: String(id), status, date_created_gmt: '2026-11-20T10:00:00', date_modified_gmt: '2026-11-20T11:00:00',
    line_items: [{ id: id * 10, sku: 'C', quantity }, { id: id * 10 + 1, sku: '', quantity: 1 }],
  })
  await receive('C', 10, 'BOS02')
  assert.equal((await hook('', 'webhook_id=7')).status, 200)
  assert.equal((await hook('order.created', woo(1, 'processing'), 'wrong')).status, 401)
  assert.equal((await (await hook('order.created', woo(1, 'pending'))).json()).status, 'ignored')
  assert.equal((await hook('order.updated', woo(1, 'processing'))).status, 200)
  assert.deepEqual(await figures('C', 'BOS02'), [10, 2, 8])
  await hook('order.updated', woo(1, 'completed'))
  await hook('order.updated', woo(1, 'processing'))
  assert.deepEqual(await figures('C', 'BOS02'), [8, 0, 8])
  await hook('order.updated', woo(2, 'cancelled', 3))
  await hook('order.created', woo(2, 'on-hold', 3))
  assert.deepEqual(await figures('C', 'BOS02'), [8, 0, 8])
})

test('WooCommerce deletes: only the number is told, whatever came before or comes after', async () => {
  const hook = async (topic, payload) => {
    const body = JSON.stringify(payload)
    const answer = await fetch(`${hub.url}/v1/channels/woo/webhooks`, {
      method: 'POST', body,
      headers: {
        'x-wc-webhook-topic': topic, 'x-wc-webhook-delivery-id': randomUUID(),
        'x-wc-webhook-signature': createHmac('sha256', 'cs_woo').update(body).digest('base64'),
      },
    })
    assert.equal(answer.status, 200, await answer.clone().text())
    return answer.json()
  }
  const woo = (id, status, quantity) => ({ id, number: String(id), status, line_items: [{ id: id * 10, sku: 'D', quantity }] })
  await receive('D', 20, 'BOS02')
  await hook('order.created', woo(11, 'processing', 2))
  await hook('order.updated', woo(11, 'processing', 3)) // edited
  assert.deepEqual(await figures('D', 'BOS02'), [20, 3, 17])
  await hub.stop()
  await hub.start()
  assert.equal((await hook('order.deleted', { id: 11 })).status, 'taken')
  assert.deepEqual(await figures('D', 'BOS02'), [20, 0, 20])
  await hook('order.updated', woo(11, 'processing', 3)) // late
  await hook('order.deleted', { id: 11 })
  assert.deepEqual(await figures('D', 'BOS02'), [20, 0, 20])
  await hook('order.deleted', { id: 12 }) // before anything else
  await hook('order.created', woo(12, 'on-hold', 4))
  assert.deepEqual(await figures('D', 'BOS02'), [20, 0, 20])
  await hook('order.created', woo(13, 'processing', 5))
  await hook('order.updated', woo(13, 'completed', 5))
  await hook('order.deleted', { id: 13 }) // what was shipped stays shipped
  assert.deepEqual(await figures('D', 'BOS02'), [15, 0, 15])
  // Both at the same time: at least one knows of the other.
  await Promise.all([hook('order.created', woo(14, 'processing', 1)), hook('order.deleted', { id: 14 })])
  assert.deepEqual(await figures('D', 'BOS02'), [15, 0, 15])
})

test('Shopify: a message that is delivered again changes nothing', async () => {
  await receive('A', 10)
  const [, reserved] = await figures('A')
  const id = randomUUID()
  const first = order(900, 'A', 2)
  assert.equal((await told('orders/create', first, { id })).status, 'taken')
  assert.equal((await told('orders/create', first, { id })).status, 'repeated')
  const second = { ...order(901, 'A', 1) }
  assert.equal((await told('orders/create', second, { id })).status, 'taken') // another body is another message
  await hub.stop()
  await hub.start()
  assert.deepEqual(await told('orders/create', first, { id }).then((a) => [a.status, a.applied]), ['taken', 0])
  assert.deepEqual((await figures('A'))[1], reserved + 3)
})

test('Shopify: a figure that changed there is read back; ours, or an old word of it, is not', async () => {
  shop.addVariant('H')
  await receive('H', 9)
  const until = async (what, check) => {
    for (let i = 0; i < 3000 * patience && !(await check()); i++) await new Promise((go) => setTimeout(go, 10))
    assert.ok(await check(), `${what}\n${hub.log}`)
  }
  await until('told', async () => shop.available('H', newYork) === 9 &&
    (await hub.json('GET', '/v1/channels/web')).pending === 0)
  const reads = () => shop.requests.filter((request) => request.operation === 'inventoryItem').length
  const level = (available) => ({
    inventory_item_id: Number(shop.bySku('H')[0].id.split('/').at(-1)), location_id: 1, available, updated_at: '2026-11-24T00:00:00Z',
  })
  let had = reads()
  assert.equal((await told('inventory_levels/update', level(9))).status, 'ignored') // what we told
  assert.equal((await told('inventory_levels/update', { ...level(1), inventory_item_id: 99999 })).status, 'ignored')
  assert.equal((await told('inventory_levels/update', { ...level(1), location_id: 77 })).status, 'ignored')
  assert.equal((await shop.hook('inventory_levels/update', level(1), { secret: 'guess' })).status, 401)
  for (const bad of [{}, { inventory_item_id: 1 }, { ...level('many') }]) {
    assert.equal((await shop.hook('inventory_levels/update', bad)).status, 400)
  }
  assert.equal(reads(), had)
  // Somebody sets it higher by hand: read, and lowered again.
  shop.bySku('H')[0].levels.set(newYork, 30)
  assert.equal((await told('inventory_levels/update', level(30))).status, 'read')
  await until('lowered', () => shop.available('H', newYork) === 9)
  // A web sale: read, not raised, and explained by its order.
  await until('settled', async () => (await hub.json('GET', '/v1/channels/web')).pending === 0)
  had = reads()
  const bought = shop.buy('H', 2, newYork)
  assert.equal((await told('inventory_levels/update', level(7))).status, 'read')
  await until('read', () => reads() > had)
  await told('orders/create', bought)
  await until('explained', async () => (await hub.json('GET', '/v1/channels/web')).pending === 0)
  assert.equal(shop.available('H', newYork), 7)
  assert.deepEqual(shop.applied.filter((row) => row.sku === 'H').map((row) => row.quantity), [9, 9])
})

test('the generic form, with a token that may adjust, at the locations it may', async () => {
  await receive('G', 10)
  const one = {
    id: 'W-1', placed_at: '2026-11-20T10:00:00Z',
    lines: [{ id: '1', sku: 'G', quantity: 3, cancelled: 1 }],
    shipments: [{ id: 's1', location: 'BOS02', lines: [{ line: '1', quantity: 1 }] }],
  }
  const post = (body, token = hub.token, status = 200) =>
    call(`${hub.url}/v1/channels/web/orders`, { method: 'POST', token, body }).then((answer) => {
      assert.equal(answer.status, status, answer.text)
      return answer.json
    })
  assert.deepEqual(await post({ orders: [one] }).then((a) => [a.applied, a.rejected]), [6, 0])
  assert.deepEqual(await post({ orders: [one, one] }).then((a) => [a.applied, a.duplicates]), [0, 12])
  assert.deepEqual(await figures('G'), [10, 1, 9])
  assert.deepEqual(await figures('G', 'BOS02'), [-1, 0, -1])
  await post({ orders: [{ ...one, colour: 'red' }] }, hub.token, 400)
  await post({ orders: [{ ...one, shipments: [{ id: 's', lines: [{ line: '9', quantity: 1 }] }] }] }, hub.token, 400)
  const make = (name, scopes, locations) =>
    hub.json('POST', '/v1/tokens', { body: { name, scopes, locations } }, 201)
  await post({ orders: [one] }, (await make('eye', ['read'])).token, 403)
  const limited = await post({ orders: [{ id: 'W-2', lines: one.lines }] }, (await make('bos', ['adjust'], ['BOS02'])).token)
  assert.equal(limited.errors[0].code, 'forbidden_location')
  assert.deepEqual(await figures('G'), [10, 1, 9])
  // Cancelled by its number alone, after and before its lines were told.
  await post({ orders: [{ id: 'W-3', lines: [{ id: '1', sku: 'G', quantity: 4 }] }] })
  assert.deepEqual(await figures('G'), [10, 5, 5])
  await post({ orders: [{ id: 'W-3', cancelled: true }, { id: 'W-4', cancelled: true }] })
  await post({ orders: [{ id: 'W-4', lines: [{ id: '1', sku: 'G', quantity: 4 }] }] })
  assert.deepEqual(await figures('G'), [10, 1, 9])
})

test('any order, any number of times, with kills in between: the same figures', async () => {
  const next = random(Number(process.env.ONHAND_SEED ?? 20261123))
  await receive('R', 1000)
  const messages = []
  let reserved = 0, shipped = 0
  for (let i = 0; i < scaled(20, 6); i++) {
    const number = 100 + i
    const quantity = 1 + Math.floor(next() * 4)
    const cancelled = next() < 0.3
    const sent = cancelled ? 0 : Math.floor(next() * (quantity + 1))
    messages.push(['orders/create', order(number, 'R', quantity)])
    if (cancelled) messages.push(['orders/cancelled', order(number, 'R', quantity, { cancelled_at: '2026-11-21T00:00:00Z' })])
    if (sent > 0) messages.push(['fulfillments/create', fulfillment(number, 'R', sent)])
    reserved += cancelled ? 0 : quantity - sent
    shipped += sent
  }
  const all = [...messages, ...messages.filter(() => next() < 0.5)]
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[all[i], all[j]] = [all[j], all[i]]
  }
  for (const [i, [topic, payload]] of all.entries()) {
    if (i === all.length >> 1) {
      const lost = shop.hook(topic, payload).catch(() => {}) // its answer may never come
      await hub.kill()
      await lost
      await hub.start()
    }
    await told(topic, payload)
  }
  assert.deepEqual(await figures('R'), [1000 - shipped, reserved, 1000 - shipped - reserved])
})
