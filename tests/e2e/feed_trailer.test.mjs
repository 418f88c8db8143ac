// The last line of many files counts the rows before it. It is no row; where it is wrong, rows were
// lost on the way, and nobody knows of which location: the whole file is held.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { feedArguments, runFeed } from './feed_runs.mjs'
import { zipOf } from './hostile/archives.mjs'
import { Hub, scratch } from './lib.mjs'

const body = (L, trailer, last = 30) => `location,sku,quantity\n${L}a,A,10\n${L}a,B,20\n${L}b,C,${last}\n${trailer}`
const codes = (of) => of.reasons.map((reason) => reason.code)

describe('a trailer', () => {
  let hub
  const place = scratch('place')
  const settings = {
    auto: {}, zip: {}, own: { trailer: 'ZZ|*|{rows+1}|{units}' }, none: { trailer: 'none' }, off: { guards: { trailer: false } },
  }
  const folder = (name) => path.join(place, name)
  const args = feedArguments(Object.entries(settings).map(([name, more]) => ({
    name, url: folder(name), pattern: '*', as_of: 'auto', ...more,
  })))
  let minute = 10

  before(async () => {
    for (const name of Object.keys(settings)) mkdirSync(folder(name))
    hub = await Hub.start({ args })
  })
  after(() => hub?.stop())

  async function drop(name, data) {
    writeFileSync(path.join(folder(name), `stock-20261101-01${minute++}00`), data)
    const feed = await runFeed(hub, name)
    const reset = await hub.json('GET', `/v1/resets/${feed.last_reset}`)
    assert.equal(reset.rows, reset.changed + reset.unchanged + reset.duplicate_rows + reset.rejected_rows +
      reset.unknown_products + reset.unknown_locations)
    return reset
  }

  it('that is right is said, and is no row', async () => {
    const reset = await drop('auto', body('X', 'TRAILER,3,60\n'))
    assert.equal(reset.status, 'applied')
    assert.deepEqual([reset.rows, reset.rejected_rows, codes(reset)], [3, 0, []])
    assert.equal(reset.trailer, 'line 5 says 3 rows and 60 units')
  })

  it('that is wrong holds every location, until somebody approves', async () => {
    const reset = await drop('auto', body('X', 'TRAILER,4,61\n', 31))
    assert.equal(reset.status, 'held')
    assert.deepEqual(codes(reset), ['trailer'])
    for (const location of reset.locations) assert.deepEqual(codes(location), ['trailer'])
    assert.match(reset.reasons[0].detail, /line 5 says 4 rows and 61 units, and the file has 3 rows and 61 units/)
    assert.equal((await hub.cell('Xb', 'C')).on_hand, 30)
    assert.equal((await hub.json('POST', `/v1/resets/${reset.id}/approve`)).status, 'applied')
    assert.equal((await hub.cell('Xb', 'C')).on_hand, 31)
  })

  it('is read in each file of an archive', async () => {
    const good = { 'a.csv': body('Z', 'EOF 3\n'), 'b.csv': body('Y', 'EOF 3\n') }
    assert.equal((await drop('zip', zipOf(good))).rows, 6)
    const wrong = await drop('zip', zipOf({ ...good, 'a.csv': body('Z', 'EOF 2\n') }))
    assert.equal(wrong.status, 'held')
    assert.match(wrong.trailer, /line 5 says 2 rows/)
  })

  it('of one’s own kind is expected in each file', async () => {
    assert.equal((await drop('own', body('O', 'ZZ|20261101|4|60'))).status, 'applied')
    const missing = await drop('own', body('O', '', 31))
    assert.equal(missing.status, 'held')
    assert.match(missing.reasons[0].detail, /not the trailer that is expected/)
  })

  it('is a row like any other with none, and only said where the guard is off', async () => {
    const none = await drop('none', body('N', 'TRAILER,3\n'))
    assert.deepEqual([none.rows, none.rejected_rows, none.trailer], [4, 1, null])
    const off = await drop('off', body('F', 'TRAILER,5\n'))
    assert.equal(off.status, 'applied')
    assert.deepEqual([off.rows, codes(off)], [3, ['trailer']])
  })

  it('is a parameter by HTTP, which is checked', async () => {
    const send = (trailer, wanted) => hub.json('POST', `/v1/resets?trailer=${encodeURIComponent(trailer)}`, {
      body: body('H', '99,5'), type: 'text/csv',
    }, wanted)
    assert.equal((await send('99,{rows+2}')).status, 'applied')
    await send('99,{lines}', 400)
  })
})
