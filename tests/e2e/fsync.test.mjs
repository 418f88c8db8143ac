// The disk says no in the middle of a commit. After a failed sync nobody can know what is on disk,
// so the hub must end without another answer, and a restart decides. A write that is refused for
// want of room is another matter: it was surely not done, so the caller hears 507 and the hub goes
// on. What is refused is real: a library loaded before libc refuses the Nth call of the hub.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Hub, helper, patience, scratch, verify } from './lib.mjs'
import { Load } from './load.mjs'

const { EIO, ENOSPC } = os.constants.errno
const FATAL_CODE = 70

/** The orders of tests/helpers/faulty_io.c. */
class FaultyDisk {
  file = path.join(scratch('faulty'), 'orders')

  constructor() {
    writeFileSync(this.file, Buffer.alloc(24))
  }

  get env() {
    return {
      FAULTY_IO: this.file,
      LD_PRELOAD: helper('faulty_io.so'),
      ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:verify_asan_link_order=0`,
    }
  }

  #write(...numbers) {
    // One write in place: the hub has the file mapped.
    writeFileSync(this.file, Buffer.from(Int32Array.from(numbers).buffer), { flag: 'r+' })
  }

  /** The `nth` call from now on fails. call: sync or write; on: log or database. */
  refuse({ call, on = 'log', nth = 1, error, forever = false }) {
    const calls = { sync: 1, write: 2 }
    const targets = { log: 0, database: 1 }
    this.#write(0, targets[on], nth, error, forever ? 1 : 0, 0)
    this.#write(calls[call], targets[on], nth, error, forever ? 1 : 0, 0)
  }

  relent() {
    this.#write(0, 0, 0, 0, 0, this.refused)
  }

  get refused() {
    return readFileSync(this.file).readInt32LE(20)
  }
}

const single = (id, sku = 'A') => ({
  body: {
    facilityId: 'NY01',
    idType: 'SKU',
    idValue: sku,
    availableDelta: -1,
    transactionId: id,
  },
})

async function endOf(hub) {
  const late = sleep(20000 * patience, 'late', { ref: false })
  return Promise.race([hub.ended, late])
}

for (const [name, fault] of Object.entries({
  'a failed sync': { call: 'sync', error: EIO },
  'a sync that fails for want of room': { call: 'sync', error: ENOSPC },
  'a failed write': { call: 'write', error: EIO },
})) {
  test(`${name} ends the hub without another answer`, async () => {
    const disk = new FaultyDisk()
    const hub = await Hub.start({ env: disk.env })
    const target = '/v1/UpdateInventory'
    for (let i = 0; i < 5; i++) await hub.json('POST', target, single(`before-${i}`))
    disk.refuse(fault)
    await assert.rejects(hub.call('POST', target, single('doubtful')), 'it was answered')
    const end = await endOf(hub)
    assert.deepEqual(end, { code: FATAL_CODE, signal: null }, hub.log)
    assert.equal(disk.refused, 1)
    assert.match(hub.log, /stopping without a further answer/)
    await hub.start({ env: {} })
    const before = (await hub.cell('NY01', 'A')).on_hand
    assert.ok(before === -5 || before === -6, `${before}: an answered change is not there`)
    const again = await hub.json('POST', target, single('doubtful'))
    assert.equal(again.status, before === -5 ? 'applied' : 'duplicate')
    assert.equal((await hub.cell('NY01', 'A')).on_hand, -6)
    await hub.stop()
    await verify(hub.data)
  })

  test(`${name} under load`, async () => {
    const disk = new FaultyDisk()
    const hub = await Hub.start({ env: disk.env })
    const load = new Load()
    for (let i = 0; i < 5; i++) {
      const running = load.run(hub)
      await sleep(50 * patience)
      disk.refuse({ ...fault, nth: 1 + Math.floor(Math.random() * 20), forever: i % 2 === 1 })
      assert.deepEqual(await endOf(hub), { code: FATAL_CODE, signal: null }, hub.log)
      await running
      assert.ok(disk.refused >= 1)
      disk.relent()
      await hub.start()
      await load.settleAll(hub)
      await load.repeatSome(hub)
      await load.model.check(hub, `after fault ${i}`)
    }
    await hub.stop()
    await verify(hub.data)
  })
}

test('a write refused for want of room: 507, and the hub goes on', async () => {
  const disk = new FaultyDisk()
  const hub = await Hub.start({ env: disk.env })
  const target = '/v1/UpdateInventory'
  await hub.json('POST', target, single('before'))
  disk.refuse({ call: 'write', error: ENOSPC, forever: true })
  for (let i = 0; i < 3; i++) {
    const answer = await hub.call('POST', target, single('refused'))
    assert.equal(answer.status, 507, answer.text)
    assert.equal(answer.headers['content-type'], 'application/problem+json')
    assert.equal(answer.json.errors[0].code, 'no_space')
  }
  assert.equal((await hub.cell('NY01', 'A')).on_hand, -1)
  disk.relent()
  const answer = await hub.json('POST', target, single('refused'))
  assert.equal(answer.status, 'applied')
  assert.equal((await hub.cell('NY01', 'A')).on_hand, -2)
  await hub.kill()
  await hub.start({ env: {} })
  assert.equal((await hub.cell('NY01', 'A')).on_hand, -2)
  await hub.stop()
  await verify(hub.data)
})

// The log keeps all until it was copied into the database and that was synced.
for (const call of ['sync', 'write']) {
  test(`a database file that refuses every ${call} loses nothing`, async () => {
    const disk = new FaultyDisk()
    const hub = await Hub.start({ env: disk.env })
    const load = new Load()
    for (let i = 0; i < 3; i++) {
      disk.refuse({ call, on: 'database', error: EIO, forever: true })
      const running = load.run(hub)
      // The copier works every 250 pages, and once a second.
      for (let n = 0; disk.refused === 0 && n < 3000; n++) await sleep(10)
      await sleep(100)
      await hub.kill()
      await running
      assert.ok(disk.refused > 0, 'the copier did not work: this test shows nothing')
      disk.relent()
      await hub.start()
      await load.settleAll(hub)
      await load.model.check(hub, `after round ${i}`)
    }
    await hub.stop()
    await verify(hub.data)
  })
}
