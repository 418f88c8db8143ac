// Identifiers from end to end: a catalog is imported, a file that knows only UPCs resets it, and the
// SKU is read; two subsidiaries with the same UPC stay apart; a file of everything ever created is
// applied to what is published.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { Hub, onhand, scratch } from './lib.mjs'

let hub
const directory = scratch('catalog')
const file = (name, ...lines) => {
  const target = path.join(directory, name)
  writeFileSync(target, lines.join('\n') + '\n')
  return target
}
const imported = async (...args) => {
  const result = await onhand(['catalog', 'import', ...args, '--json', '--url', hub.url, '--token', hub.token])
  return { ...result, json: JSON.parse(result.stdout) }
}
const reset = (rows, query = {}) =>
  hub.json('POST', '/v1/resets', {
    body: rows.join('\n') + '\n',
    type: 'text/csv',
    query: { source: 'prism', as_of: '2026-11-20T00:00:00Z', guard: 'off', ...query },
  })
const products = (query) => hub.json('GET', '/v1/products', { query })

const drop = path.join(directory, 'drop')

before(async () => {
  mkdirSync(drop)
  mkdirSync(path.join(directory, 'retail'))
  mkdirSync(path.join(directory, 'flags'))
  const config = file(
    'onhand.yaml',
    'id_types: {Barcode: upc}',
    'namespaces: {prism-sbs1: SBS1, prism-sbs2: SBS2}',
    'feeds:',
    `  - {name: everything, url: ${drop}, pattern: "*.csv", schedule: "0 5 1 1 *", source: erp, stable_for: 0s,`,
    '     as_of: mtime, publish: only, namespace: SBS3, guards: {enabled: false}}',
    `  - {name: retail, url: ${path.join(directory, 'retail')}, pattern: "*.xml", source: pos, stable_for: 0s, every: 1h,`,
    '     as_of: mtime, columns: {namespace: sbs_no}}',
    `  - {name: flags, url: ${path.join(directory, 'flags')}, pattern: "*.csv", source: pos, stable_for: 0s, every: 1h,`,
    '     columns: {active: ACT}, guards: {enabled: false}}'
  )
  hub = await Hub.start({ args: ['--config', config] })
})
after(() => hub.stop())

test('a catalog from CSV, a reset by UPC in any form, a SKU read', async () => {
  const csv = file(
    'products.csv',
    'sku;UPC;Alu;Name;active;published',
    'WH09;012345678905;A-1;"Sky ""blue""; XL";yes;yes',
    'WH10;4006381333931;;Second;yes;no',
    'WH11;1.23E+11;;Broken;yes;yes'
  )
  const first = await imported(csv)
  assert.equal(first.code, 1)
  assert.deepEqual([first.json.created, first.json.rejected], [2, 1])
  assert.equal(first.json.errors[0].number, 3)
  assert.match(first.json.errors[0].detail, /scientific/)
  assert.deepEqual((await imported(csv)).json.unchanged, 2)

  for (const [day, upc] of [[1, '12345678905'], [2, '0012345678905'], [3, "'012345678905"], [4, '012345678905.0'], [5, '00012345678905']]) {
    const answer = await reset(['location,ean,quantity', `NY01,${upc},${day}`], { as_of: `2026-11-0${day}T00:00:00Z` })
    assert.deepEqual([answer.status, answer.rows, answer.unknown_products], ['applied', 1, 0], upc)
    assert.equal((await hub.cell('NY01', 'WH09')).on_hand, day)
  }
  assert.equal((await hub.cell('NY01', '00012345678905')).sku, 'WH09')
  assert.equal((await hub.cell('NY01', 'A-1')).on_hand, 5)
  const [product] = (await products({ upc: '12345678905' })).items
  assert.equal(product.name, 'Sky "blue"; XL')
  assert.deepEqual(product.identifiers, [
    { type: 'sku', value: 'WH09' },
    { type: 'upc', value: '012345678905' },
    { type: 'alu', value: 'A-1' },
  ])
})

