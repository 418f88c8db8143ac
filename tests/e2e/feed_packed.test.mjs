// Every packing and every format, by HTTP and through a feed: the same rows come of it, and what is
// broken is refused whole. And what a feed's own keys say of its guards and its locations.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { feedArguments, runFeed } from './feed_runs.mjs'
import { tarOf, zipOf, zstdOf } from './hostile/archives.mjs'
import { Hub, scratch } from './lib.mjs'

const header = 'location,sku,quantity\n'
const rows = (L, list) => list.map(([sku, n]) => `${L},${sku},${n}\n`).join('')
const first = [['A', 1], ['B', 2.5]]
const second = [['C', 3], ['D', -4]]
const xmlItem = (L, [sku, n]) =>
  `<INVENTORY><INVN item_sid="-${sku}"/><INVN_SBS sbs_no="1" alu="${sku}"><INVN_SBS_QTYS><INVN_SBS_QTY store_no="${L}" qty="${n}"/></INVN_SBS_QTYS></INVN_SBS></INVENTORY>`
const xmlOf = (L, list) => `<?xml version="1.0"?><DOCUMENT><INVENTORYS>${list.map((row) => xmlItem(L, row)).join('')}</INVENTORYS></DOCUMENT>`
const jsonOf = (L, list) => JSON.stringify({ inventory: list.map(([sku, quantity]) => ({ location: L, sku, quantity })) })
const two = (L) => ({ 'b.csv': header + rows(L, second), 'a.csv': header + rows(L, first) })
const all = (L) => header + rows(L, [...first, ...second])

const packings = {
  'a.csv.gz': (L) => gzipSync(all(L)),
  'a.csv.zst': (L) => zstdOf(all(L)),
  'a.zip': (L) => zipOf(two(L)),
  'a.tar': (L) => tarOf(two(L)),
  'a.tar.gz': (L) => gzipSync(tarOf(two(L))),
  'a.tar.zst': (L) => zstdOf(tarOf(two(L))),
  'a.xml': (L) => xmlOf(L, [...first, ...second]),
  'a.xml.gz': (L) => gzipSync(xmlOf(L, [...first, ...second])),
  'several.xml.zip': (L) => zipOf({ 'a.xml': xmlOf(L, first), 'b.xml': xmlOf(L, second) }),
  'a.json': (L) => jsonOf(L, [...first, ...second]),
  'several.json.tar': (L) => tarOf({ 'a.json': jsonOf(L, first), 'b.json': jsonOf(L, second) }),
}

