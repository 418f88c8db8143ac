// The demo is the first thing a new user sees, and a test of the main job on real input: it runs for
// 40 seconds and two nights, and every one of 250,000 cells must be right, in the
// hub, and each of 5,000 figures in the shop.
import assert from 'node:assert/strict'
import path from 'node:path'
import test from 'node:test'
import { binary, patience, root, run } from './lib.mjs'

test('the demo runs two nights and no cell is wrong', { skip: patience > 1 }, async () => {
  const env = { ...process.env, ONHAND_BINARY: binary, DEMO_SECONDS: '40', NODE: process.execPath }
  const { code, stdout, stderr } = await run(path.join(root, 'demo/run'), [], { env })
  assert.equal(code, 0, stdout + stderr)
  assert.match(stdout, /^cells wrong: 0 of 250,000$/m)
  assert.match(stdout, /^shop wrong: 0 of 5,000$/m)
  assert.match(stdout, /^ +P\d+ sold at S\d\d \d\d:\d\d:\d\d\.\d{3} -> shop \d\d:\d\d:\d\d\.\d{3}$/m)
  assert.match(stdout, /^night 2: .* cells wrong 0$/m)
  const [, repeated, lost] = /(\d[\d,]*) repeated and (\d[\d,]*) lost/.exec(stdout)
  assert.notEqual(repeated, '0', 'what tills send is polled, too')
  assert.notEqual(lost, '0', 'some of what tills send gets lost')
})
