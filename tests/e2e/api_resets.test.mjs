// POST /v1/resets and what follows: bodies of every kind, parameters, decisions, and what is kept.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { after, before, test } from 'node:test'
import { Hub } from './lib.mjs'

let hub
before(async () => {
  hub = await Hub.start()
})
after(() => hub.stop())

const file = (...rows) => ['location,sku,quantity', ...rows].join('\n') + '\n'
const post = (body, query = {}, type = 'text/csv', status = 200) =>
  hub.json('POST', '/v1/resets', { body, type, query: { source: 'prism', ...query } }, status)

function multipart(parts) {
  const text = parts.map(
    ([name, value, filename]) =>
      `--b0undary\r\nContent-Disposition: form-data; name="${name}"${filename ? `; filename="${filename}"` : ''}\r\n\r\n${value}\r\n`
  )
  return [text.join('') + '--b0undary--\r\n', 'multipart/form-data; boundary=b0undary']
}

test('rows are counted, rejected ones kept with their line', async () => {
  const answer = await post(file('C1,A,5', 'C1,B,x', 'C1,C,-2', 'C1,A,5', 'C1,D,1,5,9'), {
    as_of: '2026-11-20T00:00:00Z',
    guard: 'off', // more rows than one in a hundred cannot be read
  })
  assert.equal(answer.status, 'applied')
  assert.equal(
    answer.rows,
    answer.changed + answer.unchanged + answer.duplicate_rows + answer.rejected_rows + answer.unknown_products + answer.unknown_locations
  )
  const rejects = await hub.call('GET', `/v1/resets/${answer.id}/rejects`)
  assert.match(rejects.headers['content-type'], /^text\/csv/)
  assert.match(rejects.text, /^line,reason,detail,row\r?\n/)
  assert.match(rejects.text, /^3,bad_quantity,/m)
  assert.equal((await hub.cell('C1', 'A')).on_hand, 5)
  assert.equal((await hub.cell('C1', 'C')).on_hand, -2)
  assert.equal((await hub.json('GET', `/v1/resets/${answer.id}`)).rows, answer.rows)
})

test('gzip is recognised, and the same content and as_of is a duplicate', async () => {
  const text = file('G1,A,5')
  const body = gzipSync(text)
  const first = await post(body, { as_of: '2026-11-20T00:00:00Z' }, 'application/gzip')
  assert.equal(first.status, 'applied')
  assert.equal(first.content_sha256, createHash('sha256').update(body).digest('hex'))
  const second = await post(body, { as_of: '2026-11-20T00:00:00Z' }, 'application/gzip')
  assert.equal(second.status, 'duplicate')
})

test('a manifest comes in the query or as a part before the file', async () => {
  const manifest = JSON.stringify({ rows: 1, as_of: '2026-11-20T00:00:00Z', source: 'prism' })
  const query = await post(file('M1,A,5'), { manifest })
  assert.equal(query.status, 'applied')
  assert.equal(query.as_of, '2026-11-20T00:00:00Z')
  const [body, type] = multipart([['manifest', manifest], ['file', file('M2,A,5'), 'inventory.csv']])
  const part = await post(body, {}, type)
  assert.equal(part.status, 'applied', JSON.stringify(part))
  assert.equal(part.as_of, '2026-11-20T00:00:00Z')
  assert.equal(part.file, 'inventory.csv')
  const wrong = await post(file('M3,A,5'), { manifest: JSON.stringify({ rows: 2 }) })
  assert.equal(wrong.status, 'held')
  for (const parts of [
    [['file', file('M4,A,5'), 'a.csv'], ['manifest', manifest]],
    [['file', file('M4,A,5'), 'a.csv'], ['file', file('M4,A,6'), 'b.csv']],
    [['manifest', '{"rows":'], ['file', file('M4,A,5'), 'a.csv']],
    [['manifest', manifest]],
  ]) {
    const [text, boundary] = multipart(parts)
    const answer = await hub.call('POST', '/v1/resets', { body: text, type: boundary })
    assert.equal(answer.status, 400, answer.text)
  }
  assert.equal((await hub.call('GET', '/v1/inventory/M4/A')).status, 404)
})

