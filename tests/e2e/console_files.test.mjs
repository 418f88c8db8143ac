// The console as the hub serves it: small, compressed, kept by its ETag, allowed to talk to nobody
// but the hub; and what becomes of a build without npm.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import http from 'node:http'
import { consoleIsThere } from './browser.mjs'
import { Hub, root, scratch } from './lib.mjs'

const KB_MOST = 150
const skip = consoleIsThere() ? false : 'this hub was built without its console (npm was missing)'

let hub
before(async () => {
  hub = await Hub.start()
})
after(() => hub.stop())

/** {status, headers, body}: the bytes as they come. */
function fetchRaw(target, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.get(hub.url + target, { headers, agent: hub.agent }, (response) => {
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) })
      )
    })
    request.on('error', reject)
  })
}

const page = async () => (await fetchRaw('/')).body.toString()
const assets = async () => [...(await page()).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((found) => found[1])

test('all of it is less than 150 KB on its way', { skip }, async () => {
  let sum = 0
  for (const target of ['/', ...(await assets())]) {
    const { status, headers, body } = await fetchRaw(target, { 'Accept-Encoding': 'gzip, br' })
    assert.equal(status, 200)
    assert.equal(headers['content-encoding'], 'gzip')
    assert.deepEqual(gunzipSync(body), (await fetchRaw(target)).body, 'the same without compression')
    sum += body.length
  }
  assert.ok(sum < KB_MOST * 1000, `${sum} bytes`)
})

test('what a browser has is not sent again', { skip }, async () => {
  for (const target of ['/', ...(await assets())]) {
    const { headers } = await fetchRaw(target)
    assert.match(headers.etag, /^"[0-9a-f]{24}"$/)
    const again = await fetchRaw(target, { 'If-None-Match': headers.etag })
    assert.equal(again.status, 304)
    assert.equal(again.body.length, 0)
    assert.equal((await fetchRaw(target, { 'If-None-Match': '"0"' })).status, 200)
    const forever = target === '/' ? /^no-cache$/ : /immutable/
    assert.match(headers['cache-control'], forever)
  }
})

test('the page may talk to the hub and to nobody else', async () => {
  for (const target of ['/', ...(await assets())]) {
    const { headers } = await fetchRaw(target)
    const policy = headers['content-security-policy']
    assert.match(policy, /^default-src 'none';/)
    assert.match(policy, /script-src 'self';.*connect-src 'self'.*frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe|https?:|\*/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
  }
  assert.doesNotMatch(await page(), /<script>|<style>|style="|https?:\/\//)
})

test('a file that is not there is told of, whatever its name', async () => {
  for (const target of ['/assets/none.js', '/assets/..%2f..%2fetc%2fpasswd', '/assets/%00']) {
    assert.ok([400, 404].includes((await fetchRaw(target)).status), target)
  }
})

test('without npm the build goes on, and says what is missing', () => {
  const directory = scratch('console')
  const bin = path.join(directory, 'bin')
  for (const folder of ['bin', 'tools', 'console', 'console/src']) mkdirSync(path.join(directory, folder))
  for (const tool of ['sh', 'dirname', 'find', 'head', 'mktemp', 'rm']) {
    symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), path.join(bin, tool))
  }
  copyFileSync(path.join(root, 'tools/console'), path.join(directory, 'tools/console'))
  const told = execFileSync('/bin/sh', [path.join(directory, 'tools/console')], {
    env: { PATH: bin },
    encoding: 'utf8',
  })
  assert.match(told, /npm is not installed/)
  const table = path.join(directory, 'console_files.c')
  execFileSync(path.join(root, 'tools/embed'), [path.join(directory, 'console/dist'), table])
  assert.match(readFileSync(table, 'utf8'), /console_file_count = 0;/)
})

test('a build of the console is not made twice', () => {
  const directory = scratch('console')
  for (const folder of ['tools', 'console', 'console/src', 'console/dist']) mkdirSync(path.join(directory, folder))
  for (const file of ['index.html', 'package-lock.json', 'tsconfig.json', 'vite.config.ts', 'dist/.built']) {
    writeFileSync(path.join(directory, 'console', file), '')
  }
  copyFileSync(path.join(root, 'tools/console'), path.join(directory, 'tools/console'))
  const told = execFileSync('/bin/sh', [path.join(directory, 'tools/console')], { encoding: 'utf8' })
  assert.equal(told, '')
})
