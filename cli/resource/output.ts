/** Objects as people and programs read them: a table, JSON or YAML. */
import { stringify } from 'yaml'
import { printExact } from '../../lib/json.ts'
import { UserError } from '../errors.ts'

export type Format = 'table' | 'json' | 'yaml' | 'value'
export const formats: readonly Format[] = ['table', 'json', 'yaml', 'value']

type Row = Readonly<Record<string, unknown>>

/** Parts of an object within another that the other says as well, or nobody reads there. */
const hidden: ReadonlySet<string> = new Set([
  ...['project_id', 'tenant_id', 'security_group_id', 'created_at', 'updated_at', 'revision_number'],
  ...['normalized_cidr', 'belongs_to_default_sg'],
])

/** A value in a cell: lists with commas, objects as `key='value'` without what is empty, several of them a line each. */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) {
    return value.map(cellOf).join(value.some((one) => typeof one === 'object') ? '\n' : ', ')
  }
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([key, one]) => [key, cellOf(one)])
      .filter(([key = '', text]) => text !== '' && !hidden.has(key))
      .map(([key, text]) => `${key}='${text}'`)
      .join(', ')
  }
  // What others typed must not move the cursor.
  return String(value).replaceAll(/\p{Cc}/gu, ' ')
}

/** Rows of cells of several lines as rows of one line each. */
function linesOf(row: readonly string[]): string[][] {
  const cells = row.map((cell) => cell.split('\n'))
  const height = Math.max(...cells.map((lines) => lines.length))
  return Array.from({ length: height }, (_, i) => cells.map((lines) => lines[i] ?? ''))
}

function table(heads: readonly string[], cells: readonly (readonly string[])[]): string {
  const rows = cells.flatMap(linesOf)
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const print = (cells: readonly string[]) =>
    `|${cells.map((cell, i) => ` ${cell.padEnd(widths[i] ?? 0)} `).join('|')}|`
  return [line, print(heads), line, ...rows.map(print), ...(rows.length > 0 ? [line] : [])].join('\n')
}

/** The columns among `known` that were asked for, in any case and with blanks; all if none was. Throws UserError. */
export function columnsOf(asked: readonly string[], known: readonly string[]): readonly string[] {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[ -]/g, '_')
  const unknown = asked.filter((name) => known.length > 0 && !known.some((one) => plain(one) === plain(name)))
  if (unknown.length > 0) {
    throw new UserError(`there is no column ${unknown.join(', ')}`, `There are ${known.join(', ')}.`)
  }
  return asked.length === 0
    ? known
    : asked.map((name) => known.find((one) => plain(one) === plain(name)) ?? name)
}

const picked = (row: Row, columns: readonly string[]) =>
  Object.fromEntries(columns.map((column) => [column, row[column] ?? null]))

/** A list. */
export function printedList(rows: readonly Row[], columns: readonly string[], format: Format): string {
  if (format === 'json')
    return printExact(
      rows.map((row) => picked(row, columns)),
      2,
    )
  if (format === 'yaml') return stringify(rows.map((row) => picked(row, columns))).trimEnd()
  const cells = rows.map((row) => columns.map((column) => cellOf(row[column])))
  if (columns.length === 0) return ''
  return format === 'value' ? cells.map((row) => row.join(' ')).join('\n') : table(columns, cells)
}

/** One object. */
export function printedObject(row: Row, columns: readonly string[], format: Format): string {
  if (format === 'json') return printExact(picked(row, columns), 2)
  if (format === 'yaml') return stringify(picked(row, columns)).trimEnd()
  const cells = columns.map((column) => [column, cellOf(row[column])])
  return format === 'value' ? cells.map(([, value]) => value).join('\n') : table(['Field', 'Value'], cells)
}
