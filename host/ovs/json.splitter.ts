/** Cuts a stream of JSON objects that follow each other without a separator (RFC 7047, section 4) into values. */
export interface JsonSplitter {
  /** Takes the next part of the stream; answers the values that are complete. Throws SyntaxError on what is no JSON. */
  push(text: string): unknown[]
}

/** For one connection: what is not complete is kept for the next part. Of no use after a SyntaxError. */
export function createJsonSplitter(): JsonSplitter {
  let parts: string[] = []
  let depth = 0
  let inString = false
  let escaped = false
  return {
    push(text) {
      const values: unknown[] = []
      let from = 0
      for (let i = 0; i < text.length; i++) {
        const c = text.charCodeAt(i)
        if (inString) {
          if (escaped) escaped = false
          else if (c === 0x5c) escaped = true
          else if (c === 0x22) inString = false
        } else if (c === 0x22) inString = true
        else if (c === 0x7b || c === 0x5b) depth++
        else if (c === 0x7d || c === 0x5d) {
          depth--
          if (depth < 0) throw new SyntaxError('unbalanced JSON')
          if (depth === 0) {
            parts.push(text.slice(from, i + 1))
            values.push(JSON.parse(parts.join('')))
            parts = []
            from = i + 1
          }
        }
      }
      if (from < text.length) parts.push(text.slice(from))
      return values
    },
  }
}
