// Every command as a person types it, against a real hub: what it says, where it says it, and its exit
// code (0 done, 1 refused or held, 2 usage).
import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { Hub, binary, onhand, root, run, scratch } from './lib.mjs'

const commands = (
  'serve adjust reset show history explain status resets feeds channels jobs token export verify ' +
  'backup bench catalog config'
).split(' ')
let hub
let home

before(async () => {
  hub = await Hub.start()
  home = scratch('cli')
})
after(() => hub.stop())

/** A command line against the hub, its token found in the hub's directory. */
function cli(line, options = {}) {
  const args = [...line, '--url', hub.url, '--data', hub.data]
  return onhand(args, { cwd: home, env: { ...process.env, TZ: 'EST5' }, ...options })
}

function file(name, text) {
  const where = path.join(home, name)
  writeFileSync(where, text)
  return where
}

/** With `input` on standard input. */
function piped(line, input) {
  return run('sh', ['-c', 'printf %s "$INPUT" | exec "$@"', 'sh', binary, ...line], {
    env: { ...process.env, INPUT: input },
  })
}

test('help of every command names its options and exits 0', async () => {
  const { stdout } = await onhand(['--help'])
  for (const command of commands) {
    assert.match(stdout, new RegExp(`^  ${command} `, 'm'))
    const help = await onhand([command, '--help'])
    assert.equal(help.code, 0, command)
    assert.match(help.stdout, new RegExp(`^usage: onhand ${command}`))
    assert.match(help.stdout, /^examples:$/m)
    assert.ok(
      help.stdout.split('\n').every((line) => line.length <= 100),
      `${command} --help is too wide`,
    )
  }
})

test('a mistake on the command line is 2 and says what to try', async () => {
  for (const line of [
    [],
    ['nothing'],
    ['show'],
    ['adjust', 'NY01', 'A'],
    ['adjust', 'NY01', 'A', '1,5'],
    ['adjust', 'NY01', 'A', '1', '--nothing'],
    ['resets', 'approve'],
    ['resets', 'praise', 'r-1'],
    ['export', '--format', 'pdf'],
    ['token', 'create', '--name', 'x'],
    ['bench', '--connections', '0'],
    ['config', 'praise'],
    ['serve', '--listen', 'here'],
    ['serve', '--log', 'verse'],
    ['status', '--url', 'ftp://here'],
  ]) {
    const { code, stdout, stderr } = await onhand(line, { cwd: home })
    assert.equal(code, 2, line.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, /usage|try|address/)
  }
})

test('no hub, no token, a wrong token: each says what to do', async () => {
  const none = await onhand(['status', '--url', 'http://127.0.0.1:9', '--data', hub.data])
  assert.equal(none.code, 1)
  assert.match(none.stderr, /no hub answers at http:\/\/127\.0\.0\.1:9/)
  assert.match(none.stderr, /onhand serve/)
  const lost = await onhand(['status', '--url', hub.url, '--data', '/nowhere'])
  assert.equal(lost.code, 1)
  assert.match(lost.stderr, /\/nowhere\/admin\.token: No such file/)
  const env = { ...process.env, ONHAND_URL: hub.url, ONHAND_TOKEN: 'oh_wrong' }
  const wrong = await onhand(['status'], { env })
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /refuses the token from ONHAND_TOKEN/)
  assert.doesNotMatch(wrong.stderr, /oh_wrong/)
  const right = await onhand(['status', '--json'], { env: { ...env, ONHAND_TOKEN: hub.token } })
  assert.equal(right.code, 0, right.stderr)
  assert.equal(JSON.parse(right.stdout).status, 'ok')
})

test('adjust sends one movement, once', async () => {
  const line = ['adjust', 'ADJ', 'A', '-1.5', '--type', 'sale', '--id', 'one']
  const first = await cli(line)
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stdout, /^applied +ADJ +A +-1\.5 +0 +-1\.5$/m)
  assert.match((await cli(line)).stdout, /^duplicate /m)
  const refused = await cli(['adjust', 'ADJ', 'A', '1', '--type', 'sale'])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /bad_sign/)
  assert.equal((await hub.cell('ADJ', 'A')).on_hand, -1.5)
})

