// Outbound files: our own figures as a reset file, all or what changed since the last, in a
// directory or behind SFTP, with a manifest, and readable by a hub as its feed.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hub, onhand, patience, scratch } from './lib.mjs'
import { Sshd } from './feed_sshd.mjs'

describe('outbound files', () => {
  let hub, sshd
  const root = scratch('outbound')
  const place = (...names) => path.join(root, ...names)
  const state = async (name) => (await hub.json('GET', '/v1/channels')).items.find((c) => c.name === name)
  const data = (directory) => readdirSync(directory).filter((name) => name.endsWith('.csv')).sort()

  async function run(name) {
    const job = async () => (await hub.json('GET', '/v1/jobs')).items.find((j) => j.name === `channel:${name}`)
    const before = (await job()).last_finished_at
    await hub.json('POST', `/v1/jobs/channel%3A${name}/run`, {}, 202)
    for (let i = 0; i < 400 * patience; i++) {
      const now = await job()
      if (!now.running && now.last_finished_at !== before) return now
      await sleep(25)
    }
    throw new Error(`channel ${name} did not end\n${hub.log}`)
  }

  before(async () => {
    sshd = await Sshd.start()
    for (const name of ['changes', 'all', 'gone', 'sums']) mkdirSync(place(name))
    writeFileSync(
      place('onhand.yaml'),
      `locations:
  - {code: NY01, safety_stock: 1}
  - {code: BACK, sell_online: false}
  - {code: NAMED}
unknown_locations: create
channels:
  - {name: changes, type: file, url: ${place('changes')}, every: 1h}
  - {name: all, type: file, url: ${place('all')}, every: 1h, mode: all, threshold: 3, locations: {NAMED: STORE_9, BACK: STORE_8}}
  - {name: far, type: file, url: "sftp://127.0.0.1:${sshd.port}${sshd.drop}", user: ${sshd.user}, identity: "file:${sshd.identity}", known_hosts: ${sshd.knownHosts}, every: 1h}
  - {name: sums, type: file, url: ${place('sums')}, every: 1h, locations: {NY01: WEB, NAMED: WEB, BACK: WEB}, cap: 6, share: 50}
  - {name: gone, type: file, url: ${place('gone')}, every: 1h}
`
    )
    hub = await Hub.start({ args: ['--config', place('onhand.yaml')] })
    await hub.reset(
      [['NY01', 'A', 10], ['NY01', 'B', 1], ['NY01', '"=odd,""x"""', 5], ['BACK', 'A', 7], ['NAMED', 'A', 2], ['NAMED', 'B', 3]],
      { as_of: '2026-11-20T00:00:00Z', source: 'prism' }
    )
    await hub.adjust([
      { id: '1', type: 'reservation', location: 'NY01', sku: 'A', delta: 4, order: 'SO-1' },
      { id: '2', type: 'sale', location: 'NY01', sku: 'B', delta: -3 },
    ])
  })
  after(async () => {
    await hub?.stop()
    await sshd?.stop()
  })

  it('writes all that may be sold at first, then what changed, and nothing where nothing did', async () => {
    // every: a channel that never wrote writes at the start, before there was anything.
    await run('changes')
    const [first] = data(place('changes'))
    const text = readFileSync(place('changes', first), 'utf8')
    assert.deepEqual(text.split('\n').sort(), [
      '',
      'NAMED,,SKU,A,2',
      'NAMED,,SKU,B,3',
      'NY01,,SKU,"=odd,""x""",4',
      'NY01,,SKU,A,5',
      'NY01,,SKU,B,0',
      'facilityId,locationSeqId,idType,idValue,availableQty',
    ])
    const manifest = JSON.parse(readFileSync(place('changes', `${first}.manifest.json`), 'utf8'))
    assert.equal(manifest.rows, 5)
    assert.equal(manifest.sha256, createHash('sha256').update(text).digest('hex'))
    assert.equal(manifest.source, 'onhand')
    assert.ok(Date.parse(manifest.as_of) > 0)
    assert.deepEqual(readdirSync(place('changes')).sort(), [first, `${first}.manifest.json`])

    assert.equal((await run('changes')).last_detail, '0 rows')
    assert.equal(data(place('changes')).length, 1)

    await hub.stop()
    await hub.start()
    await hub.adjust([{ id: '3', type: 'sale', location: 'NY01', sku: 'A', delta: -2 }])
    await run('changes')
    const files = data(place('changes'))
    assert.equal(files.length, 2)
    const second = files.find((name) => name !== first)
    assert.equal(
      readFileSync(place('changes', second), 'utf8'),
      'facilityId,locationSeqId,idType,idValue,availableQty\nNY01,,SKU,A,3\n'
    )
    const channel = await state('changes')
    assert.deepEqual([channel.state, channel.last_file, channel.rows], ['ok', second, 1])
    const { stdout } = await onhand(['channels', '--url', hub.url, '--token', hub.token])
    assert.match(stdout, new RegExp(`^changes +file +ok +- +- +- +1 +- +${second} *$`, 'm'))
  })

  it('names locations as the other side does, and tells zero below the threshold and offline', async () => {
    await run('all')
    const file = data(place('all')).at(-1)
    assert.equal(
      readFileSync(place('all', file), 'utf8'),
      'facilityId,locationSeqId,idType,idValue,availableQty\nSTORE_9,,SKU,A,0\nSTORE_9,,SKU,B,3\nSTORE_8,,SKU,A,0\n'
    )
  })

  it('sums up locations of one name over there, by the policy, and tells zero of what is not published', async () => {
    const rows = (name) => readFileSync(place('sums', name), 'utf8').trim().split('\n').slice(1).sort()
    const newest = async () => (await state('sums')).last_file
    await run('sums')
    const sku = async (name) => (await hub.cell('NY01', name)).available
    const expected = ['A', 'B'].map((name, i) => [name, [2, 3][i]])
    for (const [name, named] of expected) {
      // The safety stock is in `available` already; back there nothing is sold online.
      const quantity = Math.min(6, (Math.max(0, await sku(name)) + named) * 0.5)
      assert.ok(rows(await newest()).includes(`WEB,,SKU,${name},${quantity}`), rows(await newest()).join('\n'))
    }
    assert.equal(rows(await newest()).length, 3)
    await hub.json('POST', '/v1/products', { body: [{ sku: 'A', published: false }] })
    await hub.adjust([{ id: 'sum', type: 'receipt', location: 'NAMED', sku: 'A', delta: 5 }])
    await run('sums')
    assert.deepEqual(rows(await newest()), ['WEB,,SKU,A,0'])
    await hub.json('POST', '/v1/products', { body: [{ sku: 'A', published: true }] })
    await hub.adjust([{ id: 'back', type: 'sale', location: 'NAMED', sku: 'A', delta: -5 }])
  })

  it('writes behind SFTP, and another hub resets from it', async () => {
    await run('far')
    const [file] = data(sshd.drop)
    const body = readFileSync(path.join(sshd.drop, file))
    const manifest = readFileSync(path.join(sshd.drop, `${file}.manifest.json`), 'utf8')
    const other = await Hub.start()
    const answer = await other.json('POST', '/v1/resets', { body, type: 'text/csv', query: { manifest } })
    assert.equal(answer.status, 'applied')
    assert.equal(answer.source, 'onhand')
    assert.equal((await other.cell('NY01', '=odd,"x"')).on_hand, 4)
    await other.stop()
  })

  it('says what went wrong, and leaves nothing out afterwards', async () => {
    await run('gone')
    rmSync(place('gone'), { recursive: true })
    await hub.adjust([{ id: '4', type: 'receipt', location: 'NY01', sku: 'A', delta: 9 }])
    assert.notEqual((await run('gone')).last_status, 'ok')
    const failing = await state('gone')
    assert.equal(failing.state, 'failing')
    assert.match(failing.last_error, /gone/)
    mkdirSync(place('gone'))
    await run('gone')
    const [file] = data(place('gone'))
    assert.match(readFileSync(place('gone', file), 'utf8'), /^NY01,,SKU,A,12$/m)
    assert.equal((await state('gone')).state, 'ok')
  })
})
