// A channel of type webhook against a listener that checks signatures: every change arrives, signed
// and in time; what fails is told and made good; a kill between send and answer loses nothing.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readFileSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { call, freePort, Hub, onhand, patience, scaled, scratch, verify } from './lib.mjs'
import { expiredCertificate } from './certificate.mjs'
import { Receiver } from './receiver.mjs'
import { random } from './shop_rig.mjs'

const directory = scratch('webhook')
const secret = `whsec_${Buffer.from('a key of exactly thirty-two bytes').toString('base64')}`
const older = `whsec_${Buffer.from('the key that was here before this one').toString('base64')}`
let hub, receiver, sequence = 0

async function until(what, check, seconds = 20) {
  const end = Date.now() + seconds * 1000 * patience
  for (;;) {
    const value = await check()
    if (value) return value
    assert.ok(Date.now() < end, `not in time: ${what}\n${hub.log}`)
    await sleep(10)
  }
}

const channel = () => hub.json('GET', '/v1/channels/hook')
const order = (what) => hub.json('POST', `/v1/channels/hook/${what}`)
const sell = (sku, delta = -1) =>
  hub.adjust([{ id: `s${++sequence}`, location: 'NY01', sku, delta }])
const settled = () => until('nothing pending', async () => (await channel()).pending === 0)

/** The listener and the hub show the same. */
async function same() {
  await settled()
  for (const [key, cell] of await hub.cells()) {
    const told = receiver.cells.get(key)
    assert.ok(told, `${key} was never told`)
    assert.equal(told.on_hand, cell.on_hand, key)
    assert.equal(told.version, cell.version, key)
  }
}

before(async () => {
  receiver = await Receiver.start()
  receiver.secrets = [secret]
  writeFileSync(path.join(directory, 'older'), older, { mode: 0o600 })
  const config = path.join(directory, 'onhand.yaml')
  writeFileSync(
    config,
    `channels:\n  - {name: hook, type: webhook, url: "${receiver.url}", allow_private: true, ` +
      `secret: ["env:HOOK_SECRET", "file:${directory}/older"]}\n` +
      '  - {name: part, type: webhook, url: "http://127.0.0.1:9/", allow_private: true, ' +
      'locations: {AV1: one, AV2: both, AV3: both}, share: 50, cap: 3}\n'
  )
  hub = await Hub.start({ args: ['--config', config], env: { HOOK_SECRET: secret } })
})

after(async () => {
  await hub?.stop()
  await receiver?.stop()
  if (hub) await verify(hub.data)
})

test('a sale is an event, signed by the new secret and by the old one', async () => {
  receiver.secrets = [secret, older]
  await hub.adjust([{ id: 'first', location: 'NY01', sku: 'A', type: 'receipt', delta: 10 }])
  const { on_hand: onHand, version } = (await hub.cell('NY01', 'A'))
  await until('the event', () => receiver.requests.length > 0)
  const [request] = receiver.requests
  assert.equal(request.signatures, 2)
  assert.equal(request.path, '/stock/')
  assert.match(request.type, /^application\/cloudevents-batch\+json/)
  const [event] = request.events
  assert.equal(event.specversion, '1.0')
  assert.equal(event.type, 'onhand.inventory.changed')
  assert.equal(event.subject, 'NY01/A')
  assert.deepEqual(event.data, {
    location: 'NY01', sku: 'A', on_hand: onHand, reserved: 0, available: 10, version,
  })
  await settled()
  const { channels } = await hub.json('GET', '/v1/inventory/NY01/A/explain')
  assert.equal(channels[0].channel, 'hook')
  assert.equal(channels[0].state, 'confirmed')
  assert.equal(channels[0].confirmed, 10)
  assert.equal(channels[0].request, request.id)
})

