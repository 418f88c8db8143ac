// `onhand top` in a terminal: what stands there is true, it stays when the hub goes, and the terminal
// is given back as it was.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { binary, freePort, Hub, onhand } from './lib.mjs'
import { Terminal } from './terminal.mjs'

let hub
const terminals = []

before(async () => {
  hub = await Hub.start()
})
after(async () => {
  for (const terminal of terminals) terminal.stop()
  await hub.stop()
})

const where = () => ['--url', hub.url, '--data', hub.data]

function top({ columns = 100, rows = 30, args = where(), env = {} } = {}) {
  const terminal = new Terminal(columns, rows, binary, ['top', ...args], env)
  terminals.push(terminal)
  return terminal
}

test('into a pipe it prints one plain picture, as wide as COLUMNS says', async () => {
  await hub.reset([['NY01', 'A', 5], ['BOS02', 'A', 3]], { source: 'prism' })
  for (const columns of [60, 100, 200]) {
    const env = { ...process.env, COLUMNS: String(columns), LC_ALL: 'C.UTF-8' }
    const { code, stdout, stderr } = await onhand(['top', ...where()], { env })
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^All 2 stores in sync\n/)
    assert.match(stdout, /last applied \d+ s ago: 2 of 2 cells changed/)
    assert.match(stdout, /next not planned/)
    assert.doesNotMatch(stdout, /\x1b/)
    for (const line of stdout.split('\n')) assert.ok([...line].length <= columns, line)
  }
  const ascii = await onhand(['top', ...where()], { env: { ...process.env, LC_ALL: 'C' } })
  assert.match(ascii.stdout, /^[\x20-\x7e\n]+$/)
})

test('--json is the answer as it came', async () => {
  const { code, stdout } = await onhand(['top', '--once', '--json', ...where()])
  assert.equal(code, 0)
  assert.equal(JSON.parse(stdout).status.cells, 2)
})

test('it follows the hub, over its restart, and misses nothing', async () => {
  const terminal = top()
  await terminal.sees(/^All 2 stores in sync\n.* live /)
  assert.ok(terminal.alternate && !terminal.cursor)
  await hub.adjust([{ location: 'NY01', sku: 'A', delta: -1 }])
  await terminal.sees(/Latest\n.*NY01 {2}A +4 on hand, 4 available/)
  await hub.kill()
  const away = await terminal.sees(/^The hub has been away for \d+ s; trying again\n.*\naway since \d\d:\d\d:\d\d: \S/)
  assert.match(away, /last applied/, 'what was known stays in sight')
  await hub.start()
  await hub.adjust([{ location: 'BOS02', sku: 'meanwhile', delta: 1 }])
  await terminal.sees(/^All 2 stores in sync\n.* live [^]*BOS02 {2}meanwhile +1 on hand/)
  // Only what changed was written since the first picture.
  assert.equal(terminal.raw.split('\x1b[2J').length - 1, 1)
  terminal.type('q')
  assert.equal(await terminal.end(), 0)
  assert.match(terminal.errors, /terminal restored/)
  assert.ok(!terminal.alternate && terminal.cursor)
})

test('what needs a person comes at once, and first', async () => {
  const terminal = top()
  await terminal.sees(/ live /)
  const as_of = new Date(Date.now() + 86400000).toISOString()
  const { id } = await hub.reset([['NY01', 'A', 9]], { source: 'prism', as_of })
  await terminal.sees(new RegExp(`^Reset ${id}[^]*Needs a person\n +held +reset ${id}`))
  await hub.call('POST', `/v1/resets/${id}/reject`)
  await terminal.sees(/^All 2 stores in sync\n/)
  terminal.type('q')
  assert.equal(await terminal.end(), 0)
})

test('another size is filled, and Ctrl-C gives the terminal back', async () => {
  const terminal = top({ columns: 120, rows: 40 })
  await terminal.sees(/ live /)
  terminal.resize(60, 12)
  await terminal.sees(/^All 2 stores in sync\n[^]*Needs a person/)
  terminal.resize(200, 50)
  await terminal.sees(/^All 2 stores in sync\n[^]*Hub .* on disk, up /)
  terminal.type('\x03')
  assert.equal(await terminal.end(), 0)
  assert.match(terminal.errors, /terminal restored/)
  assert.ok(!terminal.alternate && terminal.cursor)
})

test('colours are for terminals that want them', async () => {
  const coloured = top()
  await coloured.sees(/ live /)
  assert.match(coloured.raw, /\x1b\[32mAll 2 stores in sync\x1b\[0m/)
  const plain = top({ env: { NO_COLOR: '1' } })
  await plain.sees(/ live /)
  assert.doesNotMatch(plain.raw, /\x1b\[[\d;]*m/)
  for (const terminal of [coloured, plain]) {
    terminal.type('q')
    assert.equal(await terminal.end(), 0)
  }
})

test('without a hub or with a wrong token it says so, and takes no terminal', async () => {
  const nobody = top({ args: ['--url', `http://127.0.0.1:${await freePort()}`, '--data', hub.data] })
  assert.equal(await nobody.end(), 1)
  assert.match(nobody.screen, /no hub answers at .*start one with: onhand serve/s)
  const wrong = top({ args: ['--url', hub.url], env: { ONHAND_TOKEN: 'oh_wrong' } })
  assert.equal(await wrong.end(), 1)
  assert.match(wrong.screen, /refuses the token from ONHAND_TOKEN/)
  assert.doesNotMatch(nobody.raw + wrong.raw, /\x1b/)
})

test('a token that is revoked meanwhile ends it with the reason', async () => {
  const { token } = await hub.json(
    'POST', '/v1/tokens', { body: { name: 'wall', scopes: ['read'], locations: [] } }, 201
  )
  const terminal = top({ args: ['--url', hub.url], env: { ONHAND_TOKEN: token } })
  await terminal.sees(/ live /)
  await hub.call('DELETE', '/v1/tokens/wall')
  assert.equal(await terminal.end(), 1)
  assert.match(terminal.errors, /terminal restored/)
  assert.match(terminal.raw.slice(terminal.raw.lastIndexOf('\x1b[?1049l')), /refuses the token from ONHAND_TOKEN/)
})
