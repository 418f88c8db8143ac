// The readers against other implementations: random files full of what hurts, read by ours in pieces
// and by Node's JSON.parse or by the small CSV parser below, must say the same.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const directory = mkdtempSync(join(tmpdir(), 'onhand-differential-'))
after(() => rmSync(directory, { recursive: true }))
const program = join(process.env.ONHAND_HELPERS, 'feed_rows')

let seed = Number(process.env.ONHAND_SEED ?? 20261123)
const random = (below) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 4294967296) * below)
}
const pick = (list) => list[random(list.length)]

function ours(bytes, piece) {
  const path = join(directory, 'file')
  writeFileSync(path, bytes)
  const lines = execFileSync(program, [path, String(piece)], { maxBuffer: 1 << 26 }).toString().trim().split('\n').map((line) => JSON.parse(line))
  return { status: lines.pop().status, rows: lines }
}

// A decimal as text to thousandths, by whole numbers alone; null where it is none.
function milli(text) {
  const match = /^([+-]?)(\d+)(?:\.(\d{1,3}))?$/.exec(text)
  if (!match) return null
  const value = BigInt(match[2]) * 1000n + BigInt((match[3] ?? '').padEnd(3, '0'))
  if (value > 1000000000000000n) return null
  return Number(match[1] === '-' ? -value : value)
}

const clean = (text) => text.replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, '')
const compact = (row) => [row.location, row.type, row.identifier, row.milli + 0].join('|')
const fine = (rows) => rows.filter((row) => row.problem === null).map(compact)

const words = ['A', 'B-1', '0123', 'x y', ' padded ', 'ä', '日本', '\u{1f600}', 'a,b', 'a;b', 'q"q', '""', "'", '=1+1', '\\', '\\n', 'null', '[', '{', ']}', ':', '#', 'é'.normalize('NFD')]
const amounts = ['0', '1', '-1', '12.5', '0.125', '-0', '999999999999.999', '1000000000000', '1000000000001', '1.2345', '', 'x', '1e3', '+5', '007', '9223372036854775808', '--1', '.5', '5.']

// ---- JSON ----

