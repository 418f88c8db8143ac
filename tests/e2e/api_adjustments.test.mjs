// POST /v1/adjustments as a stream: in order, without limit of length, with bad lines among good.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hub, scaled } from './lib.mjs'

let hub
before(async () => {
  hub = await Hub.start()
})
after(() => hub.stop())

const type = 'application/x-ndjson'
const send = (body) => hub.json('POST', '/v1/adjustments', { body, type })

test('bad lines are answered in their places and block nothing', async () => {
  const good = { location: 'NY01', sku: 'B', delta: 1 }
  const lines = [
    JSON.stringify({ id: 'b1', ...good }),
    '{"id":"b2"',
    '',
    JSON.stringify({ id: 'b3', ...good, delta: 'x' }),
    '['.repeat(50000),
    JSON.stringify({ id: 'b4', ...good, reason: 'y'.repeat(70000) }),
    JSON.stringify({ id: 'b5', ...good, reason: 'z'.repeat(400000) }),
    JSON.stringify({ id: 'b6', ...good, type: 'sale' }),
    'null',
    JSON.stringify({ id: 'b7', ...good }),
    '\ufeff{}',
    JSON.stringify({ id: 'b1', ...good }),
  ]
  for (const body of [lines.join('\n'), lines.join('\r\n') + '\r\n']) {
    const { results } = await send(body)
    const seen = results.map((r) => r.error?.code ?? r.status)
    const first = body.endsWith('\n') ? 'duplicate' : 'applied'
    assert.deepEqual(seen, [
      first, 'bad_json', 'bad_quantity', 'too_deep', 'too_large', 'too_large', 'bad_sign', 'bad_json', first,
      'bad_json', 'duplicate',
    ])
  }
  assert.equal((await hub.cell('NY01', 'B')).on_hand, 2)
})

test('however the bytes are cut, the lines are the same', async () => {
  const lines = Array.from({ length: 200 }, (_, i) => JSON.stringify({ id: `c${i}`, location: 'NY01', sku: 'C', delta: 1 }))
  const bytes = Buffer.from(lines.join('\n'))
  async function* cut(size) {
    for (let at = 0; at < bytes.length; at += size) {
      yield bytes.subarray(at, at + size)
      if (size < 100) await sleep(0)
    }
  }
  for (const [size, status] of [[7, 'applied'], [1000, 'duplicate'], [4096, 'duplicate']]) {
    const { results } = await send(cut(size))
    assert.deepEqual(results.map((r) => r.id), lines.map((l) => JSON.parse(l).id))
    assert.ok(results.every((r) => r.status === status), JSON.stringify(results[0]))
  }
  assert.equal((await hub.cell('NY01', 'C')).on_hand, 200)
})

test('a long stream is answered line by line, in order, in bounded memory', async () => {
  const count = scaled(200000, 20000)
  async function* lines() {
    for (let i = 0; i < count; i += 1000) {
      let text = ''
      for (let j = i; j < i + 1000; j++) {
        text += `{"id":"l${j}","location":"L${j % 20}","sku":"S${j % 997}","delta":1}\n`
      }
      yield Buffer.from(text)
    }
  }
  const memory = async () => Number(/^onhand_process_resident_bytes (\d+)/m.exec((await hub.call('GET', '/metrics')).text)[1])
  const before = await memory()
  const { results, sequence } = await send(lines())
  assert.equal(results.length, count)
  results.forEach((r, i) => {
    if (r.id !== `l${i}` || r.status !== 'applied') assert.fail(`${i}: ${JSON.stringify(r)}`)
  })
  assert.equal(sequence, results.at(-1).sequence)
  assert.ok((await memory()) - before < 256 * 1024 * 1024)
  const cells = await hub.cells()
  const sum = [...cells].filter(([key]) => key.startsWith('L')).reduce((all, [, cell]) => all + cell.on_hand, 0)
  assert.equal(sum, count)
})

test('a caller who goes away in the middle leaves whole lines behind', async () => {
  async function* broken() {
    yield Buffer.from('{"id":"gone1","location":"NY01","sku":"G","delta":1}\n{"id":"gone2","location":"NY01","sk')
    await sleep(200)
    throw new Error('gone')
  }
  await assert.rejects(Promise.race([send(broken()), sleep(1000).then(() => Promise.reject(new Error('gone')))]))
  assert.equal((await hub.cell('NY01', 'G')).on_hand, 1)
})

test('a JSON body of many is one answer, and its first mistake refuses it whole', async () => {
  const adjustments = Array.from({ length: 5000 }, (_, i) => ({ id: `j${i}`, location: 'NY01', sku: 'J', delta: 1 }))
  const { results } = await hub.adjust(adjustments)
  assert.deepEqual(results.map((r) => r.id), adjustments.map((a) => a.id))
  const text = JSON.stringify({ adjustments: adjustments.map((a) => ({ ...a, id: `k${a.id}` })) })
  const broken = await hub.call('POST', '/v1/adjustments', { body: text.slice(0, -1) })
  assert.equal(broken.status, 400)
  assert.equal((await hub.cell('NY01', 'J')).on_hand, 5000)
  assert.deepEqual((await hub.adjust([])).results, [])
})
