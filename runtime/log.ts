/**
 * Structured logging: JSON lines, one object a line, secrets blanked. Everybody takes the small `Logger` interface
 * and is handed one; nobody makes its own.
 */
import pino from 'pino'

/** Facts of a log line. An `Error` under `err` comes out with type, message, stack and cause. */
export type LogFields = Record<string, unknown>

/** What a part of the program needs of logging. Info tells changes, debug tells reasons. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A logger that adds these fields to each of its lines. */
  child(fields: LogFields): Logger
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface LogOptions {
  /** Process name, on every line: `server`, `agent`. */
  name: string
  level?: LogLevel
  /** Where lines go; standard output when absent. Writes to a path or a descriptor are synchronous. */
  destination?: string | number | NodeJS.WritableStream
}

const secretNames = [
  'password',
  'original_password',
  'adminPass',
  'secret',
  'token',
  'authorization',
  'credential',
  '["x-auth-token"]',
  '["x-subject-token"]',
]

/** Paths that are blanked, at the top of a line and up to two objects deep. */
const redactedPaths = secretNames.flatMap((name) =>
  ['', '*', '*.*'].map((parent) =>
    name.startsWith('[') || parent === '' ? parent + name : `${parent}.${name}`,
  ),
)

/** Bytes of lines that wait while nothing can be written, as on a full disk; later ones are dropped. */
const heldBack = 1 << 20

/** Makes the one root logger of a process. Where lines cannot be written the process goes on without them. */
export function createLogger(options: LogOptions): Logger {
  const { destination = 1 } = options
  const stream =
    typeof destination === 'object'
      ? destination
      : pino.destination({ dest: destination, sync: true, mkdir: false, maxLength: heldBack })
  const log = pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactedPaths, censor: '***' },
    },
    stream,
  )
  let dropped = 0
  stream.on('error', () => {})
  stream.on('drop', () => {
    dropped++
    // An empty line has room, and tries whether the others can be written now.
    stream.write('')
  })
  stream.on('drain', () => {
    const lines = dropped
    dropped = 0
    if (lines > 0) log.warn({ lines }, 'the log could not be written: lines are missing')
  })
  return log
}

/** Says nothing; for tests and tools that have nowhere to log to. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
}