test('adjust takes a file or standard input, and tells of each bad line', async () => {
  const lines = ['1', '2', '"x"', '3'].map((delta) => `{"location":"NDJ","sku":"A","delta":${delta}}`)
  const many = await cli(['adjust', '--file', file('many.ndjson', lines.join('\n'))])
  assert.equal(many.code, 1)
  assert.match(many.stdout, /^applied +3$/m)
  assert.match(many.stderr, /^ +3 .*bad_/m)
  const more = await piped(
    ['adjust', '--file', '-', '--url', hub.url, '--data', hub.data, '--json'],
    lines[0],
  )
  assert.equal(more.code, 0, more.stderr)
  assert.equal(JSON.parse(more.stdout).results[0].on_hand, 7)
})

test('reset, show, history and explain tell one story in the reader’s zone', async () => {
  const rows = 'location,sku,quantity\nNY01,WH09,10\nNY01,B,5.5\n'
  const reset = await cli([
    ...['reset', file('stock.csv', rows), '--source', 'prism'],
    ...['--as-of', '2026-11-23T02:00:00-05:00'],
  ])
  assert.equal(reset.code, 0, reset.stderr)
  assert.match(reset.stdout, /^status +applied$/m)
  assert.match(reset.stdout, /^as of +2026-11-23 02:00:00 -05:00$/m)
  assert.match(reset.stdout, /^NY01 +applied +2 +2 +0 +15\.5/m)
  const occurred = ['--occurred-at', '2026-11-23T02:05:00-05:00', '--document', '10045']
  await cli(['adjust', 'NY01', 'WH09', '-1', '--type', 'sale', ...occurred])
  const shown = await cli(['show', 'WH09'])
  assert.match(shown.stdout, /^NY01 +WH09 +9 +0 +9 +2026-11-23 02:00:00 -05:00$/m)
  const at = await cli(['show', 'NY01', 'WH09', '--at', '2026-11-23T02:01:00-05:00'])
  assert.match(at.stdout, /^NY01 +WH09 +10 /m)
  const history = await cli(['history', 'NY01', 'WH09'])
  assert.match(history.stdout, /2026-11-23 02:05:00 -05:00 +sale 10045 +admin +-1 +9 /)
  assert.match(history.stdout, /reset r-\S+ +prism +\+10 +10 /)
  const explained = await cli(['explain', 'NY01', 'WH09'])
  assert.match(explained.stdout, /^stated +10 +prism, as of .*stock\.csv line 2$/m)
  assert.match(explained.stdout, /^sale 10045 +-1 +2026-11-23 02:05:00 -05:00 .*after/m)
  assert.match(explained.stdout, /^= available +9/m)
})

test('a held reset names its reasons and the commands, which work', async () => {
  const rows = (quantity) =>
    `location,sku,quantity\n${['A', 'B', 'C', 'D'].map((sku) => `HELD,${sku},${quantity}\n`).join('')}`
  const location = ['--location', 'HELD', '--mode', 'full']
  await cli(['reset', file('a.csv', rows(10)), ...location, '--as-of', '2026-11-20T07:00:00Z'])
  const zeros = file('b.csv', rows(0))
  const dry = await cli([
    ...['reset', zeros, ...location, '--dry-run'],
    ...['--as-of', '2026-11-21T07:00:00Z'],
  ])
  assert.match(dry.stdout, /dry run: nothing was changed/)
  const held = await cli(['reset', zeros, ...location, '--as-of', '2026-11-21T07:00:00Z'])
  assert.equal(held.code, 1)
  assert.match(held.stdout, /HELD +held .*go to zero/)
  const id = /onhand resets approve (\S+)/.exec(held.stdout)[1]
  assert.equal((await hub.cell('HELD', 'A')).on_hand, 10)
  assert.match((await cli(['resets'])).stdout, new RegExp(`^${id} +held `, 'm'))
  assert.equal((await cli(['resets', 'approve', id])).code, 0)
  assert.match((await cli(['resets', 'variances', id])).stdout, /^HELD +A +2 +0 +10 +-10 /m)
  assert.equal((await hub.cell('HELD', 'A')).on_hand, 0)
  assert.equal((await cli(['resets', 'rollback', id])).code, 0)
  assert.equal((await hub.cell('HELD', 'A')).on_hand, 10)
  const unknown = await cli(['resets', 'approve', 'r-none'])
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /\(404\)/)
})

