// Who is told by webhook: signed, once, over restarts and receivers that are down, and nowhere else.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { feedState, runFeed, until } from './feed_runs.mjs'
import { freePort, Hub, onhand, scratch } from './lib.mjs'

const secret = `whsec_${Buffer.from('a secret of twenty-four+').toString('base64')}`
const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const root = scratch('notify')
const open = new Set()
const hubs = new Set()
after(async () => {
  for (const receiver of open) await receiver.close()
  for (const hub of hubs) if (hub.running) await hub.kill()
})

/** A receiver: what came is in `got`; `answer` says what it answers. */
class Receiver {
  got = []
  answer = () => ({ status: 204 })

  static async start(port) {
    const receiver = new Receiver()
    receiver.port = port ?? (await freePort())
    receiver.url = `http://127.0.0.1:${receiver.port}/hook?key=hunter2`
    receiver.server = http.createServer((request, response) => {
      const parts = []
      request.on('data', (part) => parts.push(part))
      request.on('end', () => {
        const notice = { url: request.url, headers: request.headers, body: Buffer.concat(parts).toString() }
        receiver.got.push(notice)
        const { status, headers = {} } = receiver.answer(notice)
        response.writeHead(status, headers).end()
      })
    })
    await new Promise((go) => receiver.server.listen(receiver.port, '127.0.0.1', go))
    open.add(receiver)
    return receiver
  }

  close() {
    open.delete(this)
    this.server.closeAllConnections()
    return new Promise((go) => this.server.close(go))
  }

  get types() {
    return this.got.map((notice) => JSON.parse(notice.body).type)
  }
}

let number = 0
function configure(targets, more = '') {
  const file = path.join(root, `onhand-${++number}.yaml`)
  writeFileSync(file, `notify:${targets.length ? '' : ' []'}\n${targets.map((t) => `  - ${JSON.stringify(t)}\n`).join('')}${more}`)
  return file
}

async function start(targets, more, env = {}) {
  const hub = await Hub.start({
    args: ['--config', configure(targets, more)],
    env: { HOOK_SECRET: secret, ...env },
  })
  hubs.add(hub)
  return hub
}

const day = (back) => new Date(Date.now() - back * 86400000).toISOString()
const rows = (quantity) => [...Array(20).keys()].map((i) => ['NY01', `S${i}`, quantity])
let held = 0
/** A reset that the guards hold. */
async function hold(hub) {
  if (held++ === 0 || !(await hub.cells()).size) await hub.reset(rows(10), { as_of: day(9) })
  const reset = await hub.reset(rows(0), { as_of: new Date(Date.now() - 86400000 + held).toISOString() })
  assert.equal(reset.status, 'held')
  return reset
}
const target = async (hub, name = '127.0.0.1') =>
  (await hub.json('GET', '/v1/status')).notify.find((one) => one.name === name)
const sign = (key, { headers, body }) =>
  'v1,' +
  createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'))
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
    .digest('base64')

