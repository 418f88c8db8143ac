// A retailer that runs Prism: stores with registers, products, and every document there is. It
// knows the truth (the real stock of every store) and, apart from it, what the server at
// headquarters knows: a store that is off line goes on selling, and its documents and figures come
// over later.
//
// Quantities are kept in thousandths. A document, once made, never changes, unless it says so.
import { quantityLists } from './quantities.mjs'
import { random, Sids } from './random.mjs'
import { formatTime, milliOf } from './render.mjs'
import { Shelf } from './shelf.mjs'

const STATUS = { cancelled: 2, normal: 3, completed: 4 }
const RECEIPT = { sale: 0, return: 1, deposit: 2 }
const ITEM = { sale: 1, return: 2, order: 3, exchange: 4 }
const ORDER = { web: 5, sendSale: 6 }
const KIT_COMPONENTS = [2, 3]
const OFFSETS_MINUTES = [180, -300, 0, 330]

const defaults = {
  seed: 1,
  stores: 3,
  products: 20,
  startingStock: 100, // up to so many of each product in each store
  numbering: 'workstation', // document numbers run per workstation, or per store
  stamping: 'keeps', // a late document keeps its modified_datetime, or 'touches': gets a new one
  now: Date.now,
}

/** Lists of names or of objects, or how many; filled up to whole objects. */
const listOf = (given, make) =>
  (typeof given === 'number' ? Array.from({ length: given }, () => ({})) : given).map(
    (one, index) => ({ ...make(index), ...(typeof one === 'string' ? { code: one } : one), index }),
  )

const padded = (number, digits) => String(number).padStart(digits, '0')

/** Eleven digits and the one that checks them. */
function upcOf(number) {
  const digits = padded(number, 11)
  const sum = [...digits].reduce((all, digit, i) => all + digit * (i % 2 === 0 ? 3 : 1), 0)
  return digits + ((10 - (sum % 10)) % 10)
}

export class World {
  constructor(options = {}) {
    this.options = { ...defaults, ...options }
    const { seed, startingStock } = this.options
    this.random = random(seed)
    this.sids = new Sids(seed)
    this.clockOffset = 0
    this.rowVersion = 0
    this.stores = listOf(this.options.stores, (i) => this.#newStore(i))
    this.products = listOf(this.options.products, (i) => this.#newProduct(i))
    this.storesByName = this.#named(this.stores, ['code', 'sid'])
    this.productsByName = this.#named(this.products, ['sku', 'alu', 'upc', 'sid'])
    this.real = new Float64Array(this.stores.length * this.products.length)
    if (startingStock > 0)
      for (let i = 0; i < this.real.length; i++)
        this.real[i] = Math.floor(this.random() * (startingStock + 1)) * 1000
    this.known = this.real.slice()
    this.shelves = {
      document: new Shelf(),
      receiving: new Shelf(),
      transferslip: new Shelf(),
      adjustment: new Shelf(),
      inventory: new Shelf(),
      store: new Shelf(),
    }
    this.#stockTheShelves()
  }

  #newStore(index) {
    return {
      sid: this.sids.next(),
      code: padded(index + 1, 3),
      number: index + 1,
      name: `Store ${index + 1}`,
      subsidiary: 1,
      workstations: 1,
      offset: OFFSETS_MINUTES[index % OFFSETS_MINUTES.length], // minutes east of Greenwich
      skew: 0, // how far its workstations' clocks are ahead, in milliseconds
      online: true,
      waiting: [], // what headquarters does not know yet: {shelf, record, moves}
      numbers: new Map(), // the last number of each kind
    }
  }

  #newProduct(index) {
    const sku = `P${padded(index + 1, 4)}`
    return {
      sid: this.sids.next(),
      sku,
      alu: sku,
      upc: upcOf(1234500000 + index), // leading zeros are part of it
      name: `Product ${index + 1}`,
      subsidiary: 1,
      decimals: 0,
      active: true,
    }
  }

