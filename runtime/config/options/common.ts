/** Options that every process has. */
import { boolean, text } from '../option.ts'

export const commonOptions = {
  debug: boolean({ default: false, help: 'Log reasons as well as changes (level debug instead of info).' }),
  host: text({
    default: null,
    help: 'Name of this host, as agents report it and as binding:host_id names it. The system host name if not set.',
  }),
}
