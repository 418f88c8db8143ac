// A full disk, a real one (tmpfs): new writes are refused with 507 and words that help, reads go
// on, nothing is half applied, and with room again the same hub writes again.
import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

import { Hub, mount, scratch, verify, withMounts } from './lib.mjs'

const DISK_MEGABYTES = 24
const FULL_HOUSE = 60 // locations
const SKUS = 2000

class SmallDisk {
  static async create() {
    const disk = new SmallDisk()
    disk.directory = path.join(scratch('full'), 'disk')
    disk.ballast = path.join(disk.directory, 'ballast')
    mkdirSync(disk.directory)
    const size = `size=${DISK_MEGABYTES}m`
    await mount(disk.directory, '-t', 'tmpfs', '-o', size, 'tmpfs')
    return disk
  }

  /** Takes all room but `leave` bytes. */
  fill(leave = 0) {
    const { bavail, bsize } = statfsSync(this.directory)
    const fd = openSync(this.ballast, 'a')
    try {
      let left = bavail * bsize - leave
      while (left > 0) left -= writeSync(fd, Buffer.alloc(Math.min(left, 1 << 16)))
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error
    }
    closeSync(fd)
  }

  free() {
    rmSync(this.ballast)
  }

  async startHub(args = []) {
    return Hub.start({ data: path.join(this.directory, 'data'), args })
  }
}

const line = (id, sku = 'A') => ({ id, type: 'receipt', location: 'NY01', sku, delta: 1 })

/**
 * Sends batches until one is refused: {answered, refused (a batch), answer}. The log may have room
 * of its own for a while, so that it takes more than a full disk.
 */
async function untilFull(hub, name) {
  for (let n = 0, answered = 0; n < 3000; n++) {
    const refused = Array.from({ length: 500 }, (_, i) => ({
      ...line(`${name}-${n}-${i}`),
      reason: 'R'.repeat(150),
    }))
    const answer = await hub.call('POST', '/v1/adjustments', { body: { adjustments: refused } })
    if (answer.status !== 200) return { answered, answer, refused }
    for (const result of answer.json.results) assert.equal(result.status, 'applied')
    answered += refused.length
  }
  throw new Error('the disk never became full')
}

/** The same with single calls, each on a product of its own. */
async function untilSinglesRefused(hub) {
  for (let answered = 0; answered < 20000; answered++) {
    const idValue = `S${answered}`
    const body = { facilityId: 'NY01', idValue, availableDelta: 1, transactionId: idValue }
    const answer = await hub.call('POST', '/v1/UpdateInventory', { body })
    if (answer.status !== 200) return { answered, answer, body }
    assert.equal(answer.json.onHand, 1)
  }
  throw new Error('singles were never refused')
}

/** A small write may still fit where a larger one was refused. */
async function untilAcknowledgementsRefused(hub) {
  for (let n = 0; n < 20000; n++) {
    const body = { documents: [`SO-${n}`] }
    const answer = await hub.call('POST', '/v1/acknowledgements', { body })
    if (answer.status !== 200) return answer
  }
  throw new Error('acknowledgements were never refused')
}

function checkRefusal(answer) {
  assert.equal(answer.status, 507, answer.text)
  assert.equal(answer.headers['content-type'], 'application/problem+json')
  assert.equal(answer.json.status, 507)
  assert.equal(answer.json.errors[0].code, 'no_space')
  assert.match(answer.json.detail, /disk is full/)
}

const stateOf = (hub) => hub.json('GET', '/readyz')