test('what a spreadsheet has destroyed is rejected with its reason, in files and movements', async () => {
  const answer = await reset(['location,upc,quantity', 'NY01,1.23E+11,1', 'NY01,012345678906,4'], { as_of: '2026-11-10T00:00:00Z' })
  assert.equal(answer.rejected_rows, 1)
  const rejects = await hub.call('GET', `/v1/resets/${answer.id}/rejects`)
  assert.match(rejects.text, /^2,bad_value,.*scientific/m)
  assert.equal((await hub.cell('NY01', '012345678906')).on_hand, 4) // a wrong check digit: kept as it is
  const { results } = await hub.json('POST', '/v1/adjustments', {
    body: { adjustments: [{ location: 'NY01', upc: '1.23E+11', delta: 1 }] },
  })
  assert.equal(results[0].error.code, 'bad_value')
})

test("HotWax's words for identifiers, and configured ones", async () => {
  for (const idType of ['UPCA', 'EAN', 'GTIN', 'upc', 'Barcode']) {
    const answer = await hub.json('POST', '/api/service/updateInventoryByIdentification', {
      body: { facilityId: 'HW01', idType, idValue: '0012345678905', availableDelta: 1 },
    })
    assert.equal(answer.status, 'applied')
  }
  assert.equal((await hub.cell('HW01', 'WH09')).on_hand, 5)
})

test('two products are never made one, and it is said which', async () => {
  const body = { sku: 'WH09', upc: '4006381333931' }
  const one = await hub.call('POST', '/v1/products', { body })
  assert.equal(one.status, 409)
  assert.match(one.json.detail, /'WH09'.*'WH10'/)
  const many = await hub.json('POST', '/v1/products', { body: [body, { sku: 'WH12', shopify_product: '77' }] })
  assert.deepEqual([many.created, many.rejected, many.errors[0].code], [1, 1, 'conflict'])
  assert.equal((await hub.call('POST', '/v1/products', { body: { sku: 'X', colour: 'red' } })).json.errors[0].code, 'unknown_field')
  assert.equal((await hub.call('POST', '/v1/products', { body: { name: 'nobody' } })).json.errors[0].code, 'missing')
  const reader = await hub.json('POST', '/v1/tokens', { body: { name: 'r', scopes: ['read'] } }, 201)
  assert.equal((await hub.call('POST', '/v1/products', { body, token: reader.token })).status, 403)
})

test('the same UPC in two subsidiaries is two products', async () => {
  for (const [source, quantity] of [['prism-sbs1', 3], ['prism-sbs2', 8]]) {
    await reset(['location,upc,quantity', `${source},614141000036,${quantity}`], { source })
    await hub.adjust([{ id: `${source}-1`, source, location: source, upc: '0614141000036', delta: 1 }])
  }
  const cells = (await hub.json('GET', '/v1/inventory')).items.filter((cell) => cell.location.startsWith('prism-sbs'))
  assert.deepEqual(cells.map(({ location, sku, on_hand }) => [location, sku, on_hand]), [
    ['prism-sbs1', '614141000036@SBS1', 4],
    ['prism-sbs2', '614141000036@SBS2', 9],
  ])
  assert.equal((await hub.cell('prism-sbs2', '614141000036@SBS2')).on_hand, 9)
  assert.equal((await products({ upc: '614141000036' })).items.length, 0)
  assert.equal((await products({ upc: '614141000036', namespace: 'SBS1' })).items.length, 1)
})

test('an inactive product is shown, kept as it is, and unwanted where only published ones are', async () => {
  const lines = file('inactive.ndjson', JSON.stringify({ sku: 'IN1', active: false }), JSON.stringify({ sku: 'IN2' }))
  assert.equal((await imported(lines)).json.created, 2)
  const active = async (sku) => (await products({ sku })).items[0].active
  assert.deepEqual([await active('IN1'), await active('IN2')], [false, true])
  const stated = (one, two, query) => reset(['location,sku,quantity', `AC1,IN1,${one}`, `AC1,IN2,${two}`], query)
  const all = await stated(5, 6)
  assert.deepEqual([all.changed, all.unpublished_rows], [2, 0])
  const only = await stated(7, 8, { publish: 'only', as_of: '2026-11-20T01:00:00Z' })
  assert.deepEqual([only.changed, only.unpublished_rows], [1, 1])
  assert.deepEqual([(await hub.cell('AC1', 'IN1')).on_hand, (await hub.cell('AC1', 'IN2')).on_hand], [5, 8])
  await hub.json('POST', '/v1/products', { body: { sku: 'IN1', active: true } })
  const again = await stated(9, 8, { publish: 'only', as_of: '2026-11-20T02:00:00Z' })
  assert.equal(again.unpublished_rows, 0)
  assert.equal((await hub.cell('AC1', 'IN1')).on_hand, 9)
})