test('a reservation and a shipment are changes, too, though availability stays', async () => {
  await hub.adjust([{ id: 'r1', location: 'NY01', sku: 'A', type: 'reservation', delta: 1, order: 'o' }])
  await settled()
  const seen = receiver.cells.get('NY01/A').version
  await hub.adjust([{ id: 'p1', location: 'NY01', sku: 'A', type: 'shipment', delta: -1, order: 'o' }])
  await until('the shipment', () => receiver.cells.get('NY01/A').version > seen)
  await same()
})

test('from a sale to the wire in a few milliseconds when idle', async () => {
  const lags = []
  for (let i = 0; i < scaled(60, 10); i++) {
    const had = receiver.requests.length
    const from = performance.timeOrigin + performance.now()
    await sell('L')
    await until('the sale', () => receiver.requests.length > had)
    lags.push(receiver.requests.at(-1).at - from)
  }
  lags.sort((a, b) => a - b)
  const p99 = lags[Math.floor(lags.length * 0.99)]
  console.log(`sale -> wire: median ${lags[lags.length >> 1].toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`)
  assert.ok(p99 < 200 * patience, `p99 ${p99} ms`)
})

test('what fails is sent again under the same id; what changed meanwhile under a new one', async () => {
  receiver.script.push((request, response) => response.writeHead(500).end('boom'))
  const had = receiver.requests.length
  await sell('B')
  await until('the second try', () => receiver.requests.length >= had + 2)
  assert.equal(receiver.requests[had].id, receiver.requests[had + 1].id)
  assert.equal((await channel()).last_error, '500: the shop failed: boom')
  receiver.script.push((request) => request.socket.destroy())
  await sell('B')
  await until('the broken one', () => receiver.requests.length >= had + 3)
  await sell('B')
  await same()
  assert.notEqual(receiver.requests[had + 2].id, receiver.requests.at(-1).id)
})

