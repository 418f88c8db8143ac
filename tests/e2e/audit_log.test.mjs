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
