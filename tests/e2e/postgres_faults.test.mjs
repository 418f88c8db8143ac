// What goes wrong between hubs and one PostgreSQL that stays up: no connection is to be had, and
// the answer to a COMMIT never comes while the standby has not confirmed. (Crashes under load and
// networks that hang are in many_hubs.test.mjs, a full disk is in postgres_full.test.mjs.)
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Hubs, until } from './many_hubs.mjs'
import { ask, Postgres, postgresMissing } from './postgres.mjs'

const server = await Postgres.start()
const skip = server === null && postgresMissing
const url = server?.url
const endAll =
  "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'onhand'"
const waitingForStandby =
  "select count(*) from pg_stat_activity where usename = 'onhand' and wait_event = 'SyncRep'"
let hubs, hub, sales = 0

after(async () => {
  hubs?.end()
  await server?.end()
})

const sale = (id) => ({ id, location: 'NY01', sku: 'A', delta: 1 })

/** Sends it until some hub says what became of it: {status, refused}. */
async function sendUntilAnswered(id, accepted = ['applied', 'duplicate']) {
  let refused = 0
  const status = await until(`an answer to ${id}`, async () => {
    const answer = await hub.call('POST', '/v1/adjustments', { body: { adjustments: [sale(id)] } })
    if (answer.status === 200) return answer.json.results[0].status
    assert.equal(answer.status, 503, answer.text)
    assert.ok(answer.headers['retry-after'], 'Retry-After is missing')
    refused++
  })
  assert.ok(accepted.includes(status), `${id} is ${status}`)
  return { status, refused }
}

async function add(id) {
  sales++
  return sendUntilAnswered(id)
}

test('a hub starts', { skip }, async () => {
  hubs = new Hubs(url)
  hub = await hubs.add('hub-a')
  assert.equal((await add('first')).status, 'applied')
})

test('no connection is to be had: 503, reads go on, and it heals by itself', { skip }, async () => {
  await ask(url, 'alter role onhand connection limit 0', endAll)
  try {
    const body = { adjustments: [sale('crowded')] }
    const answer = await hub.call('POST', '/v1/adjustments', { body })
    assert.equal(answer.status, 503, answer.text)
    assert.ok(answer.headers['retry-after'])
    assert.equal((await hub.cell('NY01', 'A')).on_hand, sales)
    await assert.rejects(hubs.add('hub-b'), /too many connections/)
  } finally {
    await ask(url, 'alter role onhand connection limit -1')
  }
  assert.equal((await add('crowded')).status, 'applied')
  assert.equal((await sendUntilAnswered('crowded')).status, 'duplicate')
  assert.equal((await hub.cell('NY01', 'A')).on_hand, sales)
})

// With a synchronous standby COMMIT waits for it, at a point where the batch is in the log of this
// server already. Whatever ends the wait then, nobody may be told that the batch is safe.
const endings = {
  'the connection is ended': () => ask(url, endAll),
  'the server crashes': async () => {
    await server.crash()
    await server.start()
  },
}

for (const [what, endWait] of Object.entries(endings))
  test(`in the middle of COMMIT ${what}`, { skip, timeout: 600e3 }, async () => {
    const id = `middle, ${what}`
    const waiting = async () => (await ask(url, waitingForStandby)) !== '0'
    const standby = (names) =>
      ask(url, `alter system set synchronous_standby_names = '${names}'`, 'select pg_reload_conf()')
    await standby('nobody')
    try {
      let answered = null
      const answer = add(id)
      answer.then(
        (result) => (answered = JSON.stringify(result)),
        (error) => (answered = error.message) // it is looked at below
      )
      await until('COMMIT waits', waiting)
      await endWait()
      // It looks for its batch and finds it; but the standby still knows nothing of it.
      await until('it waits again', async () => answered || (await waiting()))
      assert.equal(answered, null, 'answered before the standby had it')
      await endWait()
      await until('it waits once more', async () => answered || (await waiting()))
      assert.equal(answered, null, 'answered before the standby had it')
      await standby('')
      await answer
    } finally {
      await standby('')
    }
    assert.equal((await sendUntilAnswered(id)).status, 'duplicate')
    assert.equal((await hub.cell('NY01', 'A')).on_hand, sales)
    const other = await hubs.add(`reader of ${Object.keys(endings).indexOf(what)}`.replaceAll(' ', '-'))
    assert.equal((await other.cell('NY01', 'A')).on_hand, sales)
    await other.stop()
  })

test('all end in good order', { skip }, async () => {
  await hubs.stop()
})