const blanks = () => pick(['', '', ' ', '\n', '\t', '\r\n '])
function jsonString(text) {
  let out = ''
  for (const unit of text.split('')) {
    const escaped = `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
    out += random(6) === 0 || /[\ud800-\udfff]/.test(unit) && random(2) === 0 ? escaped : unit === '"' || unit === '\\' ? `\\${unit}` : unit
  }
  // Half a character as an escape and half as itself is no text.
  return JSON.stringify(JSON.parse(`"${out}"`)) === JSON.stringify(text) && !/[\ud800-\udbff]\\u|\\ud[89ab][0-9a-f]{2}(?!\\u)/i.test(out) ? `"${out}"` : JSON.stringify(text)
}
function jsonItem() {
  const fields = [
    [pick(['location', 'facilityId', 'Location']), jsonString(pick(words))],
    [pick(['sku', 'SKU']), jsonString(pick(words))],
    ['quantity', random(2) ? JSON.stringify(pick(amounts)) : pick(['0', '1', '-1', '12.5', '0.125', '-0', '1e3', '25e-2', '1.2345', '01', '1.', '999999999999.999'])],
  ]
  if (random(4) === 0) fields.push(['note', pick(['[1,{"a":"]"}]', '{"sku":"no"}', 'null', 'true', '"\\"}"', '1e400', 'tru', '"\\x"'])])
  fields.sort(() => random(3) - 1)
  return `{${blanks()}${fields.map(([name, value]) => `"${name}"${blanks()}:${blanks()}${value}`).join(`${blanks()},`)}${blanks()}}`
}

// The item as another parser sees it; null: it is no JSON.
function expectJson(text) {
  let item
  try {
    item = JSON.parse(text)
  } catch {
    return null
  }
  const value = (wanted) => Object.entries(item).find(([name]) => wanted.includes(name.toLowerCase()))?.[1]
  const raw = /"quantity"\s*:\s*("?)([^",}\s]*)/.exec(text)
  let amount = milli(clean(String(value(['quantity']))))
  if (raw[1] === '' && raw[2].includes('e')) amount = Number(raw[2]) * 1000 // only 1e3 and 25e-2
  const identifier = clean(value(['sku']))
  if (amount === null || identifier === '') return null
  return [clean(value(['location', 'facilityid'])), 'sku', identifier, amount + 0].join('|')
}

test('JSON and NDJSON say what JSON.parse says', () => {
  for (let round = 0; round < 400; round++) {
    const items = Array.from({ length: random(30) + 1 }, jsonItem)
    const expected = items.map(expectJson).filter((row) => row !== null)
    const lines = items.map((item) => item.replace(/[\r\n]/g, ' '))
    const files = [`[${items.join(`${blanks()},${blanks()}`)}]`, `{"count":1,"inventory":${blanks()}[${items.join(',')}]}`, lines.join('\n')]
    const { status, rows } = ours(files[round % 3], pick([1, 7, 64, 65536]))
    assert.equal(status, 'ok', `round ${round}: ${files[round % 3]}`)
    assert.equal(rows.length, items.length)
    assert.deepEqual(fine(rows), expected, `round ${round}`)
  }
})

test('what is no JSON document is never taken whole', () => {
  for (let round = 0; round < 300; round++) {
    const whole = `{"inventory":[${Array.from({ length: 3 }, () => '{"location":"N","sku":"A","quantity":1}').join(',')}]}`
    const at = random(whole.length)
    const broken = whole.slice(0, at) + pick(['', '"', '[', '}', ',', 'x', '\\']) + whole.slice(at + random(2))
    let valid = true
    try {
      valid = Array.isArray(JSON.parse(broken).inventory ?? Object.values(JSON.parse(broken))[0])
    } catch {
      valid = false
    }
    const { status, rows } = ours(broken, pick([1, 7, 65536]))
    const taken = status === 'ok' && rows.length === 3 && rows.every((row) => row.problem === null)
    assert.ok(!taken || valid, `taken: ${broken}`)
  }
})

// ---- CSV ----

// Records and fields by the letter of RFC 4180, one character after the other.
function parseCsv(text, delimiter) {
  const records = [[]]
  let field = ''
  let state = 'begin'
  const end = () => (records.at(-1).push(field), (field = ''), (state = 'begin'))
  for (const c of text) {
    if (state === 'quoted') {
      if (c === '"') state = 'quote'
      else field += c
    } else if (state === 'quote' && c === '"') {
      field += '"'
      state = 'quoted'
    } else if (c === delimiter) end()
    else if (c === '\n') {
      end()
      records.push([])
    } else if (state === 'begin' && c === '"') state = 'quoted'
    else {
      field += c
      state = 'plain'
    }
  }
  end()
  return records
}

test('CSV says what a parser of another kind says', () => {
  for (let round = 0; round < 400; round++) {
    const delimiter = pick([',', ';', '\t', '|'])
    const quote = (text) => (random(3) === 0 || text.includes(delimiter) || text.startsWith('"') || text.includes('\n') ? `"${text.replaceAll('"', '""')}"` : text)
    const records = Array.from({ length: random(40) + 1 }, () => [pick(words), pick(words), pick(amounts), pick(['', 'note', 'two\nlines', 'a,b'])])
    const end = pick(['\n', '\r\n'])
    const plain = [['location', 'sku', 'quantity', 'note'], ...records].map((record) => record.map(quote).join(delimiter)).join(end)
    const parsed = parseCsv(plain.replaceAll('\r\n', '\n'), delimiter).slice(1)
    const text = plain + pick(['', '', `${end}TRAILER${delimiter}${records.length}`, `${end}EOF${end}${end}`, `${end}T|${records.length}${end} `])
    const expected = parsed
      .map((record) => ({ location: clean(record[0]), type: 'sku', identifier: clean(record[1]), milli: milli(clean(record[2])), fields: record.length }))
      .filter((row) => row.fields === 4 && row.milli !== null && row.identifier !== '')
    const { status, rows } = ours(text, pick([1, 7, 64, 65536]))
    assert.equal(status, 'ok', text)
    assert.equal(rows.length, parsed.length, text)
    assert.deepEqual(fine(rows), expected.map(compact), `round ${round}: ${text}`)
  }
})
