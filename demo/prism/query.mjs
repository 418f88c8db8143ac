// The query of a list as Prism takes it: cols, filter, sort, page_no, page_size, count. Fields are
// named in either dialect; inside they are snake_case.
import { timeFields } from './shelf.mjs'

const PAGE_SIZE_DEFAULT = 30
const PAGE_SIZE_MOST = 10000

export class QueryError extends Error {}

/** Names as the newer dialect writes them: without underscores. */
export const squeezed = (name) => name.replaceAll('_', '')

/** "+03:00" may come as it is, or as the blank that a form decoder makes of it. */
function timeOf(text) {
  const ms = Date.parse(text.replace(/ (?=\d\d:?\d\d$)/, '+'))
  if (Number.isNaN(ms)) throw new QueryError(`'${text}' is not a valid date and time`)
  return ms
}

const tests = {
  eq: (value, wanted) => value === wanted,
  ne: (value, wanted) => value !== wanted,
  ge: (value, wanted) => value >= wanted,
  le: (value, wanted) => value <= wanted,
  gt: (value, wanted) => value > wanted,
  lt: (value, wanted) => value < wanted,
  nn: (value) => value !== null && value !== undefined && value !== '',
}

/** "true", 1 and "1" are one thing to Prism. */
function plain(value) {
  if (value === true) return '1'
  if (value === false) return '0'
  return value === null || value === undefined ? '' : String(value)
}

function testOf({ field, how, value, ms }) {
  const test = tests[how]
  if (how === 'nn') return (record) => test(record.data[field])
  if (ms !== undefined) return (record) => test(record.times[field] ?? -Infinity, ms)
  const wanted = plain(value === 'true' ? true : value === 'false' ? false : value)
  if (how === 'eq' || how === 'ne') return (record) => test(plain(record.data[field]), wanted)
  return (record) => test(Number(record.data[field]), Number(wanted))
}

function readCondition(text, fieldOf) {
  const [name, how, ...rest] = text.split(',')
  if (!Object.hasOwn(tests, how ?? '')) throw new QueryError(`invalid filter: (${text})`)
  const field = fieldOf(name)
  const condition = { field, how, value: rest.join(',') }
  if (timeFields.includes(field) && how !== 'nn') condition.ms = timeOf(condition.value)
  return condition
}

function readFilter(text, fieldOf) {
  if (text === null || text === '') return []
  if (!/^\([^()]+\)(AND\([^()]+\))*$/i.test(text)) throw new QueryError(`invalid filter: ${text}`)
  return [...text.matchAll(/\(([^()]+)\)/g)].map((match) => readCondition(match[1], fieldOf))
}

function readSort(text, fieldOf) {
  if (text === null || text === '') return null
  const [name, direction = 'asc'] = text.split(',')
  if (!/^(asc|desc)$/i.test(direction)) throw new QueryError(`invalid sort: ${text}`)
  return { field: fieldOf(name), descending: /^desc$/i.test(direction) }
}

/** Which fields of the record, and of its lists, are wanted: "*,items.*" or "sid,items.sid". */
function readCols(text) {
  const cols = { all: false, fields: new Set(), lists: new Map() }
  for (const col of (text ?? 'sid,row_version').split(',')) {
    const [first, second] = col.trim().split('.')
    if (second === undefined) {
      if (first === '*') cols.all = true
      else cols.fields.add(squeezed(first.toLowerCase()))
    } else {
      const list = squeezed(first.toLowerCase())
      const wanted = cols.lists.get(list) ?? { all: false, fields: new Set() }
      if (second === '*') wanted.all = true
      else wanted.fields.add(squeezed(second.toLowerCase()))
      cols.lists.set(list, wanted)
    }
  }
  return cols
}

function readNumber(params, name, otherwise, most) {
  const text = params.get(name)
  if (text === null) return otherwise
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new QueryError(`${name}: '${text}' is not valid`)
  return Math.min(Number(text), most)
}

function comparison(sort) {
  const value = (record) => record.times[sort.field] ?? record.data[sort.field] ?? ''
  const sign = sort.descending ? -1 : 1
  return (a, b) => {
    const [x, y] = [value(a), value(b)]
    if (x === y) return a.place - b.place
    return x < y ? -sign : sign
  }
}

/**
 * Reads the query of a list. `fieldNames` are the fields there are, in snake_case; a field that is
 * not there is refused, as Prism does.
 */
export function readQuery(params, fieldNames) {
  const byName = new Map(fieldNames.map((name) => [squeezed(name), name]))
  const fieldOf = (name) => {
    const field = byName.get(squeezed(String(name).trim().toLowerCase()))
    if (!field) throw new QueryError(`unknown attribute: ${name}`)
    return field
  }
  const conditions = readFilter(params.get('filter'), fieldOf)
  const sort = readSort(params.get('sort'), fieldOf)
  const all = conditions.map(testOf)
  return {
    key: `${params.get('filter') ?? ''} ${params.get('sort') ?? ''}`,
    cols: readCols(params.get('cols')),
    conditions,
    sort,
    matches: (record) => all.every((test) => test(record)),
    compare: sort && comparison(sort),
    pageNo: readNumber(params, 'page_no', 1, Infinity),
    pageSize: readNumber(params, 'page_size', PAGE_SIZE_DEFAULT, PAGE_SIZE_MOST),
    count: params.get('count') === 'true',
  }
}
