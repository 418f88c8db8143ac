// Records as either dialect shows them: snake_case in a bare array, or names without underscores
// in {"data": [...]}; SIDs as text or as bare integers, without losing a digit.
import { squeezed } from './query.mjs'

const squeezedNames = new Map()

function squeezedOf(name) {
  let short = squeezedNames.get(name)
  if (short === undefined) squeezedNames.set(name, (short = squeezed(name)))
  return short
}

/** The wanted fields of one object, named as the dialect does. */
function pick(fields, wanted, short) {
  if (!short && wanted.all) return fields
  const out = {}
  for (const name in fields) {
    const key = squeezedOf(name)
    if (wanted.all || wanted.fields.has(key)) out[short ? key : name] = fields[name]
  }
  return out
}

const sidField = /"([a-z_]*(?:sid|uid))":"(-?\d+)"/g

/** JSON text whose SIDs are bare integers: no number of JavaScript could hold them. */
export const withBareSids = (text) => text.replace(sidField, '"$1":$2')

/** One record: {data, lists} with the columns of a query. */
export function renderRecord(record, cols, dialect, bareSids) {
  const short = dialect === 'backoffice'
  const out = { ...pick(record.data, cols, short) }
  for (const name in record.lists) {
    const wanted = cols.lists.get(squeezedOf(name))
    if (wanted === undefined) continue
    const key = short ? squeezedOf(name) : name
    out[key] = record.lists[name].map((item) => pick(item, wanted, short))
  }
  const text = JSON.stringify(out)
  return bareSids ? withBareSids(text) : text
}

/** A list of rendered records as the dialect wraps it. */
export function wrap(texts, dialect) {
  const list = `[${texts.join(',')}]`
  return dialect === 'backoffice' ? `{"data":${list}}` : list
}

/** "2021-07-27T14:10:29.000+03:00" */
export function formatTime(ms, offsetMinutes) {
  const local = new Date(ms + offsetMinutes * 60000).toISOString().slice(0, 23)
  const minutes = Math.abs(offsetMinutes)
  const two = (n) => String(n).padStart(2, '0')
  const sign = offsetMinutes < 0 ? '-' : '+'
  return `${local}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** A decimal's thousandths; refuses what is finer. */
export function milliOf(quantity) {
  const milli = Math.round(quantity * 1000)
  if (!Number.isSafeInteger(milli) || Math.abs(milli / 1000 - quantity) > 1e-9)
    throw new Error(`${quantity} is no quantity with three decimals`)
  return milli
}
