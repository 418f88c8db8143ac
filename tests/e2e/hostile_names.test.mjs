// What a server may show under a feed's feet: names that lead elsewhere, things that are no files,
// a line that goes dead, directories nobody may write to, and a disk without room. And times in a
// column, which only a feed can name.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { feedArguments, feedState, resetsOf, runFeed, startFeed } from './feed_runs.mjs'
import { Sshd } from './feed_sshd.mjs'
import { columnTimes } from './hostile/times.mjs'
import { freePort, Hub, patience, scaled, scratch } from './lib.mjs'

const header = 'location,sku,quantity\n'

/** A line to the server on which everything can stop. */
class Line {
  static async to(port) {
    const line = new Line()
    line.sockets = new Set()
    line.port = await freePort()
    line.server = net.createServer((from) => {
      const to = net.connect(port, '127.0.0.1')
      for (const socket of [from, to]) {
        line.sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => line.sockets.delete(socket))
      }
      let bytes = 0
      from.on('data', (data) => to.write(data))
      to.on('data', (data) => {
        bytes += data.length
        if (bytes < line.stallsAfter) from.write(data)
      })
      from.on('close', () => to.destroy())
      to.on('close', () => from.destroy())
    })
    line.stallsAfter = Infinity
    await new Promise((resolve) => line.server.listen(line.port, '127.0.0.1', resolve))
    return line
  }
  close() {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
  }
}

