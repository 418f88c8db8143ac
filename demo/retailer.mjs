// A retailer that runs Prism (prism/world.mjs) and knows the truth: every store's real stock, what
// a nightly file would hold, and what the hub must know by when. What the hub says is compared with
// it.
//
// A night's file is cut at one instant and dropped seconds later. It holds what headquarters knew
// at the cut: everything of the stores that are on line, and of an off-line store what had come over
// by then (the manifest says up to which document of its register).
import { random } from './prism/random.mjs'

const BASKET_LINES = 3
const WORKSTATION = 1

/** What becomes of one document: when headquarters knew it, when the hub was told and answered. */
const newFate = () => ({ hqAt: Infinity, sent: Infinity, answered: Infinity, late: false })

export class Retailer {
  /** `world` is the simulated Prism's. */
  constructor(world, seed = 1) {
    this.world = world
    this.random = random(seed)
    this.codes = world.stores.map((store) => store.code)
    this.skus = world.products.map((product) => product.sku)
    this.lines = world.stores.map(() => ({ off: false, waiting: [], through: 0 }))
    this.stated = null // the figures of the newest file the hub has applied
    this.since = new Map() // cell -> movements that file does not hold
    this.pending = null // a file that was cut and not yet applied: {stated, since}
    this.lastCut = 0
    this.sold = 0
  }

  get cells() {
    return this.world.real.length
  }

  poisson(mean) {
    let product = this.random()
    let count = 0
    for (const limit = Math.exp(-mean); product > limit; count++) product *= this.random()
    return count
  }

  pick(count) {
    return Math.floor(this.random() * count)
  }

  /** Few products sell most. */
  pickProduct() {
    return Math.floor(this.skus.length * this.random() ** 3)
  }

  /** Prism's clock. Never the instant of a cut itself: what is sold in it is sold after it. */
  now() {
    return Math.max(Date.now(), this.lastCut + 1)
  }

  #stock(store, product) {
    return this.world.real[store * this.skus.length + product] / 1000
  }

  // ---- what happens in the stores ----

  /** One customer at one store: up to three lines. {store, record, fate, count}, or null. */
  basket() {
    const index = this.pick(this.codes.length)
    const wanted = new Set()
    for (let i = this.pick(BASKET_LINES); i >= 0; i--) wanted.add(this.pickProduct())
    const products = [...wanted].filter((product) => this.#stock(index, product) > 0)
    if (products.length === 0) return null
    this.sold += products.length
    const lines = products.map((product) => ({ product }))
    return this.#sell(index, lines)
  }

  #sell(index, lines) {
    const record = this.world.sell(this.world.stores[index], lines, { workstation: WORKSTATION })
    const fate = this.#remember(record)
    return { store: index, record, fate, count: lines.length }
  }

  /** A return (as basket()), or null: receipts, transfers, memos, which the hook does not see. */
  other() {
    const store = this.pick(this.codes.length)
    const product = this.pickProduct()
    if (this.lines[store].off) return null
    const place = this.world.stores[store]
    const kind = this.random()
    if (kind < 0.4) return this.#sell(store, [{ product, type: 'return' }])
    if (kind < 0.6) {
      this.#remember(this.world.receive(place, [{ product, quantity: 6 + this.pick(18) }]))
    } else if (kind < 0.8) {
      const by = this.#stock(store, product) > 0 ? -1 : 1
      this.#remember(this.world.adjust(place, [{ product, by }]))
    } else this.#transfer(store, product)
    return null
  }

  #transfer(from, product) {
    const to = this.pick(this.codes.length)
    const quantity = Math.min(3, Math.max(0, this.#stock(from, product)))
    if (this.lines[to].off || to === from || quantity === 0) return
    const { stores } = this.world
    const items = [{ product, quantity }]
    this.#remember(this.world.transfer(stores[from], stores[to], items))
    this.#remember(this.world.receive(stores[to], items))
  }

  /** Notes what a document moved; what becomes of it. */
  #remember(record) {
    const fate = newFate()
    if (record.store.online) fate.hqAt = Date.now()
    for (const { cell, milli } of record.moves) {
      const movement = { cell, delta: milli / 1000, fate }
      for (const since of [this.since, this.pending?.since]) if (since) add(since, movement)
    }
    return fate
  }

  // ---- lines that are down ----

  /** Headquarters knows no more of it, nor does the hub. */
  goOffline(index) {
    const store = this.world.stores[index]
    this.world.setOffline(store)
    this.lines[index].off = true
    this.lines[index].through = store.numbers.get(`document ${WORKSTATION}`) ?? 0
  }

  /** Its documents replicate; what its tills have to tell the hub, oldest first. */
  comeBack(index) {
    const line = this.lines[index]
    const { waiting } = line
    line.off = false
    line.waiting = []
    this.world.setOffline(this.world.stores[index], false)
    this.world.replicate(this.world.stores[index])
    for (const { fate } of waiting) Object.assign(fate, { hqAt: Date.now(), late: true })
    return waiting
  }

  // ---- the night ----

  /** Cuts a file: {asOf, quantities, manifest}. */
  cut() {
    const asOf = Math.max(Date.now(), this.lastCut + 1)
    const quantities = Int32Array.from(this.world.known, (milli) => milli / 1000)
    const since = new Map()
    const asOfText = new Date(asOf).toISOString()
    const manifest = { rows: quantities.length, as_of: asOfText, source: 'prism', locations: {} }
    for (const [index, { off, waiting, through }] of this.lines.entries()) {
      if (!off) continue
      for (const { record, fate } of waiting)
        for (const { cell, milli } of record.moves) add(since, { cell, delta: milli / 1000, fate })
      const code = this.codes[index]
      const registers = { [`${code}-${WORKSTATION}`]: through }
      manifest.locations[code] = { as_of: asOfText, through: registers }
    }
    this.lastCut = asOf
    this.pending = { stated: quantities, since }
    return { asOf, quantities, manifest }
  }

  /** The hub has applied the file that was cut last. */
  applied() {
    this.stated = this.pending.stated
    this.since = this.pending.since
    this.pending = null
  }

  // ---- the comparison ----

  /**
   * How many of the hub's figures are wrong. They were read between `began` and `ended`; a poll
   * that was through before that had begun at `polled`. What was answered before, or known to
   * headquarters before that poll, counts; what the hub cannot know does not; what is on its way
   * may.
   */
  wrong(quantities, began, ended, polled) {
    let wrong = 0
    let open = 0
    let first = null
    for (let cell = 0; cell < quantities.length; cell++) {
      let least = this.stated[cell]
      let most = least
      for (const { delta, fate } of this.since.get(cell) ?? []) {
        const { hqAt, sent, answered, late } = fate
        const isSure = answered < began || (!late && hqAt < polled)
        if (!isSure && sent > ended && hqAt > ended) continue
        if (isSure || delta < 0) least += delta
        if (isSure || delta > 0) most += delta
        if (!isSure) open++
      }
      const given = quantities[cell]
      if (given >= least && given <= most) continue
      wrong++
      first ??= `${this.codes[Math.floor(cell / this.skus.length)]}/${
        this.skus[cell % this.skus.length]
      }: the hub says ${given}, the truth is ${least}${least < most ? ` to ${most}` : ''}`
    }
    return { wrong, open, first }
  }
}

function add(since, movement) {
  const list = since.get(movement.cell)
  if (list) list.push(movement)
  else since.set(movement.cell, [movement])
}
