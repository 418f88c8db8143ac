// A certificate that nobody should believe any more.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { run } from './lib.mjs'

/** A certificate for 127.0.0.1 that was good for a day, long ago: {key, cert} as files. */
export async function expiredCertificate(directory) {
  const file = (name) => path.join(directory, name)
  const openssl = async (...args) => {
    const { code, stderr } = await run('openssl', args)
    assert.equal(code, 0, stderr)
  }
  writeFileSync(file('index.txt'), '')
  writeFileSync(
    file('ca.cnf'),
    `[ca]\ndefault_ca=d\n[d]\ndatabase=${file('index.txt')}\nnew_certs_dir=${directory}\nrand_serial=yes\n` +
      'default_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n' +
      '[e]\nsubjectAltName=IP:127.0.0.1\n'
  )
  await openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1',
    '-keyout', file('key.pem'), '-out', file('csr.pem'))
  await openssl('ca', '-batch', '-selfsign', '-notext', '-config', file('ca.cnf'), '-keyfile', file('key.pem'),
    '-in', file('csr.pem'), '-out', file('cert.pem'), '-startdate', '20200101000000Z', '-enddate', '20200102000000Z')
  return { key: file('key.pem'), cert: file('cert.pem') }
}
