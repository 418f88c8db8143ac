// Documents pushed by tills: booked once, parked and replayed, kept to a token's locations, with
// the numbers that are missing told, also after a restart.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Hub, onhand, scratch } from './lib.mjs'
import { hubOf, prismOf, trade, untilTrue } from './prism.mjs'

const config = path.join(scratch('push'), 'onhand.yaml')
let hub, sids = 500000000000000000n
const sid = () => String(++sids)

before(async () => {
  writeFileSync(
    config,
    'sources:\n  - {name: prism, type: prism, url: "http://127.0.0.1:9", poll: 1d, ' +
      'silent_after: 1h, opening: "00:00-24:00"}\n',
  )
  hub = await Hub.start({ args: ['--config', config] })
})
after(() => hub.stop())

const line = (more = {}) => ({
  sid: sid(), item_type: 1, quantity: 1, kit_flag: 0, invn_sbs_item_sid: '700000000000000001',
  scan_upc: '012345678905', alu: 'SHIRT', ...more,
})
const stores = { NY01: '800000000000000001', BOS02: '800000000000000002', LA03: '800000000000000003' }
const document = (store, number, more = {}) => ({
  sid: sid(), document_number: number, status: 4, is_held: false, receipt_type: 0, has_sale: true,
  has_return: false, store_uid: stores[store], store_code: store, workstation: 1,
  invoice_posted_date: new Date(Date.now() - 1000).toISOString(), items: [line()], ...more,
})
const push = (body, options = {}) => hub.json('POST', '/v1/sources/prism/documents', { body, ...options })
const onHand = async (location) =>
  (await hub.json('GET', `/v1/inventory?location=${location}`)).items.reduce((sum, cell) => sum + cell.on_hand, 0)
const statuses = (answer) => answer.results.map((result) => result.status)
const register = async (name) => {
  const { stores } = await hub.json('GET', '/v1/sources/prism')
  return stores.flatMap((store) => store.registers).find((one) => one.register === name)
}

test('a sale is booked once, however often and in whichever dialect it comes', async () => {
  const sale = document('NY01', 1, { items: [line({ quantity: 2 }), line({ item_type: 2, quantity: 0.5 })] })
  const first = await push(sale)
  assert.deepEqual(statuses(first), ['applied', 'applied'])
  assert.equal(first.results[1].on_hand, -1.5)
  assert.equal(first.results[0].id, `${sale.sid}/${sale.items[0].sid}`)
  assert.deepEqual([first.documents, first.parked], [1, 0])
  const squeeze = (object) =>
    Object.fromEntries(Object.entries(object).map(([key, value]) => [key.replaceAll('_', ''), value]))
  const { items, ...head } = sale
  const again = { data: [{ ...squeeze(head), docitem: items.map(squeeze) }] }
  const bare = JSON.stringify(again).replace(/"(\d{18})"/g, '$1')
  for (const body of [again, bare, [sale, sale]]) {
    const answer = await push(body)
    assert.ok(statuses(answer).every((status) => status === 'duplicate'), JSON.stringify(answer))
  }
  assert.equal(await onHand('NY01'), -1.5)
})

test('one sale from many tills at the same moment counts once', async () => {
  const before = await onHand('NY01')
  const sale = document('NY01', 2)
  const answers = await Promise.all(Array.from({ length: 40 }, () => push(sale)))
  assert.equal(answers.filter((answer) => statuses(answer)[0] === 'applied').length, 1)
  assert.equal(await onHand('NY01'), before - 1)
})

test('what moves no stock says so; what is none is refused', async () => {
  const answer = await push([
    document('NY01', 3, { is_held: true }), document('NY01', null, { status: 3 }),
    document('NY01', 3, { receipt_type: 2 }),
  ])
  assert.deepEqual(statuses(answer), ['ignored', 'ignored', 'ignored'])
  assert.match(answer.results[2].detail, /deposit/)
  assert.equal((await hub.call('POST', '/v1/sources/prism/documents', { body: '{"sid":' })).status, 400)
  assert.equal((await hub.call('POST', '/v1/sources/nobody/documents', { body: {} })).status, 404)
  assert.equal((await hub.call('POST', '/v1/sources/prism/documents', { body: {}, token: 'no' })).status, 401)
  assert.deepEqual((await push([])).results, [])
})

