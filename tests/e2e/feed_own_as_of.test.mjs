// A JSON file that says itself when it was counted, and what goes before that word.
import assert from 'node:assert/strict'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { feedArguments, runFeed } from './feed_runs.mjs'
import { Hub, scratch } from './lib.mjs'

const own = '2026-10-01T06:00:00Z'
const other = '2026-10-02T06:00:00Z'
const wrapped = (L, n = 1, as_of = own) => JSON.stringify({ as_of, source: 'erp', rows: [{ location: L, sku: 'A', quantity: n }] })

describe('a file’s own as_of', () => {
  let hub
  const place = scratch('place')
  const kinds = { auto: 'auto', infer: 'infer', name: 'name:named_%Y%m%d%H%M', mtime: 'mtime' }

  before(async () => {
    for (const name of Object.keys(kinds)) mkdirSync(path.join(place, name))
    hub = await Hub.start({
      args: feedArguments(Object.entries(kinds).map(([name, as_of]) => ({ name, url: path.join(place, name), pattern: '*.json', as_of })), 'America/New_York'),
    })
  })
  after(() => hub?.stop())

  const send = (body, query) => hub.json('POST', '/v1/resets', { body, type: 'application/json', query })
  const at = (reset) => [new Date(reset.as_of).toISOString().replace('.000', ''), reset.as_of_origin, reset.as_of_assumed]

  async function drop(name, file, data, manifest) {
    const target = path.join(place, name, file)
    if (manifest) writeFileSync(`${target}.manifest.json`, JSON.stringify(manifest))
    writeFileSync(target, data)
    utimesSync(target, new Date(other), new Date(other))
    return hub.json('GET', `/v1/resets/${(await runFeed(hub, name)).last_reset}`)
  }

  it('is taken from a request that says none', async () => {
    const reset = await send(wrapped('H'))
    assert.deepEqual(at(reset), [own, 'file', false])
    assert.deepEqual(at(reset.locations[0]), [own, 'file', false])
    assert.equal((await send(wrapped('H'))).status, 'duplicate')
    assert.equal((await send(wrapped('H', 2, '2026-09-30T06:00:00Z'))).status, 'stale')
  })

  it('comes with a source and a location, which count or refuse the file', async () => {
    const body = (source, location) => JSON.stringify({ source, location, rows: [{ location: 'S', sku: 'A', quantity: 1 }] })
    assert.equal((await send(body('erp'))).source, 'erp')
    assert.equal((await send(body('erp', 'S'), { source: 'erp', location: 'S' })).source, 'erp')
    assert.equal((await send(body(null, 'ELSEWHERE'), { source: 'pos' })).source, 'pos')
    for (const [query, why] of [
      [{ source: 'pos' }, /its source is erp, and it came as one of pos/],
      [{ manifest: '{"source":"pos"}' }, /its source is erp, and it came as one of pos/],
      [{ location: 'X' }, /it is of S, and it came as one of X/],
    ]) {
      const refused = await send(body('erp', 'S'), query)
      assert.equal(refused.status, 'rejected')
      assert.match(refused.detail, why)
    }
    assert.match((await send(body(7))).detail, /source is not a name/)
    const twice = `{"source":"a","rows":[{"location":"S","sku":"A","quantity":1}],"Source":"b"}`
    assert.match((await send(twice)).detail, /source is there twice/)
  })

  it('stands behind a parameter and a manifest', async () => {
    assert.deepEqual(at(await send(wrapped('P'), { as_of: other })), [other, 'parameter', false])
    assert.deepEqual(at(await send(wrapped('P', 2), { manifest: JSON.stringify({ as_of: other }) })), [other, 'manifest', false])
    assert.deepEqual(at(await send(wrapped('P', 3, other), { as_of: 'infer' })), [other, 'file', false])
  })

  it('goes before name and time of modification, where those are a guess', async () => {
    assert.deepEqual(at(await drop('auto', 'stock-20261003020000.json', wrapped('A'))), [own, 'file', false])
    assert.deepEqual(at(await drop('auto', 'stock.json', wrapped('A', 2, '2026-10-01 04:00:00'))), ['2026-10-01T08:00:00Z', 'file', false])
    assert.deepEqual(at(await drop('infer', 'stock.json', wrapped('I'))), [own, 'file', false])
    assert.deepEqual(at(await drop('auto', 'told.json', wrapped('A', 3), { as_of: other })), [other, 'manifest', false])
    const told = await drop('auto', 'whose.json', wrapped('A', 5).replace(',"source":"erp"', ''), { source: 'pos', as_of: other })
    assert.equal(told.source, 'pos')
    assert.deepEqual(at(await drop('auto', 'silent.json', wrapped('A', 4), { rows: 1 })), [own, 'file', false])
  })

  it('stands behind what the configuration names', async () => {
    assert.deepEqual(at(await drop('name', 'named_202610020200.json', wrapped('N'))), [other, 'name', false])
    assert.deepEqual(at(await drop('mtime', 'stock.json', wrapped('M'))), [other, 'mtime', false])
  })

  it('is checked like any other', async () => {
    const ahead = new Date(Date.now() + 3600e3).toISOString()
    const held = await send(wrapped('F', 1, ahead))
    assert.equal(held.status, 'held')
    assert.equal(held.locations[0].reasons[0].code, 'future')
    const refused = await send(wrapped('F', 1, 'soon'))
    assert.equal(refused.status, 'rejected')
    assert.match(refused.detail, /as_of is not a time/)
  })
})