test('reset reads standard input and keeps the rows it could not take', async () => {
  const args = ['reset', '-', '--source', 'erp', '--guard-off', '--url', hub.url]
  const text = 'location,sku,quantity\nPIPE,A,1\nPIPE,B,1.2345\n'
  const { code, stdout } = await piped([...args, '--data', hub.data], text)
  assert.equal(code, 0)
  const [, id] = /onhand resets rejects (\S+)/.exec(stdout)
  assert.match((await cli(['resets', 'rejects', id])).stdout, /^3,bad_quantity,.*PIPE,B,1\.2345/m)
  const gone = await cli(['reset', '/nowhere.csv'])
  assert.equal(gone.code, 1)
  assert.match(gone.stderr, /cannot read \/nowhere\.csv/)
})

test('a manifest goes with the file', async () => {
  const manifest = file('m.json', '{"rows":7,"as_of":"2026-11-22T07:00:00Z","source":"prism"}')
  const stock = file('few.csv', 'location,sku,quantity\nMAN,A,1\n')
  const { code, stdout } = await cli(['reset', stock, '--manifest', manifest])
  assert.equal(code, 1)
  assert.match(stdout, /manifest or trailer does not match/)
})

test('tokens are made, listed, used and revoked', async () => {
  const made = await cli(['token', 'create', '--name', 'pos', '--scope', 'read', '--location', 'NY01'])
  assert.equal(made.code, 0, made.stderr)
  const token = made.stdout.trim()
  const env = { ...process.env, ONHAND_TOKEN: token, ONHAND_URL: hub.url }
  assert.equal((await onhand(['show', 'NY01', 'WH09'], { env })).code, 0)
  const denied = await onhand(['adjust', 'NY01', 'WH09', '1'], { env })
  assert.equal(denied.code, 1)
  assert.match(denied.stderr, /refuses the token from ONHAND_TOKEN/)
  assert.match((await cli(['token'])).stdout, /^pos +read +NY01 /m)
  assert.equal((await cli(['token', 'revoke', 'pos'])).code, 0)
  assert.equal((await onhand(['show', 'NY01', 'WH09'], { env })).code, 1)
})

test('status, feeds, channels and jobs have something to say', async () => {
  assert.match((await cli(['status'])).stdout, /^status +ok$/m)
  for (const command of ['feeds', 'channels', 'jobs']) {
    const answer = await cli([command])
    assert.equal(answer.code, 0, answer.stderr)
    assert.notEqual(answer.stdout, '')
    assert.deepEqual(JSON.parse((await cli([command, '--json'])).stdout), { items: [] })
  }
  const none = await cli(['jobs', 'run', 'feed:none'])
  assert.equal(none.code, 1)
  assert.match(none.stderr, /feed:none/)
})

test('export writes a whole file or none', async () => {
  const all = await cli(['export'])
  assert.match(all.stdout, /^location,sku,on_hand,reserved,available,/)
  assert.match(all.stdout, /^NY01,WH09,9,0,9,/m)
  const target = path.join(home, 'ny01.ndjson')
  const line = ['export', '--format', 'ndjson', '--location', 'NY01', '--output', target]
  assert.equal((await cli(line)).code, 0)
  const cells = readFileSync(target, 'utf8').trim().split('\n').map((text) => JSON.parse(text))
  assert.deepEqual(new Set(cells.map((cell) => cell.location)), new Set(['NY01']))
  assert.equal((await cli(line)).code, 1)
  assert.equal((await cli([...line, '--replace'])).code, 0)
  const bad = path.join(home, 'bad.csv')
  assert.equal((await cli(['export', '--location', 'NONE', '--output', bad])).code, 1)
  assert.ok(!existsSync(bad) && !existsSync(`${bad}.partial`))
})

