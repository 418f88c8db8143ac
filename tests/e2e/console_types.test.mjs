// The console's types are those of /openapi.json: a shape that changes in the hub and not in the
// console fails here, and then the compiler names every page that must follow.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { Hub, root } from './lib.mjs'

const program = path.join(root, 'tools/api_types')
const make = (document) =>
  execFileSync(process.execPath, [program], { input: JSON.stringify(document), encoding: 'utf8' })

test('console/src/api.ts is what tools/api_types makes of /openapi.json', async () => {
  const hub = await Hub.start()
  const document = await hub.json('GET', '/openapi.json')
  await hub.stop()
  const kept = readFileSync(path.join(root, 'console/src/api.ts'), 'utf8')
  assert.equal(kept, make(document), 'run: curl .../openapi.json | tools/api_types >console/src/api.ts')
})

test('a shape is told as it is: what may be missing, what may be null, lists of either', () => {
  const time = { type: 'string', format: 'date-time' }
  const properties = {
    name: { type: 'string' },
    at: { anyOf: [time, { type: 'null' }] },
    others: { type: 'array', items: { $ref: '#/components/schemas/B' } },
    maybe: { type: 'array', items: { anyOf: [{ type: 'integer' }, { type: 'null' }] } },
    what: {},
  }
  const schemas = { A: { description: 'An A', required: ['name', 'at'], properties }, B: {} }
  const text = make({ components: { schemas } })
  assert.match(text, /^\/\*\* An A \*\/\nexport interface A \{\n  name: string\n  at: Time \| null\n/m)
  assert.match(text, /\n  others\?: B\[\]\n  maybe\?: \(number \| null\)\[\]\n  what\?: unknown\n\}/)
  assert.match(text, /^export type B = unknown$/m)
})
