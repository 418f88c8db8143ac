// Reads: pages, exports, the past, the ledger of a cell and the waterfall that explains it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hub } from './lib.mjs'

let hub
before(async () => {
  hub = await Hub.start()
  const adjustments = []
  for (let l = 1; l <= 3; l++) {
    for (let s = 0; s < 700; s++) adjustments.push({ location: `L${l}`, sku: `S${s}`, delta: l * 1000 + s })
  }
  await hub.adjust(adjustments)
})
after(() => hub.stop())

test('pages give every cell once', async () => {
  const seen = new Map()
  let pages = 0
  for (let cursor = ''; cursor !== null; pages++) {
    const page = await hub.json('GET', '/v1/inventory', { query: { limit: 333, ...(cursor ? { cursor } : {}) } })
    for (const cell of page.items) {
      const key = `${cell.location}/${cell.sku}`
      assert.ok(!seen.has(key), key)
      seen.set(key, cell)
    }
    cursor = page.next
  }
  assert.equal(seen.size, 2100)
  assert.equal(pages, 7)
  assert.equal(seen.get('L2/S7').on_hand, 2007)
})

test('filters by location, product and change', async () => {
  const one = await hub.json('GET', '/v1/inventory', { query: { location: 'L2', limit: 10000 } })
  assert.equal(one.items.length, 700)
  const sku = await hub.json('GET', '/v1/inventory', { query: { sku: 'S7' } })
  assert.deepEqual(sku.items.map((c) => c.location), ['L1', 'L2', 'L3'])
  const { sequence } = sku
  await hub.adjust([{ location: 'L3', sku: 'S9', delta: 1 }])
  const changed = await hub.json('GET', '/v1/inventory', { query: { changed_since: sequence } })
  assert.deepEqual(changed.items.map((c) => `${c.location}/${c.sku}`), ['L3/S9'])
  assert.ok(changed.items[0].version > sequence)
})

test('the exports hold the same as the pages', async () => {
  const csv = await hub.call('GET', '/v1/inventory?format=csv')
  const lines = csv.text.trim().split('\n')
  assert.equal(lines[0], 'location,sku,on_hand,reserved,available,as_of,updated_at,version')
  assert.equal(lines.length, 2101)
  const cells = await hub.cells()
  assert.equal(cells.size, 2100)
  for (const line of lines.slice(1)) {
    const [location, sku, onHand] = line.split(',')
    assert.equal(cells.get(`${location}/${sku}`).on_hand, Number(onHand))
  }
})

test('what stood then, as known now and as known then', async () => {
  const adjust = (id, delta, day) =>
    hub.adjust([{ id, location: 'PAST', sku: 'A', delta, occurred_at: `2026-11-${day}T00:00:00Z` }])
  await adjust('p1', 10, 10)
  await adjust('p2', -3, 12)
  await sleep(20)
  const known = new Date().toISOString()
  await sleep(20)
  await adjust('p3', -1, 11) // came late
  const at = async (query) => (await hub.json('GET', '/v1/inventory/PAST/A', { query })).on_hand
  assert.equal(await at({ at: '2026-11-10T12:00:00Z' }), 10)
  assert.equal(await at({ at: '2026-11-11T12:00:00Z' }), 9)
  assert.equal(await at({ at: '2026-11-11T12:00:00Z', known_at: known }), 10)
  assert.equal(await at({ known_at: known }), 7)
  assert.equal(await at({}), 6)
})

test('the ledger of a cell, page by page, newest first', async () => {
  for (let i = 1; i <= 5; i++) await hub.adjust([{ id: `h${i}`, location: 'HIS', sku: 'A', delta: i }])
  const ids = []
  for (let cursor = ''; cursor !== null; ) {
    const page = await hub.json('GET', '/v1/inventory/HIS/A/history', { query: { limit: 2, ...(cursor ? { cursor } : {}) } })
    ids.push(...page.items.map((e) => e.id))
    cursor = page.next
  }
  assert.deepEqual(ids, ['h5', 'h4', 'h3', 'h2', 'h1'])
})

