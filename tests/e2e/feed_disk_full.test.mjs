// A feed whose hub has no room for the file: it stays where it is, untouched and said, and counts
// once when there is room again.
import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { feedArguments, resetsOf, runFeed } from './feed_runs.mjs'
import { Hub, mount, scratch, withMounts } from './lib.mjs'

/** Takes all room of the disk but `leave` bytes. */
function fill(disk, leave) {
  const { bavail, bsize } = statfsSync(disk)
  const fd = openSync(path.join(disk, 'ballast'), 'a')
  for (let left = bavail * bsize - leave; left > 0; ) {
    left -= writeSync(fd, Buffer.alloc(Math.min(left, 1 << 16)))
  }
  closeSync(fd)
}

if (await withMounts(import.meta.url)) {
  for (const claim of ['none', 'rename']) {
    test(`a file that finds no room (claim: ${claim})`, async () => {
      const disk = path.join(scratch('disk'), 'disk')
      const drop = scratch('drop')
      mkdirSync(disk)
      await mount(disk, '-t', 'tmpfs', '-o', 'size=48m', 'tmpfs')
      const args = feedArguments([{ name: 'full', url: drop, pattern: '*.csv', claim }])
      const hub = await Hub.start({ data: path.join(disk, 'data'), args })
      const rows = Array.from({ length: 100000 }, (_, i) => `F,S${i},${i % 9}\n`)
      writeFileSync(path.join(drop, 'a.csv'), 'location,sku,quantity\n' + rows.join(''))
      fill(disk, 300000)
      const feed = await runFeed(hub, 'full')
      assert.match(feed.last_error, /space/i)
      assert.equal(feed.files, 0)
      assert.equal(readdirSync(drop).length, 1)
      assert.equal((await hub.call('GET', '/v1/inventory/F/S1')).status, 404)
      rmSync(path.join(disk, 'ballast'))
      assert.equal((await runFeed(hub, 'full')).last_result, 'applied')
      assert.deepEqual(readdirSync(path.join(drop, 'archive')), ['a.csv'])
      assert.deepEqual(await resetsOf(hub, 'full'), { applied: 1 })
      assert.equal((await hub.cell('F', 'S1')).on_hand, 1)
      await hub.stop()
    })
  }
}
