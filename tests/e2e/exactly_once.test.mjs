// A file counts exactly once: whoever looks, whatever fails behind it, whenever the hub dies.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { feedArguments, feedState, resetsOf, runFeed, startFeed, until } from './feed_runs.mjs'
import { Sshd } from './feed_sshd.mjs'
import { Hub, patience, scaled, scratch, verify } from './lib.mjs'

const header = 'location,sku,quantity\n'
const rows = (L, n, count = 3) => header + Array.from({ length: count }, (_, i) => `${L},S${i},${n}\n`).join('')
const files = (directory) => readdirSync(directory).filter((name) => name !== 'archive' && name !== 'failed')
const sequence = async (hub) => (await hub.json('GET', '/v1/status')).sequence

const minuteAgo = () => new Date(Date.now() - 60e3).toISOString()

async function kill(hub) {
  hub.child.kill('SIGKILL')
  await hub.ended
}

for (const kind of ['directory', 'SFTP']) {
  describe(`exactly once: ${kind}`, () => {
    const root = scratch('once')
    const hubs = []
    let sshd

    /** {name, url, ...} of a feed on the folder. */
    function feedOn(name, more = {}) {
      const folder = sshd ? path.join(sshd.drop, name) : path.join(root, name)
      mkdirSync(folder, { recursive: true })
      const access = sshd ? { identity: `file:${sshd.identity}`, known_hosts: sshd.knownHosts } : {}
      return { folder, feed: { name, url: sshd ? `${sshd.url}/${name}` : folder, ...access, ...more } }
    }

    async function startHub(feeds) {
      const hub = await Hub.start({ args: feedArguments(feeds) })
      hubs.push(hub)
      return hub
    }

    before(async () => {
      if (kind === 'SFTP') sshd = await Sshd.start()
    })
    after(async () => {
      for (const hub of hubs) await hub.stop()
      await sshd?.stop()
    })

    it('lets one of two hubs have each file', async () => {
      const { folder, feed } = feedOn('shared', { claim: 'rename', mode: 'partial' })
      const pair = [await startHub([feed]), await startHub([feed])]
      const count = scaled(kind === 'SFTP' ? 12 : 30, 4)
      for (let i = 0; i < count; i++) writeFileSync(path.join(folder, `f${i}.csv`), rows(`T${i}`, i + 1))
      await Promise.all(pair.map((hub) => runFeed(hub, 'shared', 60)))
      await Promise.all(pair.map((hub) => runFeed(hub, 'shared', 60)))
      assert.deepEqual(files(folder), [])
      assert.equal(readdirSync(path.join(folder, 'archive')).length, count)
      const [a, b] = await Promise.all(pair.map((hub) => resetsOf(hub, 'shared')))
      assert.equal((a.applied ?? 0) + (b.applied ?? 0), count)
      for (let i = 0; i < count; i++) {
        const found = await Promise.all(pair.map((hub) => hub.call('GET', `/v1/inventory/T${i}/S0`)))
        assert.equal(found.filter((answer) => answer.status === 200).length, 1, `T${i}`)
      }
    })

    it('takes up its own claim after a crash, and another’s after its time', async () => {
      const claims = { claim: 'rename', claim_timeout: '2s' }
      const { folder, feed } = feedOn('dead', claims)
      const first = await startHub([feed])
      // Archiving fails: the file is applied and stays claimed. Then the hub dies.
      writeFileSync(path.join(folder, 'archive'), 'in the way')
      writeFileSync(path.join(folder, 'a.csv'), rows('D', 5))
      await runFeed(first, 'dead')
      const [claimed] = files(folder)
      assert.match(claimed, /^a\.csv\.onhand-claim-[0-9a-f]{16}$/)
      await kill(first)
      rmSync(path.join(folder, 'archive'))
      await first.start()
      assert.equal((await runFeed(first, 'dead')).last_result, 'duplicate')
      assert.deepEqual(readdirSync(path.join(folder, 'archive')), ['a.csv'])
      assert.deepEqual(await resetsOf(first, 'dead'), { applied: 1 })

      // One that is never back: the claim of a hub that nobody knows.
      const theirs = `b.csv.onhand-claim-${'0123456789abcdef'}`
      writeFileSync(path.join(folder, theirs), rows('D', 6))
      await runFeed(first, 'dead')
      await sleep(300)
      await runFeed(first, 'dead')
      assert.ok(existsSync(path.join(folder, theirs)), 'it was taken before its time')
      await sleep(2000)
      assert.equal((await runFeed(first, 'dead')).last_result, 'applied')
      assert.ok(existsSync(path.join(folder, 'archive', 'b.csv')))
      assert.equal((await first.cell('D', 'S0')).on_hand, 6)
    })

    it('leaves claims alone where it makes none', async () => {
      const { folder, feed } = feedOn('plain', { pattern: '*' })
      const hub = await startHub([feed])
      writeFileSync(path.join(folder, 'x.csv.onhand-claim-0123456789abcdef'), rows('P', 1))
      assert.equal((await runFeed(hub, 'plain')).files, 0)
    })

    it('applies once when it can neither archive nor delete', async () => {
      const { folder, feed } = feedOn('stuck')
      const hub = await startHub([feed])
      writeFileSync(path.join(folder, 'archive'), 'in the way')
      writeFileSync(path.join(folder, 'a.csv'), rows('K', 5))
      const said = await runFeed(hub, 'stuck')
      assert.equal(said.last_result, 'applied')
      assert.ok(said.last_error, 'that it stays is said')
      const before = await sequence(hub)
      for (let i = 0; i < 3; i++) await runFeed(hub, 'stuck')
      await kill(hub)
      await hub.start()
      assert.equal((await runFeed(hub, 'stuck')).last_result, 'duplicate')
      assert.equal(await sequence(hub), before)
      assert.deepEqual(await resetsOf(hub, 'stuck'), { applied: 1 })
      // When it can be written again, the file goes at last.
      rmSync(path.join(folder, 'archive'))
      await runFeed(hub, 'stuck')
      assert.deepEqual(readdirSync(path.join(folder, 'archive')), ['a.csv'])
    })

    it('knows a file under another name, and takes two at once in their order', async () => {
      const { folder, feed } = feedOn('names')
      const hub = await startHub([feed])
      const ago = (seconds) => new Date(Date.now() - seconds * 1000)
      writeFileSync(path.join(folder, 'a.csv'), rows('N', 5))
      utimesSync(path.join(folder, 'a.csv'), ago(60), ago(60))
      assert.equal((await runFeed(hub, 'names')).last_result, 'applied')
      const before = await sequence(hub)
      writeFileSync(path.join(folder, 'b.csv'), rows('N', 5))
      assert.equal((await runFeed(hub, 'names')).last_result, 'duplicate')
      assert.equal(await sequence(hub), before)
      const newer = path.join(folder, 'c.csv')
      const older = path.join(folder, 'd.csv')
      writeFileSync(newer, rows('N', 7))
      writeFileSync(older, rows('N', 6))
      utimesSync(newer, ago(0), ago(0))
      utimesSync(older, ago(10), ago(10))
      await runFeed(hub, 'names')
      assert.equal((await hub.cell('N', 'S0')).on_hand, 7)
      assert.deepEqual(await resetsOf(hub, 'names'), { applied: 3 })
    })

    it('is not fooled by a file that is replaced while it is read', async () => {
      const { folder, feed } = feedOn('swapped', sshd ? { stable_for: '1100ms' } : {}) // times have seconds there
      const hub = await startHub([feed])
      const file = path.join(folder, 'a.csv')
      const count = scaled(60000, 6000)
      let wanted = 10 // near enough to each other for every guard
      writeFileSync(file, rows('W', ++wanted, count))
      await startFeed(hub, 'swapped')
      for (let i = 0; i < 12 && existsSync(file); i++) {
        writeFileSync(`${file}.tmp`, rows('W', ++wanted, count))
        if (existsSync(file)) renameSync(`${file}.tmp`, file)
        else rmSync(`${file}.tmp`), wanted--
        await sleep(40 + 15 * i)
      }
      await until('the run ends', async () => !(await feedState(hub, 'swapped')).running, 60)
      await runFeed(hub, 'swapped', 60)
      assert.deepEqual(files(folder), [])
      // All rows from one file, and from the last.
      const cells = await hub.cells({ location: 'W' })
      assert.equal(cells.size, count)
      assert.deepEqual([...new Set([...cells.values()].map((cell) => cell.on_hand))], [wanted])
    })

    for (const claim of ['none', 'rename']) {
      it(`survives kill -9 at any moment (claim: ${claim})`, async () => {
        const { folder, feed } = feedOn(`killed-${claim}`, { claim })
        const hub = await startHub([feed])
        const count = scaled(40000, 4000)
        const rounds = scaled(5, 2)
        for (let round = 0; round < rounds; round++) {
          await hub.adjust([{ id: `s${round}`, type: 'sale', location: 'X', sku: 'S1', delta: -1, occurred_at: minuteAgo() }])
          writeFileSync(path.join(folder, `f${round}.csv`), rows('X', 10 + round, count))
          await startFeed(hub, feed.name)
          await sleep((180 + 90 * round) * patience)
          await kill(hub)
          await hub.start()
          await runFeed(hub, feed.name, 60)
          assert.deepEqual(files(folder), [])
          const before = await sequence(hub)
          await runFeed(hub, feed.name, 60)
          assert.equal(await sequence(hub), before)
          assert.equal((await hub.cell('X', 'S1')).on_hand, 10 + round)
        }
        const counts = await resetsOf(hub, feed.name)
        assert.ok((counts.applied ?? 0) <= rounds, JSON.stringify(counts))
        assert.equal((counts.applied ?? 0) + (counts.interrupted ?? 0) >= rounds, true, JSON.stringify(counts))
        await hub.stop()
        await verify(hub.data)
        await hub.start()
      })
    }
  })
}
