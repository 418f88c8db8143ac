// The machine of the PostgreSQL server dies under load and Patroni promotes the synchronous standby:
// the hub goes on by itself, what it answered is there, and nothing counts twice.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Hub, scratch } from './lib.mjs'
import { Load, until } from './many_hubs.mjs'
import { Failover, patroniMissing } from './patroni.mjs'
import { ask } from './postgres.mjs'

const skip = await patroniMissing()
let cluster, hub

after(async () => {
  if (hub?.running) hub.child.kill('SIGKILL')
  await cluster?.end()
})

test('a hub outlives a failover', { skip, timeout: 900e3 }, async () => {
  cluster = await Failover.start()
  const first = await cluster.leader()
  await ask(
    cluster.urlOf(first, 'postgres'),
    `create role onhand login password '${cluster.password}'`,
    'create database onhand owner onhand'
  )
  const directory = scratch('hub')
  const config = path.join(directory, 'hub.yaml')
  writeFileSync(config, `store: "${cluster.store}"\nhub: hub-a\n`)
  const env = { PGPASSWORD: cluster.password }
  hub = await Hub.start({ data: path.join(directory, 'data'), args: ['--config', config], env })
  hub.name = 'hub-a'
  const load = new Load([hub], 'FAILOVER')
  try {
    await until('it runs', () => load.confirmed > 100)
    await cluster.kill(first)
    const died = Date.now(), known = load.confirmed
    const second = await until('the standby is promoted', () => cluster.leader(), 60)
    assert.notEqual(second.name, first.name)
    console.log(`promoted after ${(Date.now() - died) / 1000} s`)
    await until('the hub goes on', () => load.confirmed > known + 100, 60)
    console.log(`100 more after ${(Date.now() - died) / 1000} s`)
    await load.stop()
  } catch (error) {
    error.message += hub.log + cluster.logs()
    throw error
  }
  assert.ok(load.refused > 0)
  assert.ok(load.retryAfter)
  await load.check()
  // From what is in the promoted server alone.
  await hub.kill()
  await hub.start()
  await load.check()
  await hub.stop()
})