describe('hostile names', () => {
  let sshd, line, hub
  const folder = (name) => path.join(sshd.drop, name)
  const place = scratch('place')

  before(async () => {
    sshd = await Sshd.start()
    line = await Line.to(sshd.port)
    const access = { identity: `file:${sshd.identity}`, known_hosts: sshd.knownHosts }
    const known = readFileSync(sshd.knownHosts, 'utf8')
    writeFileSync(sshd.knownHosts, known + known.replace(`:${sshd.port}`, `:${line.port}`))
    for (const name of ['names', 'many', 'stalled']) mkdirSync(folder(name))
    for (const name of ['local', 'times', 'crowd']) mkdirSync(path.join(place, name))
    const on = (name) => `${sshd.url}/${name}`
    hub = await Hub.start({
      args: feedArguments([
        { name: 'names', url: on('names'), ...access, pattern: '*' },
        { name: 'many', url: on('many'), ...access, pattern: 'stock*.csv' },
        { name: 'stalled', url: on('stalled').replace(`:${sshd.port}`, `:${line.port}`), ...access },
        { name: 'local', url: path.join(place, 'local'), pattern: '*' },
        { name: 'crowd', url: path.join(place, 'crowd'), manifest: 'required', every: '1h' },
        { name: 'times', url: path.join(place, 'times'), as_of: 'column:COUNTED' },
      ]),
    })
  })
  after(async () => {
    await hub?.stop()
    line?.close()
    await sshd?.stop()
  })

  // A directory entry can hold neither a slash nor a NUL; all else it can.
  const evil = [
    '..csv', '.hidden.csv', 'new\nline.csv', 'carriage\rreturn.csv', 'bell\x07.csv', '..\\..\\up.csv', 'C:\\stock.csv',
    'x.csv.filepart', 'x.csv.tmp', 'x.csv.part', 'X.CSV.TMP', 'y.csv.rejects.csv',
  ]
  const fill = (directory) => {
    for (const name of evil) writeFileSync(path.join(directory, name), `${header}EVIL,E,1\n`)
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/bytes-`), Buffer.from([0xff, 0xfe]), Buffer.from('.csv')]), `${header}EVIL,E,1\n`)
    const secret = path.join(scratch('secret'), 'secret.csv')
    writeFileSync(secret, `${header}EVIL,E,1\n`)
    symlinkSync(secret, path.join(directory, 'link.csv'))
    symlinkSync(path.dirname(secret), path.join(directory, 'linked'))
    symlinkSync('nowhere', path.join(directory, 'dangling.csv'))
    symlinkSync('loop.csv', path.join(directory, 'loop.csv'))
    execFileSync('mkfifo', [path.join(directory, 'pipe.csv')])
    mkdirSync(path.join(directory, 'directory.csv'))
    const odd = ["it's 100% & $(id).csv", 'Bestände über.csv', '-rf.csv', 'x'.repeat(200) + '.csv', "'quoted' \"twice\".csv"]
    odd.forEach((name, i) => writeFileSync(path.join(directory, name), `${header}ODD,O${i},${i + 1}\n`))
    return odd
  }

  for (const [kind, where] of [['SFTP', () => folder('names')], ['a directory', () => path.join(place, 'local')]]) {
    it(`passes by what is no file, and what no name is: ${kind}`, async () => {
      const name = kind === 'SFTP' ? 'names' : 'local'
      const odd = fill(where())
      const there = readdirSync(where()).length
      const feed = await runFeed(hub, name)
      assert.equal(feed.files, odd.length, JSON.stringify(feed))
      assert.equal(feed.waiting_files, 0)
      assert.deepEqual(readdirSync(path.join(where(), 'archive')).sort(), [...odd].sort())
      assert.equal(readdirSync(where()).length, there - odd.length + 1)
      assert.equal((await hub.call('GET', '/v1/inventory/EVIL/E')).status, 404)
    })
  }

  it('finds its file among ten thousand others', async () => {
    for (let i = 0; i < 10000; i++) writeFileSync(path.join(folder('many'), `other-${i}.csv`), '')
    writeFileSync(path.join(folder('many'), 'stock.csv'), `${header}MANY,A,1\n`)
    const feed = await runFeed(hub, 'many', 60)
    assert.equal(feed.last_result, 'applied', JSON.stringify(feed))
    assert.equal(feed.files, 1)
  })

  it('finds its file among a hundred thousand that wait for their manifests', async () => {
    const crowd = path.join(place, 'crowd')
    const others = scaled(99990, 9990)
    for (let i = 0; i < others; i++) writeFileSync(path.join(crowd, `stock-${i}.csv`), '')
    writeFileSync(path.join(crowd, 'stock-now.csv'), `${header}CROWD,A,1\n`)
    writeFileSync(path.join(crowd, 'stock-now.csv.manifest.json'), JSON.stringify({ rows: 1 }))
    const started = Date.now()
    const feed = await runFeed(hub, 'crowd', 60)
    assert.equal(feed.last_result, 'applied', JSON.stringify(feed))
    assert.equal(feed.waiting_files, others)
    // Some looks of a fraction of a second each; one name held against all others would take minutes.
    assert.ok(Date.now() - started < 15e3 * patience, `${Date.now() - started} ms`)
  })

  it('gives up on a line that goes dead in the middle, and begins anew', async () => {
    writeFileSync(path.join(folder('stalled'), 'big.csv'), header + Array.from({ length: 200000 }, (_, i) => `DEAD,S${i},1\n`).join(''))
    line.stallsAfter = 500000
    const started = Date.now()
    const feed = await runFeed(hub, 'stalled', 120)
    assert.match(feed.last_error, /no answer|lost/)
    assert.ok(Date.now() - started < 90e3 * patience)
    assert.equal((await hub.call('GET', '/v1/inventory/DEAD/S0')).status, 404)
    line.stallsAfter = Infinity
    assert.equal((await runFeed(hub, 'stalled', 60)).last_result, 'applied')
    assert.equal((await hub.cells({ location: 'DEAD' })).size, 200000)
  })

  it('reads a time in a column as it is meant', async () => {
    const rows = columnTimes.map(([text], i) => `T${i},A,1,${text}\n`).join('')
    writeFileSync(path.join(place, 'times', 'a.csv'), 'location,sku,quantity,COUNTED\n' + rows)
    const feed = await runFeed(hub, 'times')
    const cells = await hub.cells()
    for (const [i, [text, wanted]] of columnTimes.entries()) {
      const cell = cells.get(`T${i}/A`)
      assert.equal(cell ? Date.parse(cell.as_of) : null, wanted && Date.parse(wanted), text)
    }
    const refused = columnTimes.filter(([, wanted]) => wanted === null).length
    const reset = await hub.json('GET', `/v1/resets/${feed.last_reset}`)
    assert.equal(reset.rejected_rows, refused)
  })

  it('takes a file that is renamed into place, and none before', async () => {
    const name = path.join(place, 'local', 'late.csv')
    writeFileSync(`${name}.filepart`, `${header}LATE,A,1\n`)
    assert.equal((await runFeed(hub, 'local')).waiting_files, 0)
    renameSync(`${name}.filepart`, name)
    assert.equal((await runFeed(hub, 'local')).last_file, 'late.csv')
    assert.ok(!existsSync(name))
  })
})

describe('a server that can only be read', () => {
  let sshd, hub
  before(async () => {
    sshd = await Sshd.start({ subsystem: 'internal-sftp -R' })
    for (const name of ['plain', 'claiming']) mkdirSync(path.join(sshd.drop, name))
    const access = { identity: `file:${sshd.identity}`, known_hosts: sshd.knownHosts }
    hub = await Hub.start({
      args: feedArguments([
        { name: 'plain', url: `${sshd.url}/plain`, ...access },
        { name: 'claiming', url: `${sshd.url}/claiming`, ...access, claim: 'rename' },
      ]),
    })
  })
  after(async () => {
    await hub?.stop()
    await sshd?.stop()
  })

  it('is processed once, said, and not processed again', async () => {
    writeFileSync(path.join(sshd.drop, 'plain', 'a.csv'), `${header}RO,A,5\n`)
    const first = await runFeed(hub, 'plain')
    assert.equal(first.last_result, 'applied')
    assert.match(first.last_error, /denied/)
    for (let i = 0; i < 3; i++) await runFeed(hub, 'plain')
    assert.equal((await feedState(hub, 'plain')).files, 1)
    assert.deepEqual(await resetsOf(hub, 'plain'), { applied: 1 })
  })

  it('is not touched where files must be claimed, and that is said', async () => {
    writeFileSync(path.join(sshd.drop, 'claiming', 'a.csv'), `${header}CL,A,5\n`)
    await startFeed(hub, 'claiming')
    await sleep(500)
    const feed = await runFeed(hub, 'claiming')
    assert.match(feed.last_error, /denied/)
    assert.deepEqual(await resetsOf(hub, 'claiming'), {})
  })
})
