// Files of odd shapes and contents, and what must come of each. A case is
// {name, body(L), want, before, query, cells, rejects}: `L` is a location of the case's own,
// `before` the rows of an earlier reset (without: the location is new), `want` fields of the
// answer, `cells` the quantities afterwards (null: there is no such product), `rejects` what the
// file of rejected rows must show.
export const header = 'location,sku,quantity\n'
const stock = { A: 10, B: 20, C: 30, D: 40, E: 50 }
const rows = (L, figures) => Object.entries(figures).map(([sku, n]) => `${L},${sku},${n}\n`).join('')
const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`P${i}`, 5]))
const file = (L, figures) => header + rows(L, figures)

const held = (name, body, guard, more = {}) => ({
  name, before: stock, body, want: { status: 'held' }, cells: { A: 10, E: 50 }, guard, ...more,
})
const refused = (name, body, why, more = {}) => ({
  name, before: stock, body, want: { status: 'rejected' }, why, cells: { A: 10, E: 50 }, ...more,
})
const taken = (name, body, cells, more = {}) => ({ name, body, want: { status: 'applied' }, cells, ...more })

export const shapes = [
  refused('nothing in it', () => '', /empty/),
  refused('only a byte order mark', () => '\ufeff', /empty/),
  refused('only blank lines', () => '\r\n\r\n\n', /empty/),
  held('only a header', () => header, /no_rows/, { query: (L) => ({ location: L }) }),
  refused('a header that is none', (L) => `Lager,Artikel,Menge\n${L},A,1\n`, /no column/),
  refused('no header', (L) => rows(L, stock), /no column/),
  taken('the last newline is missing', (L) => file(L, { A: 1, B: 2 }).slice(0, -1), { A: 1, B: 2 }),
  held('half the SKUs', (L) => file(L, { A: 10, B: 20 }), /few_rows/),
  held('all zeros', (L) => file(L, { A: 0, B: 0, C: 0, D: 0, E: 0 }), /zeroed/),
  held('ten times too large', (L) => file(L, { A: 100, B: 200, C: 300, D: 400, E: 500 }), /units/),
  held('a thousand times too large', (L) => file(L, { A: 1e4, B: 2e4, C: 3e4, D: 4e4, E: 5e4 }), /units/),
  held('another store’s file', () => file('ELSEWHERE', stock), /missing_location|no_rows/, {
    query: (L) => ({ location: L }),
  }),
  taken('ragged rows', (L) => `${header}${L},A,1\n${L},B\n${L},C,3,4\n${L},D,4\n`, { A: 1, B: null, C: null, D: 4 }, {
    want: { status: 'applied', rows: 4, rejected_rows: 2 },
    rejects: /3,[^\n]*fewer columns[^\n]*\n4,[^\n]*more columns/,
  }),
  taken('the header repeated in the middle', (L) => `${header}${L},A,1\n${header}${L},B,2\n`, { A: 1, B: 2 }, {
    want: { status: 'applied', rows: 2, rejected_rows: 0 },
  }),
  ...['TRAILER,2', 'T|2|3', 'EOF 2', 'TRL;2;3\n', '#rows=2', 'Total,2', '2 rows selected.'].map((line) =>
    taken(`a trailer that is right: ${line}`, (L) => file(L, { A: 1, B: 2 }) + line, { A: 1, B: 2 }, {
      want: { status: 'applied', rows: 2, rejected_rows: 0 },
    })),
  ...['TRAILER,6', 'T|5|151', 'EOF 4', 'TRL;6;150\n', '#rows=55', 'Total,151', '4 rows selected.'].map((line) =>
    held(`a trailer that is wrong: ${line}`, (L) => file(L, stock) + line, /trailer/)),
  held('a trailer, and the rows cut off before it', (L) => `${file(L, { ...stock, E: 51 }).replace(/.*,D,.*\n/, '')}EOF 5\n`, /trailer/),
  taken('a trailer that is not at the end', (L) => `${header}${L},A,1\nTRAILER,1\n${L},B,2\n`, { A: 1, B: 2 }, {
    want: { status: 'applied', rows: 3, rejected_rows: 1 }, rejects: /3,[^\n]*fewer columns/,
  }),
  taken('a last row that is no trailer', (L) => `sku,quantity,location\nA,1,${L}\nT,7,${L}\n`, { A: 1, T: 7 }),
  taken('columns in another order', (L) => `QUANTITY,Sku,LOCATION\n1,A,${L}\n`, { A: 1 }),
  taken('columns nobody asked for', (L) => `x,location,sku,y,quantity,z\n1,${L},A,2,3,4\n`, { A: 3 }),
  refused('a renamed column', (L) => `location,sku,amount\n${L},A,1\n`, /quantity/),
  refused('a column twice', (L) => `location,sku,quantity,Quantity\n${L},A,1,2\n`, /twice/),
  refused('a million columns', () => header.trim() + ',x'.repeat(1e6) + '\n', /columns|longer/),
  ...[';', '\t', '|'].map((d) =>
    taken(`delimiter ${JSON.stringify(d)}`, (L) => file(L, { A: 1, B: 2 }).replaceAll(',', d), { A: 1, B: 2 })),
  taken('sep=; in front', (L) => 'sep=;\n' + file(L, { A: 1 }).replaceAll(',', ';'), { A: 1 }),
  refused('a quote that is never closed', (L) => `${header}${L},A,1\n${L},"B,2\n${L},C,3\n`, /quote/),
  taken('text after a closing quote', (L) => `${header}${L},"A"x,1\n${L},B,2\n`, { A: null, B: 2 }, {
    want: { status: 'applied', rejected_rows: 1 },
  }),
  taken('a newline inside a field', (L) => `location,note,sku,quantity\n${L},"two\nlines",A,1\n`, { A: 1 }),
  taken('a newline inside the SKU', (L) => `${header}${L},"A\nB",1\n${L},C,3\n`, { C: 3 }, {
    want: { status: 'applied', rejected_rows: 1 }, rejects: /invisible character/,
  }),
  taken('quotes and delimiters in quotes', (L) => `${header}${L},"A ""1"", x",1\n`, { 'A "1", x': 1 }),
  taken('line ends mixed', (L) => `${header.trim()}\r\n${L},A,1\n${L},B,2\r\n\r\n${L},C,3`, { A: 1, B: 2, C: 3 }),
  refused('line ends of the Mac of 1999', (L) => file(L, { A: 1, B: 2 }).replaceAll('\n', '\r'), /./),
  taken('Ctrl-Z at the end', (L) => file(L, { A: 1 }) + '\x1a', { A: 1 }, {
    want: { status: 'applied', rows: 1, rejected_rows: 0 },
  }),
  taken('Ctrl-Z in a SKU', (L) => `${header}${L},A\x1aB,1\n${L},C,3\n`, { C: 3 }, {
    want: { status: 'applied', rejected_rows: 1 },
  }),
  taken('a NUL in a row', (L) => `${header}${L},A\0B,1\n${L},C,3\n`, { A: null, C: 3 }, {
    want: { status: 'applied', rejected_rows: 1 }, rejects: /NUL/,
  }),
  refused('only NULs, as after a crash of the sender', () => Buffer.alloc(4096), /./),
  taken('a SKU longer than any', (L) => `${header}${L},${'X'.repeat(5000)},1\n${L},C,3\n`, { C: 3 }, {
    want: { status: 'applied', rejected_rows: 1 },
  }),
  taken('a row longer than any', (L) => `${header}${L},${'X'.repeat(200000)},1\n${L},C,3\n`, { C: 3 }, {
    want: { status: 'applied', rejected_rows: 1 }, rejects: /too long/,
  }),
  taken('the same SKU twice, equal', (L) => `${header}${L},A,1\n${L},B,2\n${L},A,1\n`, { A: 1, B: 2 }, {
    want: { status: 'applied', rows: 3, duplicate_rows: 1, rejected_rows: 0 },
  }),
  taken('the same SKU twice, conflicting', (L) => `${header}${L},A,1\n${L},B,2\n${L},A,3\n`, { A: null, B: 2 }, {
    want: { status: 'applied', rows: 3, rejected_rows: 2 },
  }),
  held('one row in twenty unreadable', (L) => header + rows(L, many).replace('P3,5', 'P3,x').replace('P9,5', 'P9,x'),
    /unreadable/, { before: many, cells: { P3: 5 } }),
  taken('a formula for a SKU', (L) => `${header}${L},=cmd|' /C calc'!A0,1\n=1+1,B,x\n`, { "=cmd|' /C calc'!A0": 1 }, {
    want: { status: 'applied', rejected_rows: 1 }, rejects: /"'=1\+1,B,x"/,
  }),
]
