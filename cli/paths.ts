import { dirname } from 'node:path'

/** The directory that Nucleon was cloned into: programs, scripts and processes are found from here. */
export const repository = dirname(import.meta.dirname)
