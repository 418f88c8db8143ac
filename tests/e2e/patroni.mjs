// A PostgreSQL that fails over by itself: Patroni with etcd from Debian's packages, two servers
// on the loopback. Each member lives in a process namespace of its own: when that is killed, all in
// it is dead at once, as with a machine, and nothing outlives the test.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { call, freePort, keepChild, run, scratch } from './lib.mjs'
import { until } from './many_hubs.mjs'

const password = 'only for this test'

/** Why there is no failover here; false where there is. */
export async function patroniMissing() {
  for (const [program, name] of [['/usr/bin/etcd', 'etcd-server'], ['/usr/bin/patroni', 'patroni']])
    if (!existsSync(program)) return `${name} is not installed (apt-get install patroni etcd-server)`
  if (binaries() === undefined) return 'PostgreSQL is not installed (apt-get install postgresql-15)'
  const probe = await run('unshare', ['--pid', '--fork', '--mount-proc', 'true'])
  return probe.code === 0 ? false : `needs root, for namespaces: ${probe.stderr.trim()}`
}

function binaries() {
  const top = '/usr/lib/postgresql'
  const versions = existsSync(top) ? readdirSync(top).map(Number).sort((a, b) => a - b) : []
  return versions.length > 0 ? path.join(top, `${versions.at(-1)}`, 'bin') : undefined
}

/** A program as the user postgres, and whatever it starts, which all end with us. */
class Member {
  constructor(directory, name, line) {
    this.log = path.join(directory, `${name}.log`)
    const inside = `setpriv --reuid postgres --regid postgres --clear-groups -- "$@" & wait`
    const args = ['--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
    args.push('sh', '-c', `exec >>'${this.log}' 2>&1; ${inside}`, 'sh', ...line)
    this.child = spawn('setpriv', args, {
      cwd: directory,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
      stdio: 'ignore',
    })
    keepChild(this.child)
    this.ended = new Promise((resolve) => this.child.once('exit', resolve))
  }

  /** Over once the last process in there is gone. */
  async kill() {
    const { pid, exitCode, signalCode } = this.child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    this.child.ref()
    let first = ''
    try {
      first = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    } catch {} // it has ended
    if (first !== '') process.kill(Number(first), 'SIGKILL')
    await this.ended
  }
}

export class Failover {
  /** Two servers, of which one is the synchronous standby of the other. */
  static async start() {
    const cluster = new Failover()
    cluster.directory = scratch('patroni')
    chmodSync(cluster.directory, 0o711)
    cluster.nodes = []
    try {
      await cluster.#startEtcd()
      await cluster.#startNode('node1')
      await until('the first server leads', () => cluster.leader(), 60)
      await cluster.#startNode('node2')
      await until('the other is its standby', () => cluster.#standby(), 60)
    } catch (error) {
      error.message += cluster.logs()
      await cluster.end()
      throw error
    }
    return cluster
  }

  /** A directory of its own for each, that its user may write to. */
  async #home(name) {
    const home = path.join(this.directory, name)
    mkdirSync(home, { mode: 0o700 })
    const { code, stderr } = await run('chown', ['postgres:', home])
    assert.equal(code, 0, stderr)
    return home
  }

  async #startEtcd() {
    const home = await this.#home('etcd')
    const [client, peer] = [await freePort(), await freePort()].map((n) => `http://127.0.0.1:${n}`)
    const line = ['etcd', '--data-dir', path.join(home, 'data'), '--name', 'only']
    line.push('--listen-client-urls', client, '--advertise-client-urls', client)
    line.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer)
    line.push('--initial-cluster', `only=${peer}`)
    this.etcd = new Member(this.directory, 'etcd', line)
    this.etcdHost = client.slice('http://'.length)
    await until('etcd answers', async () => {
      const answer = await call(`${client}/health`).catch(() => null)
      return answer?.text.includes('true')
    })
  }

  async #startNode(name) {
    const home = await this.#home(name)
    const [port, api] = [await freePort(), await freePort()]
    const config = path.join(home, 'patroni.json') // which is YAML as well
    const access = (role) => ({ username: role, password })
    const settings = {
      scope: 'onhand',
      name,
      restapi: { listen: `127.0.0.1:${api}`, connect_address: `127.0.0.1:${api}` },
      etcd3: { hosts: this.etcdHost },
      bootstrap: {
        dcs: { ttl: 10, loop_wait: 1, retry_timeout: 3, synchronous_mode: true },
        initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, 'no-sync'],
      },
      postgresql: {
        listen: `127.0.0.1:${port}`,
        connect_address: `127.0.0.1:${port}`,
        data_dir: path.join(home, 'data'),
        bin_dir: binaries(),
        pgpass: path.join(home, 'pgpass'),
        pg_hba: [
          'host all all 127.0.0.1/32 scram-sha-256',
          'host replication all 127.0.0.1/32 scram-sha-256',
        ],
        authentication: { superuser: access('postgres'), replication: access('replicator') },
        parameters: { unix_socket_directories: home, jit: 'off' },
      },
    }
    writeFileSync(config, JSON.stringify(settings), { mode: 0o600 })
    const { code, stderr } = await run('chown', ['postgres:', config])
    assert.equal(code, 0, stderr)
    const member = new Member(this.directory, name, ['patroni', config])
    this.nodes.push({ name, port, api: `http://127.0.0.1:${api}`, member, alive: true })
  }

  async #is(node, role) {
    const answer = await call(`${node.api}/${role}`).catch(() => null)
    return node.alive && answer?.status === 200
  }

  /** The one that takes writes, as Patroni says; undefined while there is none. */
  async leader() {
    for (const node of this.nodes) if (await this.#is(node, 'primary')) return node
  }

  async #standby() {
    for (const node of this.nodes) if (await this.#is(node, 'synchronous')) return node
  }

  /** Of an ordinary role's database on one of them; ask() makes a superuser of it. */
  urlOf(node, database) {
    return `postgresql://onhand:${encodeURIComponent(password)}@127.0.0.1:${node.port}/${database}`
  }

  /** What a hub is told: every server; the password goes by itself. */
  get store() {
    return `postgresql://onhand@${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join()}/onhand`
  }

  get password() {
    return password
  }

  /** Its Patroni and its PostgreSQL are gone at once. */
  async kill(node) {
    node.alive = false
    await node.member.kill()
  }

  logs() {
    const members = [this.etcd, ...this.nodes.map(({ member }) => member)].filter(Boolean)
    const tail = ({ log }) => (existsSync(log) ? readFileSync(log, 'utf8').slice(-3000) : '')
    return members.map((member) => `\n--- ${member.log}\n${tail(member)}`).join('')
  }

  async end() {
    for (const { member } of this.nodes) await member.kill()
    await this.etcd?.kill()
  }
}