test('subsidiaries of one Retail Pro file are apart, by the number that the file gives them', async () => {
  const item = (sbs, store, qty) => `<INVN_SBS sbs_no="${sbs}"><INVN_SBS_QTYS><INVN_SBS_QTY store_no="${store}" qty="${qty}"/></INVN_SBS_QTYS></INVN_SBS>`
  writeFileSync(path.join(directory, 'retail/a.xml'),
    `<DOCUMENT><INVENTORYS><INVENTORY><INVN upc="614141000050"/>${item(1, 'XA', 3)}${item(2, 'XB', 8)}</INVENTORY></INVENTORYS></DOCUMENT>`)
  await hub.json('POST', '/v1/jobs/feed%3Aretail/run', {}, 202)
  const found = async () => (await hub.json('GET', '/v1/feeds')).items.find((feed) => feed.name === 'retail')
  for (let i = 0; i < 200 && !((await found()).last_reset && !(await found()).running); i++) await sleep(50)
  assert.equal((await found()).last_result, 'applied')
  assert.deepEqual([(await hub.cell('XA', '614141000050@1')).on_hand, (await hub.cell('XB', '614141000050@2')).on_hand], [3, 8])
  await hub.adjust([{ id: 'sbs-2', location: 'XB', 'upc@2': '614141000050', delta: -1 }])
  assert.equal((await hub.cell('XB', '614141000050@2')).on_hand, 7)
})

test('a file says which products are active, and that holds from the next file on', async () => {
  const flags = async () => (await hub.json('GET', '/v1/feeds')).items.find((feed) => feed.name === 'flags')
  const at = async (n, first, second, extra = '') => {
    writeFileSync(path.join(directory, 'flags', `flags-2026110${n}-010000.csv`),
      `location,upc,quantity,ACT\nFL1,614141000067,${n},${first}\nFL2,614141000067,${n},${first}\nFL1,614141000074,${n},${second}\n${extra}`)
    const { files } = await flags()
    await hub.json('POST', '/v1/jobs/feed%3Aflags/run', {}, 202)
    for (let i = 0; i < 400; i++) {
      const feed = await flags()
      if (feed.files > files && !feed.running) break
      await sleep(25)
    }
    return hub.json('GET', `/v1/resets/${(await flags()).last_reset}`)
  }
  const active = async () => Promise.all(['614141000067', '614141000074'].map(async (upc) => (await products({ upc })).items[0].active))
  const only = (n) => reset(['location,upc,quantity', `FL1,614141000067,${n}`], { publish: 'only', as_of: `2026-11-0${n}T12:00:00Z` })
  assert.equal((await at(1, 1, 'yes')).status, 'applied')
  assert.deepEqual(await active(), [true, true])
  assert.equal((await at(2, 0, 1)).status, 'applied')
  assert.deepEqual(await active(), [false, true])
  assert.equal((await only(2)).unpublished_rows, 1)
  const odd = await at(3, 'perhaps', '', 'FL1,614141000081,7,0\n')
  assert.equal(odd.rejected_rows, 2)
  assert.equal((await products({ upc: '614141000081' })).items[0].active, false)
  assert.deepEqual(await active(), [false, true])
  assert.equal((await at(4, 'Y', 0)).status, 'applied')
  assert.deepEqual(await active(), [true, false])
  assert.equal((await only(4)).unpublished_rows, 0)
})