test('answers that arrive in real life: each is told, none is believed, all is made good', async () => {
  const endless = (request, response) => {
    response.writeHead(200)
    const more = () => {
      while (response.write(Buffer.alloc(1 << 20)));
    }
    response.on('drain', more)
    more()
  }
  const cases = [
    [(q, r) => r.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(), /redirected to 'http:\/\/169/],
    [(q, r) => r.writeHead(401).end('{"error":"no"}'), /does not accept the credentials/],
    [(q, r) => r.writeHead(429, { 'retry-after': '-5' }).end(), /too many requests/],
    [(q, r) => r.writeHead(503, { 'retry-after': '1' }).end(), /asks to wait 1 seconds/],
    [(q, r) => { r.writeHead(200, { 'content-length': '100' }); r.write('<html>'); r.destroy() }, /./],
    [endless, /./],
  ]
  for (const [answer, words] of cases) {
    const had = receiver.requests.length
    receiver.script.push(answer)
    await sell('C')
    await until('an error', async () => words.test((await channel()).last_error ?? ''))
    await until('the next try', () => receiver.requests.length >= had + 2)
    await same()
    assert.equal((await channel()).state, 'ok')
  }
})

test('an item that is refused is parked with the words of the listener, and no other', async () => {
  const refuse = (request, response, entry) => {
    if (entry.events.some((event) => event.data.sku === 'BAD')) response.writeHead(422).end('BAD is bad')
    else receiver.accept(response, entry)
  }
  receiver.always = refuse
  const skus = Array.from({ length: 20 }, (_, i) => `P${i}`)
  skus.splice(13, 0, 'BAD')
  await hub.adjust(skus.map((sku) => ({ id: `park-${sku}`, location: 'NY01', sku, delta: 5 })))
  const state = await until('it is parked', async () => {
    const now = await channel()
    return now.parked_count === 1 && now.pending === 0 && now
  })
  assert.deepEqual(state.parked.map(({ location, sku, wanted, detail }) => [location, sku, wanted, detail]), [
    ['NY01', 'BAD', 5, '422: BAD is bad'],
  ])
  for (const sku of skus) assert.equal(receiver.cells.has(`NY01/${sku}`), sku !== 'BAD', sku)
  const explain = await hub.json('GET', '/v1/inventory/NY01/BAD/explain')
  assert.equal(explain.channels[0].state, 'parked')
  delete receiver.always
  const retried = await hub.json('POST', '/v1/channels/hook/retry?location=NY01&sku=BAD')
  assert.equal(retried.retried, 1)
  await same()
})

test('paused it sends nothing, also after a restart; resumed, the newest once', async () => {
  await order('pause')
  await until('paused', async () => (await channel()).state === 'paused')
  const had = receiver.requests.length
  for (let i = 0; i < 20; i++) await sell('D')
  await hub.stop()
  await hub.start()
  await until('it is pending', async () => (await channel()).pending === 1)
  assert.equal((await channel()).state, 'paused')
  assert.equal(receiver.requests.length, had)
  assert.equal((await onhand(['channels', 'hook', 'resume', '--url', hub.url, '--token', hub.token])).code, 0)
  await same()
  assert.equal(receiver.requests.length, had + 1)
})

test('kill -9 while a request is on its way: it is said again, under the same id', async () => {
  for (let round = 0; round < 3; round++) {
    const had = receiver.requests.length
    let open
    receiver.script.push((request, response, entry) => {
      open = response
      if (round % 2 === 0) receiver.apply(entry) // taken, but the answer never comes
    })
    await sell('K')
    await until('the request', () => open)
    await hub.kill()
    open.destroy()
    await hub.start()
    await until('said again', () => receiver.requests.length >= had + 2)
    assert.equal(receiver.requests[had + 1].id, receiver.requests[had].id)
    assert.deepEqual(receiver.requests[had + 1].events[0].id, receiver.requests[had].events[0].id)
    await same()
  }
})

test('while the listener is away everything is kept as one figure per cell, and drains', async () => {
  receiver.always = (request, response) => response.writeHead(502).end('<html>bad gateway</html>')
  const sales = Array.from({ length: 2000 }, (_, i) => ({
    id: `away${i}`, location: 'NY01', sku: `E${i % 50}`, delta: -1,
  }))
  await hub.adjust(sales)
  const state = await until('it is pending', async () => {
    const now = await channel()
    return now.pending === 50 && now.last_error && now
  })
  assert.match(state.last_error, /502: the shop failed: <html>bad gateway/)
  const metrics = (await hub.call('GET', '/metrics')).text
  assert.match(metrics, /onhand_channel_pending\{channel="hook"\} 50/)
  assert.match(metrics, /onhand_channel_healthy\{channel="hook"\} 0/)
  delete receiver.always
  await order('resume')
  await same()
})

test('a random schedule of faults ends with listener = hub, and nothing older than what it took', async () => {
  const seed = Number(process.env.ONHAND_SEED ?? 20261125)
  const next = random(seed)
  const taken = new Map() // subject -> the newest version that was answered with 204
  const stale = []
  const acts = [
    (request, response) => response.writeHead(500).end('boom'),
    (request, response) => response.writeHead(429, { 'retry-after': '0' }).end(),
    (request) => request.socket.destroy(),
    (request, response, entry) => { receiver.apply(entry); request.socket.destroy() },
    (request, response, entry) => { receiver.apply(entry); response.writeHead(502).end('<html>') },
  ]
  let hit = 0
  receiver.always = (request, response, entry) => {
    for (const { subject, data } of entry.events) {
      if (data.version < (taken.get(subject) ?? 0)) stale.push(`${subject}@${data.version} after ${taken.get(subject)}`)
    }
    if (next() < 0.4) {
      hit++
      acts[Math.floor(next() * acts.length)](request, response, entry)
      return
    }
    for (const { subject, data } of entry.events) taken.set(subject, data.version)
    receiver.accept(response, entry)
  }
  for (let step = 0; step < scaled(60, 12); step++) {
    const had = receiver.requests.length
    await sell(`W${Math.floor(next() * 8)}`)
    for (let wait = 0; wait < 10 && receiver.requests.length === had; wait++) {
      if (wait % 4 === 3) await order('resume')
      await sleep(3)
    }
  }
  delete receiver.always
  await order('resume')
  await same()
  assert.ok(hit >= 2, `seed ${seed}: only ${hit} faults`)
  assert.deepEqual(stale, [], `seed ${seed}`)
})

test('resync tells everything anew; 410 stops until resumed', async () => {
  const had = receiver.events
  await order('resync')
  const cells = await hub.cells()
  await until('all of it', () => receiver.events >= had + cells.size)
  await same()
  receiver.script.push((request, response) => response.writeHead(410).end())
  await sell('G')
  await until('stopped', async () => (await channel()).state === 'stopped')
  await order('resume')
  await same()
})

test('a hub that ends tells first what it still has to tell', async () => {
  await hub.adjust(
    Array.from({ length: 500 }, (_, i) => ({ id: `end${i}`, location: 'NY01', sku: `Z${i}`, delta: 1 }))
  )
  await hub.stop()
  for (let i = 0; i < 500; i++) assert.ok(receiver.cells.has(`NY01/Z${i}`), `Z${i}`)
  await hub.start()
  await same()
})

test('what a channel may sell: its share, its cap, the sums of its places', async () => {
  await hub.adjust(
    [['AV1', 5], ['AV2', 4], ['AV3', 9], ['NY01', 7]].map(([location, delta]) => ({
      id: `av-${location}`, location, sku: 'AV', delta,
    }))
  )
  const part = await until('the places are known', async () => {
    const answer = await hub.json('GET', '/v1/availability?sku=AV&channel=part')
    return answer.available === 5.5 && answer
  })
  assert.deepEqual(part.locations.map((row) => [row.location, row.available]), [
    ['AV1', 2.5], ['AV2', 4], ['AV3', 9],
  ])
  assert.equal((await hub.json('GET', '/v1/availability?sku=AV')).available, 25)
  const { channels } = await hub.json('GET', '/v1/inventory/AV3/AV/explain')
  const figure = channels.find(({ channel }) => channel === 'part')
  assert.equal(figure.place, 'both')
  assert.equal(figure.wanted, 3)
  const state = await until('it fails', async () => {
    const now = await hub.json('GET', '/v1/channels/part')
    return now.last_error && now.oldest_pending_seconds > 0 && now
  })
  assert.equal(state.pending, 2)
  assert.match(state.state, /retrying|failing/)
})

test('an expired certificate: nothing is sent, and it is said what is wrong', async () => {
  const { key, cert } = await expiredCertificate(directory)
  let arrived = 0
  const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    arrived++
    response.end()
  })
  const port = await freePort()
  await new Promise((go) => server.listen(port, '127.0.0.1', go))
  const config = path.join(directory, 'tls.yaml')
  writeFileSync(
    config,
    `channels:\n  - {name: tls, type: webhook, url: "https://127.0.0.1:${port}/", allow_private: true, ca_file: ${cert}}\n`
  )
  const other = await Hub.start({ args: ['--config', config] })
  await other.adjust([{ location: 'NY01', sku: 'T', delta: 1 }])
  const state = await until('it fails', async () => {
    const now = await other.json('GET', '/v1/channels/tls')
    return now.last_error && now
  })
  assert.match(state.last_error, /expired/)
  assert.equal(state.pending, 1)
  assert.equal(arrived, 0)
  await other.stop()
  await new Promise((go) => server.close(go))
})

test('orders to channels that do not exist, or cannot do it', async () => {
  assert.equal((await hub.call('GET', '/v1/channels/none')).status, 404)
  assert.equal((await hub.call('POST', '/v1/channels/none/pause')).status, 404)
  assert.equal((await hub.call('POST', '/v1/channels/hook/audit')).status, 409)
  const reader = await hub.json('POST', '/v1/tokens', { body: { name: 'eye', scopes: ['read'] } }, 201)
  const refused = await call(`${hub.url}/v1/channels/hook/pause`, { method: 'POST', token: reader.token })
  assert.equal(refused.status, 403)
})
