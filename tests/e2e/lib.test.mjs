// What the tests themselves lean on: a test that fails with its hub still up ends at once, and the
// hub with it, rather than when somebody's patience does.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { run, scratch } from './lib.mjs'

const lib = pathToFileURL(path.join(path.dirname(fileURLToPath(import.meta.url)), 'lib.mjs'))

/** One that nobody has asked after yet (Z) has ended. */
function isRunning(pid) {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

test('a failed test takes its hub along', { timeout: 120e3 }, async () => {
  const directory = scratch('lib')
  const file = path.join(directory, 'failing.test.mjs')
  const note = path.join(directory, 'pid')
  writeFileSync(file, `
    import { test } from 'node:test'
    import { writeFileSync } from 'node:fs'
    import { Hub } from ${JSON.stringify(lib.href)}
    test('fails with its hub up', async () => {
      const hub = await Hub.start()
      writeFileSync(${JSON.stringify(note)}, hub.pid + ' ' + hub.data)
      await hub.adjust([{ location: 'L', sku: 'A', delta: 1 }])
      throw new Error('it failed')
    })
  `)
  const env = { ...process.env }
  delete env.NODE_TEST_CONTEXT
  const { code, stdout, stderr } = await run(process.execPath, ['--test', file], { env, timeout: 100e3 })
  assert.equal(code, 1, stdout + stderr)
  assert.match(stdout, /it failed/)
  const [pid, data] = readFileSync(note, 'utf8').split(' ')
  for (let i = 0; i < 400 && isRunning(pid); i++) await sleep(25)
  assert.ok(!isRunning(pid))
  assert.ok(!existsSync(data))
})
