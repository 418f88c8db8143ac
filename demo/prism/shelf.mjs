// The records of one kind that a server knows, with what a query needs to be fast: an order by each
// time, and the answers to the last queries, so that the pages of a long list cost no search each.
const ANSWERS_KEPT = 16

export const timeFields = ['created_datetime', 'modified_datetime', 'invoice_posted_date']

/** Milliseconds of a record's time; before all others where there is none. */
const timeOf = (record, field) => record.times[field] ?? -Infinity

/** The first place whose time is not below `ms`. */
function lowerBound(records, field, ms) {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (timeOf(records[middle], field) < ms) low = middle + 1
    else high = middle
  }
  return low
}

export class Shelf {
  constructor() {
    this.records = []
    this.bySid = new Map()
    this.orders = new Map(timeFields.map((field) => [field, { records: [], sorted: true }]))
    this.version = 0
    this.answers = new Map()
  }

  add(record) {
    record.place = this.records.length
    this.records.push(record)
    this.bySid.set(record.data.sid, record)
    for (const [field, order] of this.orders) {
      const last = order.records.at(-1)
      if (last && timeOf(last, field) > timeOf(record, field)) order.sorted = false
      order.records.push(record)
    }
    this.version++
  }

  /** A record's times or fields are others than before. */
  changed() {
    for (const order of this.orders.values()) order.sorted = false
    this.version++
  }

  has(record) {
    return this.bySid.get(record.data.sid) === record
  }

  /** Drops what was last changed before `ms`: nobody asks for it any more. */
  forget(ms) {
    const isNew = (record) => record.times.modified_datetime >= ms
    for (const record of this.records) if (!isNew(record)) this.bySid.delete(record.data.sid)
    this.records = this.records.filter(isNew)
    for (const order of this.orders.values()) order.records = order.records.filter(isNew)
    this.answers.clear()
    this.version++
  }

  #inOrderOf(field) {
    const order = this.orders.get(field)
    if (!order.sorted) {
      order.records.sort(
        (a, b) => timeOf(a, field) - timeOf(b, field) || a.place - b.place,
      )
      order.sorted = true
    }
    return order.records
  }

  /** The records that a query (query.mjs) asks for, in its order, all pages. */
  select(query) {
    const kept = this.answers.get(query.key)
    if (kept?.version === this.version) return kept.records
    const records = this.#search(query)
    this.answers.delete(query.key)
    this.answers.set(query.key, { version: this.version, records })
    if (this.answers.size > ANSWERS_KEPT) this.answers.delete(this.answers.keys().next().value)
    return records
  }

  #search({ conditions, sort, matches, compare }) {
    const bound = conditions.find(({ field, how }) => how === 'ge' && this.orders.has(field))
    const field = this.orders.has(sort?.field) ? sort.field : bound?.field
    let records = this.records
    if (field) {
      const ordered = this.#inOrderOf(field)
      const least = conditions.find((one) => one.field === field && one.how === 'ge')
      records = least ? ordered.slice(lowerBound(ordered, field, least.ms)) : ordered
    }
    records = records.filter(matches)
    if (sort && sort.field !== field) records.sort(compare)
    else if (!sort && field) records.sort((a, b) => a.place - b.place)
    else if (sort?.descending) records.reverse()
    return records
  }
}
