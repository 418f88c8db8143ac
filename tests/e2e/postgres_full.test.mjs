// The disk of the PostgreSQL server is full: writers are told so, reads go on, nothing that was
// answered is lost, and once there is room it goes on by itself.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { chmodSync, closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { mount, scratch, withMounts } from './lib.mjs'
import { Hubs, until } from './many_hubs.mjs'
import { ask, Postgres, postgresMissing } from './postgres.mjs'

/** Takes all the room there is. */
function fill(file) {
  const fd = openSync(file, 'w')
  try {
    for (let size = 1 << 20; size >= 1; size >>= 1) {
      const block = Buffer.alloc(size)
      try {
        while (writeSync(fd, block) > 0);
      } catch (error) {
        assert.equal(error.code, 'ENOSPC')
      }
    }
  } finally {
    closeSync(fd)
  }
}

if (await withMounts(import.meta.url)) {
  const top = scratch('full')
  chmodSync(top, 0o711)
  const disk = path.join(top, 'disk')
  mkdirSync(disk)
  await mount(disk, '-t', 'tmpfs', '-o', 'size=256m,mode=0755', 'tmpfs')
  const server = await Postgres.start([], disk)
  const skip = server === null && postgresMissing
  let hubs

  after(async () => {
    hubs?.end()
    await server?.end()
  })

  test('a full disk is told with 507 and heals', { skip, timeout: 600e3 }, async () => {
    hubs = new Hubs(server.url)
    const hub = await hubs.add('hub-a')
    let n = 0, applied = 0
    const batch = () =>
      Array.from({ length: 500 }, (_, i) => ({ id: `sale ${n}, line ${i}`, location: 'NY01', sku: 'A', delta: 1 }))
    const send = () => hub.call('POST', '/v1/adjustments', { body: { adjustments: batch() } })
    assert.equal((await send()).status, 200)
    applied += 500
    n++
    // The log gets a file with room in it: without, the server ends itself rather than say 53100.
    await ask(server.url, 'select pg_switch_wal()', 'create table room as select 1', 'checkpoint')
    fill(path.join(disk, 'filler'))
    const full = await until('the disk is full', async () => {
      const answer = await send()
      if (answer.status !== 200) return answer
      applied += 500
      n++
    })
    assert.equal(full.status, 507, full.text)
    assert.equal((await hub.cell('NY01', 'A')).on_hand, applied)
    assert.equal((await send()).status, 507)
    rmSync(path.join(disk, 'filler'))
    const { json } = await until('it goes on', async () => {
      const answer = await send()
      return answer.status === 200 && answer
    })
    assert.ok(json.results.every(({ status }) => status === 'applied'))
    applied += 500
    assert.ok((await send()).json.results.every(({ status }) => status === 'duplicate'))
    const other = await hubs.add('hub-b')
    for (const each of [hub, other])
      assert.equal((await each.cell('NY01', 'A')).on_hand, applied)
    await hubs.stop()
  })
}