describe('packed files', () => {
  let hub
  let locations = 0
  const place = scratch('place')
  const folder = (name) => path.join(place, name)

  before(async () => {
    for (const name of ['all', 'guarded', 'loose', 'named']) mkdirSync(folder(name))
    hub = await Hub.start({
      args: feedArguments([
        { name: 'all', url: folder('all'), pattern: '*', mode: 'partial' },
        { name: 'guarded', url: folder('guarded'), as_of: 'auto', guards: { max_zeroed_percent: 50, min_rows_percent: 40 } },
        { name: 'loose', url: folder('loose'), as_of: 'auto', guards: { enabled: false } },
        { name: 'named', url: folder('named'), as_of: 'auto', locations: ['NA', 'NB'] },
      ]),
    })
  })
  after(() => hub?.stop())

  async function hasAll(L) {
    const cells = await hub.cells({ location: L })
    const product = async (alu) => (await hub.call('GET', `/v1/inventory/${L}/${alu}`)).json?.on_hand ?? null
    const found = {}
    for (const [sku] of [...first, ...second]) found[sku] = cells.get(`${L}/${sku}`)?.on_hand ?? (await product(sku))
    assert.deepEqual(found, Object.fromEntries([...first, ...second]))
    assert.equal(cells.size, 4)
  }

  for (const [name, make] of Object.entries(packings)) {
    it(`${name} by HTTP`, async () => {
      const L = `H${++locations}`
      const reset = await hub.json('POST', '/v1/resets', { body: make(L), type: 'application/octet-stream' })
      assert.deepEqual([reset.status, reset.rows, reset.rejected_rows], ['applied', 4, 0], JSON.stringify(reset))
      await hasAll(L)
    })

    it(`${name} through a feed`, async () => {
      const L = `F${++locations}`
      writeFileSync(path.join(folder('all'), name), make(L))
      const feed = await runFeed(hub, 'all')
      assert.deepEqual([feed.last_file, feed.last_result], [name, 'applied'])
      assert.ok(readdirSync(path.join(folder('all'), 'archive')).includes(name))
      await hasAll(L)
    })

    it(`${name} cut short or damaged is refused, and nothing of it counts`, async () => {
      const L = `X${++locations}`
      const whole = Buffer.from(make(L))
      const tail = name.endsWith('.tar') ? 1024 + 512 : 3 // a tar ends in zeros that nobody misses
      for (const length of [Math.floor(whole.length / 2), whole.length - tail]) {
        const reset = await hub.json('POST', '/v1/resets', { body: whole.subarray(0, length), type: 'application/octet-stream' })
        assert.equal(reset.status, 'rejected', `${length} of ${whole.length}: ${JSON.stringify(reset)}`)
      }
      writeFileSync(path.join(folder('all'), name), whole.subarray(0, whole.length - tail))
      const feed = await runFeed(hub, 'all')
      assert.equal(feed.last_result, 'rejected')
      const failed = readdirSync(path.join(folder('all'), 'failed'))
      assert.ok(failed.some((one) => one.startsWith(name) && one.endsWith('.rejects.csv')), failed.join())
      assert.equal((await hub.call('GET', '/v1/inventory', { query: { location: L } })).json?.items?.length ?? 0, 0)
    })
  }

  let minute = 10
  async function drop(name, text) {
    const file = path.join(folder(name), `stock-20261101-01${minute++}00.csv`)
    writeFileSync(file, text)
    const feed = await runFeed(hub, name)
    return hub.json('GET', `/v1/resets/${feed.last_reset}`)
  }
  const stock = (L, n, zero = 0) => header + rows(L, Array.from({ length: n }, (_, i) => [`S${i}`, i < zero ? 0 : 5]))
  const codes = (reset) => reset.locations.flatMap((location) => location.reasons.map((reason) => reason.code))

  it('is measured by the limits of its feed, and of no other', async () => {
    assert.equal((await drop('guarded', stock('G', 10))).status, 'applied')
    assert.equal((await drop('guarded', stock('G', 10, 4))).status, 'applied') // the hub's limit is 10 %
    assert.deepEqual(codes(await drop('guarded', stock('G', 5, 4))), []) // the hub's limit is 80 %
    assert.deepEqual(codes(await drop('guarded', stock('G', 10, 10))), ['zeroed', 'units'])
    assert.deepEqual(codes(await drop('guarded', stock('G', 1))), ['few_rows'])
    assert.equal((await drop('loose', stock('G', 1, 1))).status, 'applied')
    const byHand = await hub.json('POST', '/v1/resets', { body: stock('G', 10, 7), type: 'text/csv' })
    assert.deepEqual(codes(byHand), ['zeroed'])
  })

  it('misses the locations that its feed names, from its first file on', async () => {
    await hub.json('POST', '/v1/resets', { body: stock('NB', 3), type: 'text/csv', query: { as_of: '2026-10-30T00:00:00Z' } })
    const reset = await drop('named', stock('NA', 3))
    const found = Object.fromEntries(reset.locations.map(({ location, status }) => [location, status]))
    assert.deepEqual(found, { NA: 'applied', NB: 'held' })
    assert.deepEqual(codes(reset), ['missing_location'])
    assert.equal((await drop('named', stock('NA', 3) + stock('NB', 3).slice(header.length))).status, 'applied')
  })
})