describe('notices by webhook', () => {
  test('a held reset is told once, signed', async () => {
    const receiver = await Receiver.start()
    const hub = await start([{ url: receiver.url, secret: 'env:HOOK_SECRET', allow_private: true }], '', {
      HOOK_SECRET: `${secret} ${other}`,
    })
    assert.equal((await target(hub)).state, 'new')
    const reset = await hold(hub)
    await until('told', () => receiver.got.length > 0)
    const [notice] = receiver.got
    assert.equal(notice.url, '/hook?key=hunter2')
    assert.match(notice.headers['content-type'], /^application\/cloudevents\+json/)
    assert.equal(notice.headers['webhook-signature'], `${sign(secret, notice)} ${sign(other, notice)}`)
    assert.ok(Math.abs(Date.now() / 1000 - Number(notice.headers['webhook-timestamp'])) < 60)
    const event = JSON.parse(notice.body)
    assert.equal(event.type, 'onhand.reset.held')
    assert.equal(event.subject, reset.id)
    assert.equal(event.id, notice.headers['webhook-id'])
    assert.equal(event.data.status, 'held')
    // A restart does not tell it again, and what nobody asked for is not told at all.
    await hub.stop()
    await hub.start()
    await hub.json('POST', `/v1/resets/${reset.id}/reject`)
    const second = await hold(hub)
    await until('the second', () => receiver.got.length > 1)
    assert.deepEqual(receiver.types, ['onhand.reset.held', 'onhand.reset.held'])
    assert.equal(JSON.parse(receiver.got[1].body).subject, second.id)
    await until('counted', async () => (await target(hub)).sent === 1)
    const { state, waiting, failures } = await target(hub)
    assert.deepEqual({ state, waiting, failures }, { state: 'ok', waiting: 0, failures: 0 })
    const metrics = (await hub.call('GET', '/metrics')).text
    assert.match(metrics, /^onhand_notify_sent_total\{target="127\.0\.0\.1"\} 1$/m)
    assert.doesNotMatch(hub.log, /hunter2|whsec_/)
    await hub.stop()
  })

  test('what cannot be delivered waits, over a restart too, under the same id', async () => {
    const receiver = await Receiver.start()
    receiver.answer = () => ({ status: 503, headers: { 'Retry-After': '-5' } })
    const hub = await start([{ url: receiver.url, secret: 'env:HOOK_SECRET', allow_private: true }])
    await hold(hub)
    await until('tried twice', () => receiver.got.length > 1)
    const id = receiver.got[0].headers['webhook-id']
    assert.equal(receiver.got[1].headers['webhook-id'], id)
    assert.equal(receiver.got[1].body, receiver.got[0].body)
    const failing = await target(hub)
    assert.equal(failing.state, 'failing')
    assert.equal(failing.waiting, 1)
    assert.match(failing.last_error, /answered 503/)
    await receiver.close() // now nobody listens at all
    await hub.stop()
    await hub.start()
    await until('unreachable', async () => /nobody answers/.test((await target(hub)).last_error))
    assert.doesNotMatch((await target(hub)).last_error, /hunter2/)
    const back = await Receiver.start(receiver.port)
    await until('delivered', async () => (await target(hub)).sent === 1)
    assert.equal(back.got.length, 1)
    assert.equal(back.got[0].headers['webhook-id'], id)
    assert.equal(back.got[0].body, receiver.got[0].body)
    assert.equal(back.got[0].headers['webhook-signature'], sign(secret, back.got[0]))
    // A kill leaves no time to note anything, and still: a hold is told, and none twice.
    const again = await hold(hub)
    await hub.kill()
    await hub.start()
    await until('the second hold', () => back.got.length > 1)
    const ids = new Set(back.got.map((notice) => notice.headers['webhook-id']))
    assert.equal(ids.size, 2)
    assert.equal(JSON.parse(back.got.at(-1).body).subject, again.id)
    await hub.stop()
  })

  test('what was held before anybody was told of it is told at the start, once', async () => {
    const receiver = await Receiver.start()
    const targets = [{ url: receiver.url, secret: 'env:HOOK_SECRET', allow_private: true }]
    const hub = await start(targets)
    const options = { args: ['--config', configure([])] }
    await hub.stop()
    await hub.start(options) // without notify
    const [decided, reset] = [await hold(hub), await hold(hub)]
    await hub.json('POST', `/v1/resets/${decided.id}/reject`)
    await hub.stop()
    for (let i = 0; i < 3; i++) {
      await hub.start()
      if (i === 0) await until('told', async () => (await target(hub)).sent === 1)
      await hub.stop()
    }
    assert.deepEqual(receiver.got.map((notice) => JSON.parse(notice.body).subject), [reset.id])
  })

  test('a late feed, once; a failed one; and that they work again', async () => {
    const receiver = await Receiver.start()
    const [drop, place] = [path.join(root, 'drop'), path.join(root, 'place')]
    mkdirSync(place)
    const feeds = `feeds:\n  - {name: daily, url: ${drop}, pattern: "*.csv", schedule: "0 5 29 2 *", as_of: mtime, stable_for: 0s}\n`
    const patient = feeds.replace('name: daily', 'late_after: 1h, name: patient').replace('feeds:\n', '').replaceAll(drop, place)
    const hub = await start(
      [{ url: receiver.url, secret: 'env:HOOK_SECRET', allow_private: true }],
      feeds + patient
    )
    await runFeed(hub, 'daily') // no such directory
    await until('failed', () => receiver.got.length === 1)
    mkdirSync(drop)
    await runFeed(hub, 'daily')
    await until('works again, and late', () => receiver.got.length === 3)
    await runFeed(hub, 'daily') // still late: no news
    writeFileSync(path.join(drop, 'a.csv'), 'location,sku,quantity\nNY01,A,5\n')
    await runFeed(hub, 'daily')
    assert.equal((await feedState(hub, 'daily')).late, false)
    await until('come', () => receiver.got.length === 4)
    assert.deepEqual(receiver.types, [
      'onhand.feed.failed',
      'onhand.feed.recovered',
      'onhand.feed.late',
      'onhand.feed.recovered',
    ])
    // Where several looks are for one file, those after it find none and that is fine.
    writeFileSync(path.join(place, 'b.csv'), 'location,sku,quantity\nBOS02,A,5\n')
    await runFeed(hub, 'patient')
    await runFeed(hub, 'patient')
    assert.equal((await feedState(hub, 'patient')).late, false)
    await runFeed(hub, 'daily')
    await until('late again', () => receiver.got.length === 5)
    const bodies = receiver.got.map((notice) => JSON.parse(notice.body))
    assert.ok(bodies.every((body) => body.subject === 'daily' && body.data.feed === 'daily'))
    await hub.stop()
  })

  test('neither redirects nor private addresses lead anywhere; a 410 is the end', async () => {
    const [redirecting, inside, gone] = [await Receiver.start(), await Receiver.start(), await Receiver.start()]
    redirecting.answer = () => ({ status: 307, headers: { Location: inside.url } })
    gone.answer = () => ({ status: 410 })
    const hub = await start([
      { name: 'redirecting', url: redirecting.url, secret: 'env:HOOK_SECRET', allow_private: true },
      { name: 'private', url: inside.url, secret: 'env:HOOK_SECRET' },
      { name: 'local', url: inside.url.replace('127.0.0.1', 'localhost'), secret: 'env:HOOK_SECRET' },
      { name: 'gone', url: gone.url, secret: 'env:HOOK_SECRET', allow_private: true },
      { name: 'secretless', url: inside.url, secret: 'env:NO_SUCH', allow_private: true },
      { name: 'odd', url: inside.url, secret: 'env:ODD_SECRET', allow_private: true },
    ], '', { ODD_SECRET: 'hunter2' })
    await hold(hub)
    const wanted = {
      redirecting: /answered 307: redirects are not followed/,
      private: /127\.0\.0\.1 is a private or special one/,
      local: /is a private or special one/,
      gone: /answered 410/,
      secretless: /NO_SUCH is not set/,
      odd: /whsec_/,
    }
    for (const [name, error] of Object.entries(wanted)) {
      await until(name, async () => error.test((await target(hub, name)).last_error ?? ''))
    }
    assert.equal(inside.got.length, 0)
    const { state, waiting, dropped } = await target(hub, 'gone')
    assert.deepEqual({ state, waiting, dropped }, { state: 'stopped', waiting: 0, dropped: 1 })
    await hold(hub)
    await until('the others go on', async () => (await target(hub, 'private')).waiting === 2)
    assert.equal(gone.got.length, 1)
    assert.doesNotMatch(hub.log, /hunter2/)
    const status = await onhand(['status', '--url', hub.url, '--token', hub.token])
    assert.match(status.stdout, /redirects are not followed/)
    await hub.stop()
  })

  test('the configuration names file, line and key of a mistake', async () => {
    const file = path.join(root, 'bad.yaml')
    const lines = [
      'notify:',
      '  - url: https://a.example/x',
      `    secret: ${secret}`,
      '  - url: https://a.example/y',
      '    secret: env:X',
      '    events: [held, lat]',
      '  - url: ftp://b.example',
      '    secret: env:X',
      '  - url: https://c.example',
      '  - {url: "https://user@d.example", secret: env:X, allow_privat: true}',
    ]
    writeFileSync(file, lines.join('\n') + '\n')
    const { code, stderr } = await onhand(['config', 'check', '--config', file])
    assert.equal(code, 1)
    for (const wanted of [
      /bad\.yaml:3:\d+: notify\[0\]\.secret: .*env:NAME/,
      /bad\.yaml:4:\d+: notify\[1\]\.name: 'a\.example' is taken already/,
      /bad\.yaml:6:\d+: notify\[1\]\.events: 'lat' .*late/,
      /bad\.yaml:7:\d+: notify\[2\]\.url: /,
      /bad\.yaml:9:\d+: notify\[3\]\.secret: /,
      /bad\.yaml:10:\d+: notify\[4\]\.url: /,
      /bad\.yaml:10:\d+: notify\[4\]\.allow_privat.*allow_private/,
    ]) {
      assert.match(stderr, wanted)
    }
    assert.ok(!stderr.includes(secret.slice(6)))
  })
})
