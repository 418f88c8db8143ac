// A real OpenSSH server for the tests of feeds: its own host key, one user (whoever runs the test)
// with one key, sftp and nothing else, on a port below 32768, ended by its pid.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, keepChild, run, scratch } from './lib.mjs'

const program = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find(existsSync)

async function makeKey(file) {
  const { code, stderr } = await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
  if (code !== 0) throw new Error(`ssh-keygen: ${stderr}`)
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('data', () => resolve(true) || socket.destroy())
    socket.once('error', () => resolve(false))
  })
}

export class Sshd {
  /** options.subsystem: how it serves files, `internal-sftp` by default. */
  static async start({ subsystem = 'internal-sftp' } = {}) {
    if (!program) throw new Error('no sshd: install openssh-server')
    const sshd = new Sshd()
    sshd.subsystem = subsystem
    sshd.home = scratch('sshd')
    sshd.port = await freePort()
    sshd.user = os.userInfo().username
    sshd.identity = path.join(sshd.home, 'id')
    sshd.knownHosts = path.join(sshd.home, 'known_hosts')
    sshd.drop = path.join(sshd.home, 'drop')
    mkdirSync(sshd.drop)
    await makeKey(sshd.identity)
    await sshd.newHostKey('host')
    sshd.trust()
    await sshd.run()
    return sshd
  }

  get url() {
    return `sftp://${this.user}@127.0.0.1:${this.port}${this.drop}`
  }

  async newHostKey(name) {
    this.hostKey = path.join(this.home, name)
    await makeKey(this.hostKey)
  }

  /** known_hosts names the present host key, and nothing else. */
  trust() {
    const [type, key] = readFileSync(`${this.hostKey}.pub`, 'utf8').split(' ')
    writeFileSync(this.knownHosts, `[127.0.0.1]:${this.port} ${type} ${key}\n`)
  }

  async fingerprint() {
    const { stdout } = await run('ssh-keygen', ['-l', '-f', `${this.hostKey}.pub`])
    return stdout.split(' ')[1]
  }

  async run() {
    const config = path.join(this.home, 'sshd_config')
    writeFileSync(
      config,
      [
        `Port ${this.port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${this.hostKey}`,
        `AuthorizedKeysFile ${this.identity}.pub`,
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password',
        'StrictModes no',
        'UsePAM no',
        'PidFile none',
        `Subsystem sftp ${this.subsystem}`,
        `ForceCommand ${this.subsystem}`,
        '',
      ].join('\n'),
    )
    if (process.getuid() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
    this.child = spawn(program, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.log = ''
    this.child.stderr.on('data', (data) => (this.log += data))
    const child = this.child
    keepChild(child)
    this.ended = new Promise((resolve) => child.once('exit', resolve))
    for (let i = 0; i < 100; i++) {
      if (await answers(this.port)) return
      await sleep(50)
    }
    throw new Error(`sshd does not answer\n${this.log}`)
  }

  async stop() {
    this.child.ref()
    this.child.kill('SIGTERM')
    await this.ended
  }
}