test('a backup of the running hub verifies, and a hub starts from it', async () => {
  const target = path.join(home, 'backup.db')
  const { code, stderr } = await cli(['backup', target])
  assert.equal(code, 0, stderr)
  assert.equal(statSync(target).mode & 0o077, 0)
  const restored = path.join(home, 'restored')
  mkdirSync(restored)
  renameSync(target, path.join(restored, 'onhand.db'))
  copyFileSync(path.join(hub.data, 'admin.token'), path.join(restored, 'admin.token'))
  const verified = await onhand(['verify', '--data', restored])
  assert.equal(verified.code, 0, verified.stderr)
  assert.match(verified.stdout, /^differences +0$/m)
  const again = await Hub.start({ data: restored })
  assert.equal((await again.cell('NY01', 'WH09')).on_hand, 9)
  await again.stop()
})

test('verify refuses what is not there', async () => {
  const none = await onhand(['verify', '--data', '/nowhere'])
  assert.equal(none.code, 1)
  assert.match(none.stderr, /no data to verify/)
  const empty = await onhand(['verify', '--data', scratch('empty')])
  assert.equal(empty.code, 1)
})

test('bench measures the hub it is pointed at', async () => {
  for (const [connections, batch] of [['4', '1'], ['2', '50']]) {
    const size = ['--connections', connections, '--batch', batch]
    const { code, stdout, stderr } = await cli(['bench', '--seconds', '1', '--json', ...size])
    assert.equal(code, 0, stderr)
    const report = JSON.parse(stdout)
    assert.ok(report.adjustments >= Number(batch) && report.refused === 0, stdout)
    assert.ok(report.p50_ms <= report.p99_ms && report.p99_ms <= report.max_ms, stdout)
  }
})

test('config check names file, line and key', async () => {
  const shipped = path.join(root, 'packaging/onhand.yaml')
  assert.equal((await onhand(['config', 'check', '--config', shipped])).code, 0)
  const bad = file('bad.yaml', 'listen: 127.0.0.1:8484\nfeeds:\n  - name: x\n    schedulle: 1\n')
  const { code, stderr } = await onhand(['config', 'check', '--config', bad])
  assert.equal(code, 1)
  assert.match(stderr, /bad\.yaml:4:\d+: feeds\[0\]\.schedulle: /)
  const started = await onhand(['serve', '--config', bad], { cwd: home })
  assert.equal(started.code, 1)
  assert.match(started.stderr, /nothing was started/)
})

test('serve says one line on stdout and ends well; a second hub on its data is refused', async () => {
  const second = await onhand(['serve', '--data', hub.data, '--listen', '127.0.0.1:0'])
  assert.equal(second.code, 1)
  assert.match(second.stderr, /cannot start: /)
  const busy = await onhand([
    ...['serve', '--data', path.join(home, 'busy')],
    ...['--listen', `127.0.0.1:${hub.port}`],
  ])
  assert.equal(busy.code, 1)
  assert.match(busy.stderr, /cannot listen on 127\.0\.0\.1/)
  const line = `"$0" serve --data "$1" --listen 127.0.0.1:0 2>/dev/null & pid=$!; sleep 2; kill $pid; wait $pid`
  const data = path.join(home, 'deep/down/data')
  const { code, stdout } = await run('sh', ['-c', line, binary, data])
  assert.equal(code, 0)
  assert.match(stdout, /^onhand: ready http:\/\/127\.0\.0\.1:\d+\n$/)
  assert.equal(statSync(path.join(data, 'admin.token')).mode & 0o777, 0o600)
  assert.equal(statSync(data).mode & 0o777, 0o700)
})
