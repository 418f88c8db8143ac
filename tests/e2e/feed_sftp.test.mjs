// Feeds against a real OpenSSH server: fetched, applied, archived; and what must not be trusted.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { Hub, patience, scratch } from './lib.mjs'
import { Sshd } from './feed_sshd.mjs'

/** Runs the feed and waits for the run's end: what GET /v1/feeds says of it. */
async function runFeed(hub, name) {
  const job = encodeURIComponent(`feed:${name}`)
  const feed = async () => {
    const answer = await hub.json('GET', '/v1/feeds')
    return (answer.items ?? answer).find((one) => one.name === name)
  }
  const last = (await feed()).last_run
  for (let i = 0; ; i++) {
    const { status } = await hub.call('POST', `/v1/jobs/${job}/run`)
    if (status < 300) break
    assert.ok(i < 200, `the job cannot be started: ${status}`)
    await sleep(50)
  }
  for (let i = 0; i < 400 * patience; i++) {
    const now = await feed()
    if (!now.running && now.last_run !== last) return now
    await sleep(50)
  }
  throw new Error(`the feed did not end\n${hub.log}`)
}

function config(feeds) {
  const file = path.join(scratch('config'), 'onhand.yaml')
  const lines = ['timezone: America/New_York', 'feeds:']
  for (const feed of feeds) {
    const pairs = Object.entries({ source: 'prism', stable_for: '200ms', ...feed })
    lines.push(...pairs.map(([key, value], i) => `  ${i === 0 ? '-' : ' '} ${key}: ${JSON.stringify(value)}`))
  }
  writeFileSync(file, lines.join('\n') + '\n')
  return file
}

