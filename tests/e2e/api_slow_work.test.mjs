// A small body may be a lot of work: packed, it becomes hundreds of times as much. However long the
// hub works on a piece, that is its own time and not the sender's: nobody is hung up on for it,
// neither the sender nor those who are served by the same thread, and those do not wait for it.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { call, Hub, patience, scaled, scratch } from './lib.mjs'

let hub
before(async () => {
  const config = path.join(scratch('slow'), 'onhand.yaml')
  writeFileSync(config, 'limits: {request_timeout: 1s}\n')
  hub = await Hub.start({ args: ['--config', config] })
})
after(() => hub?.stop())

// Rows that lack a column: each goes on the list of those that were rejected, and so takes its time.
const rows = scaled(8e6, 3e6)
const slow = (L) => gzipSync(Buffer.concat([Buffer.from(`location,sku,quantity\n${L},A,1\n`), Buffer.alloc(2 * rows, 'x\n')]), { level: 9 })

for (const form of ['as it is', 'in a form']) {
  test(`a body of much work is worked on, whatever the timeout, and nobody waits for it: ${form}`, async () => {
    const L = form === 'as it is' ? 'L1' : 'L2'
    const file = slow(L)
    assert.ok(file.length < 100e3)
    const boundary = 'xxxxxxxxboundaryxxxxxxxx'
    const begin = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.csv.gz"\r\n\r\n`
    const body = form === 'as it is' ? file : Buffer.concat([Buffer.from(begin), file, Buffer.from(`\r\n--${boundary}--\r\n`)])
    const type = form === 'as it is' ? 'text/csv' : `multipart/form-data; boundary=${boundary}`
    const started = Date.now()
    let took = null
    const upload = hub.json('POST', '/v1/resets', { body, type }).finally(() => (took = Date.now() - started))
    const agent = new http.Agent({ keepAlive: false })
    let longest = 0
    for (let asked = 0; took === null || asked < 10; asked++) {
      const since = Date.now()
      const answers = await Promise.all([1, 2, 3, 4].map(() => call(`${hub.url}/healthz`, { agent })))
      for (const { status } of answers) assert.equal(status, 200)
      longest = Math.max(longest, Date.now() - since)
    }
    const reset = await upload
    assert.equal(reset.rejected_rows, rows)
    assert.equal((await hub.cell(L, 'A')).on_hand, 1)
    assert.ok(took > 1000, `too little work to tell: ${took} ms`)
    assert.ok(longest < 500 * patience, `others waited ${longest} ms`)
  })
}
