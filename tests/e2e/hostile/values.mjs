// Alphabets, identifiers and quantities: see shapes.mjs for what a case is.
import { header } from './shapes.mjs'

const utf16 = (text, big) => {
  const bytes = Buffer.from(text, 'utf16le')
  return big ? bytes.swap16() : bytes
}
const taken = (name, body, cells, more = {}) => ({ name, body, want: { status: 'applied' }, cells, ...more })

export const alphabets = [
  taken('UTF-8 with a mark', (L) => `\ufeff${header}${L},Ä€,1\n`, { 'Ä€': 1 }),
  taken('UTF-16, little end first', (L) => utf16(`\ufeff${header}${L},Ä😀,1\n`), { 'Ä😀': 1 }),
  taken('UTF-16, big end first', (L) => utf16(`\ufeff${header}${L},Ä😀,1\n`, true), { 'Ä😀': 1 }),
  taken('UTF-16 without a mark', (L) => utf16(`${header}${L},Ä,1\n`), { 'Ä': 1 }),
  taken('Windows-1252', (L) => Buffer.from(`${header}${L},\xc4A\x80,1\n`, 'latin1'), { 'ÄA€': 1 }),
  taken('invalid UTF-8 in a file with valid', (L) =>
    Buffer.concat([Buffer.from(`${header}${L},Ä,1\n${L},X`), Buffer.from([0xc3, 0x28]), Buffer.from(',2\n')]),
  { 'Ä': 1, X: null }, { want: { status: 'applied', rejected_rows: 1 }, rejects: /not UTF-8/ }),
  taken('half a surrogate pair', (L) => utf16(`\ufeff${header}${L},X\ud83d,1\n${L},C,3\n`), { C: 3 }, {
    want: { status: 'applied', rejected_rows: 1 },
  }),
  { name: 'UTF-16 with a byte too few', body: (L) => utf16(`\ufeff${header}${L},A,1\n`).subarray(0, -1),
    want: { status: 'rejected' }, why: /./, cells: { A: null } },
]

// Spaces nobody sees: at the ends they are spaces, inside they would make another product.
export const spaces = [
  ['a no-break space at the end', 'A\u00a0', 'A'],
  ['a no-break space in front', '\u00a0A', 'A'],
  ['a zero-width space at the end', 'A\u200b', 'A'],
  ['a byte order mark in the middle of the file', '\ufeffA', 'A'],
  ['spaces and tabs around', ' \t A  ', 'A'],
  ['a no-break space inside', 'A\u00a0B', null],
  ['a zero-width space inside', 'A\u200bB', null],
  ['a zero-width joiner inside', 'A\u200dB', null],
  ['a plain space inside', 'A B', 'A B'],
]

// As text they are what is written; what an idType of UPC makes of them is told elsewhere.
export const identifiers = [
  '012345678905', '12345678905', '1.23E+11', '012345678905.0', "'0123", '0012345678905', '00012345678905', '0', '-', '🧦',
]

// What a cell of the quantity column comes to; null: the row is rejected.
export const quantities = [
  ['5', 5], ['+5', 5], ['-5', -5], ['-0', 0], ['0', 0], ['0005', 5], ['5.', null], ['.5', null], ['5.0', 5],
  ['1.234', 1.234], ['1.2345', null], ['1.5000', null], [' 5 ', 5], ['"5"', 5],
  ['"1,5"', null], ['"1.234,5"', null], ['"1,234"', null], ['1 234', null], ["1'234", null],
  ['(5)', null], ['5-', null], ['1e3', null], ['1E3', null], ['0x10', null], ['NaN', null], ['inf', null],
  ['', null], ['-', null], ['+', null], ['--5', null], ['n/a', null], ['null', null], ['TRUE', null], ['5 pcs', null],
  ['=5', null], ['٥', null], ['５', null], ['−5', null], ['½', null],
  ['9223372036854775807', null], ['9223372036854775808', null], ['-9223372036854775808', null],
  ['18446744073709551616', null], ['9'.repeat(400), null], ['0'.repeat(400) + '1', 1],
]
export const commaQuantities = [
  ['1,5', 1.5], ['-1,5', -1.5], ['5', 5], ['1.5', null], ['1.234,5', null], ['1,2345', null], ['1,', null],
]
