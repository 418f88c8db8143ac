// What people decide goes on record with who and when; what they only read, or were refused, does not.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Hub } from './lib.mjs'

let hub
before(async () => {
  hub = await Hub.start()
})
after(() => hub.stop())

const lines = async (query) => (await hub.json('GET', '/v1/audit-log', { query })).items

test('a decision is on record with who took it', async () => {
  const { token } = await hub.json('POST', '/v1/tokens', { body: { name: 'ann', scopes: ['reset'] } }, 201)
  const held = await hub.reset([['NY01', 'A', 1]], {
    as_of: new Date(Date.now() + 86400000).toISOString(),
    source: 'prism',
  })
  assert.equal(held.status, 'held')
  await hub.call('POST', `/v1/resets/${held.id}/reject`, { token })
  const refused = await hub.call('POST', `/v1/resets/${held.id}/approve`, { token })
  assert.equal(refused.status, 409)
  const all = await lines()
  assert.deepEqual(
    all.map(({ by, action }) => [by, action]),
    [
      ['ann', `POST /v1/resets/${held.id}/reject`],
      ['admin', 'POST /v1/tokens'],
    ]
  )
  assert.ok(Date.now() - Date.parse(all[0].at) < 60000)
})

test('a change with words of its own is on record with them, one without is in the ledger only', async () => {
  const adjustments = [{ location: 'NY01', sku: 'A', delta: -2, reason: 'torn' }]
  const note = 'A at NY01 by −2: torn'
  const send = (headers, body = { adjustments }) => hub.call('POST', '/v1/adjustments', { body, headers })
  const count = (await lines()).length
  assert.equal((await send({})).status, 200)
  assert.equal((await send({ 'Audit-Note': encodeURIComponent(note) })).status, 200)
  assert.equal((await send({ 'Audit-Note': 'x' }, { adjustments: 7 })).status, 400)
  assert.equal((await send({ 'Audit-Note': '100%' })).status, 200)
  const all = (await lines()).slice(0, -count)
  assert.deepEqual(
    all.map(({ by, action, note }) => [by, action, note]),
    [['admin', 'POST /v1/adjustments', '100%'], ['admin', 'POST /v1/adjustments', note]]
  )
  const long = await hub.call('POST', '/v1/adjustments', {
    body: { adjustments }, headers: { 'Audit-Note': encodeURIComponent('−'.repeat(200)) },
  })
  assert.equal(long.status, 200)
  assert.equal((await lines({ limit: 1 }))[0].note, '−'.repeat(133))
})

test('it is read in pages, by admins only, and survives a restart', async () => {
  const page = await hub.json('GET', '/v1/audit-log', { query: { limit: 1 } })
  assert.equal(page.items.length, 1)
  assert.equal((await lines({ limit: 1, cursor: page.next })).length, 1)
  const { token } = await hub.json('POST', '/v1/tokens', { body: { name: 'bob', scopes: ['read'] } }, 201)
  assert.equal((await hub.call('GET', '/v1/audit-log', { token })).status, 403)
  const before = await lines()
  await hub.kill()
  await hub.start()
  assert.deepEqual(await lines(), before)
})
