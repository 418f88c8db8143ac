// What every shop has to stand: each fault one by one, a random schedule of them, and a hub that is
// killed between a request and its answer. A shop has `shown(place, sku)`, `product(sku)` (null: it
// sells none; `refused`: it will not be told), `applied` and `addProduct(sku)`.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { scaled } from './lib.mjs'
import { random } from './shop_rig.mjs'

const words = {
  lost: /./, error_after: /502: the shop failed/, html_after: /not an answer/, cut_off: /./,
  broken: /./, error: /500: the shop failed/, html: /not an answer/, redirect: /redirected to 'http:\/\/169/,
  too_many: /too many requests/, unavailable: /asks to wait/, unauthorized: /does not accept the credentials/,
}
const passing = Object.keys(words).filter((kind) => !['redirect', 'unauthorized'].includes(kind))

/** What the hub says may be sold at all locations of a place, and what the shop shows. */
export class Comparison {
  /** places: {NY01: name over there}; one: the shop has no locations. */
  constructor(rig, shop, places, { whole = true } = {}) {
    Object.assign(this, { rig, shop, places, whole })
  }

  async wanted() {
    const wanted = new Map()
    for (const [key, cell] of await this.rig.hub.cells()) {
      const [location, sku] = key.split('/')
      if (!(location in this.places)) continue
      const at = `${this.places[location]}/${sku}`
      wanted.set(at, (wanted.get(at) ?? 0) + Math.max(0, cell.available))
    }
    return wanted
  }

  /** The first place that does not show what it should: [at, shown, wanted]; null: all do. */
  async #difference() {
    for (const [at, quantity] of await this.wanted()) {
      const [place, sku] = [at.slice(0, at.indexOf('/')), at.slice(at.indexOf('/') + 1)]
      const product = this.shop.product(sku)
      if (product === null || product.refused) continue
      const shown = this.shop.shown(place, sku) ?? 0
      const should = this.whole ? Math.floor(quantity) : quantity
      if (shown !== should) return [at, shown, should]
    }
    return null
  }

  /** Waits until the shop shows what the hub says, and nothing is under way any more. */
  async same(seconds = 40) {
    let difference = null
    await this.rig.settled({ hurry: true, seconds })
    const end = Date.now() + seconds * 1000
    while ((difference = await this.#difference()) !== null) {
      assert.ok(Date.now() < end, `differs: ${JSON.stringify(difference)}`)
      await this.rig.settled({ hurry: true, seconds })
    }
  }
}

/** Each fault once, on the call after `before` others; `sku` is sold meanwhile. `quiet`: faults that
 * are made good without a word. */
export async function everyFault(rig, shop, comparison, sku, { before = 0, quiet = [] } = {}) {
  await rig.receive(sku, 100)
  await comparison.same()
  for (const [fault, said] of Object.entries(words)) {
    const had = shop.applied.length
    shop.script.push(...Array(before).fill(null), fault)
    await rig.sell(sku)
    await rig.until(`the fault ${fault}`, () => shop.script.length === 0)
    if (!quiet.includes(fault)) await rig.said(said)
    await comparison.same()
    assert.ok(shop.applied.length - had <= 2, `${fault}: ${shop.applied.length - had} effects`)
    assert.equal((await rig.channel()).state, 'ok', fault)
  }
}

/** Figures only fall, so that one which is higher than an earlier one was stale. `buy(sku)`: what a
 * customer of the shop buys, which the books learn of at once. */
export async function randomSchedule(rig, shop, comparison, { steps = 50, sells = 4, buy = null } = {}) {
  const seed = Number(process.env.ONHAND_SEED ?? 20261124)
  const next = random(seed)
  const skus = Array.from({ length: 12 }, (_, i) => `R${i}`)
  for (const sku of skus) shop.addProduct(sku)
  await rig.adjust(skus.map((sku) => ({ sku, delta: 900, type: 'receipt' })))
  await comparison.same()
  const from = shop.applied.length
  let hit = 0
  shop.chance = () => {
    if (next() >= 0.35) return null
    hit++
    return passing[Math.floor(next() * passing.length)]
  }
  for (let step = 0; step < scaled(steps, 12); step++) {
    const lines = Array.from({ length: 1 + Math.floor(next() * sells) }, () => ({
      sku: skus[Math.floor(next() * skus.length)], delta: -1 - Math.floor(next() * 3), type: 'sale',
    }))
    const had = shop.requests.length
    if (buy && next() < 0.2) {
      const sku = skus[Math.floor(next() * skus.length)]
      buy(sku)
      lines.push({ sku, delta: 1, type: 'reservation', order: `o${step}` })
    }
    await rig.adjust(lines)
    for (let wait = 0; wait < 20 && shop.requests.length === had; wait++) {
      if (wait % 4 === 3) await rig.order('resume') // what waits for its time is tried at once
      await sleep(5)
    }
  }
  shop.chance = null
  assert.ok(hit >= Math.min(steps, scaled(steps, 12)) / 5, `only ${hit} faults`)
  await comparison.same()
  const lowest = new Map()
  for (const { place, sku, quantity } of shop.applied.slice(from)) {
    const key = `${place}/${sku}`
    assert.ok(quantity <= (lowest.get(key) ?? Infinity), `seed ${seed}: ${key} went back to ${quantity}`)
    lowest.set(key, quantity)
  }
}

/** `writes(call)`: the call that is to be caught. */
export async function killBetween(rig, shop, comparison, sku, writes) {
  for (const applies of [true, false]) {
    let open
    shop.chance = (call) => {
      if (open || !writes(call)) return null
      return (same, response, answer) => {
        if (applies) answer()
        open = response
      }
    }
    const had = shop.applied.length
    await rig.sell(sku)
    await rig.until('the call', () => open)
    await rig.hub.kill()
    open.destroy()
    shop.chance = null
    await rig.hub.start()
    await comparison.same()
    const effects = shop.applied.slice(had).filter((row) => row.sku === sku)
    assert.equal(effects.length, 1, `applied ${applies}: ${JSON.stringify(effects)}`)
  }
}
