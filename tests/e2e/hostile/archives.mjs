// Archives made by hand: {name: data} becomes a zip with deflated entries (head and data of each,
// directory, end) or a tar; bytes become a zstd frame of raw blocks.
import zlib from 'node:zlib'

function crcTable() {
  return Uint32Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
    return n >>> 0
  })
}
const table = crcTable()
function crcOf(data) {
  if (zlib.crc32) return zlib.crc32(data)
  let crc = 0xffffffff
  for (const byte of data) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

export function zipOf(files) {
  const parts = []
  const directory = []
  let offset = 0
  for (const [name, content] of Object.entries(files)) {
    const data = Buffer.from(content)
    const packed = zlib.deflateRawSync(data, { level: 9 })
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(8, 4)
    common.writeUInt32LE(crcOf(data), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(Buffer.byteLength(name), 22)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    const head = [Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed]
    parts.push(...head)
    offset += head.reduce((sum, part) => sum + part.length, 0)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, Buffer.from(name))
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(Object.keys(files).length, 8)
  end.writeUInt16LE(Object.keys(files).length, 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, entries, end])
}

export function tarOf(files) {
  const parts = []
  for (const [name, content] of Object.entries(files)) {
    const data = Buffer.from(content)
    const head = Buffer.alloc(512)
    head.write(name, 0, 100)
    head.write('0000644\x000000000\x000000000\x00', 100, 'latin1')
    head.write(data.length.toString(8).padStart(11, '0') + ' 00000000000 ', 124, 'latin1')
    head.write('        0', 148, 'latin1')
    head.write('ustar\x0000', 257, 'latin1')
    const sum = head.reduce((total, byte) => total + byte, 0)
    head.write(sum.toString(8).padStart(6, '0') + '\x00 ', 148, 'latin1')
    parts.push(head, data, Buffer.alloc((512 - (data.length % 512)) % 512))
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

export function zstdOf(content) {
  const data = Buffer.from(content)
  const head = Buffer.alloc(9)
  head.writeUInt32LE(0xfd2fb528, 0)
  head[4] = 0xa0 // a single segment, its size in four bytes
  head.writeUInt32LE(data.length, 5)
  const blocks = []
  for (let at = 0; at === 0 || at < data.length; at += 1 << 17) {
    const block = data.subarray(at, at + (1 << 17))
    const mark = Buffer.alloc(3)
    mark.writeUIntLE((block.length << 3) | (at + block.length >= data.length ? 1 : 0), 0, 3)
    blocks.push(mark, block)
  }
  return Buffer.concat([head, ...blocks])
}
