// Feeds on local directories: manifests, what becomes of files, and that each content counts once.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hub, patience, scratch } from './lib.mjs'

const header = 'location,sku,quantity\n'

describe('feeds on directories', () => {
  let hub
  const root = scratch('drop')
  const place = (...names) => path.join(root, ...names)
  const feeds = {
    manifest: { as_of: 'manifest', manifest: 'required', pattern: '*.csv' },
    remove: { as_of: 'mtime', after: 'delete', pattern: '*.csv' },
    keep: { as_of: 'mtime', after: 'keep', pattern: '*.csv' },
    mapped: {
      as_of: 'column:COUNTED',
      pattern: '*.txt',
      columns: { location: 'STORE', upc: 'UPC', quantity: 'QTY' },
      decimal_comma: true,
    },
    late: { as_of: 'mtime', pattern: '*.csv', schedule: '0 5 29 2 *', every: undefined },
    soon: { as_of: 'mtime', pattern: '*.csv', every: '1s' },
  }

  const state = async (name) =>
    (await hub.json('GET', '/v1/feeds')).items.find((feed) => feed.name === name)

  async function start(name) {
    const { status, text } = await hub.call('POST', `/v1/jobs/feed%3A${name}/run`)
    assert.ok(status < 300, text)
  }

  async function run(name) {
    const last = (await state(name)).last_run
    await start(name)
    for (let i = 0; i < 400 * patience; i++) {
      const feed = await state(name)
      if (!feed.running && feed.last_run !== last) return feed
      await sleep(25)
    }
    throw new Error(`feed ${name} did not end\n${hub.log}`)
  }

  async function until(what, condition) {
    for (let i = 0; i < 400 * patience; i++) {
      if (await condition()) return
      await sleep(25)
    }
    throw new Error(`never: ${what}\n${hub.log}`)
  }

  before(async () => {
    const lines = ['timezone: UTC', 'feeds:']
    for (const [name, feed] of Object.entries(feeds)) {
      mkdirSync(place(name))
      lines.push(`  - name: ${name}`, `    url: ${place(name)}`, '    stable_for: 100ms')
      for (const [key, value] of Object.entries(feed)) {
        if (value !== undefined) lines.push(`    ${key}: ${JSON.stringify(value)}`)
      }
    }
    writeFileSync(place('onhand.yaml'), lines.join('\n') + '\n')
    hub = await Hub.start({ args: ['--config', place('onhand.yaml')] })
  })
  after(() => hub?.stop())

  it('waits for the manifest, and takes as_of and watermarks from it', async () => {
    await hub.adjust([
      { id: 'm1', source: 'manifest', type: 'sale', location: 'M', sku: 'A', delta: -1, register: 'R1', sequence: 7, occurred_at: '2026-03-02T10:00:00Z' },
      { id: 'm2', source: 'manifest', type: 'sale', location: 'M', sku: 'A', delta: -1, register: 'R1', sequence: 8, occurred_at: '2026-03-02T01:00:00Z' },
    ])
    const text = header + 'M,A,10\n'
    writeFileSync(place('manifest', 'stock.csv'), text)
    await start('manifest')
    await sleep(700 * patience)
    assert.ok(existsSync(place('manifest', 'stock.csv')), 'it went without its manifest')
    const sha256 = createHash('sha256').update(text).digest('hex')
    const locations = { M: { through: { R1: 7 } } }
    const manifest = { rows: 1, sha256, as_of: '2026-03-02T05:00:00Z', locations }
    writeFileSync(place('manifest', 'stock.csv.manifest.json'), JSON.stringify(manifest))
    await until('it is taken', async () => (await state('manifest')).last_result === 'applied')
    assert.equal((await hub.cell('M', 'A')).on_hand, 9)
    await until('both are archived', () => existsSync(place('manifest', 'archive')) &&
      readdirSync(place('manifest', 'archive')).length === 2)
  })

  it('refuses a manifest that is none', async () => {
    writeFileSync(place('manifest', 'bad.csv'), header + 'M,A,11\n')
    writeFileSync(place('manifest', 'bad.csv.manifest.json'), '{"row": 1}')
    const feed = await run('manifest')
    assert.equal(feed.last_result, 'rejected')
    assert.match(readFileSync(place('manifest', 'failed', 'bad.csv.rejects.csv'), 'utf8'), /row/)
    assert.equal((await hub.cell('M', 'A')).on_hand, 9)
  })

  it('deletes when told so, and knows yesterday’s file under another name', async () => {
    const file = place('remove', 'one.csv')
    writeFileSync(file, header + 'D,A,5\n')
    utimesSync(file, new Date('2026-03-02T00:00:00Z'), new Date('2026-03-02T00:00:00Z'))
    assert.equal((await run('remove')).last_result, 'applied')
    assert.deepEqual(readdirSync(place('remove')), [])
    await hub.adjust([{ type: 'sale', location: 'D', sku: 'A', delta: -2 }])
    writeFileSync(place('remove', 'two.csv'), header + 'D,A,5\n')
    assert.equal((await run('remove')).last_result, 'duplicate')
    assert.deepEqual(readdirSync(place('remove')), [])
    assert.equal((await hub.cell('D', 'A')).on_hand, 3)
  })

  it('leaves files where they are when told so', async () => {
    writeFileSync(place('keep', 'one.csv'), header + 'K,A,5\n')
    assert.equal((await run('keep')).files, 1)
    assert.equal((await run('keep')).files, 1)
    assert.deepEqual(readdirSync(place('keep')), ['one.csv'])
    await sleep(20)
    writeFileSync(place('keep', 'one.csv'), header + 'K,A,6\n')
    assert.equal((await run('keep')).files, 2)
    assert.equal((await hub.cell('K', 'A')).on_hand, 6)
  })

  it('reads mapped columns and a time in a column', async () => {
    const rows = 'STORE;UPC;QTY;COUNTED\nX;012345678905;1,5;2026-03-02 04:00:00\n'
    writeFileSync(place('mapped', 'a.txt'), rows)
    const feed = await run('mapped')
    assert.equal(feed.last_result, 'applied', JSON.stringify(feed))
    const cells = await hub.cells({ location: 'X' })
    const [cell] = cells.values()
    assert.equal(cell.on_hand, 1.5)
    assert.equal(Date.parse(cell.as_of), Date.parse('2026-03-02T04:00:00Z'))
  })

  it('says that a file is late', async () => {
    const events = await fetch(`${hub.url}/v1/events`, {
      headers: { Authorization: `Bearer ${hub.token}` },
    })
    const feed = await run('late')
    assert.equal(feed.last_error, null)
    assert.ok(feed.next_due)
    let text = ''
    const late = setTimeout(() => events.body.cancel(), 10000 * patience)
    for await (const piece of events.body) {
      text += Buffer.from(piece).toString()
      if (text.includes('onhand.feed.late')) break
    }
    clearTimeout(late)
    assert.match(text, /onhand\.feed\.late/)
    assert.equal(feed.late, true)
    assert.ok(Date.parse(feed.late_since) > 0)
    assert.deepEqual((await hub.json('GET', '/v1/status')).late, ['late'])
    writeFileSync(place('late', 'at-last.csv'), header + 'LATE,A,1\n')
    const back = await run('late')
    assert.deepEqual([back.late, back.late_since], [false, null])
    assert.deepEqual((await hub.json('GET', '/v1/status')).late, [])
  })

  it('looks by itself', async () => {
    writeFileSync(place('soon', 'a.csv'), header + 'S,A,3\n')
    await until('it is taken', async () => (await state('soon')).last_result === 'applied')
    assert.equal((await hub.cell('S', 'A')).on_hand, 3)
  })

  it('says what is wrong with a directory that is gone', async () => {
    rmSync(place('late'), { recursive: true })
    const feed = await run('late')
    assert.match(feed.last_error, /late/)
  })

  it('says the same after a restart', async () => {
    const told = async () => (await hub.json('GET', '/v1/feeds')).items.filter(({ name }) => name !== 'soon')
      .map(({ running, next_due, ...feed }) => feed)
    const before = await told()
    assert.equal(before.find(({ name }) => name === 'manifest').last_file !== null, true)
    assert.match(before.find(({ name }) => name === 'late').last_error, /late/)
    await hub.stop()
    await hub.start()
    const after = await told()
    for (const [i, feed] of before.entries()) assert.deepEqual(after[i], { ...feed, waiting_files: after[i].waiting_files })
    await hub.kill()
    await hub.start()
    assert.deepEqual(await told(), after)
  })
})
