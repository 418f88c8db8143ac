// /openapi.json and the routes hold each other true: every route of the table is described, every
// described route answers, and every field that an answer shows is in its schema.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Hub, scratch } from './lib.mjs'

let hub, document, reset

/** A tiny validator: what is wrong with `value`, as a list of sentences. */
function mistakes(schema, value, at = '') {
  if (schema.$ref) {
    const name = schema.$ref.replace('#/components/schemas/', '')
    assert.ok(document.components.schemas[name], `no schema ${name}`)
    return mistakes(document.components.schemas[name], value, at)
  }
  if (schema.anyOf) {
    const all = schema.anyOf.map((one) => mistakes(one, value, at))
    return all.some((list) => list.length === 0) ? [] : all[0]
  }
  switch (schema.type) {
    case undefined:
      return []
    case 'null':
      return value === null ? [] : [`${at}: not null`]
    case 'array':
      if (!Array.isArray(value)) return [`${at}: no list`]
      return value.flatMap((item, i) => mistakes(schema.items, item, `${at}/${i}`))
    case 'object': {
      if (value === null || typeof value !== 'object' || Array.isArray(value)) return [`${at}: no object`]
      const missing = schema.required.filter((key) => !(key in value)).map((key) => `${at}/${key}: missing`)
      return missing.concat(
        Object.entries(value).flatMap(([key, item]) =>
          key in schema.properties
            ? mistakes(schema.properties[key], item, `${at}/${key}`)
            : [`${at}/${key}: not described`]
        )
      )
    }
    case 'integer':
      return Number.isInteger(value) ? [] : [`${at}: no integer: ${JSON.stringify(value)}`]
    case 'number':
      return typeof value === 'number' ? [] : [`${at}: no number: ${JSON.stringify(value)}`]
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${at}: no boolean`]
    default:
      if (typeof value !== 'string') return [`${at}: no string: ${JSON.stringify(value)}`]
      if (schema.format === 'date-time' && Number.isNaN(Date.parse(value))) return [`${at}: no time`]
      return []
  }
}

before(async () => {
  // A feed that never runs by itself, so that /v1/feeds and /v1/jobs have something to show.
  const directory = scratch('openapi')
  const config = path.join(directory, 'onhand.yaml')
  writeFileSync(
    config,
    `feeds:\n  - {name: daily, url: ${directory}, pattern: "*.csv", schedule: "0 5 1 1 *", source: prism}\n` +
      'sources:\n  - {name: prism, type: prism, url: "http://127.0.0.1:9", poll: 1d, ' +
      'origins: ["https://prism.example"]}\n' +
      'channels:\n  - {name: hook, type: webhook, url: "http://127.0.0.1:9/", allow_private: true}\n' +
      `  - {name: drop, type: file, url: ${directory}, every: 1d}\n`
  )
  hub = await Hub.start({ args: ['--config', config] })
  document = await hub.json('GET', '/openapi.json')
  await hub.adjust([
    { id: 'o1', location: 'NY01', sku: 'A', delta: 5, occurred_at: '2026-11-20T00:00:00Z' },
    { id: 'o2', location: 'NY01', sku: 'A', type: 'reservation', delta: 1, order: 'SO-1' },
    { id: 'o3', location: 'NY01', sku: 'A', type: 'shipment', delta: -1, order: 'SO-2', document: 'D-9' },
  ])
  reset = await hub.reset([['NY01', 'A', 7], ['NY01', 'B', 'x'], ['NY01', 'C', 3]], {
    as_of: '2026-11-21T00:00:00Z',
    source: 'prism',
    guard: 'off',
  })
  await hub.adjust([
    { id: 'late', location: 'NY01', sku: 'A', delta: -1, occurred_at: '2026-11-20T05:00:00Z' },
    { id: 'new', location: 'NY01', sku: 'A', delta: -2, register: 'R', sequence: 1 },
  ])
  await hub.json('POST', '/v1/acknowledgements', { body: { source: 'prism', documents: ['D-9'] } })
})
after(() => hub.stop())

const sale = {
  sid: '600000000000000001', document_number: 1, status: 4, receipt_type: 0, has_sale: true,
  has_return: false, store_code: 'NY01', store_number: 1, workstation: 1,
  invoice_posted_date: '2026-11-22T10:00:00.000-05:00',
  items: [{ sid: '600000000000000002', item_type: 1, quantity: 1, alu: 'A', scan_upc: '012345678905' }],
}

/** The id of a document that was not understood. */
async function parked() {
  return (await hub.json('GET', '/v1/sources/prism/parked')).items[0].id
}

const routes = {
  'POST /api/service/updateInventoryByIdentification': [
    '/api/service/updateInventoryByIdentification',
    { body: { facilityId: 'NY01', idType: 'SKU', idValue: 'A', availableDelta: -1, effectiveDate: '2026-11-23T00:00:00Z' } },
  ],
  'POST /v1/UpdateInventory': [
    '/v1/UpdateInventory',
    {
      body: {
        facilityId: 'NY01', idType: 'UPCA', idValue: '012345678905', availableDelta: 1.5,
        locationSeqId: 'X', varianceReasonId: 'POS_SALE', transactionId: 't-1',
      },
    },
  ],
  'GET /api/checkInventory': ['/api/checkInventory?productId=A&facilityId=NY01'],
  'POST /v1/adjustments': [
    '/v1/adjustments',
    { body: { adjustments: [{ location: 'NY01', sku: 'A', delta: 1 }, { location: 'NY01', delta: 1 }] } },
  ],
  'POST /v1/acknowledgements': ['/v1/acknowledgements', { body: { source: 'prism', documents: ['D-1', 'D-9'] } }],
  'POST /v1/resets': [
    '/v1/resets?dry_run=true&source=prism',
    { body: 'location,sku,quantity\nNY01,A,1\n', type: 'text/csv' },
  ],
  'GET /v1/resets': ['/v1/resets?limit=10'],
  'GET /v1/resets/{id}': () => [`/v1/resets/${reset.id}`],
  'GET /v1/resets/{id}/rejects': () => [`/v1/resets/${reset.id}/rejects`],
  'GET /v1/resets/{id}/variances': () => [`/v1/resets/${reset.id}/variances?order=units`],
  'GET /v1/variances': ['/v1/variances?days=30'],
  'POST /v1/resets/{id}/approve': async () => [`/v1/resets/${await held()}/approve`],
  'POST /v1/resets/{id}/reject': async () => [`/v1/resets/${await held()}/reject`],
  'POST /v1/resets/{id}/rollback': () => [`/v1/resets/${reset.id}/rollback`],
  'GET /v1/products': ['/v1/products?limit=2'],
  'POST /v1/products': ['/v1/products', { body: [{ sku: 'A', upc: '12345678905', name: 'a' }, { sku: 'B', upc: '1.2E+11' }] }],
  'GET /v1/locations': ['/v1/locations'],
  'POST /v1/locations': ['/v1/locations', { body: { location: 'NY01', name: 'Fifth Avenue' } }],
  'GET /v1/inventory': ['/v1/inventory?limit=2'],
  'GET /v1/inventory/{location}/{sku}': ['/v1/inventory/NY01/A?at=2026-11-22T00:00:00Z'],
  'GET /v1/inventory/{location}/{sku}/history': ['/v1/inventory/NY01/A/history'],
  'GET /v1/inventory/{location}/{sku}/explain': ['/v1/inventory/NY01/A/explain'],
  'GET /v1/availability': ['/v1/availability?sku=A'],
  'GET /v1/events': null, // never ends: api_events.test.mjs
  'GET /v1/status': ['/v1/status'],
  'GET /v1/now': ['/v1/now'],
  'GET /v1/feeds': ['/v1/feeds'],
  'GET /v1/channels': ['/v1/channels'],
  'GET /v1/channels/{name}': ['/v1/channels/hook'],
  'POST /v1/channels/{name}/pause': ['/v1/channels/hook/pause'],
  'POST /v1/channels/{name}/resume': ['/v1/channels/hook/resume'],
  'POST /v1/channels/{name}/resync': ['/v1/channels/hook/resync'],
  'POST /v1/channels/{name}/retry': ['/v1/channels/hook/retry'],
  'POST /v1/channels/{name}/audit': null, // needs a shop that can be read: the tests of channels
  'POST /v1/channels/{name}/orders': null, // these two: channel_orders.test.mjs
  'POST /v1/channels/{name}/webhooks': null,
  'GET /v1/channels/{name}/audits': ['/v1/channels/hook/audits'],
  'GET /v1/sources': ['/v1/sources'],
  'POST /v1/sources/{name}/documents': ['/v1/sources/prism/documents', { body: [sale, { sid: '7', status: 9 }] }],
  'POST /v1/sources/{name}/snapshot': ['/v1/sources/prism/snapshot'],
  'GET /v1/sources/{name}': ['/v1/sources/prism'],
  'GET /v1/sources/{name}/parked': ['/v1/sources/prism/parked?limit=5'],
  'GET /v1/sources/{name}/parked/{id}': async () => [`/v1/sources/prism/parked/${await parked()}`],
  'POST /v1/sources/{name}/parked/replay': ['/v1/sources/prism/parked/replay'],
  'POST /v1/sources/{name}/parked/{id}/replay': async () => [
    `/v1/sources/prism/parked/${await parked()}/replay`,
  ],
  'DELETE /v1/sources/{name}/parked/{id}': async () => [`/v1/sources/prism/parked/${await parked()}`],
  'OPTIONS /v1/sources/{name}/documents': [
    '/v1/sources/prism/documents',
    { headers: { Origin: 'https://prism.example', 'Access-Control-Request-Method': 'POST' } },
  ],
  'GET /v1/jobs': ['/v1/jobs'],
  'POST /v1/jobs/{name}/run': async () => {
    const jobs = await hub.json('GET', '/v1/jobs')
    return [`/v1/jobs/${encodeURIComponent(jobs.items[0].name)}/run`]
  },
  'GET /v1/tokens': ['/v1/tokens'],
  'POST /v1/tokens': ['/v1/tokens', { body: { name: 'short-lived', scopes: ['read'], locations: ['NY01'] } }],
  'DELETE /v1/tokens/{name}': ['/v1/tokens/short-lived'],
  'POST /v1/backup': ['/v1/backup'],
  'GET /': ['/'],
  'GET /assets/{file}': null, // served where the console was built: console.test.mjs
  'GET /v1/me': ['/v1/me'],
  'GET /v1/audit-log': ['/v1/audit-log'],
  'GET /healthz': ['/healthz'],
  'GET /readyz': ['/readyz'],
  'GET /metrics': ['/metrics'],
  'GET /openapi.json': ['/openapi.json'],
}

let heldCount = 0
/** A reset that a guard holds: its as_of lies in the future. */
async function held() {
  const answer = await hub.reset([['NY01', 'A', ++heldCount]], {
    as_of: new Date(Date.now() + 86400000).toISOString(),
    source: 'prism',
  })
  assert.equal(answer.status, 'held', JSON.stringify(answer))
  return answer.id
}

test('every route is described, and every described route is asked here', () => {
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
  )
  assert.deepEqual(described.sort(), Object.keys(routes).sort())
})

test('every answer shows only what is described, and all that is promised', async (t) => {
  for (const [name, row] of Object.entries(routes)) {
    if (row === null) continue
    await t.test(name, async () => {
      const [method, pattern] = name.split(' ')
      const [target, options = {}] = typeof row === 'function' ? await row() : row
      const answer = await hub.call(method, target, options)
      const responses = document.paths[pattern][method.toLowerCase()].responses
      const described = responses[String(answer.status)]
      assert.ok(described, `${answer.status} is not described: ${answer.text.slice(0, 500)}`)
      if (answer.status === 204) return
      const [[type, content]] = Object.entries(described.content)
      assert.ok(answer.headers['content-type'].startsWith(type), answer.headers['content-type'])
      if (type === 'application/json') assert.deepEqual(mistakes(content.schema, answer.json), [])
      assert.match(answer.headers['x-request-id'], /^[0-9a-f]+$/)
    })
  }
})

test('refusals are described problems', async () => {
  const problem = { $ref: '#/components/schemas/Problem' }
  for (const [method, target, options, status] of [
    ['GET', '/nowhere', {}, 404],
    ['GET', '/v1/status', { token: 'oh_no' }, 401],
    ['POST', '/v1/tokens', { body: { name: 'x' } }, 400],
    ['GET', '/v1/inventory/XX/A', {}, 404],
    ['PUT', '/v1/adjustments', { body: {} }, 405],
  ]) {
    const answer = await hub.call(method, target, options)
    assert.equal(answer.status, status)
    assert.match(answer.headers['content-type'], /^application\/problem\+json/)
    assert.deepEqual(mistakes(problem, answer.json), [])
    assert.equal(answer.json.status, status)
  }
})

test('the validator sees a field that is not described', () => {
  const cell = document.components.schemas.Cell
  assert.deepEqual(mistakes(cell, { location: 'L', sku: 'S', on_hand: '1', reserved: 0, as_of: null, more: 1 }), [
    '/available: missing',
    '/on_hand: no number: "1"',
    '/more: not described',
  ])
})