describe('a feed over SFTP', () => {
  let sshd, hub
  const dropped = (...names) => path.join(sshd.drop, ...names)

  before(async () => {
    sshd = await Sshd.start()
    const shared = {
      url: sshd.url,
      identity: `file:${sshd.identity}`,
      known_hosts: sshd.knownHosts,
      as_of: 'name:inventory_%Y%m%d%H%M%S',
    }
    hub = await Hub.start({
      args: [
        '--config',
        config([
          { name: 'daily', ...shared, pattern: 'inventory_*.csv*' },
          { name: 'stuck', ...shared, url: `${sshd.url}/stuck`, pattern: 'inventory_*.csv' },
        ]),
      ],
    })
  })
  after(async () => {
    await hub?.stop()
    await sshd?.stop()
  })

  it('brings the stock in line and archives the file', async () => {
    // 2026-03-02 02:00 in New York is 07:00 UTC: one sale before it, one after.
    await hub.adjust([
      { id: 's1', source: 'prism', type: 'sale', location: 'NY01', sku: 'A', delta: -1, occurred_at: '2026-03-02T06:59:00Z' },
      { id: 's2', source: 'prism', type: 'sale', location: 'NY01', sku: 'A', delta: -2, occurred_at: '2026-03-02T07:05:00Z' },
    ])
    writeFileSync(dropped('inventory_20260302020000.csv'), 'location,sku,quantity\nNY01,A,10\nNY01,B,4\n')
    const feed = await runFeed(hub, 'daily')
    assert.equal(feed.last_result, 'applied', JSON.stringify(feed))
    assert.equal(feed.last_file, 'inventory_20260302020000.csv')
    assert.equal((await hub.cell('NY01', 'A')).on_hand, 8)
    assert.equal((await hub.cell('NY01', 'B')).on_hand, 4)
    assert.deepEqual(readdirSync(dropped('archive')), ['inventory_20260302020000.csv'])
    assert.ok(!existsSync(dropped('inventory_20260302020000.csv')))
    assert.ok(!feed.url.includes('@'), feed.url)
    const resets = await hub.json('GET', '/v1/resets')
    assert.equal(new Date(resets.items[0].as_of).getTime(), Date.parse('2026-03-02T07:00:00Z'))
  })

  it('takes the same file a second time for what it is', async () => {
    writeFileSync(dropped('inventory_20260302020000.csv'), 'location,sku,quantity\nNY01,A,10\nNY01,B,4\n')
    const feed = await runFeed(hub, 'daily')
    assert.equal(feed.last_result, 'duplicate')
    assert.equal((await hub.cell('NY01', 'A')).on_hand, 8)
    assert.equal(readdirSync(dropped('archive')).length, 2)
  })

  it('reads gzip, and puts the rejected rows beside the file', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => `NY01,P${i},${i % 50 === 0 ? 0.125 : 0}`)
    const text = ['location,sku,quantity', 'NY01,A,9', 'NY01,B,x', ...rows].join('\n') + '\n'
    writeFileSync(dropped('inventory_20260303020000.csv.gz'), gzipSync(text))
    const feed = await runFeed(hub, 'daily')
    assert.equal(feed.last_result, 'applied', JSON.stringify(feed))
    assert.equal((await hub.cell('NY01', 'A')).on_hand, 9)
    assert.equal((await hub.cell('NY01', 'P250')).on_hand, 0.125)
    const rejects = readFileSync(dropped('archive', 'inventory_20260303020000.csv.gz.rejects.csv'), 'utf8')
    assert.match(rejects, /^line,reason,detail,row\n3,bad_quantity,[^\n]*"NY01,B,x"\n$/)
  })

  it('moves a file that is none to failed, and says why', async () => {
    writeFileSync(dropped('inventory_20260304020000.csv'), 'Lager;Artikel\nN;A\n')
    const feed = await runFeed(hub, 'daily')
    assert.equal(feed.last_result, 'rejected', JSON.stringify(feed))
    assert.deepEqual(readdirSync(dropped('failed')).sort(), [
      'inventory_20260304020000.csv',
      'inventory_20260304020000.csv.rejects.csv',
    ])
    assert.match(readFileSync(dropped('failed', 'inventory_20260304020000.csv.rejects.csv'), 'utf8'), /Lager, Artikel|Lager;Artikel/)
  })

  it('waits for a file that still grows', async () => {
    const file = dropped('inventory_20260305020000.csv')
    writeFileSync(file, 'location,sku,quantity\nNY01,A,1\n')
    let rows = 1
    const growing = setInterval(() => appendFileSync(file, `NY01,G${rows++},1\n`), 60)
    const done = runFeed(hub, 'daily')
    await sleep(1200 * patience)
    assert.ok(existsSync(file), 'it was taken while it grew')
    clearInterval(growing)
    const feed = await done
    assert.notEqual(feed.last_file, null)
    const resets = await hub.json('GET', '/v1/resets')
    assert.equal(resets.items[0].rows, rows)
    assert.ok(!existsSync(file))
  })

  it('leaves alone what is no finished file', async () => {
    const rows = 'location,sku,quantity\nNY01,Z,1\n'
    writeFileSync(dropped('inventory_20260306020000.csv.filepart'), rows)
    writeFileSync(dropped('inventory_20260306020000.csv.tmp'), rows)
    writeFileSync(dropped('.inventory_20260306020000.csv'), rows)
    writeFileSync(dropped('inventory_2026\n0306020000.csv'), rows)
    writeFileSync(path.join(sshd.home, 'secret.csv'), rows)
    symlinkSync(path.join(sshd.home, 'secret.csv'), dropped('inventory_20260307020000.csv'))
    execFileSync('mkfifo', [dropped('inventory_20260308020000.csv')])
    mkdirSync(dropped('inventory_20260309020000.csv'))
    const before = readdirSync(sshd.drop).length
    const feed = await runFeed(hub, 'daily')
    assert.equal(feed.waiting_files, 0)
    assert.equal(readdirSync(sshd.drop).length, before)
    assert.equal((await hub.call('GET', '/v1/inventory/NY01/Z')).status, 404)
  })

  it('counts a file once that cannot be archived', async () => {
    mkdirSync(dropped('stuck'))
    writeFileSync(dropped('stuck', 'archive'), 'in the way')
    writeFileSync(dropped('stuck', 'inventory_20260310020000.csv'), 'location,sku,quantity\nBOS,A,5\n')
    const count = async () => (await hub.json('GET', '/v1/resets')).items.filter((r) => r.feed === 'stuck').length
    const first = await runFeed(hub, 'stuck')
    assert.equal(first.last_result, 'applied')
    assert.ok(first.last_error, 'that it cannot be archived is said')
    await runFeed(hub, 'stuck')
    await hub.stop()
    await hub.start()
    const third = await runFeed(hub, 'stuck')
    assert.equal(third.last_result, 'duplicate')
    assert.equal(await count(), 1)
    assert.equal((await hub.cell('BOS', 'A')).on_hand, 5)
  })

  it('refuses a host key it does not know', async () => {
    writeFileSync(sshd.knownHosts, '')
    const feed = await runFeed(hub, 'daily')
    assert.match(feed.last_error, /not known/)
    assert.ok(feed.last_error.includes(await sshd.fingerprint()), feed.last_error)
    sshd.trust()
    await runFeed(hub, 'daily')
  })

  it('refuses a host key that has changed', async () => {
    await sshd.stop()
    await sshd.newHostKey('other')
    await sshd.run()
    writeFileSync(dropped('inventory_20260311020000.csv'), 'location,sku,quantity\nNY01,EVIL,1\n')
    const feed = await runFeed(hub, 'daily')
    assert.match(feed.last_error, /CHANGED/)
    assert.ok(feed.last_error.includes(await sshd.fingerprint()), feed.last_error)
    assert.ok(existsSync(dropped('inventory_20260311020000.csv')))
    assert.equal((await hub.call('GET', '/v1/inventory/NY01/EVIL')).status, 404)
  })
})