  #named(list, fields) {
    return new Map(list.flatMap((one) => fields.map((field) => [String(one[field]), one])))
  }

  #stockTheShelves() {
    for (const store of this.stores)
      this.shelves.store.add(this.#record(store, {
        sid: store.sid,
        store_number: store.number,
        store_no: store.number,
        store_code: store.code,
        store_name: store.name,
        subsidiary_number: store.subsidiary,
        sbs_no: store.subsidiary,
        active: true,
      }, {}))
    for (const product of this.products) {
      const record = this.#record(this.stores[0], {
        sid: product.sid,
        invn_sbs_item_sid: product.sid,
        sbs_no: product.subsidiary,
        upc: product.upc,
        alu: product.alu,
        description1: product.name,
        active: product.active,
        use_quantity_decimals: product.decimals,
      }, quantityLists(this, product))
      this.shelves.inventory.add(record)
    }
  }

  // ---- names and numbers ----

  now() {
    return this.options.now() + this.clockOffset
  }

  store(name) {
    const store = typeof name === 'object' ? name : this.storesByName.get(String(name))
    if (!store) throw new Error(`no store '${name}'`)
    return store
  }

  product(name) {
    const product = typeof name === 'number' ? this.products[name] : this.productsByName.get(name)
    if (!product) throw new Error(`no product '${name}'`)
    return product
  }

  #cell(store, product) {
    return store.index * this.products.length + product.index
  }

  /** What is really there, in units. */
  truth(store, product) {
    return this.real[this.#cell(this.store(store), this.product(product))] / 1000
  }

  /** What the inventory of headquarters says. */
  knownStock(store, product) {
    return this.known[this.#cell(this.store(store), this.product(product))] / 1000
  }

  #number(store, kind) {
    const number = (store.numbers.get(kind) ?? 0) + 1
    store.numbers.set(kind, number)
    return number
  }

  // ---- records ----

  #record(store, data, lists, times = {}) {
    const at = times.created ?? this.now() + store.skew
    const all = {
      created_datetime: at,
      modified_datetime: times.modified ?? at,
      invoice_posted_date: times.posted ?? null,
    }
    const shown = (ms) => (ms === null ? null : formatTime(ms, store.offset))
    const { sid, ...rest } = data
    return {
      data: {
        sid: sid ?? this.sids.next(),
        row_version: String(++this.rowVersion),
        created_datetime: shown(all.created_datetime),
        modified_datetime: shown(all.modified_datetime),
        ...(times.posted === undefined ? {} : { invoice_posted_date: shown(times.posted) }),
        ...rest,
      },
      lists,
      times: all,
      store,
    }
  }

  /** Files a record and moves stock: at headquarters too, or later if the store is off line. */
  #file(store, shelf, record, moves, change = () => {}) {
    for (const { cell, milli } of moves) this.real[cell] += milli
    record.moves = moves
    const entry = { shelf, record, moves, change }
    if (store.online) this.#arrive(entry)
    else store.waiting.push(entry)
    return record
  }

  #arrive({ shelf, record, moves, change }) {
    for (const { cell, milli } of moves) this.known[cell] += milli
    change()
    if (shelf.has(record)) shelf.changed()
    else shelf.add(record)
  }

  #touch(record) {
    record.times.modified_datetime = this.now()
    record.data.modified_datetime = formatTime(this.now(), record.store.offset)
    record.data.row_version = String(++this.rowVersion)
  }

  // ---- sales ----

  #item(line, position, moves, store, completed) {
    const product = this.product(line.product)
    const target = line.fulfill === undefined ? store : this.store(line.fulfill)
    const milli = milliOf(line.quantity ?? 1)
    const type = ITEM[line.type ?? 'sale'] ?? line.type
    const kitFlag = line.kit ?? 0
    const isMoved = type === ITEM.sale || type === ITEM.return
    if (completed && isMoved && !KIT_COMPONENTS.includes(kitFlag))
      moves.push({
        cell: this.#cell(target, product),
        milli: type === ITEM.sale ? -milli : milli,
      })
    return {
      sid: this.sids.next(),
      item_pos: position + 1,
      quantity: milli / 1000,
      item_type: type,
      invn_sbs_item_sid: product.sid,
      scan_upc: product.upc,
      alu: product.alu,
      kit_flag: kitFlag,
      kit_type: kitFlag === 0 ? 0 : 1,
      fulfill_store_sid: target.sid,
      fulfill_store_no: target.number,
      ref_order_doc_sid: line.order ?? null,
    }
  }

  /**
   * A document of a register. lines: [{product, quantity, type: sale|return|order|exchange, kit,
   * fulfill: STORE}]. More: {held, cancelled, deposit, webOrder, orderType, orderNumber, tracking,
   * reference, workstation, at}. Only what is finished and posted moves stock.
   */
  sell(storeName, lines, more = {}) {
    const store = this.store(storeName)
    const status = more.cancelled ? STATUS.cancelled : more.held ? STATUS.normal : STATUS.completed
    const finished = status === STATUS.completed && !more.held
    const moves = []
    const moving = finished && !more.deposit
    const items = lines.map((line, i) => this.#item(line, i, moves, store, moving))
    const has = (type) => items.some((item) => item.item_type === ITEM[type])
    const sending = items.some((item) => item.fulfill_store_sid !== store.sid)
    const workstation = more.workstation ?? 1 + Math.floor(this.random() * store.workstations)
    const counter = this.options.numbering === 'store' ? 'document' : `document ${workstation}`
    const at = (more.at ?? this.now()) + store.skew
    const onlyReturns = has('return') && !has('sale')
    const receipt = more.deposit ? 'deposit' : onlyReturns ? 'return' : 'sale'
    const record = this.#record(store, {
      document_number: finished ? this.#number(store, counter) : null,
      status,
      is_held: Boolean(more.held),
      receipt_type: RECEIPT[receipt],
      has_sale: has('sale'),
      has_return: has('return'),
      order_type: more.orderType ?? (more.webOrder ? ORDER.web : sending ? ORDER.sendSale : null),
      order_document_number: more.orderNumber ?? null,
      store_uid: store.sid,
      store_number: store.number,
      store_code: store.code,
      original_store_uid: store.sid,
      subsidiary_number: store.subsidiary,
      ref_sale_sid: more.reference ?? null,
      tracking_number: more.tracking ?? null,
      order_tracking_number: more.webOrder ?? null,
      reversed_flag: 0,
      workstation,
    }, { items }, { created: at, modified: at, posted: finished ? at : null })
    return this.#file(store, this.shelves.document, record, moves)
  }

  /** One document with what comes back and what goes out. */
  exchange(store, back, out, more = {}) {
    const returned = back.map((line) => ({ ...line, type: 'return' }))
    return this.sell(store, [...returned, ...out], more)
  }

  /**
   * Undoes a finished document. by: 'document' (another one that refers to it and puts everything
   * back), 'cancel' (the document itself becomes cancelled), or 'both' (another one undoes it, and it
   * is marked as cancelled and reversed).
   */
  reverse(sid, { by = 'document', ...more } = {}) {
    const record = this.#findDocument(sid)
    const cancel = () => {
      record.data.status = STATUS.cancelled
      record.data.reversed_flag = by === 'both' ? 1 : 0
      this.#touch(record)
    }
    if (by !== 'cancel') {
      const back = record.lists.items.map((item) => ({
        product: item.invn_sbs_item_sid,
        quantity: item.quantity,
        type: item.item_type === ITEM.sale ? 'return' : 'sale',
        kit: item.kit_flag,
        fulfill: item.fulfill_store_sid,
      }))
      const other = this.sell(record.store, back, { ...more, reference: record.data.sid })
      if (by === 'both') this.#change(record, [], cancel)
      return other
    }
    const moves = record.moves.map(({ cell, milli }) => ({ cell, milli: -milli }))
    this.#change(record, moves, cancel)
    record.moves = []
    return record
  }

  /** Another version of a document; headquarters sees it when it hears of the store. */
  #change(record, moves, change) {
    const { moves: before } = record
    this.#file(record.store, this.shelves.document, record, moves, change)
    record.moves = before
  }

  #findDocument(sid) {
    const shelf = this.shelves.document
    const waiting = this.stores.flatMap((store) => store.waiting.map((entry) => entry.record))
    const record = shelf.bySid.get(sid) ?? waiting.find((one) => one.data.sid === sid)
    if (!record) throw new Error(`no document '${sid}'`)
    return record
  }

  /** A number that no document of this store will ever have. */
  skipDocumentNumber(storeName, workstation = 1) {
    const kind = this.options.numbering === 'store' ? 'document' : `document ${workstation}`
    return this.#number(this.store(storeName), kind)
  }

  // ---- other movements; lines: [{product, quantity}] ----

  #posted({ held, status }) {
    return !held && (status ?? STATUS.completed) === STATUS.completed
  }

  #lines(store, lines, sign, moving, fieldsOf) {
    const moves = []
    const items = lines.map((line, i) => {
      const product = this.product(line.product)
      const milli = milliOf(line.quantity)
      if (moving) moves.push({ cell: this.#cell(store, product), milli: sign * milli })
      return {
        sid: this.sids.next(),
        item_pos: i + 1,
        item_sid: product.sid,
        upc: product.upc,
        alu: product.alu,
        ...fieldsOf(line, milli / 1000),
      }
    })
    return { items, moves }
  }

  /** A voucher. more: {back: it goes back to the vendor, asn, held, status, slip, at} */
  receive(storeName, lines, more = {}) {
    const store = this.store(storeName)
    const moving = this.#posted(more) && !more.asn
    const { items, moves } = this.#lines(store, lines, more.back ? -1 : 1, moving, (_, qty) => ({
      qty,
    }))
    const at = (more.at ?? this.now()) + store.skew
    const record = this.#record(store, {
      vou_no: this.#number(store, 'voucher'),
      vou_type: more.back ? 1 : 0,
      vou_class: more.asn ? 2 : 0,
      status: more.status ?? (more.held ? STATUS.normal : STATUS.completed),
      held: Boolean(more.held),
      store_sid: store.sid,
      store_no: store.number,
      store_code: store.code,
      sbs_no: store.subsidiary,
      slip_sid: more.slip ?? null,
      workstation: 1,
    }, { recv_item: items }, { created: at })
    return this.#file(store, this.shelves.receiving, record, moves)
  }

  /** A slip; stock leaves `from` now and reaches `to` with a voucher. more: {held, status, at} */
  transfer(fromName, toName, lines, more = {}) {
    const [from, to] = [this.store(fromName), this.store(toName)]
    const { items, moves } = this.#lines(from, lines, -1, this.#posted(more), (_, qty) => ({ qty }))
    const at = (more.at ?? this.now()) + from.skew
    const record = this.#record(from, {
      slip_no: this.#number(from, 'slip'),
      status: more.status ?? (more.held ? STATUS.normal : STATUS.completed),
      held: Boolean(more.held),
      out_sbs_sid: String(from.subsidiary),
      out_store_sid: from.sid,
      out_store_no: from.number,
      out_store_code: from.code,
      in_sbs_sid: String(to.subsidiary),
      in_store_sid: to.sid,
      in_store_no: to.number,
      in_store_code: to.code,
      workstation: 1,
    }, { slip_item: items }, { created: at })
    return this.#file(from, this.shelves.transferslip, record, moves)
  }

  /** A memo. lines: [{product, to: QUANTITY} or {product, by: DELTA}]; more: {held, status, at} */
  adjust(storeName, lines, more = {}) {
    const store = this.store(storeName)
    const changes = lines.map((line) => {
      const before = this.truth(store, line.product)
      const after = line.to ?? (milliOf(before) + milliOf(line.by)) / 1000
      return { ...line, before, after, quantity: (milliOf(after) - milliOf(before)) / 1000 }
    })
    const { items, moves } = this.#lines(store, changes, 1, this.#posted(more), (line) => ({
      adj_value: line.after,
      orig_value: line.before,
    }))
    const at = (more.at ?? this.now()) + store.skew
    const record = this.#record(store, {
      adj_no: this.#number(store, 'memo'),
      adj_type: 0,
      status: more.status ?? (more.held ? STATUS.normal : STATUS.completed),
      held: Boolean(more.held),
      store_sid: store.sid,
      store_no: store.number,
      store_code: store.code,
      sbs_no: store.subsidiary,
      workstation: 1,
    }, { adj_item: items }, { created: at })
    return this.#file(store, this.shelves.adjustment, record, moves)
  }

  /** Forgets documents that were last changed before `ms`, for a world that runs for days. */
  forget(ms) {
    const { document, receiving, transferslip, adjustment } = this.shelves
    for (const shelf of [document, receiving, transferslip, adjustment]) shelf.forget(ms)
  }

  // ---- lines and clocks ----

  /** Off line: headquarters hears nothing of it, until replicate(). */
  setOffline(storeName, offline = true) {
    this.store(storeName).online = !offline
  }

  /** Headquarters gets what waited at a store, oldest first, at most `count`; how many came. */
  replicate(storeName, count = Infinity) {
    const store = this.store(storeName)
    const entries = store.waiting.splice(0, Math.min(count, store.waiting.length))
    for (const entry of entries) {
      if (this.options.stamping === 'touches') this.#touch(entry.record)
      this.#arrive(entry)
    }
    return entries.length
  }

  /** Sets the clock of headquarters (milliseconds since 1970), or moves it {by}; it goes on. */
  setClock(to) {
    this.clockOffset = typeof to === 'object' ? this.clockOffset + to.by : to - this.options.now()
  }

  /** How far a store's workstations are ahead of headquarters. */
  setSkew(storeName, ms) {
    this.store(storeName).skew = ms
  }
}
