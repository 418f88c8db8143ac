// The files that arrive in real life, each with the answer it must get. The tables in hostile/ make
// the bytes; what is said here is what goes for all of them: rows add up, and what is refused or
// held changes nothing.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { zipOf } from './hostile/archives.mjs'
import { header, shapes } from './hostile/shapes.mjs'
import { alphabets, commaQuantities, identifiers, quantities, spaces } from './hostile/values.mjs'
import { queryTimes } from './hostile/times.mjs'
import { Hub } from './lib.mjs'

const summed = ['changed', 'unchanged', 'duplicate_rows', 'rejected_rows', 'unknown_products', 'unknown_locations']

describe('hostile files', () => {
  let hub
  let locations = 0
  const place = () => `L${++locations}`

  before(async () => (hub = await Hub.start()))
  after(() => hub?.stop())

  async function figures(L) {
    const query = { location: L, format: 'ndjson' }
    const { status, text } = await hub.call('GET', '/v1/inventory', { query })
    if (status === 404) return {} // nobody has heard of the location
    assert.equal(status, 200, text)
    const cells = text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line))
    return Object.fromEntries(cells.map((cell) => [cell.sku, cell.on_hand]))
  }

  /** null: the location has no such product. */
  const quantity = async (L, sku) => (await figures(L))[sku] ?? null

  async function send(body, query = {}) {
    const answer = await hub.call('POST', '/v1/resets', { body, type: 'text/csv', query })
    assert.ok(answer.status < 500, answer.text)
    if (answer.status === 200) {
      const { rows } = answer.json
      assert.equal(rows, summed.reduce((sum, key) => sum + answer.json[key], 0), answer.text)
    }
    return answer
  }

  const rejectsOf = async (id) => (await hub.call('GET', `/v1/resets/${id}/rejects`)).text
  const yesterday = new Date(Date.now() - 86400e3).toISOString()
  const stock = (L, figures) => header + Object.entries(figures).map(([sku, n]) => `${L},${sku},${n}\n`).join('')

  for (const test of [...shapes, ...alphabets]) {
    it(test.name, async () => {
      const L = place()
      if (test.before) await send(stock(L, test.before), { as_of: yesterday })
      const { status, json, text } = await send(test.body(L), test.query?.(L))
      assert.equal(status, 200, text)
      for (const [key, value] of Object.entries(test.want)) assert.equal(json[key], value, text)
      if (test.why) assert.match(json.detail, test.why)
      if (test.guard) assert.match(JSON.stringify(json), test.guard)
      if (test.rejects) assert.match(await rejectsOf(json.id), test.rejects)
      const found = await figures(L)
      for (const [sku, wanted] of Object.entries(test.cells)) assert.equal(found[sku] ?? null, wanted, sku)
    })
  }

  for (const [name, sku, wanted] of spaces) {
    it(name, async () => {
      const L = place()
      const { json } = await send(`${header}${L},"${sku}",1\n${L},OTHER,2\n`)
      assert.equal(json.rejected_rows, wanted === null ? 1 : 0)
      assert.deepEqual([...(await hub.cells({ location: L })).keys()].sort(),
        [wanted, 'OTHER'].filter((one) => one !== null).map((one) => `${L}/${one}`).sort())
    })
  }

  it('keeps identifiers as they are written', async () => {
    const L = place()
    await send(stock(L, {}) + identifiers.map((sku, i) => `${L},${sku},${i + 1}\n`).join(''))
    const wanted = Object.fromEntries(identifiers.map((sku, i) => [sku, i + 1]))
    assert.deepEqual(await figures(L), wanted)
  })

  it('takes one UPC in all its forms for one product, and what is none as it is', async () => {
    const L = place()
    const forms = ['012345678905', '12345678905', '0012345678905', '00012345678905', "'012345678905", '012345678905.0', '0 12345 67890 5']
    for (const [i, upc] of forms.entries()) {
      const { json } = await send(`location,upc,quantity\n${L},${upc},${i + 1}\n`, { guard: 'off' })
      assert.deepEqual([json.status, json.rejected_rows], ['applied', 0], upc)
      assert.deepEqual(Object.values(await figures(L)), [i + 1], upc)
    }
    const odd = await send(`location,upc,quantity\n${L},012345678906,1\n${L},1.23E+11,2\n${L},012345678906.0,3\n${L},000000000000,4\n`, { guard: 'off' })
    assert.equal(odd.json.rejected_rows, 3)
    assert.match(await rejectsOf(odd.json.id), /scientific notation/)
    assert.equal(Object.keys(await figures(L)).length, 2)
  })

  it('takes a quantity only as it is meant', async () => {
    const L = place()
    const { json } = await send(header + quantities.map(([text], i) => `${L},Q${i},${text}\n`).join(''))
    assert.equal(json.rejected_rows, quantities.filter(([, wanted]) => wanted === null).length)
    const found = await figures(L)
    for (const [i, [text, wanted]] of quantities.entries()) {
      assert.equal(found[`Q${i}`] ?? null, wanted, JSON.stringify(text))
    }
  })

  describe('times', () => {
    for (const [as_of, wanted] of queryTimes) {
      it(as_of, async () => {
        const { status, json, text } = await send(stock(place(), { A: 1 }), { as_of })
        assert.equal(status === 200 ? json.status : status, wanted, text)
        if (status === 200) assert.equal(Date.parse(json.as_of), Date.parse(as_of))
      })
    }
  })

  it('is never wrong however a file is cut', async () => {
    const L = place()
    const first = { A: 10, B: 10, C: 10, D: 10, E: 10 }
    await send(stock(L, first), { as_of: yesterday })
    const whole = Buffer.from(`${header}${L},"A",11\r\n${L},B,"12"\n${L},C,13\n${L},D,14\n${L},E,15\n`)
    const outcomes = new Map()
    for (let cut = 0; cut < whole.length; cut++) {
      const { json } = await send(whole.subarray(0, cut), { location: L })
      outcomes.set(json.status, (outcomes.get(json.status) ?? 0) + 1)
      const applied = json.status === 'applied'
      assert.ok(applied || ['held', 'rejected'].includes(json.status), json.status)
      // Guards let pass what has 80 % of the rows; of those the last figure may be cut short, which
      // nothing but a manifest can tell from the truth.
      if (!applied) {
        assert.deepEqual(await figures(L), first, `cut at ${cut}`)
        continue
      }
      assert.ok(cut > whole.indexOf(`${L},D,`), `applied, cut at ${cut}`)
      const last = cut > whole.indexOf(`${L},E,`) + `${L},E,`.length ? 'E' : 'D'
      const now = await figures(L)
      const wanted = { A: 11, B: 12, C: 13, D: 14, E: last === 'E' ? 15 : 10 }
      assert.ok(String(wanted[last]).startsWith(String(now[last])), `cut at ${cut}`)
      assert.deepEqual({ ...now, [last]: 0 }, { ...wanted, [last]: 0 }, `cut at ${cut}`)
      await hub.json('POST', `/v1/resets/${json.id}/rollback`)
    }
    assert.ok(outcomes.get('rejected') > 0 && outcomes.get('held') > 0, JSON.stringify([...outcomes]))
  })

  it('holds a cut file that a manifest describes, wherever it was cut', async () => {
    const L = place()
    await send(stock(L, { A: 10, B: 10 }), { as_of: yesterday })
    const whole = stock(L, { A: 11, B: 12 })
    for (let cut = 0; cut < whole.length - 1; cut++) {
      const { json } = await send(whole.slice(0, cut), { location: L, manifest: JSON.stringify({ rows: 2, sha256: 'ab'.repeat(32) }) })
      assert.ok(['held', 'rejected'].includes(json.status), `${cut}: ${json.status}`)
    }
    assert.deepEqual(await figures(L), { A: 10, B: 10 })
  })

  it('refuses JSON and XML that are cut off, at any byte, packed or not', async () => {
    const L = place()
    const json = JSON.stringify([{ location: L, sku: 'A', quantity: 1 }, { location: L, sku: 'B', quantity: 25 }])
    const qty = (sku, n) => `<INVENTORY><INVN alu="${sku}"/><INVN_SBS><INVN_SBS_QTYS><INVN_SBS_QTY store_no="${L}" qty="${n}"/></INVN_SBS_QTYS></INVN_SBS></INVENTORY>`
    const xml = `<?xml version="1.0"?><DOCUMENT><INVENTORYS>${qty('A', 1)}${qty('B', 25)}</INVENTORYS></DOCUMENT>`
    for (const whole of [json, xml]) {
      for (let cut = 0; cut < whole.length; cut++) {
        const { json: answer } = await send(whole.slice(0, cut))
        assert.equal(answer.status, 'rejected', `${whole.slice(0, cut)}: ${JSON.stringify(answer)}`)
      }
      assert.deepEqual(await figures(L), {})
    }
    // Each line of NDJSON closes itself: what is cut is no JSON.
    const lines = JSON.parse(json).map((row) => JSON.stringify(row)).join('\n')
    for (let cut = lines.indexOf('\n') + 2; cut < lines.length; cut++) {
      const { json: answer } = await send(lines.slice(0, cut), { format: 'ndjson', dry_run: true })
      assert.equal(answer.rejected_rows, 1, lines.slice(0, cut))
    }
    assert.equal((await send(xml)).json.status, 'applied')
    assert.deepEqual(await figures(L), { A: 1, B: 25 })
  })

  it('knows yesterday’s file, under whatever name', async () => {
    const L = place()
    const text = stock(L, { A: 1 })
    assert.equal((await send(text, { as_of: yesterday })).json.status, 'applied')
    assert.equal((await send(text, { as_of: yesterday })).json.status, 'duplicate')
    await send(stock(L, { A: 2 }))
    assert.equal((await send(stock(L, { A: 3 }), { as_of: yesterday })).json.status, 'stale')
    assert.equal(await quantity(L, 'A'), 2)
  })

  it('passes by a line of 64 MB in bounded memory', async () => {
    // Ten gigabytes take no other way: the line is passed by piece by piece, whatever its length.
    const L = place()
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${hub.pid}/status`, 'utf8'))[1])
    const piece = 'X'.repeat(1 << 20)
    const most = { kilobytes: 0 }
    async function* body() {
      yield `${header}${L},A,1\n${L},`
      for (let i = 0; i < 64; i++) {
        yield piece
        most.kilobytes = Math.max(most.kilobytes, memory())
      }
      yield `,1\n${L},B,2\n`
    }
    const first = memory()
    const { json } = await send(body())
    assert.equal(json.rejected_rows, 1)
    assert.equal(await quantity(L, 'B'), 2)
    const sanitized = /-(asan|tsan)\b/.test(process.env.ONHAND_BINARY ?? '') ? 4 : 1
    assert.ok(Math.max(most.kilobytes, memory()) - first < 24 * 1024 * sanitized, `${first} kB became ${most.kilobytes} kB`)
  })

  describe('packed', () => {
    it('reads what is packed once', async () => {
      const L = place()
      assert.equal((await send(gzipSync(stock(L, { A: 1 })))).json.status, 'applied')
      assert.equal(await quantity(L, 'A'), 1)
    })
    it('refuses a file packed twice', async () => {
      const { json } = await send(gzipSync(gzipSync(stock(place(), { A: 1 }))))
      assert.equal(json.status, 'rejected')
    })
    it('refuses a bomb', async () => {
      // One endless line: what unpacks is passed by, so that slow builds too reach the limit soon.
      const bomb = gzipSync(Buffer.concat([Buffer.from(header), Buffer.alloc(256 << 20, 'x')]), { level: 9 })
      assert.ok(bomb.length < 300e3)
      const { json } = await send(bomb)
      assert.equal(json.status, 'rejected')
      assert.match(json.detail, /beyond all measure/)
    })
    it('refuses a bomb in a zip', async () => {
      const { json } = await send(zipOf({ 'a.csv': Buffer.alloc(256 << 20, 'x') }))
      assert.equal(json.status, 'rejected')
    })
    it('refuses an archive in an archive, in every packing', async () => {
      const { tarOf, zstdOf } = await import('./hostile/archives.mjs')
      const L = place()
      const inner = { 'a.csv': stock(L, { A: 1 }) }
      const nests = [zipOf({ 'a.zip': zipOf(inner) }), zipOf({ 'a.csv': zipOf(inner) }), tarOf({ 'a.tar': tarOf(inner) }), gzipSync(tarOf({ 'a.csv.gz': gzipSync(inner['a.csv']) })), zstdOf(gzipSync(inner['a.csv'])), gzipSync(zipOf(inner))]
      for (const [i, nest] of nests.entries()) {
        const { json } = await send(nest)
        assert.equal(json.status, 'rejected', `${i}: ${JSON.stringify(json)}`)
      }
      assert.deepEqual(await figures(L), {})
    })
    it('refuses what breaks off in its packing, at any byte', async () => {
      const L = place()
      const packed = gzipSync(stock(L, { A: 1, B: 2 }))
      for (let cut = 1; cut < packed.length; cut++) {
        assert.equal((await send(packed.subarray(0, cut))).json.status, 'rejected', `cut at ${cut}`)
      }
      assert.equal(await quantity(L, 'A'), null)
    })
    it('refuses packing that is damaged', async () => {
      const packed = gzipSync(stock(place(), { A: 1, B: 2 }))
      packed[packed.length - 6] ^= 1
      assert.equal((await send(packed)).json.status, 'rejected')
    })
  })
})

describe('hostile files with a decimal comma', () => {
  it('takes a quantity only as it is meant', async () => {
    const { mkdirSync, writeFileSync } = await import('node:fs')
    const path = await import('node:path')
    const { scratch } = await import('./lib.mjs')
    const config = path.join(scratch('config'), 'onhand.yaml')
    mkdirSync(path.dirname(config), { recursive: true })
    writeFileSync(config, 'csv: {decimal_comma: true}\n')
    const hub = await Hub.start({ args: ['--config', config] })
    const body = 'location;sku;quantity\n' + commaQuantities.map(([text], i) => `L;Q${i};${text}\n`).join('')
    await hub.json('POST', '/v1/resets', { body, type: 'text/csv' })
    const cells = await hub.cells({ location: 'L' })
    for (const [i, [text, wanted]] of commaQuantities.entries()) {
      assert.equal(cells.get(`L/Q${i}`)?.on_hand ?? null, wanted, text)
    }
    await hub.stop()
  })
})
