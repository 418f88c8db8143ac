// kill -9 under load, again and again: every answered change is there exactly once, and what was
// not answered may be sent again without fear.
import assert from 'node:assert/strict'
import http from 'node:http'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Hub, patience, scaled, scratch, verify } from './lib.mjs'
import { Load } from './load.mjs'

const CYCLES = scaled(100, 5)
// A new directory now and then: a hub that knows nothing yet is named everything at once.
const GENERATION = 20
const LONGEST_LOAD_MS = 150 * patience
// In between it ends as it should: a checkpoint is written, and kills meet other states.
const STOP_EVERY = 8

/** Some cycles on one directory; returns how many changes were answered. */
async function generation(from, to) {
  const data = path.join(scratch('crash'), 'data')
  const hub = await Hub.start({ data })
  const load = new Load()
  for (let cycle = from; cycle <= to; cycle++) {
    const running = load.run(hub)
    await sleep(Math.random() * LONGEST_LOAD_MS)
    if (cycle % STOP_EVERY === 0) {
      await hub.stop()
    } else {
      await hub.kill()
    }
    await running
    await hub.start()
    await load.settleAll(hub)
    await load.repeatSome(hub)
    await load.model.check(hub, `after cycle ${cycle}`)
  }
  await hub.kill()
  await verify(data)
  await hub.start()
  await load.model.check(hub, 'at the end')
  await hub.stop()
  await verify(data)
  return load.answered
}

test(`${CYCLES} times kill -9 under load`, { timeout: 1100e3 }, async () => {
  let answered = 0
  for (let from = 1; from <= CYCLES; from += GENERATION) {
    answered += await generation(from, Math.min(from + GENERATION - 1, CYCLES))
  }
  assert.ok(answered > 10 * CYCLES, `only ${answered} changes were answered`)
})

test('one id over 64 connections with a kill in the middle counts once', async () => {
  const hub = await Hub.start()
  const body = { facilityId: 'NY01', idType: 'SKU', idValue: 'A', transactionId: 'only-one' }
  const send = async (agent) => {
    const target = '/v1/UpdateInventory'
    const answer = await hub.call('POST', target, { agent, body: { ...body, availableDelta: -3 } })
    assert.equal(answer.status, 200, answer.text)
    return answer.json.status
  }
  const statuses = []
  const connections = Array.from({ length: 64 }, async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    try {
      for (let i = 0; i < 16; i++) statuses.push(await send(agent))
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
    } finally {
      agent.destroy()
    }
  })
  while (statuses.length < 300) await sleep(1)
  await hub.kill()
  await Promise.all(connections)
  assert.equal(statuses.filter((status) => status === 'applied').length, 1)
  assert.ok(statuses.length < 64 * 16, 'the kill came too late to show anything')
  await hub.start()
  assert.equal(await send(hub.agent), 'duplicate')
  assert.equal((await hub.cell('NY01', 'A')).on_hand, -3)
  await hub.stop()
  await verify(hub.data)
})
