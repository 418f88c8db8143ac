// GET /v1/events: changes as they happen, again from where a listener stopped, and nothing of other
// locations for a token that is limited.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hub, patience } from './lib.mjs'

let hub
before(async () => {
  hub = await Hub.start()
})
after(() => hub.stop())

/** Listens; `events` grows as they come: {id, data}. */
function listen({ token = hub.token, headers = {}, query = '' } = {}) {
  const listener = { events: [], ended: false }
  return new Promise((resolve, reject) => {
    const request = http.request(`${hub.url}/v1/events${query}`, {
      headers: { Authorization: `Bearer ${token}`, ...headers },
    })
    request.on('error', (error) => (listener.closed ? undefined : reject(error)))
    request.on('response', (response) => {
      listener.status = response.statusCode
      listener.type = response.headers['content-type']
      let text = ''
      response.on('error', () => {})
      response.on('end', () => (listener.ended = true))
      response.on('data', (data) => {
        text += data
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
          const event = {}
          for (const line of text.slice(0, end).split('\n')) {
            const [, field, value] = /^(\w*): ?(.*)$/.exec(line) ?? []
            if (field) event[field] = value
          }
          if (event.id) listener.lastId = event.id
          if (event.data) listener.events.push({ ...event, data: JSON.parse(event.data) })
        }
        resolve(listener)
      })
    })
    listener.close = () => {
      listener.closed = true
      request.destroy()
    }
    request.end()
  })
}

async function until(condition, what) {
  for (let i = 0; i < 500 * patience; i++) {
    if (condition()) return
    await sleep(10)
  }
  assert.fail(what)
}

test('a change is told within milliseconds, as CloudEvents', async () => {
  const listener = await listen()
  assert.match(listener.type, /^text\/event-stream/)
  const { results } = await hub.adjust([{ location: 'NY01', sku: 'A', delta: 4.75 }])
  const answered = Date.now()
  await until(() => listener.events.length === 1, 'no event came')
  assert.ok(Date.now() - answered < 500 * patience)
  const { data } = listener.events[0]
  assert.equal(data.specversion, '1.0')
  assert.equal(data.type, 'onhand.inventory.changed')
  assert.equal(data.subject, 'NY01/A')
  assert.equal(data.id, String(results[0].sequence))
  assert.deepEqual(data.data, {
    location: 'NY01', sku: 'A', on_hand: 4.75, reserved: 0, available: 4.75, version: results[0].sequence,
  })
  listener.close()
})

test('Last-Event-ID goes on where it stopped, over a restart', async () => {
  const { sequence } = await hub.json('GET', '/v1/status')
  await hub.adjust(Array.from({ length: 3000 }, (_, i) => ({ id: `r${i}`, location: 'NY01', sku: `S${i}`, delta: 1 })))
  await hub.kill()
  await hub.start()
  const listener = await listen({ headers: { 'Last-Event-ID': String(sequence) } })
  await until(() => listener.events.length === 3000, `only ${listener.events.length} came`)
  const ids = listener.events.map((e) => Number(e.id))
  assert.deepEqual(ids, [...ids].sort((a, b) => a - b))
  assert.equal(new Set(ids).size, 3000)
  await hub.adjust([{ location: 'NY01', sku: 'A', delta: 1 }])
  await until(() => listener.events.length === 3001, 'the live one did not come')
  listener.close()
})

test('who lost the stream before the first change misses nothing and hears nothing twice', async () => {
  const first = await listen()
  await until(() => first.lastId !== undefined, 'the stream does not say where it begins')
  await hub.kill()
  first.close()
  await hub.start()
  await hub.adjust([{ location: 'NY01', sku: 'missed', delta: 1 }])
  const second = await listen({ headers: { 'Last-Event-ID': first.lastId } })
  await until(() => second.events.length === 1, 'the missed one did not come')
  assert.equal(second.events[0].data.subject, 'NY01/missed')
  await hub.adjust([{ location: 'NY01', sku: 'next', delta: 1 }])
  await until(() => second.events.length > 1, 'the live one did not come')
  assert.deepEqual(second.events.map((e) => e.data.subject), ['NY01/missed', 'NY01/next'])
  second.close()
})

test('every listener hears everything, in the same order', async () => {
  const listeners = await Promise.all(Array.from({ length: 20 }, () => listen()))
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => hub.adjust([{ location: 'NY01', sku: `L${i % 10}`, delta: 1 }]))
  )
  for (const listener of listeners) {
    await until(() => listener.events.length === 200, `only ${listener.events.length} came`)
    assert.deepEqual(listener.events.map((e) => e.id), listeners[0].events.map((e) => e.id))
    listener.close()
  }
})

test('a token of one location hears nothing of the others', async () => {
  const { token } = await hub.json(
    'POST', '/v1/tokens', { body: { name: 'ny', scopes: ['read'], locations: ['NY01'] } }, 201
  )
  const listener = await listen({ token })
  await hub.adjust([{ location: 'BOS02', sku: 'A', delta: 1 }, { location: 'NY01', sku: 'A', delta: 1 }])
  await until(() => listener.events.length > 0, 'no event came')
  await sleep(100)
  assert.deepEqual(listener.events.map((e) => e.data.subject), ['NY01/A'])
  await hub.call('DELETE', '/v1/tokens/ny')
  await hub.adjust([{ location: 'NY01', sku: 'A', delta: 1 }])
  await until(() => listener.ended, 'a revoked token still listens')
})

test('a wrong Last-Event-ID is refused; one from the future hears what is new', async () => {
  const wrong = await hub.call('GET', '/v1/events', { headers: { 'Last-Event-ID': 'x' } })
  assert.equal(wrong.status, 400)
  const listener = await listen({ headers: { 'Last-Event-ID': '999999999' } })
  await hub.adjust([{ location: 'NY01', sku: 'A', delta: 1 }])
  await until(() => listener.events.length === 1, 'no event came')
  listener.close()
})

test('a reset is told as changes, and a held one as a notice', async () => {
  const listener = await listen()
  await hub.reset([['RST', 'A', 5], ['RST', 'B', 6]], { source: 'prism' })
  await until(
    () => listener.events.filter((e) => e.data.data.location === 'RST').length === 2,
    JSON.stringify(listener.events)
  )
  listener.close()
})

test('the end of the hub ends the streams', async () => {
  const listener = await listen()
  await hub.stop()
  await until(() => listener.ended, 'the stream did not end')
  await hub.start()
})