test('publish=only takes the rows of published products and counts the others', async () => {
  const lines = file('products.ndjson', ...['P1', 'P2', 'P3'].map((sku) => JSON.stringify({ sku, published: sku !== 'P2' })))
  assert.equal((await imported(lines)).json.created, 3)
  const rows = ['location,sku,quantity', 'PB01,P1,5', 'PB01,P2,6', 'PB01,OLD-1,7', 'PB01,OLD-2,x', 'PB01,P3,x', 'PB01,P1,5']
  const answer = await reset(rows, { publish: 'only' })
  assert.deepEqual(
    [answer.rows, answer.changed, answer.duplicate_rows, answer.rejected_rows, answer.unknown_products, answer.unpublished_rows],
    [6, 1, 1, 1, 3, 3]
  )
  const rejects = await hub.call('GET', `/v1/resets/${answer.id}/rejects`)
  assert.equal(rejects.text.trim().split('\n').length, 2) // the header, and the row of P3
  assert.equal((await products({ sku: 'OLD-1' })).items.length, 0)
  assert.equal((await hub.call('GET', '/v1/inventory/PB01/P2')).json.on_hand ?? 0, 0)
})

test('a feed of everything ever created, in a namespace of its own', async () => {
  await hub.json('POST', '/v1/products', { body: { sku: 'F1', upc: '614141000043', namespace: 'SBS3' } })
  file('drop/all.csv', 'location,upc,quantity', 'FD01,614141000043,6', 'FD01,012345678905,7', 'FD01,99,8')
  await hub.json('POST', '/v1/jobs/feed%3Aeverything/run', {}, 202)
  let feed
  for (let i = 0; i < 200; i++) {
    feed = (await hub.json('GET', '/v1/feeds')).items.find(({ name }) => name === 'everything')
    if (feed.last_reset && !feed.running) break
    await sleep(50)
  }
  const answer = await hub.json('GET', `/v1/resets/${feed.last_reset}`)
  assert.deepEqual([answer.rows, answer.changed, answer.unpublished_rows], [3, 1, 2])
  assert.equal((await hub.cell('FD01', 'F1@SBS3')).on_hand, 6)
})

test('what is known of products and locations survives a restart', async () => {
  await hub.json('POST', '/v1/locations', { body: { location: 'NY01', name: 'Fifth Avenue', published: false } })
  await hub.kill()
  await hub.start()
  const [product] = (await products({ sku: 'WH10' })).items
  assert.deepEqual([product.name, product.published], ['Second', false])
  const { items } = await hub.json('GET', '/v1/locations')
  const ny = items.find((item) => item.location === 'NY01')
  assert.deepEqual([ny.name, ny.active, ny.published], ['Fifth Avenue', true, false])
  assert.equal((await hub.cell('NY01', '12345678905')).on_hand, 5)
  let count = 0
  for (let cursor; ; ) {
    const page = await products({ limit: 2, ...(cursor ? { cursor } : {}) })
    count += page.items.length
    cursor = page.next
    if (cursor === null) break
  }
  assert.equal(count, (await hub.json('GET', '/v1/status')).products)
})

test('a product is found by pieces of what it is called', async () => {
  await hub.json('POST', '/v1/products', {
    body: [
      { sku: 'FIND-1', upc: '4006381333948', name: 'Crimson Kettle' },
      { sku: 'FIND-2', name: 'Crimson Mug' },
      { sku: 'FIND-3', name: 'Blue Kettle' },
    ],
  })
  const found = async (q, limit = 10) => (await products({ q, limit })).items.map((item) => item.sku)
  assert.deepEqual(await found('find'), ['FIND-1', 'FIND-2', 'FIND-3'])
  assert.deepEqual(await found('kettle'), ['FIND-1', 'FIND-3'])
  assert.deepEqual(await found('  kettle   CRIMSON '), ['FIND-1'])
  assert.deepEqual(await found('638133394'), ['FIND-1'])
  assert.deepEqual(await found('find-3 crimson'), [])
  const first = await products({ q: 'find-', limit: 2 })
  assert.equal(first.items.length, 2)
  const rest = await products({ q: 'find-', limit: 2, cursor: first.next })
  assert.deepEqual(rest.items.map((item) => item.sku), ['FIND-3'])
  assert.equal(rest.next, null)
})
