// A Daily Reset from Prism's inventory while the stores go on selling: afterwards every cell is what
// is really there, and no variance is left unexplained.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { onhand, scaled, verify } from './lib.mjs'
import { hubOf, job, noSecrets, prismOf, snapshot, trade, until, untilTrue } from './prism.mjs'

const HOUR = 3600000

/** Every request for `path` first lets something happen at the retailer's. */
function during(prism, path, happen) {
  const listener = (request) => {
    if (request.url.includes(path)) happen(request.url)
  }
  prism.server.http.prependListener('request', listener)
  return () => prism.server.http.removeListener('request', listener)
}

/** The last reset: everything of it is explained by what came since. */
async function assertExplained(hub) {
  const { items } = await hub.json('GET', '/v1/resets')
  await until(
    async () => {
      const variances = await hub.json('GET', `/v1/resets/${items[0].id}/variances`)
      return variances.items.every((one) => one.unexplained === 0)
    },
    async () => JSON.stringify((await hub.json('GET', `/v1/resets/${items[0].id}/variances`)).items.slice(0, 3)),
  )
  return items[0]
}

describe('a Daily Reset from Prism', { concurrency: 4 }, () => {
  test('sales go on and replicate while it is read: every cell is right', async (t) => {
    const prism = await prismOf(t, { stores: 8, products: 40, startingStock: 50 })
    const { world } = prism
    const stores = world.stores.map((store) => store.code)
    for (let i = 0; i < 30; i++) world.sell(stores[i % 8], [{ product: i }])
    const hub = await hubOf(t, prism.url, { page_size: 5 })
    let turn = 0
    let again = 0
    const stop = during(prism, '/inventory', (url) => {
      // While pages are read all stores sell; while single items are, now and then one does.
      if (!url.includes('sort=sid') && again++ % 20 !== 0) return
      turn++
      trade(world, 2)
      const [store, other] = [stores[turn % 8], stores[(turn * 3 + 1) % 8]]
      world.sell(store, [{ product: turn % 40, fulfill: other }])
      world.exchange(store, [{ product: (turn * 7) % 40 }], [{ product: (turn * 5) % 40 }])
      if (turn % 5 === 1) world.setOffline(stores[2])
      if (turn % 5 === 4) {
        world.setOffline(stores[2], false)
        world.replicate(stores[2], 3)
      }
    })
    for (let day = 0; day < scaled(4, 2); day++) {
      const done = await snapshot(hub)
      assert.equal(done.last_status, 'ok', done.last_detail)
      assert.match(done.last_detail, /40 products, 320 cells, 0 stores left out/)
    }
    stop()
    assert.ok(turn >= 20, `${turn} pages`)
    world.setOffline(stores[2], false)
    world.replicate(stores[2])
    await untilTrue(hub, world)
    const quiet = await snapshot(hub)
    assert.match(quiet.last_detail, /applied .* 320 cells/)
    await untilTrue(hub, world)
    const reset = await assertExplained(hub)
    assert.equal(reset.changed, 0, 'the books had it already')
    noSecrets(hub)
    await hub.stop()
    await verify(hub.data)
  })

  test('a store that lags: what headquarters does not know yet is not taken back', async (t) => {
    const prism = await prismOf(t, { stores: 3, startingStock: 50 })
    const { world } = prism
    for (const store of world.stores) world.sell(store.code, [{ product: 1 }])
    const hub = await hubOf(t, prism.url)
    await snapshot(hub)
    await untilTrue(hub, world)
    world.setOffline('002')
    const sold = []
    for (let i = 0; i < 10; i++) sold.push(world.sell('002', [{ product: i, quantity: 2 }], { at: Date.now() - HOUR + i }))
    // A register of which headquarters has never heard.
    sold.push(world.sell('002', [{ product: 14 }], { at: Date.now() - HOUR, workstation: 2 }))
    world.receive('002', [{ product: 3, quantity: 7 }], { at: Date.now() - HOUR })
    // The hook in the store's web client told of these at once.
    for (const record of sold)
      await hub.json('POST', '/v1/sources/prism/documents', { body: prism.pushed(record) })
    await snapshot(hub)
    const cell = await hub.cell('002', world.product('P0006').upc)
    assert.equal(cell.on_hand, world.truth('002', 'P0006'), 'sold an hour before, unknown there')
    assert.notEqual(cell.on_hand, world.knownStock('002', 'P0006'))
    const other = await hub.cell('002', world.product('P0015').upc)
    assert.equal(other.on_hand, world.truth('002', 'P0015'), 'nothing is known there of register 2')
    world.setOffline('002', false)
    world.replicate('002')
    await untilTrue(hub, world)
    await snapshot(hub)
    await untilTrue(hub, world)
    await assertExplained(hub)
  })

  test('a fault in the middle: the page is read again', async (t) => {
    const prism = await prismOf(t, { startingStock: 50 })
    const { world, faults } = prism
    const hub = await hubOf(t, prism.url, { page_size: 4, timeout: '1s' })
    const rows = [
      { kind: 'error500' },
      { kind: 'status', status: 503 },
      { kind: 'lost' },
      { kind: 'silent', ms: 1200 },
      { kind: 'cut' },
      { kind: 'bad_json' },
      { kind: 'html' },
      { kind: 'expire' },
      { kind: 'wrong_total', by: 7, skip: 0 },
      { kind: 'wrong_total', by: -7, skip: 0, count: null },
      { kind: 'wrong_total', by: 7, skip: 0, count: null },
      { kind: 'no_total', skip: 0, count: null },
    ]
    for (const row of rows) {
      const fault = faults.set({ match: 'inventory', skip: 2, ...row })
      trade(world, 10)
      const done = await snapshot(hub)
      assert.equal(done.last_status, 'ok', `${row.kind}: ${done.last_detail}`)
      assert.match(done.last_detail, /20 products, 60 cells, 0 stores left out/, row.kind)
      assert.ok(fault.happened > 0, row.kind)
      faults.clear()
      await untilTrue(hub, world)
    }
    noSecrets(hub)
  })

  test('a store that never comes to rest is left out, and said; the others are not', async (t) => {
    const prism = await prismOf(t, { startingStock: 50 })
    const { world } = prism
    for (const store of world.stores) world.sell(store.code, [{ product: 1 }])
    const hub = await hubOf(t, prism.url)
    const stop = during(prism, '/document', () => world.sell('001', [{ product: 5 }]))
    const done = await snapshot(hub)
    stop()
    assert.match(done.last_detail, /1 stores left out: 001/)
    assert.match(hub.log, /stores that did not come to rest have no statement/)
    const upc = world.product('P0001').upc
    assert.equal((await hub.cell('001', upc)).as_of, null)
    assert.equal((await hub.cell('002', upc)).on_hand, world.truth('002', 'P0001'))
    await snapshot(hub)
    await untilTrue(hub, world)
  })

  test('an inventory that names only what is there, and one of the older dialect', async (t) => {
    const prism = await prismOf(t, { startingStock: 3, sparse: true, bareSids: true })
    const { world, faults } = prism
    const hub = await hubOf(t, prism.url)
    await snapshot(hub)
    await untilTrue(hub, world)
    // Stock that goes without any document, as it does in the field: only the inventory tells.
    for (let i = 0; i < world.known.length; i += 4) world.known[i] = world.real[i] = 0
    faults.set({ kind: 'status', status: 404, match: '/api/backoffice/inventory', count: null })
    const started = await onhand(['sources', 'snapshot', 'prism', '--url', hub.url], {
      env: { ...process.env, ONHAND_TOKEN: hub.token },
    })
    assert.equal(started.code, 0, started.stderr)
    assert.match(started.stdout, /snapshot:prism was started/)
    let reset
    await until(async () => {
      const resets = (await hub.json('GET', '/v1/resets')).items
      reset = resets[0]
      return resets.length === 2 && !['applying'].includes(reset.status)
    }, () => hub.log)
    if (reset.status !== 'applied') {
      assert.ok(['held', 'partial'].includes(reset.status), reset.status)
      await hub.json('POST', `/v1/resets/${reset.id}/approve`)
    }
    await untilTrue(hub, world)
  })

  test('kill -9 in the middle of it: the next one begins anew', async (t) => {
    const prism = await prismOf(t, { startingStock: 50, products: 60 })
    const { world } = prism
    const hub = await hubOf(t, prism.url, { page_size: 5 })
    trade(world, 20)
    prism.faults.set({ kind: 'slow', ms: 60000, match: 'inventory', skip: 5, count: null })
    await hub.json('POST', '/v1/sources/prism/snapshot', {}, 202)
    await until(
      () => prism.server.recent.filter((path) => path.includes('inventory')).length >= 6,
      () => hub.log,
    )
    await hub.kill()
    prism.faults.clear()
    await hub.start()
    assert.equal((await hub.json('GET', '/v1/resets')).items.length, 0)
    trade(world, 20)
    await snapshot(hub)
    await untilTrue(hub, world)
    await hub.stop()
    await verify(hub.data)
  })

  test('what is cancelled after it comes back, and what was before does not twice', async (t) => {
    const prism = await prismOf(t, { startingStock: 50 })
    const { world } = prism
    const [before, after] = [3, 4].map((product) => world.sell('001', [{ product, quantity: 2 }]))
    const hub = await hubOf(t, prism.url)
    await sleep(20)
    world.reverse(before.data.sid, { by: 'cancel' })
    await snapshot(hub)
    await untilTrue(hub, world)
    world.reverse(after.data.sid, { by: 'cancel' })
    await untilTrue(hub, world)
    await snapshot(hub)
    await untilTrue(hub, world)
    await assertExplained(hub)
  })

  test('the guards are those of any file', async (t) => {
    const prism = await prismOf(t, { startingStock: 50 })
    const { world } = prism
    const hub = await hubOf(t, prism.url)
    await snapshot(hub)
    await untilTrue(hub, world)
    const before = world.known.slice()
    world.known.fill(0) // somebody emptied headquarters' table
    const done = await snapshot(hub)
    assert.match(done.last_detail, /^held/)
    await untilTrue(hub, world)
    world.known.set(before)
    assert.match((await snapshot(hub)).last_detail, /^applied/)
    assert.equal((await job(hub, 'snapshot:prism')).last_status, 'ok')
  })
})
