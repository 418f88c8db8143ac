// The hub reads everything from Prism's API: both logins, both dialects, late documents, answers
// that go wrong one by one, and a kill in the middle of a backlog. The simulator knows the truth.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import path from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { run, scaled, scratch, verify } from './lib.mjs'
import { hubOf, job, noSecrets, prismOf, trade, until, untilTrue } from './prism.mjs'

const MINUTE = 60000
const HOUR = 60 * MINUTE

// Most of the time they wait for the next poll: several at once.
describe('reading from Prism', { concurrency: 5 }, () => {
  for (const [login, bareSids, numbering] of [
    ['classic', false, 'workstation'],
    ['token', true, 'workstation'],
  ]) {
    test(`every kind of movement is found, with the ${login} login`, async (t) => {
      const prism = await prismOf(t, { login, bareSids, numbering })
      const { world } = prism
      trade(world, 60, Date.now() - HOUR)
      world.sell('001', [{ product: 0 }], { held: true })
      world.sell('001', [{ product: 0 }], { cancelled: true })
      const hub = await hubOf(t, `${prism.url}/`, { login })
      await untilTrue(hub, world)
      trade(world, 20)
      world.exchange('002', [{ product: 1 }], [{ product: 2, quantity: 3 }])
      world.sell('001', [{ product: 3, fulfill: '003' }])
      await untilTrue(hub, world)
      const before = prism.sessions.logins
      assert.equal(before, 1, 'one login is enough')
      noSecrets(hub)
      await hub.stop()
      assert.equal((await verify(hub.data)).differences, 0)
    })
  }

  test('a fault at a time: nothing is lost, nothing comes twice', async (t) => {
    const prism = await prismOf(t)
    const { world, faults } = prism
    const hub = await hubOf(t, prism.url, { timeout: '1s', page_size: 10 })
    const rows = [
      { kind: 'error500', match: 'document', count: 2 },
      { kind: 'status', status: 503, match: 'document' },
      { kind: 'status', status: 404, match: 'receiving' },
      { kind: 'lost', match: 'document', count: 2 },
      { kind: 'silent', match: 'document', ms: 1500 },
      { kind: 'cut', match: 'document' },
      { kind: 'bad_json', match: 'document', count: 2 },
      { kind: 'bad_json', match: 'transferslip' },
      { kind: 'html', match: 'adjustment' },
      { kind: 'wrong_total', by: 7, match: 'document', count: 5 },
      { kind: 'wrong_total', by: -7, match: 'document', count: 5 },
      { kind: 'no_total', match: 'document', count: 5 },
      { kind: 'slow', ms: 300, match: 'document', count: 2 },
      { kind: 'expire', match: 'document', skip: 1 },
      { kind: 'expire', match: 'receiving' },
    ]
    await untilTrue(hub, world)
    for (const row of rows) {
      const fault = faults.set(row)
      trade(world, 35)
      await until(() => fault.happened > 0, () => `${row.kind} did not happen`)
      await untilTrue(hub, world)
      faults.clear()
    }
    assert.match(hub.log, /Access violation in module PrismCore/, "Prism's own words")
    assert.match(hub.log, /Maintenance/)
    noSecrets(hub)
    await hub.stop()
    await verify(hub.data)
  })

  test('one kind that may not be read does not stop the others', async (t) => {
    const prism = await prismOf(t)
    prism.faults.set({ kind: 'status', status: 403, match: 'receiving', count: null })
    const hub = await hubOf(t, prism.url)
    for (let i = 0; i < 12; i++) prism.world.sell('001', [{ product: i }])
    await untilTrue(hub, prism.world)
    await sleep(3000)
    prism.world.sell('001', [{ product: 1 }])
    await untilTrue(hub, prism.world)
    assert.ok(prism.sessions.logins <= 6, `${prism.sessions.logins} logins`)
  })

  test('forced out by another user of the account: no login storm, and it says so', async (t) => {
    const prism = await prismOf(t)
    const hub = await hubOf(t, prism.url)
    prism.world.sell('001', [{ product: 1 }])
    await untilTrue(hub, prism.world)
    let others = 0
    const other = setInterval(() => {
      others++
      prism.sessions.loginElsewhere('hub')
    }, 20)
    t.after(() => clearInterval(other))
    const before = prism.sessions.logins - others
    await until(() => /no more logins for a while/.test(hub.log), () => hub.log)
    await sleep(2500)
    clearInterval(other)
    const logins = prism.sessions.logins - others - before
    assert.ok(logins <= 8, `${logins} logins`)
    assert.match(hub.log, /another program or person uses the same account/)
    prism.world.sell('001', [{ product: 2 }])
    await untilTrue(hub, prism.world)
  })

  test('a wrong password: few tries, and words that help', async (t) => {
    const prism = await prismOf(t, { users: { hub: 'another' } })
    const hub = await hubOf(t, prism.url)
    await until(async () => (await job(hub, 'source:prism')).last_status === 'unauthorized', () => hub.log)
    await sleep(2500)
    const tries = prism.server.recent.filter((path) => path.includes('usr=')).length
    assert.ok(tries <= 2, `${tries} logins`)
    assert.match((await job(hub, 'source:prism')).last_detail, /Invalid username or password/)
    noSecrets(hub)
  })

  test('seats: taken only when demanded, waited for when there is none', async (t) => {
    const prism = await prismOf(t, { needsSeat: true, seats: 0 })
    const hub = await hubOf(t, prism.url)
    prism.world.sell('001', [{ product: 1 }])
    await until(() => /Max number of seated sessions/.test(hub.log), () => hub.log)
    prism.sessions.options.seats = 1
    await untilTrue(hub, prism.world)
    const free = await prismOf(t)
    const other = await hubOf(t, free.url)
    free.world.sell('001', [{ product: 1 }])
    await untilTrue(other, free.world)
    assert.ok(!free.server.recent.some((path) => path.includes('/sit')))
  })

  for (const stamping of ['keeps', 'touches'])
    test(`a store that was off line for hours is read when it comes back (${stamping})`, async (t) => {
      const prism = await prismOf(t, { stores: 4, stamping })
      const { world } = prism
      const now = Date.now()
      for (const store of world.stores) world.sell(store.code, [{ product: 1 }], { at: now - 6 * HOUR })
      const hub = await hubOf(t, prism.url, { overlap: '1m' })
      await untilTrue(hub, world)
      world.setOffline('002')
      for (let i = 0; i < 40; i++) world.sell('002', [{ product: i % 20 }], { at: now - 5 * HOUR + i * MINUTE })
      world.receive('002', [{ product: 4, quantity: 10 }], { at: now - 4 * HOUR })
      world.adjust('002', [{ product: 5, by: -2 }], { at: now - 3 * HOUR })
      for (let i = 0; i < 20; i++) world.sell('001', [{ product: i }])
      // What it sells now comes first; then the rest, in two parts.
      world.setOffline('002', false)
      world.sell('002', [{ product: 7 }])
      await until(async () => (await hub.cells()).get(`002/${world.product('P0008').upc}`)?.on_hand < 0, () => hub.log)
      world.replicate('002', 15)
      await until(async () => (await hub.cells()).get(`002/${world.product('P0001').upc}`)?.on_hand < 0, () => hub.log)
      world.replicate('002')
      await untilTrue(hub, world)
    })

  test('a register whose clock is ahead hides nobody, and one that is behind is found', async (t) => {
    const prism = await prismOf(t)
    const { world } = prism
    world.setSkew('001', 5 * HOUR)
    world.setSkew('002', -2 * HOUR)
    const hub = await hubOf(t, prism.url, { overlap: '2s' })
    for (const store of ['001', '002', '003']) world.sell(store, [{ product: 1 }])
    await untilTrue(hub, world)
    for (let i = 0; i < 4; i++) {
      await sleep(1000)
      for (const store of ['001', '002', '003']) world.sell(store, [{ product: i }])
    }
    await untilTrue(hub, world)
  })

  test('documents that come without their items get them', async (t) => {
    const prism = await prismOf(t)
    const target = new URL(prism.url)
    // A Prism that gives no items in lists.
    const proxy = http.createServer((request, response) => {
      const path = request.url.replace(/cols=(\*|%2A)(,|%2C)[a-z]+\.(\*|%2A)/i, 'cols=*')
      const forward = { host: target.hostname, port: target.port, path, headers: request.headers }
      http.get(forward, (answer) => {
        response.writeHead(answer.statusCode, answer.headers)
        answer.pipe(response)
      })
    })
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      proxy.closeAllConnections()
      proxy.close()
    })
    trade(prism.world, 40)
    const hub = await hubOf(t, `http://127.0.0.1:${proxy.address().port}`)
    await untilTrue(hub, prism.world)
    const asked = () => prism.server.recent.filter((path) => /\/document\/\d+\/item/.test(path)).length
    const before = asked()
    assert.ok(before > 0)
    await until(async () => (await job(hub, 'source:prism')).last_detail === '0 documents', () => hub.log)
    assert.equal(asked(), before, 'only once for each')
  })

  test('kill -9 in the middle of a backlog: nothing lost, nothing twice', async (t) => {
    const prism = await prismOf(t, { stores: 5, products: 50 })
    const { world } = prism
    trade(world, scaled(3000, 600), Date.now() - 10 * HOUR)
    const hub = await hubOf(t, prism.url, { page_size: 40 })
    const pages = () => prism.server.recent.filter((path) => path.includes('modified')).length
    for (let i = 0; i < 3; i++) {
      const seen = prism.server.requests
      await until(() => prism.server.requests > seen + 8 + i, () => `${pages()} pages\n${hub.log}`)
      await hub.kill()
      await hub.start()
    }
    await untilTrue(hub, world, 60000)
    trade(world, 50)
    await untilTrue(hub, world)
    await hub.stop()
    await verify(hub.data)
  })

  test("a CA of one's own: trusted where it is configured, refused where not", async (t) => {
    const prism = await prismOf(t)
    const directory = scratch('ca')
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(directory, name))
    const made = await run('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
      '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert,
    ])
    assert.equal(made.code, 0, made.stderr)
    const listener = prism.server.http.listeners('request')[0]
    const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, listener)
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const url = `https://127.0.0.1:${server.address().port}`
    prism.world.sell('001', [{ product: 1 }])
    await untilTrue(await hubOf(t, url, { ca: cert }), prism.world)
    const logins = prism.sessions.logins
    const other = await hubOf(t, url)
    await until(async () => (await job(other, 'source:prism')).last_status === 'unreachable', () => other.log)
    assert.equal(prism.sessions.logins, logins, 'no password to somebody who is not trusted')
  })

  test('the end of the hub does not wait for a Prism that is silent', async (t) => {
    const prism = await prismOf(t)
    prism.faults.set({ kind: 'silent', ms: 60000, match: 'document', count: null })
    const hub = await hubOf(t, prism.url)
    await until(() => prism.server.recent.some((path) => path.includes('document')), () => hub.log)
    const began = Date.now()
    await hub.stop()
    assert.ok(Date.now() - began < 10000, `${Date.now() - began} ms`)
  })
})
