// Tokens: what each scope may, what a token of one location sees, and that revoking counts at once.
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Hub, call } from './lib.mjs'

let hub
const tokens = {}
const reset = { body: 'location,sku,quantity\nNY01,A,5\n', type: 'text/csv' }
const adjust = (location) => ({ body: { adjustments: [{ location, sku: 'A', delta: 1 }] } })

before(async () => {
  hub = await Hub.start()
  for (const [name, scopes, locations] of [
    ['adjust', ['adjust']],
    ['reset', ['reset']],
    ['read', ['read']],
    ['ny', ['adjust', 'read', 'reset'], ['NY01']],
  ]) {
    const made = await hub.json('POST', '/v1/tokens', { body: { name, scopes, locations } }, 201)
    assert.match(made.token, /^oh_[0-9a-f]{64}$/)
    tokens[name] = made.token
  }
  await hub.adjust([
    { location: 'NY01', sku: 'A', delta: 5 },
    { location: 'BOS02', sku: 'A', delta: 7 },
  ])
})
after(() => hub.stop())

const as = async (name, method, target, options = {}) =>
  hub.call(method, target, { ...options, token: name === 'admin' ? hub.token : tokens[name] })

test('the first token is a private file, and the store knows only hashes', async () => {
  assert.equal(statSync(path.join(hub.data, 'admin.token')).mode & 0o777, 0o600)
  await hub.json('POST', '/v1/UpdateInventory', { body: { facilityId: 'NY01', idValue: 'A', availableDelta: 1 } })
  const backup = await hub.call('POST', '/v1/backup')
  for (const token of [hub.token, ...Object.values(tokens)]) {
    assert.ok(!backup.text.includes(token))
    assert.ok(!backup.text.includes(token.slice(3)))
  }
  const { items } = await hub.json('GET', '/v1/tokens')
  assert.deepEqual(items.map((t) => t.name).sort(), ['adjust', 'admin', 'ny', 'read', 'reset'])
  assert.ok(!JSON.stringify(items).includes(hub.token.slice(3)))
})

test('each scope opens its own routes, and only those', async () => {
  const wanted = [
    ['POST', '/v1/adjustments', adjust('NY01'), ['adjust', 'admin']],
    ['POST', '/v1/UpdateInventory', { body: { facilityId: 'NY01', idValue: 'A', availableDelta: 1 } }, ['adjust', 'admin']],
    ['POST', '/v1/acknowledgements', { body: { documents: ['D'] } }, ['adjust', 'admin']],
    ['POST', '/v1/resets?dry_run=true', reset, ['reset', 'admin']],
    ['GET', '/v1/resets', {}, ['reset', 'read', 'admin']],
    ['GET', '/v1/inventory', {}, ['read', 'admin']],
    ['GET', '/v1/inventory/NY01/A', {}, ['read', 'admin']],
    ['GET', '/v1/status', {}, ['read', 'admin']],
    ['GET', '/metrics', {}, ['read', 'admin']],
    ['GET', '/v1/tokens', {}, ['admin']],
    ['POST', '/v1/tokens', { body: {} }, []],
    ['POST', '/v1/backup', {}, ['admin']],
    ['GET', '/openapi.json', {}, ['adjust', 'reset', 'read', 'admin']],
    ['GET', '/healthz', {}, ['adjust', 'reset', 'read', 'admin']],
  ]
  for (const [method, target, options, allowed] of wanted) {
    for (const name of ['adjust', 'reset', 'read', 'admin']) {
      const answer = await as(name, method, target, options)
      const expected = allowed.includes(name) ? 200 : name === 'admin' ? 400 : 403
      assert.equal(answer.status, expected, `${name} ${method} ${target}: ${answer.text}`)
    }
  }
  const off = await as('reset', 'POST', '/v1/resets?guard=off', reset)
  assert.equal(off.status, 403)
})

