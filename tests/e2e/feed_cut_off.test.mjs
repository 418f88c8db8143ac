// A file that was cut off inside its last figure reads like a whole one: "125" became "12". What a
// feed's files are like tells it from the files of those who never write the last line end.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { feedArguments, runFeed } from './feed_runs.mjs'
import { zipOf } from './hostile/archives.mjs'
import { Hub, scratch } from './lib.mjs'

const header = 'location,sku,quantity\n'
const body = (L, last = 125, first = 10) => `${header}${L}a,A,${first}\n${L}a,B,20\n${L}b,C,300\n${L}b,D,${last}\n`

describe('a file without its last line end', () => {
  let hub
  const place = scratch('place')
  const names = ['closed', 'open', 'zip', 'off', 'manifest']
  const folder = (name) => path.join(place, name)
  const args = feedArguments(names.map((name) => ({
    name, url: folder(name), pattern: '*', as_of: 'auto', ...(name === 'off' ? { guards: { cut_off: false } } : {}),
  })))
  let minute = 10

  before(async () => {
    for (const name of names) mkdirSync(folder(name))
    hub = await Hub.start({ args })
  })
  after(() => hub?.stop())

  /** Drops a file and gives the reset that came of it. */
  async function drop(name, data, manifest) {
    const file = path.join(folder(name), `stock-20261101-01${minute++}00`)
    if (manifest) writeFileSync(`${file}.manifest.json`, JSON.stringify(manifest))
    writeFileSync(file, data)
    const feed = await runFeed(hub, name)
    return hub.json('GET', `/v1/resets/${feed.last_reset}`)
  }
  const codes = (reset) => reset.reasons.map((reason) => reason.code)
  const figure = async (L, sku) => (await hub.cell(L, sku)).on_hand

  it('is held as a whole where the feed’s files have one', async () => {
    assert.equal((await drop('closed', body('X'))).status, 'applied')
    const cut = body('X', 130, 11)
    for (const length of [cut.length - 2, cut.length - 1]) {
      const reset = await drop('closed', cut.slice(0, length))
      assert.equal(reset.status, 'held', JSON.stringify(reset))
      assert.deepEqual(codes(reset), ['cut_off'])
      for (const location of reset.locations) assert.deepEqual(codes(location), ['cut_off'])
      assert.match(reset.reasons[0].detail, /cut off/)
    }
    assert.equal(await figure('Xb', 'D'), 125)
    assert.equal(await figure('Xa', 'A'), 10)
  })

  it('is still held after a restart', async () => {
    await hub.stop()
    await hub.start()
    assert.equal((await drop('closed', body('X', 131).slice(0, -2))).status, 'held')
    assert.equal((await drop('closed', body('X', 126))).status, 'applied')
    assert.equal(await figure('Xb', 'D'), 126)
  })

  it('is taken again once a person took one, until one comes that has it', async () => {
    const held = await drop('closed', body('X', 127).slice(0, -1))
    await hub.json('POST', `/v1/resets/${held.id}/approve`)
    assert.equal(await figure('Xb', 'D'), 127)
    assert.equal((await drop('closed', body('X', 128).slice(0, -1))).status, 'applied')
    assert.equal((await drop('closed', body('X', 129))).status, 'applied')
    assert.equal((await drop('closed', body('X', 140).slice(0, -2))).status, 'held')
    assert.equal(await figure('Xb', 'D'), 129)
  })

  it('is said of a feed’s first file, and taken from then on', async () => {
    const first = await drop('open', body('Y').slice(0, -1))
    assert.equal(first.status, 'applied')
    assert.deepEqual(codes(first), ['cut_off'])
    const second = await drop('open', body('Y', 126).slice(0, -1))
    assert.equal(second.status, 'applied')
    assert.deepEqual(codes(second), [])
  })

  it('is held in an archive too', async () => {
    assert.equal((await drop('zip', zipOf({ 'a.csv': body('Z') }))).status, 'applied')
    assert.equal((await drop('zip', zipOf({ 'a.csv': body('Z', 126).slice(0, -2) }))).status, 'held')
  })

  it('is taken where the guard is off, and where a manifest proves it', async () => {
    assert.equal((await drop('off', body('O'))).status, 'applied')
    assert.equal((await drop('off', body('O', 126).slice(0, -1))).status, 'applied')
    assert.equal((await drop('manifest', body('M'))).status, 'applied')
    const open = body('M', 126).slice(0, -1)
    const sha256 = createHash('sha256').update(open).digest('hex')
    assert.equal((await drop('manifest', open, { sha256 })).status, 'applied')
    assert.equal((await drop('manifest', open.replace('126', '127'), { rows: 4 })).status, 'held')
  })

  it('is taken by HTTP as it comes', async () => {
    const answer = await hub.json('POST', '/v1/resets', { body: body('H').slice(0, -1), type: 'text/csv' })
    assert.equal(answer.status, 'applied')
    assert.deepEqual(answer.reasons, [])
  })
})
