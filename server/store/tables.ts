/** The tables as Kysely sees them; the migrations beside this file make them. */
export interface Tables {
  changes: Record<string, unknown>
}
