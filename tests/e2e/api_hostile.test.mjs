// Requests that arrive in real life, each with the answer it must get; and after all of them the hub
// is there, has no stock that nobody sent, and answers quickly.
import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hub, patience } from './lib.mjs'

let hub
before(async () => {
  hub = await Hub.start()
  await hub.adjust([{ id: 'first', location: 'NY01', sku: 'A', delta: 100 }])
})
after(() => hub.stop())

/** Sends bytes as they are and reads to the end (or for `ms`): the whole answer as text. */
function raw(bytes, { ms = 20000 * patience, end = false } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect(hub.port, '127.0.0.1')
    let text = ''
    const done = () => {
      socket.destroy()
      resolve(text)
    }
    const timer = setTimeout(done, ms)
    timer.unref()
    socket.on('data', (data) => {
      text += data.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      const length = /content-length: (\d+)/i.exec(text)
      if (head >= 0 && length && text.length >= head + 4 + Number(length[1])) done()
    })
    socket.on('error', done)
    socket.on('close', done)
    for (const part of [].concat(bytes)) socket.write(part)
    if (end) socket.end()
  })
}

const status = (text) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0)
const auth = () => `Authorization: Bearer ${hub.token}\r\n`
const post = (target, body, extra = 'Content-Type: application/json\r\n') =>
  `POST ${target} HTTP/1.1\r\nHost: x\r\n${auth()}${extra}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

const update = (more) => JSON.stringify({ facilityId: 'NY01', idValue: 'A', availableDelta: 1, ...more })
const U = '/v1/UpdateInventory'

// what it is, the request, its status, what the answer must say
const rows = [
  ['100,000 [', () => post(U, '['.repeat(100000)), 400, 'too_deep|bad_json'],
  ['100,000 [ in a list', () => post('/v1/adjustments', `{"adjustments":${'['.repeat(100000)}`), 400, 'too_deep'],
  ['duplicate keys', () => post(U, '{"facilityId":"NY01","facilityId":"NY02","idValue":"A","availableDelta":1}'), 400, 'bad_json'],
  ['1e400', () => post(U, update().replace(':1}', ':1e400}')), 422, 'out_of_range'],
  ['2^53+1', () => post(U, update().replace(':1}', ':9007199254740993}')), 422, 'out_of_range'],
  ['-0.0001', () => post(U, update().replace(':1}', ':-0.0001}')), 400, 'bad_quantity'],
  ['trailing data', () => post(U, update() + '{}'), 400, 'bad_json'],
  ['nothing', () => post(U, ''), 400, 'bad_json'],
  ['a type swapped', () => post(U, update({ availableDelta: '1' })), 400, 'bad_quantity'],
  ['another type swapped', () => post(U, update({ facilityId: 5 })), 400, 'bad_value'],
  ['an unknown field', () => post(U, update({ colour: 'red' })), 400, 'colour'],
  ['a missing field', () => post(U, '{"facilityId":"NY01","idValue":"A"}'), 400, 'availableDelta'],
  ['an unknown type of identifier', () => post(U, update({ idType: 'ISBN' })), 400, 'ISBN'],
  ['a time without an offset', () => post(U, update({ effectiveDate: '2026-11-23T02:05:00' })), 400, 'bad_time'],
  ['an id of 10 KB', () => post(U, update({ transactionId: 'x'.repeat(10240) })), 400, 'bad_value'],
  ['an empty id', () => post(U, update({ transactionId: '' })), 400, 'bad_value'],
  ['an id with a control character', () => post(U, update({ transactionId: 'a\u0000b' })), 400, 'bad_json|bad_value'],
  ['contradicting ids', () => post(U, update({ transactionId: 'a' }), 'Idempotency-Key: b\r\n'), 400, 'contradict'],
  ['invalid UTF-8', () => [post(U, 'xxxxx').slice(0, -5), Buffer.from('{"\xff":1', 'latin1').subarray(0, 5)], 400, 'bad_json'],
  ['hash-collision keys', () => post(U, `{${Array.from({ length: 5000 }, (_, i) => `"k${i}":1`).join()}}`), 400, 'unknown_field'],
  ['an unknown member beside adjustments', () => post('/v1/adjustments', '{"adjustments":[],"x":1}'), 400, 'x'],
  ['adjustments that are no list', () => post('/v1/adjustments', '{"adjustments":{}}'), 400, '/adjustments'],
  ['broken JSON behind a good item', () => post('/v1/adjustments', '{"adjustments":[{"location":"NY01","sku":"A","delta":1},{]}'), 400, 'bad_json'],
  ['both lengths', () => post(U, update(), 'Transfer-Encoding: chunked\r\n'), 400, ''],
  ['two lengths', () => post(U, update(), 'Content-Length: 5\r\n'), 400, ''],
  ['two tokens', () => post(U, update(), 'Authorization: Bearer x\r\n'), 400, ''],
  ['no length', () => `POST ${U} HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`, 411, ''],
  ['too long by its own word', () => `POST ${U} HTTP/1.1\r\nHost: x\r\n${auth()}Content-Length: 1099511627776\r\n\r\n`, 413, 'too_large'],
  ['a form', () => post(U, 'a=1', 'Content-Type: application/x-www-form-urlencoded\r\n'), 400, 'bad_json'],
  ['a picture', () => post(U, update(), 'Content-Type: image/png\r\n'), 415, 'application/json'],
  ['an Accept that nothing suits', () => `GET /v1/status HTTP/1.1\r\nHost: x\r\n${auth()}Accept: image/png\r\n\r\n`, 406, ''],
  ['no token', () => `GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n`, 401, 'WWW-Authenticate: Bearer'],
  ['a wrong token', () => `GET /v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer oh_${'0'.repeat(64)}\r\n\r\n`, 401, ''],
  ['another scheme', () => `GET /v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\r\n\r\n`, 401, ''],
  ['another method', () => `DELETE /v1/status HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`, 405, 'Allow: GET'],
  ['no such path', () => `GET /v2/status HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`, 404, ''],
  ['a path upwards', () => `GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`, 404, ''],
  ['NUL in a path', () => `GET /v1/inventory/NY01/%00 HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`, 404, ''],
  ['a broken escape', () => `GET /v1/inventory?sku=%zz HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`, 400, ''],
  ['an unknown parameter', () => `GET /v1/inventory?color=red HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`, 400, 'color'],
  ['a limit beyond belief', () => `GET /v1/inventory?limit=99999999999999999999 HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`, 400, 'limit'],
  ['a cursor made up', () => `GET /v1/inventory?cursor=x HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`, 400, 'cursor'],
  ['a header of 48 KB', () => `GET /v1/status HTTP/1.1\r\nHost: x\r\n${auth()}X-A: ${'a'.repeat(48 * 1024)}\r\n\r\n`, 431, ''],
  ['no such reset', () => `GET /v1/resets/r-none HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`, 404, ''],
  ['a reset with a bad mode', () => post('/v1/resets?mode=some', 'location,sku,quantity\n', 'Content-Type: text/csv\r\n'), 400, 'mode'],
  ['a reset with a bad time', () => post('/v1/resets?as_of=yesterday', 'location,sku,quantity\n', 'Content-Type: text/csv\r\n'), 400, 'bad_time'],
  ['a reset with a bad manifest', () => post('/v1/resets?manifest=%7B', 'location,sku,quantity\n', 'Content-Type: text/csv\r\n'), 400, 'bad_json'],
  ['no HTTP at all', () => 'hello\r\n\r\n', 0, ''], // it is hung up on
]

test('each gets its answer, and none does harm', async (t) => {
  const before = await hub.json('GET', '/v1/status')
  for (const [name, request, wanted, says] of rows) {
    await t.test(name, async () => {
      const text = await raw(request())
      assert.equal(status(text), wanted, text.slice(0, 600))
      assert.match(text, new RegExp(says), text.slice(0, 600))
    })
  }
  const after = await hub.json('GET', '/v1/status')
  assert.equal(after.sequence, before.sequence, 'nothing was written')
  assert.equal((await hub.cell('NY01', 'A')).on_hand, 100)
})

test('an id that is not ASCII is fine', async () => {
  const adjustment = { id: 'Größe-7 ✓', location: 'NY01', sku: 'Ü/1 %', delta: 1 }
  const answer = await hub.adjust([adjustment, adjustment])
  assert.deepEqual(answer.results.map((r) => r.status), ['applied', 'duplicate'])
  assert.equal((await hub.cell('NY01', 'Ü/1 %')).on_hand, 1)
})

test('JSON that says it is a form, as some programs do unasked, is read', async () => {
  const body = '{"facilityId":"NY01","idValue":"FORM","availableDelta":1}'
  const text = await raw(post(U, body, 'Content-Type: application/x-www-form-urlencoded\r\n'))
  assert.equal(status(text), 200, text)
  assert.equal((await hub.cell('NY01', 'FORM')).on_hand, 1)
})

test('the same id with another body', async () => {
  const first = { id: 'same', location: 'NY01', sku: 'S', delta: 1 }
  const { results } = await hub.adjust([first, { ...first, delta: 2 }])
  assert.equal(results[1].status, 'rejected')
  assert.equal(results[1].error.code, 'id_reused')
  const body = { facilityId: 'NY01', idValue: 'S', availableDelta: 1, transactionId: 'same-2' }
  await hub.json('POST', U, { body })
  const again = await hub.json('POST', U, { body: { ...body, availableDelta: 2 } }, 409)
  assert.equal(again.errors[0].code, 'id_reused')
  assert.equal((await hub.cell('NY01', 'S')).on_hand, 2)
})

test('one id a thousand times over 64 connections, with a kill in the middle: one effect', async () => {
  const body = { facilityId: 'NY01', idValue: 'ONCE', availableDelta: 1, transactionId: 'once' }
  const send = async () => {
    try {
      return (await hub.call('POST', U, { body })).status
    } catch {
      return 0
    }
  }
  const swarm = () => {
    let left = 500
    return Promise.all(
      Array.from({ length: 64 }, async () => {
        while (left-- > 0) await send()
      })
    )
  }
  const first = swarm()
  await sleep(20)
  await hub.kill()
  await first
  await hub.start()
  await swarm()
  assert.equal((await hub.cell('NY01', 'ONCE')).on_hand, 1)
})

test('a body longer than the limit is refused, whatever it says of itself', async () => {
  async function* endless() {
    for (let i = 0; i < 66; i++) yield Buffer.alloc(1 << 20, 0x20)
  }
  const answer = await hub.call('POST', U, { body: endless() })
  assert.equal(answer.status, 413)
})

test('a client that never reads does not stop the others', async () => {
  const socket = net.connect(hub.port, '127.0.0.1')
  socket.pause()
  const line = JSON.stringify({ location: 'NY01', sku: 'A', delta: 0.001 }) + '\n'
  socket.on('error', () => {})
  socket.write(
    `POST /v1/adjustments HTTP/1.1\r\nHost: x\r\n${auth()}Content-Type: application/x-ndjson\r\n` +
      `Content-Length: ${line.length * 50000}\r\n\r\n${line.repeat(50000)}`
  )
  await sleep(500)
  const started = Date.now()
  await hub.json('POST', U, { body: { facilityId: 'NY01', idValue: 'Q', availableDelta: 1 } })
  assert.ok(Date.now() - started < 2000 * patience)
  socket.destroy()
})

test('2,000 connections that only drip do not stop the others', async () => {
  const sockets = Array.from({ length: 2000 }, () => net.connect(hub.port, '127.0.0.1'))
  for (const socket of sockets) socket.on('error', () => {})
  await sleep(500)
  for (const socket of sockets) socket.write('G')
  const started = Date.now()
  for (let i = 0; i < 20; i++) {
    await hub.json('POST', U, { body: { facilityId: 'NY01', idValue: 'Q', availableDelta: 1 } })
  }
  assert.ok(Date.now() - started < 4000 * patience)
  for (const socket of sockets) socket.destroy()
})

test('it still stands', async () => {
  assert.equal((await hub.call('GET', '/readyz')).status, 200)
  assert.ok(hub.running)
})