test('a token of one location writes and reads only there', async () => {
  const line = await as('ny', 'POST', '/v1/adjustments', adjust('BOS02'))
  assert.equal(line.json.results[0].error.code, 'forbidden_location')
  const single = await as('ny', 'POST', '/v1/UpdateInventory', {
    body: { facilityId: 'BOS02', idValue: 'A', availableDelta: 1 },
  })
  assert.equal(single.status, 403)
  assert.equal(single.json.errors[0].code, 'forbidden_location')
  assert.equal((await as('ny', 'POST', '/v1/adjustments', adjust('NY01'))).json.results[0].status, 'applied')
  assert.equal((await hub.cell('BOS02', 'A')).on_hand, 7)

  for (const target of [
    '/v1/inventory/BOS02/A',
    '/v1/inventory/BOS02/A/history',
    '/v1/inventory/BOS02/A/explain',
    '/v1/inventory/NOWHERE/A',
    '/v1/inventory?location=BOS02',
    '/api/checkInventory?productId=A&facilityId=BOS02',
  ]) {
    const answer = await as('ny', 'GET', target)
    assert.equal(answer.status, 403, target)
    assert.equal(answer.json.errors[0].code, 'forbidden_location')
  }
  const list = await as('ny', 'GET', '/v1/inventory')
  assert.deepEqual([...new Set(list.json.items.map((c) => c.location))], ['NY01'])
  const csv = await as('ny', 'GET', '/v1/inventory?format=csv')
  assert.ok(!csv.text.includes('BOS02'))
  const docs = await as('ny', 'GET', '/api/checkInventory?productId=A')
  assert.deepEqual(docs.json.docs.map((d) => d.facilityId), ['NY01'])
  const available = await as('ny', 'GET', '/v1/availability?sku=A')
  assert.deepEqual(available.json.locations.map((l) => l.location), ['NY01'])
  const acknowledge = await as('ny', 'POST', '/v1/acknowledgements', { body: { documents: ['D'] } })
  assert.equal(acknowledge.status, 403)
})

test('a token of one location sees only the resets that are its own', async () => {
  const both = await hub.reset([['NY01', 'A', 5], ['BOS02', 'A', 7]], { source: 'prism', as_of: '2026-11-20T00:00:00Z' })
  const own = await hub.reset([['NY01', 'A', 6]], { source: 'prism', as_of: '2026-11-21T00:00:00Z', mode: 'partial' })
  assert.equal((await as('ny', 'GET', `/v1/resets/${both.id}`)).status, 403)
  assert.equal((await as('ny', 'GET', `/v1/resets/${both.id}/rejects`)).status, 403)
  assert.equal((await as('ny', 'GET', `/v1/resets/${own.id}`)).status, 200)
  const { json } = await as('ny', 'GET', '/v1/resets')
  assert.deepEqual(json.items.map((r) => r.id), [own.id])
  assert.equal(json.next, null)
  assert.equal((await as('ny', 'POST', `/v1/resets/${both.id}/rollback`)).status, 403)
})

test('a file for another location is refused row by row', async () => {
  const body = 'location,sku,quantity\nNY01,A,9\nBOS02,A,9\n'
  const answer = await as('ny', 'POST', '/v1/resets?source=prism&mode=partial', { body, type: 'text/csv' })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.rejected_rows + answer.json.unknown_locations, 1, answer.text)
  assert.notEqual((await hub.cell('BOS02', 'A')).on_hand, 9)
})

test('a revoked token is refused at once, in the middle of a request too', async () => {
  const { token } = await hub.json('POST', '/v1/tokens', { body: { name: 'gone', scopes: ['adjust'] } }, 201)
  const line = (i) => JSON.stringify({ id: `gone-${i}`, location: 'NY01', sku: 'GONE', delta: 1 }) + '\n'
  const answer = new Promise((resolve, reject) => {
    const request = http.request(`${hub.url}/v1/adjustments`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/x-ndjson' },
    })
    request.on('error', reject)
    request.on('response', (response) => {
      let text = ''
      response.on('data', (data) => (text += data))
      response.on('end', () => resolve({ status: response.statusCode, text }))
    })
    ;(async () => {
      request.write(line(1))
      for (let i = 0; i < 400; i++) {
        const status = await hub.json('GET', '/v1/status')
        if (status.adjustments.applied > 0 && (await hub.call('GET', '/v1/inventory/NY01/GONE')).status === 200) break
      }
      const revoked = await hub.call('DELETE', '/v1/tokens/gone')
      assert.equal(revoked.status, 204)
      request.end(line(2))
    })().catch(reject)
  })
  const { status, text } = await answer
  assert.equal(status, 401, text)
  assert.equal((await hub.cell('NY01', 'GONE')).on_hand, 1)
  assert.equal((await call(`${hub.url}/v1/status`, { token })).status, 401)
})

test('tokens outlive a kill, names are taken once, the last admin stays', async () => {
  await hub.kill()
  await hub.start()
  assert.equal(readFileSync(path.join(hub.data, 'admin.token'), 'utf8').trim(), hub.token)
  assert.equal((await as('read', 'GET', '/v1/status')).status, 200)
  assert.equal((await hub.call('POST', '/v1/tokens', { body: { name: 'read', scopes: ['read'] } })).status, 409)
  assert.equal((await hub.call('DELETE', '/v1/tokens/nobody')).status, 404)
  assert.equal((await hub.call('DELETE', '/v1/tokens/admin')).status, 409)
})