if (await withMounts(import.meta.url)) {
  test('full: 507 and reads go on; room again: the same hub writes again', async () => {
    const disk = await SmallDisk.create()
    const hub = await disk.startHub()
    disk.fill(6 << 20)
    assert.equal((await stateOf(hub)).status, 'ready')
    const first = await untilFull(hub, 'first')
    checkRefusal(first.answer)
    disk.fill()
    const second = await untilFull(hub, 'second')
    checkRefusal(second.answer)
    const batched = first.answered + second.answered
    const singles = await untilSinglesRefused(hub)
    checkRefusal(singles.answer)
    checkRefusal(await untilAcknowledgementsRefused(hub))

    const state = await stateOf(hub)
    assert.equal(state.status, 'disk_full')
    assert.match(state.detail, /room/)
    assert.equal((await hub.json('GET', '/v1/status')).disk_full, true)
    assert.equal((await hub.cell('NY01', 'A')).on_hand, batched)
    assert.equal((await hub.cells()).size, 1 + singles.answered)
    assert.ok((await hub.json('GET', '/v1/inventory/NY01/A/history')).items.length > 0)

    disk.free()
    const { results } = await hub.adjust([...first.refused, ...second.refused])
    assert.ok(results.every((result) => result.status === 'applied'), 'something was half applied')
    const single = await hub.json('POST', '/v1/UpdateInventory', { body: singles.body })
    assert.equal(single.status, 'applied')
    assert.equal((await stateOf(hub)).status, 'ready')
    assert.equal((await hub.cell('NY01', 'A')).on_hand, batched + results.length)
    await hub.kill()
    await hub.start()
    assert.equal((await hub.cell('NY01', 'A')).on_hand, batched + results.length)
    assert.equal((await hub.cells()).size, 2 + singles.answered)
    await hub.stop()
    await verify(hub.data)
  })

  test('killed and started again while full: what was answered is there', async () => {
    const disk = await SmallDisk.create()
    const hub = await disk.startHub()
    disk.fill(6 << 20)
    const { answered, refused } = await untilFull(hub, 'fill')
    disk.fill()
    await hub.kill()
    let started = true
    try {
      await hub.start()
    } catch (error) {
      // It may refuse to start without room, if it says so.
      started = false
      assert.match(error.message, /full|space/i)
      disk.free()
      await hub.start()
    }
    assert.equal((await hub.cell('NY01', 'A')).on_hand, answered)
    if (started) disk.free()
    const { results } = await hub.adjust(refused)
    assert.ok(results.every((result) => result.status === 'applied'))
    await hub.stop()
    await verify(hub.data)
  })

  test('full during a reset: each location all or not at all, and the answer helps', async () => {
    const disk = await SmallDisk.create()
    const hub = await disk.startHub()
    const rows = []
    for (let location = 0; location < FULL_HOUSE; location++) {
      for (let i = 0; i < SKUS; i++) {
        rows.push([`L${location}`, `SKU-${i}`, 1 + ((location * 7919 + i * 104729) % 9973)])
      }
    }
    const stated = new Map(rows.map(([location, sku, units]) => [`${location}/${sku}`, units]))
    const checkQuantities = (cells) => {
      for (const [key, cell] of cells) assert.equal(cell.on_hand, stated.get(key), key)
    }
    const as_of = '2026-11-20T02:00:00Z'
    let refusals = 0
    const body = ['location,sku,quantity', ...rows.map((row) => row.join(','))].join('\n')
    for (let leave = 0; leave < 8 << 20; leave += 64 << 10) {
      disk.fill(leave)
      const options = { body, type: 'text/csv', query: { as_of, source: 'prism', guard: 'off' } }
      const answer = await hub.call('POST', '/v1/resets', options)
      if (answer.status === 200) {
        assert.ok(['applied', 'duplicate'].includes(answer.json.status), answer.text)
        disk.free()
        break
      }
      refusals++
      checkRefusal(answer)
      assert.match(answer.json.detail, /again/, 'it does not say what to do')
      const counts = new Map()
      const cells = await hub.cells()
      checkQuantities(cells)
      for (const { location } of cells.values()) {
        counts.set(location, (counts.get(location) ?? 0) + 1)
      }
      for (const [location, count] of counts) {
        assert.equal(count, SKUS, `${location} is half applied: ${count} of ${SKUS} cells`)
      }
      disk.free()
    }
    assert.ok(refusals > 0, 'the disk was never too small')
    const again = await hub.reset(rows, { as_of, source: 'prism', guard: 'off' })
    assert.ok(['applied', 'duplicate'].includes(again.status), JSON.stringify(again).slice(0, 500))
    const cells = await hub.cells()
    assert.equal(cells.size, FULL_HOUSE * SKUS)
    assert.equal((await stateOf(hub)).status, 'ready')
    checkQuantities(cells)
    await hub.stop()
    await verify(hub.data)
  })

  test('rows that wait on the disk: refused as a whole, and taken when there is room', async () => {
    const disk = await SmallDisk.create()
    const config = path.join(scratch('config'), 'onhand.yaml')
    writeFileSync(config, 'limits: {reset_mb: 0}\n')
    const hub = await disk.startHub(['--config', config])
    await hub.reset([['NY01', 'S1', 7]], { as_of: '2026-11-19T02:00:00Z' })
    const rows = Array.from({ length: 100000 }, (_, i) => `NY01,S${i},${i % 9}\n`)
    const options = {
      body: 'location,sku,quantity\n' + rows.join(''),
      type: 'text/csv',
      query: { as_of: '2026-11-20T02:00:00Z', guard: 'off' },
    }
    disk.fill(300000)
    const answer = await hub.call('POST', '/v1/resets', options)
    checkRefusal(answer)
    assert.match(answer.json.detail, /nothing was applied.*reset_mb/)
    assert.equal((await hub.cell('NY01', 'S1')).on_hand, 7)
    disk.free()
    assert.equal((await hub.call('POST', '/v1/resets', options)).json.status, 'applied')
    assert.equal((await hub.cell('NY01', 'S1')).on_hand, 1)
    assert.equal((await hub.cells()).size, 100000)
    await hub.stop()
    await verify(hub.data)
  })
}
