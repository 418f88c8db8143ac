// What the tests of the Prism connector share: a hub whose source is a simulated Prism, and the
// comparison of every cell with the simulator's truth.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from '../../demo/prism/simulator.mjs'
import { Hub, patience, scratch } from './lib.mjs'

export const PASSWORD = 'se cret&+%'

/** A simulated Prism that ends with the test. Without stock at first: what moved is all there is. */
export async function prismOf(t, options = {}) {
  const prism = await start({ startingStock: 0, users: { hub: PASSWORD }, ...options })
  t.after(() => prism.stop())
  return prism
}

/** A hub that reads it. `keys`: more of the source's configuration. */
export async function hubOf(t, url, keys = {}, more = '') {
  const source = {
    name: 'prism', type: 'prism', url, user: 'hub', password: 'env:PRISM_PASSWORD', poll: '1s', ...keys,
  }
  const file = path.join(scratch('prism'), 'onhand.yaml')
  writeFileSync(file, `sources:\n  - ${JSON.stringify(source)}\n${more}`)
  const hub = await Hub.start({ args: ['--config', file], env: { PRISM_PASSWORD: PASSWORD } })
  t.after(async () => {
    if (hub.running) await hub.stop()
  })
  return hub
}

/** Asks until the answer is true; fails with what `describe` says. */
export async function until(ask, describe, ms = 20000) {
  const late = Date.now() + ms * patience
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > late) throw new Error(`in vain: ${await describe()}`)
    await sleep(20)
  }
}

/** The cells that are not what is really there: "STORE/SKU: 3, not 4". */
export async function wrongCells(hub, world, stock = (store, sku) => world.truth(store, sku)) {
  const cells = await hub.cells()
  const bySku = new Map()
  for (const cell of cells.values()) bySku.set(`${cell.location}/${cell.sku}`, cell.on_hand)
  const wrong = []
  for (const store of world.stores)
    for (const product of world.products) {
      const have = bySku.get(`${store.code}/${product.upc}`) ?? bySku.get(`${store.code}/${product.sku}`) ?? 0
      const want = stock(store.code, product.sku)
      if (have !== want) wrong.push(`${store.code}/${product.sku}: ${have}, not ${want}`)
    }
  return wrong
}

/** Waits until every cell is what is really there. */
export async function untilTrue(hub, world, ms) {
  await until(
    async () => (await wrongCells(hub, world)).length === 0,
    async () => `${(await wrongCells(hub, world)).slice(0, 5).join('; ')}\n${hub.log.slice(-3000)}`,
    ms,
  )
}

export async function job(hub, name) {
  const { items } = await hub.json('GET', '/v1/jobs')
  return items.find((one) => one.name === name)
}

/** Runs a snapshot to its end: what the job says. */
export async function snapshot(hub, ms = 30000) {
  const before = (await job(hub, 'snapshot:prism')).last_finished_at
  await hub.json('POST', '/v1/sources/prism/snapshot', {}, 202)
  return until(
    async () => {
      const now = await job(hub, 'snapshot:prism')
      return !now.running && now.last_finished_at !== before && now
    },
    () => hub.log.slice(-3000),
    ms,
  )
}

/** So many small sales, returns, vouchers, slips and memos, over all stores. */
export function trade(world, count, at) {
  const { random } = world
  const any = (list) => list[Math.floor(random() * list.length)]
  for (let i = 0; i < count; i++) {
    const store = any(world.stores).code
    const product = any(world.products).sku
    const quantity = 1 + Math.floor(random() * 3)
    const more = at === undefined ? {} : { at: at + i }
    const kind = random()
    if (kind < 0.7) world.sell(store, [{ product, quantity }, { product: any(world.products).sku }], more)
    else if (kind < 0.8) world.sell(store, [{ product, quantity, type: 'return' }], more)
    else if (kind < 0.88) world.receive(store, [{ product, quantity: 9 }], more)
    else if (kind < 0.94) world.adjust(store, [{ product, by: -1 }], more)
    else if (world.stores.length > 1)
      world.transfer(store, any(world.stores.filter((one) => one.code !== store)).code, [{ product, quantity }], more)
  }
}

export const noSecrets = (hub) => {
  assert.ok(!hub.log.includes(PASSWORD), 'the password is in the log')
  assert.ok(!hub.log.includes(encodeURIComponent(PASSWORD)), 'the password is in the log')
}