test('what is not understood is parked, shown, and replayed once it can be', async () => {
  const unclear = document('NY01', 4, { items: [line(), line({ item_type: 9 })] })
  assert.deepEqual(statuses(await push(unclear)), ['applied', 'parked'])
  const nowhere = document('NY01', 5, { items: [line({ fulfill_store_sid: stores.LA03 })] })
  const answer = await push(nowhere)
  assert.equal(answer.results[0].error.code, 'unknown_location')
  const { items } = await hub.json('GET', '/v1/sources/prism/parked')
  assert.deepEqual(items.map((item) => item.sid), [unclear.sid, nowhere.sid])
  assert.deepEqual(await hub.json('GET', `/v1/sources/prism/parked/${items[1].id}`), nowhere)
  await push(document('LA03', 1))
  const replayed = await hub.json('POST', `/v1/sources/prism/parked/${items[1].id}/replay`)
  assert.deepEqual([replayed.settled, replayed.still_parked], [1, 0])
  assert.deepEqual(statuses(replayed), ['applied'])
  assert.equal(await onHand('LA03'), -2)
  const all = await hub.json('POST', '/v1/sources/prism/parked/replay')
  assert.deepEqual([all.replayed, all.settled, all.still_parked], [1, 0, 1])
  assert.equal((await hub.call('DELETE', `/v1/sources/prism/parked/${items[0].id}`)).status, 204)
  assert.equal((await hub.call('DELETE', `/v1/sources/prism/parked/${items[0].id}`)).status, 404)
  assert.deepEqual((await hub.json('GET', '/v1/sources/prism/parked')).items, [])
})

test('a token speaks for its locations only', async () => {
  const { token } = await hub.json('POST', '/v1/tokens', {
    body: { name: 'till-NY01', scopes: ['adjust'], locations: ['NY01'] },
  }, 201)
  const [own, other] = [document('NY01', 6), document('BOS02', 1)]
  const mixed = document('NY01', 7, { items: [line(), line({ fulfill_store_sid: stores.LA03 })] })
  const answer = await push([own, other, mixed], { token })
  assert.deepEqual(statuses(answer), ['applied', 'rejected', 'applied', 'rejected'])
  assert.ok(answer.results.filter((one) => one.status === 'rejected')
    .every((one) => one.error.code === 'forbidden_location'))
  assert.equal((await hub.json('GET', '/v1/sources/prism')).stores.some((one) => one.location === 'BOS02'), false)
  for (const [method, target] of [
    ['GET', '/v1/sources'], ['GET', '/v1/sources/prism/parked'], ['POST', '/v1/sources/prism/parked/replay'],
  ])
    assert.equal((await hub.call(method, target, { token })).status, 403)
})

test('missing numbers are told, and when they came; all of it survives a restart', async () => {
  for (const number of [101, 102, 105, 107]) await push(document('BOS02', number))
  let till = await register('BOS02-1')
  assert.deepEqual(till.gaps.map(({ from, to }) => [from, to]), [[103, 104], [106, 106]])
  assert.deepEqual([till.missing, till.last_number], [3, 107])
  const parked = document('BOS02', 103, { items: [line({ item_type: 9 })] })
  await push(parked)
  await hub.stop()
  await hub.start()
  till = await register('BOS02-1')
  assert.deepEqual(till.gaps.map(({ from, to }) => [from, to]), [[104, 104], [106, 106]])
  assert.equal((await hub.json('GET', '/v1/sources/prism/parked')).items[0].sid, parked.sid)
  await push(document('BOS02', 106))
  till = await register('BOS02-1')
  assert.deepEqual(till.gaps.map(({ from, to }) => [from, to]), [[104, 104]])
  assert.equal(till.filled[0].from, 106)
  assert.ok(Date.parse(till.filled[0].filled_at) >= Date.parse(till.filled[0].seen_at))
})