test('a dry run tells and changes nothing', async () => {
  const answer = await post(file('D1,A,5'), { dry_run: 'true', as_of: '2026-11-20T00:00:00Z' })
  assert.equal(answer.status, 'dry_run')
  assert.equal(answer.rows, 1)
  const cell = await hub.call('GET', '/v1/inventory/D1/A')
  assert.ok(cell.status === 404 || cell.json.on_hand === 0)
})

test('held, then approved; applied, then rolled back with the sales since', async () => {
  const future = new Date(Date.now() + 3600e3).toISOString()
  const held = await post(file('H1,A,5'), { as_of: future })
  assert.equal(held.status, 'held')
  assert.ok(held.locations[0].reasons.some((r) => r.code === 'future'))
  const approved = await hub.json('POST', `/v1/resets/${held.id}/approve`)
  assert.equal(approved.status, 'applied')
  assert.equal((await hub.cell('H1', 'A')).on_hand, 5)
  assert.equal((await hub.call('POST', `/v1/resets/${held.id}/approve`)).status, 409)

  await post(file('R1,A,9'), { as_of: '2026-11-20T00:00:00Z' })
  const bad = await post(file('R1,A,1'), { as_of: '2026-11-21T00:00:00Z', guard: 'off' })
  await hub.adjust([{ location: 'R1', sku: 'A', delta: -2 }])
  assert.equal((await hub.cell('R1', 'A')).on_hand, -1)
  await hub.json('POST', `/v1/resets/${bad.id}/rollback`)
  assert.equal((await hub.cell('R1', 'A')).on_hand, 7)

  const rejected = await post(file('H2,A,5'), { as_of: future })
  await hub.json('POST', `/v1/resets/${rejected.id}/reject`)
  assert.equal((await hub.call('POST', `/v1/resets/${rejected.id}/approve`)).status, 409)
})

test('a late sale explains the variance', async () => {
  await hub.adjust([{ location: 'V1', sku: 'A', delta: 10, occurred_at: '2026-11-19T00:00:00Z' }])
  const reset = await post(file('V1,A,7', 'V1,B,1'), { as_of: '2026-11-20T00:00:00Z' })
  await hub.adjust([{ location: 'V1', sku: 'A', delta: -2, occurred_at: '2026-11-19T12:00:00Z', id: 'late-v' }])
  const { items, next } = await hub.json('GET', `/v1/resets/${reset.id}/variances`, { query: { order: 'units', limit: 1 } })
  assert.equal(items.length, 1)
  assert.equal(items[0].variance, -3)
  assert.equal(items[0].explained, -2)
  assert.equal(items[0].unexplained, -1)
  assert.equal(items[0].explained_by[0].id, 'late-v')
  const rest = await hub.json('GET', `/v1/resets/${reset.id}/variances`, { query: { order: 'units', cursor: next } })
  assert.deepEqual(rest.items.map((i) => i.sku), ['B'])
})

test('the list goes back page by page', async () => {
  const seen = []
  for (let cursor = ''; cursor !== null; ) {
    const page = await hub.json('GET', '/v1/resets', { query: { limit: 3, ...(cursor ? { cursor } : {}) } })
    seen.push(...page.items.map((r) => r.id))
    cursor = page.next
  }
  assert.ok(seen.length > 6)
  assert.equal(new Set(seen).size, seen.length)
  assert.deepEqual(seen, [...seen].sort().reverse())
})

test('a plus sign in a time may come as it is', async () => {
  const answer = await hub.call('POST', '/v1/resets?source=prism&as_of=2026-11-20T01:00:00+01:00', {
    body: file('P1,A,5'), type: 'text/csv',
  })
  assert.equal(answer.json.as_of, '2026-11-20T00:00:00Z')
})

test('a file that is none is rejected, and the caller is told why', async () => {
  const answer = await post('\0\0\0\0 no table at all', { as_of: '2026-11-20T00:00:00Z' })
  assert.equal(answer.status, 'rejected')
  assert.ok(answer.detail)
})