test('the waterfall adds up, and says why', async () => {
  await hub.reset([['EX', 'A', 10]], {
    source: 'prism', as_of: '2026-11-20T00:00:00Z', file: 'inventory.csv',
    manifest: JSON.stringify({ locations: { EX: { through: { R1: 100 } } } }),
  })
  await hub.adjust([
    { id: 'x1', source: 'prism', location: 'EX', sku: 'A', delta: -1, register: 'R1', sequence: 101, occurred_at: '2026-11-19T00:00:00Z' },
    { id: 'x2', source: 'prism', location: 'EX', sku: 'A', delta: -1, register: 'R1', sequence: 99, occurred_at: '2026-11-21T00:00:00Z' },
    { id: 'x3', source: 'prism', location: 'EX', sku: 'A', delta: -2, occurred_at: '2026-11-20T00:00:01Z' },
    { id: 'x4', source: 'shop', type: 'shipment', location: 'EX', sku: 'A', delta: -1, order: 'SO-1', document: 'SO-1', occurred_at: '2026-11-18T00:00:00Z' },
    { id: 'x5', source: 'shop', type: 'reservation', location: 'EX', sku: 'A', delta: 3, order: 'SO-2' },
    { id: 'x6', source: 'prism', location: 'EX', sku: 'A', delta: -5, occurred_at: '2026-11-19T23:00:00Z' },
  ])
  const x = await hub.json('GET', '/v1/inventory/EX/A/explain')
  assert.equal(x.statement.file, 'inventory.csv')
  assert.equal(x.statement.line, 2)
  assert.equal(x.statement.stated, 10)
  const why = Object.fromEntries(x.events.map((e) => [e.id, e.why]))
  assert.deepEqual(Object.keys(why).sort(), ['x1', 'x3', 'x4'])
  assert.match(why.x1, /number 101 of register R1 is after 100/)
  assert.match(why.x3, /took effect after 2026-11-20T00:00:00Z/)
  assert.match(why.x4, /prism had not acknowledged SO-1/)
  assert.deepEqual(x.covered_late.map((e) => e.id).sort(), ['x2', 'x6'])
  assert.deepEqual(x.reservations, [{ order: 'SO-2', reserved: 3 }])
  assert.equal(x.events_change, -4)
  assert.equal(x.on_hand, 6)
  assert.equal(x.available, 3)
  const cell = await hub.cell('EX', 'A')
  assert.deepEqual([cell.on_hand, cell.reserved, cell.available], [6, 3, 3])
})

test('what may be sold is floored at zero, what stands is not', async () => {
  await hub.adjust([{ location: 'NEG', sku: 'N', delta: -2 }, { location: 'POS', sku: 'N', delta: 5 }])
  assert.equal((await hub.cell('NEG', 'N')).available, -2)
  const answer = await hub.json('GET', '/v1/availability', { query: { sku: 'N' } })
  assert.deepEqual(answer.locations.map((l) => [l.location, l.available]), [['NEG', 0], ['POS', 5]])
  assert.equal(answer.available, 5)
  const docs = await hub.json('GET', '/api/checkInventory?productId=N&facilityId=POS&facilityId=NEG')
  assert.deepEqual(docs, { count: 2, docs: [{ facilityId: 'POS', atp: 5 }, { facilityId: 'NEG', atp: -2 }] })
  assert.equal((await hub.call('GET', '/v1/availability?sku=N&channel=none')).status, 404)
})

test('a product is found by any of its identifiers', async () => {
  await hub.adjust([{ location: 'ID', sku: 'I', upc: '012345678905', delta: 4 }])
  await hub.json('POST', '/v1/UpdateInventory', {
    body: { facilityId: 'ID', idType: 'UPCA', idValue: '012345678905', availableDelta: -1 },
  })
  assert.equal((await hub.cell('ID', '012345678905')).on_hand, 3)
  assert.equal((await hub.cell('ID', 'I')).sku, 'I')
})
