// A week of fifty stores against the simulated Prism: sales told by push, by polling and by both,
// stores off line for a day or two, clocks that are hours wrong, a Daily Reset each night while
// somebody still sells, and a hub that is killed now and then. Each morning every cell is what the
// hub can know; at the end it is what is really there, and no variance is left unexplained.
import assert from 'node:assert/strict'
import test from 'node:test'
import { random } from '../../demo/prism/random.mjs'
import { scaled, verify } from './lib.mjs'
import { hubOf, noSecrets, prismOf, snapshot, trade, until, wrongCells } from './prism.mjs'

const HOUR = 3600000
// `make soak` gives new seeds, and has time for more days.
const soak = process.env.ONHAND_FIRST_SEED
const DAYS = soak ? 21 : 7
const SEED = Number(process.env.ONHAND_WEEK_SEED ?? soak ?? 7) % 2 ** 31
const STORES = scaled(50, 12)

/** What the hub can know: what headquarters does, and what it was told of by a store that lags. */
function knowable(world, pushed) {
  const ahead = new Map()
  for (const store of world.stores)
    for (const { record, moves } of store.waiting)
      if (pushed.has(record))
        for (const { cell, milli } of moves) ahead.set(cell, (ahead.get(cell) ?? 0) + milli)
  return (store, sku) => {
    const cell = world.store(store).index * world.products.length + world.product(sku).index
    return (world.known[cell] + (ahead.get(cell) ?? 0)) / 1000
  }
}

async function push(hub, prism, record) {
  const body = prism.pushed(record)
  await until(
    async () => {
      try {
        return (await hub.call('POST', '/v1/sources/prism/documents', { body })).status === 200
      } catch {
        return false // killed: the hook keeps it and tries again
      }
    },
    () => `a push is not taken\n${hub.log.slice(-2000)}`,
  )
}

test(`${DAYS} days of ${STORES} stores, seed ${SEED}`, { timeout: 900e3 }, async (t) => {
  const chance = random(SEED)
  const prism = await prismOf(t, { seed: SEED, stores: STORES, products: 40, startingStock: 60 })
  const { world } = prism
  const any = (list) => list[Math.floor(chance() * list.length)]
  for (const store of world.stores) {
    if (chance() < 0.2) world.setSkew(store.code, Math.round((chance() - 0.5) * 6 * HOUR))
    world.sell(store.code, [{ product: any(world.products).sku }])
  }
  const hub = await hubOf(t, prism.url, { page_size: 25 })
  const pushed = new Set()

  async function sale() {
    const store = any(world.stores)
    const lines = [{ product: any(world.products).sku, quantity: 1 + Math.floor(chance() * 2) }]
    if (chance() < 0.2) lines.push({ product: any(world.products).sku, type: 'return' })
    if (chance() < 0.1) lines[0].fulfill = any(world.stores).code
    const record = world.sell(store.code, lines)
    if (chance() < 0.6) {
      pushed.add(record)
      await push(hub, prism, record)
      if (chance() < 0.1) await push(hub, prism, record)
    }
  }

  async function untilKnown(when) {
    const wrong = () => wrongCells(hub, world, knowable(world, pushed))
    await until(
      async () => (await wrong()).length === 0,
      async () => `${when}: ${(await wrong()).slice(0, 5).join('; ')}\n${hub.log.slice(-3000)}`,
      30000,
    )
  }

  async function killIt() {
    await hub.kill()
    await hub.start()
  }

  for (let day = 1; day <= DAYS; day++) {
    for (const store of world.stores) {
      if (!store.online && chance() < 0.6) {
        world.setOffline(store.code, false)
        world.replicate(store.code)
      } else if (store.online && chance() < 0.1) {
        world.setOffline(store.code)
      }
    }
    const killed = chance() < 0.5 ? Math.floor(chance() * 60) : -1
    for (let i = 0; i < 60; i++) {
      trade(world, 1)
      await sale()
      if (i === killed) await killIt()
    }
    // At night one store still sells while the inventory is read.
    const late = any(world.stores)
    let left = 10
    const listener = (request) => {
      if (request.url.includes('/inventory') && left-- > 0) world.sell(late.code, [{ product: any(world.products).sku }])
    }
    prism.server.http.prependListener('request', listener)
    const done = await snapshot(hub, 60000)
    prism.server.http.removeListener('request', listener)
    assert.equal(done.last_status, 'ok', done.last_detail)
    assert.match(done.last_detail, new RegExp(`applied .* ${40 * STORES} cells, 0 stores left out`))
    await untilKnown(`the morning after day ${day}`)
  }

  for (const store of world.stores) {
    world.setOffline(store.code, false)
    world.replicate(store.code)
  }
  await untilKnown('at the end')
  assert.deepEqual(await wrongCells(hub, world), [], 'what is known is what is there')
  await snapshot(hub)
  await untilKnown('after the last snapshot')
  const { items } = await hub.json('GET', '/v1/resets?limit=100')
  for (const reset of items.slice(0, -1)) {
    // All but the first one, which found the stock that nobody had told of.
    // What a snapshot had and nobody had told of is explained as soon as polling brings it.
    const unexplained = async () => {
      const variances = await hub.json('GET', `/v1/resets/${reset.id}/variances?limit=1000`)
      return variances.items.filter((one) => one.unexplained !== 0)
    }
    await until(
      async () => (await unexplained()).length === 0,
      async () => `${reset.id}: ${JSON.stringify((await unexplained()).slice(0, 3))}`,
    )
  }
  noSecrets(hub)
  await hub.stop()
  await verify(hub.data)
})