test('a clock that is ahead is seen, and its sales take effect when they come', async () => {
  const ahead = document('NY01', 200, { workstation: 7, invoice_posted_date: new Date(Date.now() + 3600e3).toISOString() })
  assert.deepEqual(statuses(await push(ahead)), ['applied'])
  const { clock_offset_seconds: offset } = await register('NY01-7')
  assert.ok(offset > 3500 && offset < 3700, String(offset))
})

test('a body of thousands is taken in slices', async () => {
  const before = await onHand('BOS02')
  const many = Array.from({ length: 1500 }, (_, i) => document('BOS02', 300 + i, { workstation: 3 }))
  const answer = await push(many)
  assert.deepEqual([answer.documents, answer.results.length], [1500, 1500])
  assert.ok(statuses(answer).every((status) => status === 'applied'))
  assert.equal(await onHand('BOS02'), before - 1500)
})

test('what was answered is there after a kill', async () => {
  const before = await onHand('NY01')
  const [sale, unclear] = [document('NY01', 201), document('NY01', 202, { items: [line({ item_type: 8 })] })]
  await push([sale, unclear])
  await hub.kill()
  await hub.start()
  assert.equal(await onHand('NY01'), before - 1)
  const { items } = await hub.json('GET', '/v1/sources/prism/parked')
  assert.ok(items.some((item) => item.sid === unclear.sid))
  assert.deepEqual(statuses(await push(sale)), ['duplicate'])
  for (const item of items.filter((one) => one.sid === unclear.sid))
    await hub.json('DELETE', `/v1/sources/prism/parked/${item.id}`, {}, 204)
})

test('the command shows sources, stores and what is parked', async () => {
  const options = ['--url', hub.url, '--token', hub.token]
  const list = await onhand(['sources', ...options])
  assert.equal(list.code, 0, list.stderr)
  assert.match(list.stdout, /prism +parked/)
  const one = await onhand(['sources', 'prism', ...options])
  assert.match(one.stdout, /BOS02-1 .* 104/)
  assert.match((await onhand(['sources', 'parked', 'prism', ...options])).stdout, /item_type 9/)
  assert.match((await onhand(['sources', 'replay', 'prism', ...options])).stdout, /1 still parked/)
  assert.equal((await onhand(['sources', 'drop', 'prism', ...options])).code, 2)
  assert.equal((await onhand(['sources', 'nobody', ...options])).code, 1)
  const json = JSON.parse((await onhand(['sources', '--json', ...options])).stdout)
  assert.equal(json.items[0].parked, 1)
})

test('figures for Prometheus', async () => {
  const { text } = await hub.call('GET', '/metrics')
  assert.match(text, /^onhand_source_parked\{source="prism"\} 1$/m)
  assert.match(text, /^onhand_source_numbers_missing\{source="prism"\} \d+$/m)
  assert.match(text, /^onhand_source_pushed_total\{source="prism"\} \d+$/m)
})

test('pushed and polled, in any order, with cancelled and reversed sales: every cell is right', async (t) => {
  const prism = await prismOf(t, { stores: 3, products: 6 })
  const { world } = prism
  trade(world, 60)
  const records = world.shelves.document.records ?? [...world.shelves.document.bySid.values()]
  const finished = records.filter((record) => record.data.status === 4 && record.data.receipt_type !== 2)
  const early = finished.map((record) => prism.pushed(record))
  const ways = ['cancel', 'document', 'both']
  finished.slice(0, 9).forEach((record, i) => world.reverse(record.data.sid, { by: ways[i % 3] }))
  const late = world.sell('002', [{ product: 1, fulfill: '003' }, { product: 2, kit: 1 }, { product: 3, kit: 2 }])
  const mixed = await hubOf(t, prism.url)
  const send = (body) => mixed.json('POST', '/v1/sources/prism/documents', { body })
  // Half of the tills tell at once, half when Prism was read already: as it was before.
  for (const body of early.filter((_, i) => i % 2)) await send(body)
  await untilTrue(mixed, world)
  for (const body of [...early, prism.pushed(late), ...early.reverse()]) await send(body)
  await untilTrue(mixed, world)
  assert.deepEqual((await mixed.json('GET', '/v1/sources/prism/parked')).items, [])
})
