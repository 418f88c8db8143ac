// tools/sqllint finds each shape that must not be said to PostgreSQL, and nothing in what is.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { root, run, scratch } from './lib.mjs'

const lint = path.join(root, 'tools/sqllint')
const directory = scratch('sqllint')

/** What it says about a C file of these statements. */
async function judge(...statements) {
  const file = path.join(directory, 'case.c')
  const texts = statements.map((text, i) => `static const char s${i}[] = ${JSON.stringify(text)};`)
  writeFileSync(file, `/* "SELECT now()" in a comment */\n${texts.join('\n')}\n`)
  const { code, stdout, stderr } = await run(process.execPath, [lint, file])
  assert.equal(stderr, '')
  return { code, lines: stdout.split('\n').filter((line) => line !== '') }
}

const bad = [
  ['SELECT pg_advisory_xact_lock(1)', /advisory/],
  ['LISTEN stock', /LISTEN/],
  ["SELECT pg_notify('stock', '1')", /NOTIFY/],
  ['INSERT INTO t (bkt, a) VALUES ($1, $2) ON CONFLICT (bkt) DO UPDATE SET a = now()', /clock/],
  ['UPDATE t SET a = CURRENT_TIMESTAMP WHERE bkt = $1', /clock/],
  ['SELECT ctid FROM t WHERE bkt = $1', /row versions/],
  ['INSERT INTO t (bkt, a) VALUES ($1, $2) ON CONFLICT (bkt) DO NOTHING RETURNING xmax = 0', /row versions/],
  ['CREATE TABLE t (bkt smallint, id bigserial, PRIMARY KEY (bkt, id))', /sequence/],
  ['CREATE TABLE t (bkt smallint, id bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (bkt, id))', /sequence/],
  ["SELECT nextval('s')", /sequence/],
  ['CREATE TABLE t (bkt smallint, id bigint PRIMARY KEY)', /PRIMARY KEY must begin/],
  ['CREATE TABLE t (bkt smallint, id bigint, PRIMARY KEY (id, bkt))', /PRIMARY KEY must begin/],
  ['CREATE TABLE t (bkt smallint, id bigint)', /needs a primary key/],
  ['CREATE TABLE t (bkt smallint, a text UNIQUE, PRIMARY KEY (bkt))', /UNIQUE must begin/],
  ['CREATE UNIQUE INDEX i ON t (a, bkt)', /unique index/],
  ['CREATE TABLE t (bkt smallint, a int REFERENCES u, PRIMARY KEY (bkt))', /foreign key/],
  ['INSERT INTO t (a, bkt) VALUES ($1, $2)', /first column/],
  ['INSERT INTO t (bkt, a) SELECT b, a FROM unnest($1::int[], $2::int[]) AS e (b, a)', /first value/],
  ['INSERT INTO t (bkt, a) VALUES ($1, $2), ($3, $4)', /several rows/],
  ['INSERT INTO t (bkt, a) VALUES ($1, $2) ON CONFLICT (a) DO NOTHING', /ON CONFLICT/],
  ['INSERT INTO t (bkt, a) VALUES ($1, $2) ON CONFLICT DO NOTHING', /ON CONFLICT/],
  ['UPDATE t SET a = $1 WHERE id = $2', /bkt = \$n/],
  ['UPDATE t SET bkt = $1 WHERE bkt = $2', /never changes/],
  ['DELETE FROM t WHERE bkt = $1 OR id = $2', /OR/],
  ['DELETE FROM t WHERE bkt = ANY($1) AND id = $2', /exactly one/],
  ['WITH x AS (DELETE FROM t WHERE bkt = $1 RETURNING a) INSERT INTO u (bkt, a) SELECT $1, a FROM x', /more than one/],
  ['SELECT a FROM t WHERE id = $1 FOR UPDATE', /one bucket/],
  ['SELECT a FROM t WHERE bkt IN ($1, $2) FOR UPDATE', /one bucket/],
  ['TRUNCATE t', /TRUNCATE/],
  ['LOCK TABLE t', /TRUNCATE and LOCK/],
]

const good = [
  "SELECT a FROM t WHERE note = 'now() and ctid'",
  'INSERT INTO t (bkt, a) SELECT $1::smallint, * FROM unnest($2::int[]) ON CONFLICT (bkt, a) DO NOTHING',
  'UPDATE t SET a = $2 WHERE bkt = $1 AND id = $3',
  'SELECT a FROM t WHERE bkt = $1 FOR UPDATE SKIP LOCKED',
  'CREATE TABLE t (bkt smallint, a int, PRIMARY KEY (bkt, a)); CREATE INDEX i ON t (a)',
]

test('each forbidden shape is found', async () => {
  // All in one file, so that a statement that hides another would show.
  const { code, lines } = await judge(...bad.map(([text]) => text))
  assert.equal(code, 1)
  for (const [i, [text, why]] of bad.entries()) {
    const said = lines.filter((line) => line.includes(`case.c:${i + 2}:`))
    assert.ok(said.some((line) => why.test(line)), `${text}: ${said.join(' ') || 'nothing was said'}`)
  }
})

test('what is allowed is left alone', async () => {
  assert.deepEqual(await judge(...good), { code: 0, lines: [] })
})

test('literals over several lines and macros are read as the compiler does', async () => {
  const file = path.join(directory, 'parts.c')
  writeFileSync(
    file,
    '#define COLUMNS "a, b"\n#define LIST(X) \\\n  X(ONE, "SELECT " COLUMNS \\\n    " FROM t FOR UPDATE")\n' +
      'const char *two = "DELETE FROM t "\n    "WHERE id = $1";\n',
  )
  const { code, stdout } = await run(process.execPath, [lint, file])
  assert.equal(code, 1)
  assert.match(stdout, /one bucket: SELECT a, b FROM t FOR UPDATE/)
  assert.match(stdout, /bkt = \$n: DELETE FROM t WHERE id = \$1/)
})

test('what the hub says keeps to it', async () => {
  const { code, stdout, stderr } = await run(process.execPath, [lint])
  assert.equal(code, 0, stdout + stderr)
})
