// Pulls the plug: kill -9 leaves the page cache, so it cannot show a missing sync. Here the hub's
// data is on an ext4 image of its own; under load the hub is frozen and the file system shut down
// without letting it write its journal. Every answered change must be there when it is mounted
// again. The control is the same with syncing switched off, and it must lose something: that shows
// that the test can see a loss.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import {
  Hub,
  helper,
  mount,
  patience,
  run,
  scaled,
  scratch,
  umount,
  verify,
  withMounts,
} from './lib.mjs'
import { Load } from './load.mjs'

const CYCLES = scaled(12, 2)
const CONTROL_CYCLES = 3
const LONGEST_LOAD_MS = 300 * patience

async function must(file, ...args) {
  const { code, stdout, stderr } = await run(file, args)
  assert.equal(code, 0, `${file} ${args.join(' ')}: ${stdout}${stderr}`)
}

/** A disk whose plug can be pulled. */
class Disk {
  static async create() {
    const disk = new Disk()
    const directory = scratch('power')
    disk.image = path.join(directory, 'image')
    disk.directory = path.join(directory, 'disk')
    mkdirSync(disk.directory)
    await must('truncate', '-s', '512M', disk.image)
    await must('mkfs.ext4', '-q', '-F', disk.image)
    await disk.mount()
    return disk
  }

  mount() {
    return mount(this.directory, '-o', 'loop', this.image)
  }

  /** The power is gone for the hub; then it comes back. */
  async cut(hub) {
    process.kill(hub.pid, 'SIGSTOP')
    // What it had answered by now is on its way: let it arrive.
    await sleep(50)
    await must(helper('power_cut'), this.directory)
    await hub.kill()
    await umount(this.directory)
    await this.mount()
  }
}

/** One cut under load, and what the model says of it afterwards: an AssertionError or null. */
async function cycle(disk, hub, load, env) {
  const running = load.run(hub)
  await sleep(20 + Math.random() * LONGEST_LOAD_MS)
  await disk.cut(hub)
  await running
  await hub.start({ env })
  await load.settleAll(hub)
  await load.model.check(hub, 'after the power came back')
}

if (await withMounts(import.meta.url)) {
  test(`${CYCLES} power cuts under load lose nothing that was answered`, async () => {
    const disk = await Disk.create()
    const hub = await Hub.start({ data: path.join(disk.directory, 'data') })
    const load = new Load()
    for (let i = 0; i < CYCLES; i++) {
      await cycle(disk, hub, load, {})
      await load.repeatSome(hub)
    }
    assert.ok(load.answered > 10 * CYCLES, `only ${load.answered} changes were answered`)
    await hub.stop()
    await verify(hub.data)
    await umount(disk.directory)
  })

  test('control: without syncing, answered changes are lost', async () => {
    const disk = await Disk.create()
    const hub = await Hub.start({ data: path.join(disk.directory, 'data') })
    await hub.stop()
    await must('sync')
    const env = { ONHAND_UNSAFE_NO_SYNC: '1' }
    await hub.start({ env })
    assert.match(hub.log, /UNSAFE/)
    const load = new Load()
    let losses = 0
    for (let i = 0; i < CONTROL_CYCLES && losses === 0; i++) {
      try {
        await cycle(disk, hub, load, env)
      } catch (error) {
        // Lost, or so much of it that the hub cannot start.
        console.log(`# as it must: ${error.message.split('\n')[0]}`)
        losses++
      }
    }
    assert.ok(losses > 0, 'nothing was lost without syncing: this test cannot see a loss')
    if (hub.running) await hub.kill()
    await umount(disk.directory)
  })
}
