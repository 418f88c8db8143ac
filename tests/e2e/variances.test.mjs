// Variances: of what is held before anybody decides, as CSV, and their trend over days, in which a
// receipt that was told in time shows as a smaller number the next morning.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Hub, onhand } from './lib.mjs'

let hub
before(async () => {
  hub = await Hub.start()
})
after(() => hub.stop())

const day = (back, time) => `${date(back)}T${time}Z`
const date = (back) => new Date(Date.now() - back * 86400000).toISOString().slice(0, 10)
const trend = async (query) => (await hub.json('GET', '/v1/variances', { query })).items
const variances = (id, query = {}) => hub.json('GET', `/v1/resets/${id}/variances`, { query })
const cli = (args) => onhand([...args, '--url', hub.url, '--token', hub.token])

test('a receipt told in real time makes the next morning\'s variance smaller', async () => {
  const files = [[100, 100], [112, 112], [124, 124]]
  // Each day 12 pieces come in at 15:00 and the store's file of the next morning has them.
  const receipt = (id, location, back, delta = 12) => ({
    id, type: 'receipt', location, sku: 'A', delta, occurred_at: day(back, '15:00:00'),
  })
  for (const [i, [told, silent]] of files.entries()) {
    const back = 3 - i
    if (i > 0) await hub.adjust([receipt(`told-${i}`, 'TOLD', back + 1)])
    const answer = await hub.reset([['TOLD', 'A', told], ['SILENT', 'A', silent]], {
      as_of: day(back, '05:00:00'), source: 'prism',
    })
    assert.equal(answer.status, 'applied')
  }
  const units = async (location) =>
    (await trend({ location })).map((row) => [row.date, row.cells, row.units, row.explained, row.unexplained])
  assert.deepEqual(await units('TOLD'), [
    [date(1), 0, 0, 0, 0],
    [date(2), 0, 0, 0, 0],
    [date(3), 1, 100, 0, 100],
  ])
  assert.deepEqual(await units('SILENT'), [
    [date(1), 1, 12, 0, 12],
    [date(2), 1, 12, 0, 12],
    [date(3), 1, 100, 0, 100],
  ])
  // Told late, the receipt explains the variance that it caused, and of that day only.
  await hub.adjust([receipt('late', 'SILENT', 2, 10)])
  assert.deepEqual(await units('SILENT'), [
    [date(1), 1, 12, 10, 2],
    [date(2), 1, 12, 0, 12],
    [date(3), 1, 100, 0, 100],
  ])
  const { stdout, code } = await cli(['variances', '--location', 'SILENT', '--days', '5'])
  assert.equal(code, 0)
  assert.match(stdout, new RegExp(`^${date(1)} +SILENT +prism +1 +1 +12 +10 +2`, 'm'))
})

test('the trend comes in pages of days', async () => {
  const first = await hub.json('GET', '/v1/variances', { query: { days: 3, location: 'SILENT' } })
  assert.deepEqual(first.items.map((row) => row.date), [date(1), date(2)])
  const second = await hub.json('GET', '/v1/variances', { query: { days: 3, location: 'SILENT', cursor: date(2) } })
  assert.deepEqual(second.items.map((row) => row.date), [date(3)])
  await hub.json('GET', '/v1/variances', { query: { cursor: 'yesterday' } }, 400)
  await hub.json('GET', '/v1/variances', { query: { location: 'NOWHERE' } }, 422)
  await hub.json('GET', '/v1/variances', { query: { days: 93 } }, 400)
})

test('a token sees the trend of its own locations only', async () => {
  const { token } = await hub.json(
    'POST', '/v1/tokens', { body: { name: 'told', scopes: ['read'], locations: ['TOLD'] } }, 201
  )
  const { items } = await hub.json('GET', '/v1/variances', { token })
  assert.deepEqual([...new Set(items.map((row) => row.location))], ['TOLD'])
})

test('of a held reset the variances are told before anybody decides, and nothing is changed', async () => {
  const rows = (quantity) => [...Array(10).keys()].map((i) => ['HOLD', `S${i}`, quantity(i)])
  await hub.reset(rows(() => 10), { as_of: day(2, '05:00:00'), source: 'prism' })
  await hub.adjust([{ id: 'h1', type: 'sale', location: 'HOLD', sku: 'S1', delta: -4 }])
  const held = await hub.reset(rows((i) => (i < 2 ? 0 : 10)), { as_of: day(1, '05:00:00'), source: 'prism' })
  assert.equal(held.status, 'held')
  const before = await hub.cells({ location: 'HOLD' })
  const { items, count } = await variances(held.id, { order: 'units' })
  assert.equal(count, 2)
  assert.deepEqual(
    items.map((row) => [row.sku, row.held, row.stated, row.expected, row.variance, row.explained]),
    [['S0', true, 0, 10, -10, 0], ['S1', true, 0, 10, -10, 0]]
  )
  const csv = await hub.call('GET', `/v1/resets/${held.id}/variances`, { query: { format: 'csv' } })
  assert.match(csv.headers['content-type'], /^text\/csv/)
  assert.deepEqual(csv.text.split('\n'), [
    'location,sku,line,stated,expected,variance,explained,unexplained,status',
    'HOLD,S0,2,0,10,-10,0,-10,held',
    'HOLD,S1,3,0,10,-10,0,-10,held',
    '',
  ])
  assert.deepEqual(await hub.cells({ location: 'HOLD' }), before)
  assert.match((await cli(['variances', '--reset', held.id])).stdout, /^HOLD +S0 +2 +0 +10 +-10 +0 +-10/m)
  await hub.json('POST', `/v1/resets/${held.id}/approve`)
  const approved = await variances(held.id, { order: 'units' })
  assert.deepEqual(approved.items.map((row) => [row.sku, row.held, row.variance]), [['S0', false, -10], ['S1', false, -10]])
  assert.equal((await hub.cell('HOLD', 'S1')).on_hand, -4)
  await hub.json('GET', `/v1/resets/${held.id}/variances`, { query: { format: 'csv', limit: 1 } }, 400)
})

test('a large CSV comes whole', async () => {
  const rows = [...Array(60000).keys()].map((i) => ['BIG', `S${i}`, i + 1])
  const answer = await hub.reset(rows, { as_of: day(1, '05:00:00'), source: 'prism' })
  const csv = await hub.call('GET', `/v1/resets/${answer.id}/variances`, { query: { format: 'csv', order: 'units' } })
  const lines = csv.text.trimEnd().split('\n')
  assert.equal(lines.length, 60001)
  assert.equal(lines[1], 'BIG,S59999,60001,60000,0,60000,0,60000,applied')
})
