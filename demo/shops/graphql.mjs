// Reads a GraphQL document, as much of the language as clients of a shop use: one operation, with
// aliases, arguments, variables, directives and inline fragments.

export class BadDocument extends Error {}

const tokens = /\s+|,|#[^\n]*|("(?:[^"\\]|\\.)*")|(\.\.\.|[!$()=@:[\]{}])|([A-Za-z_]\w*)|(-?\d+(?:\.\d+)?)/gy

function split(text) {
  const list = []
  tokens.lastIndex = 0
  while (tokens.lastIndex < text.length) {
    const at = tokens.lastIndex
    const match = tokens.exec(text)
    if (!match) throw new BadDocument(`syntax error at ${at}`)
    if (match[1] ?? match[2] ?? match[3] ?? match[4]) list.push(match[0])
  }
  return list
}

/** {type, fields: [{alias, name, args, directives: {name: args}, fields}]} with variables put in. */
export function parse(text, variables = {}) {
  const list = split(text)
  let at = 0
  const peek = () => list[at]
  const take = (wanted) => {
    const token = list[at++]
    if (token === undefined || (wanted && token !== wanted)) {
      throw new BadDocument(`expected ${wanted ?? 'more'}, found ${token ?? 'the end'}`)
    }
    return token
  }

  function value() {
    const token = take()
    if (token === '$') {
      const name = take()
      if (!declared.has(name)) throw new BadDocument(`variable $${name} is not declared`)
      return variables[name] ?? null
    }
    if (token === '[') {
      const items = []
      while (peek() !== ']') items.push(value())
      take(']')
      return items
    }
    if (token === '{') {
      const object = {}
      while (peek() !== '}') {
        const name = take()
        take(':')
        object[name] = value()
      }
      take('}')
      return object
    }
    if (token[0] === '"') return JSON.parse(token)
    if (/^-?\d/.test(token)) return Number(token)
    return { true: true, false: false, null: null }[token] ?? token
  }

  function args() {
    const given = {}
    if (peek() !== '(') return given
    take('(')
    while (peek() !== ')') {
      const name = take()
      take(':')
      given[name] = value()
    }
    take(')')
    return given
  }

  function directives() {
    const given = {}
    while (peek() === '@') {
      take('@')
      const name = take()
      given[name] = args()
    }
    return given
  }

  function fields() {
    const chosen = []
    if (peek() !== '{') return chosen
    take('{')
    while (peek() !== '}') {
      if (peek() === '...') {
        take('...')
        take('on')
        take()
        chosen.push(...fields())
        continue
      }
      let name = take()
      let alias = name
      if (peek() === ':') {
        take(':')
        name = take()
      } else alias = name
      const given = args()
      const special = directives()
      chosen.push({ alias, name, args: given, directives: special, fields: fields() })
    }
    take('}')
    return chosen
  }

  const declared = new Set()
  let type = 'query'
  if (peek() !== '{') {
    type = take()
    if (peek() !== '(' && peek() !== '{') take()
    if (peek() === '(') {
      take('(')
      while (peek() !== ')') {
        take('$')
        declared.add(take())
        take(':')
        while (peek() !== '$' && peek() !== ')') take()
      }
      take(')')
    }
  }
  const top = fields()
  if (at < list.length) throw new BadDocument(`unexpected ${peek()}`)
  return { type, fields: top }
}

/** Only the fields that were asked for, under the names they were given. */
export function pick(value, fields) {
  if (value === null || value === undefined || fields.length === 0) return value ?? null
  if (Array.isArray(value)) return value.map((item) => pick(item, fields))
  const out = {}
  for (const field of fields) {
    const member = value[field.name]
    const found = typeof member === 'function' ? member.call(value, field.args) : member
    if (found === undefined) throw new BadDocument(`Field '${field.name}' doesn't exist`)
    out[field.alias] = pick(found, field.fields)
  }
  return out
}
