/**
 * `nucleon …`: the commands and their options. What a command does is loaded when it runs, so that the rest costs
 * its start nothing.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { describeError } from './errors.ts'
import { defaultState, version } from './paths.ts'

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 65535) {
    throw new InvalidArgumentError('A port is a number from 1 to 65535.')
  }
  return value
}

const stateOption = () =>
  new Option('--state <dir>', 'directory of the all-in-one: database, sockets, logs, clouds.yaml')
    .default(defaultState)
    .env('NUCLEON_STATE')

/** The options that say how the all-in-one is to run; `up` and `demo` share them. */
function withUpOptions(command: Command): Command {
  return command
    .addOption(stateOption())
    .option('--api-port <port>', 'port of the Networking API on 127.0.0.1', port, 9696)
    .option('--identity-port <port>', 'port of the identity service on 127.0.0.1', port, 5000)
    .option('--uplink <nic>', 'a way out for instances: a network card to join to br-ex, or `nat`')
    .option('--host <name>', 'name of this host, as agents and bindings show it (default: the hostname)')
}

function build(): Command {
  const program = new Command('nucleon')
    .version(version(), '--version')
    .description('OpenStack Networking: one command to a working cloud network.')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'nucleon: ')) })
    .showSuggestionAfterError()
    .enablePositionalOptions()

  withUpOptions(program.command('up'))
    .description('run the all-in-one on this host until SIGTERM; traffic stays when it ends')
    .action(async (options) => (await import('./up/up.command.ts')).up(options))

  program
    .command('down')
    .description('remove all that `up` and `instance` made on this host')
    .addOption(stateOption())
    .action(async (options) => (await import('./up/down.command.ts')).down(options))

  withUpOptions(program.command('demo'))
    .description('start the all-in-one, build networks through the API, and prove with traffic what works')
    .option('--once', 'prove, clean up and exit; the exit code says whether every check passed')
    .addOption(new Option('--fault <name>', 'plant a fault, to see the demo fail').hideHelp())
    .action(async (options) => (await import('./demo/demo.command.ts')).demo(options))

  for (const part of ['server', 'agent'] as const) {
    program
      .command(part)
      .description(
        part === 'server'
          ? 'run a server process (for many hosts)'
          : "run a host's agent process (for many hosts)",
      )
      .allowUnknownOption()
      .allowExcessArguments()
      .helpOption(false)
      .passThroughOptions()
      .argument('[options...]', 'options of the process; --help lists them')
      .action(async (args: string[]) => (await import('./parts/parts.command.ts')).runPart(part, args))
  }

  program
    .command('credential')
    .description("make the credential of a host's agent (for many hosts)")
    .argument('<host>', 'name of the host, as its agent gives it')
    .requiredOption('--feed-secret-file <file>', 'the secret that the servers have')
    .option('--output <file>', 'where to write it, for its owner alone (default: printed)')
    .action(async (host, options) =>
      (await import('./parts/credential.command.ts')).credential(host, options),
    )

  const instance = program
    .command('instance')
    .description('instances on this host, plugged as Nova plugs them')
  instance
    .command('create')
    .description('make an instance on a port; waits until it has its address')
    .argument('<name>', 'letters, digits, dashes; at most 32')
    .addOption(stateOption())
    .option('--port <id>', 'an existing port')
    .option('--network <name-or-id>', 'a network to make a port on')
    .option('--vm', 'a QEMU guest instead of a network namespace')
    .option('--user-data <file>', 'user data for a guest (--vm)')
    .option('--key <file>', 'public SSH key for a guest (--vm)')
    .action(async (name, options) => (await import('./instance/instance.command.ts')).create(name, options))
  instance
    .command('list')
    .description('the instances of this host')
    .addOption(stateOption())
    .option('--json', 'machine-readable')
    .action(async (options) => (await import('./instance/instance.command.ts')).list(options))
  instance
    .command('exec')
    .description('run a command inside an instance: exec NAME -- COMMAND …')
    .argument('<name>')
    .argument('<command...>')
    .passThroughOptions()
    .addOption(stateOption())
    .action(async (name, command, options) =>
      (await import('./instance/instance.command.ts')).exec(name, command, options),
    )
  instance
    .command('delete')
    .description('unplug an instance; deletes its port if `create` made it')
    .argument('<name>')
    .addOption(stateOption())
    .action(async (name, options) => (await import('./instance/instance.command.ts')).remove(name, options))

  program
    .command('doctor')
    .description('what this host can do, and what is missing or will clash')
    .addOption(stateOption())
    .option('--json', 'machine-readable')
    .action(async (options) => (await import('./doctor/doctor.command.ts')).doctor(options))

  program
    .command('bench')
    .description('benchmarks, each beside the ceiling of the same run')
    .argument('[name...]', 'which; all by default')
    .option('--json', 'machine-readable')
    .action(async (names, options) => (await import('./bench/bench.command.ts')).bench(names, options))

  program
    .command('test')
    .description('run the test lanes: check, unit, store, api, kernel, whole')
    .argument('[lane...]', 'which; all by default')
    .option('--soak', 'the long versions of what the lanes run a part of')
    .option('--only <text>', 'only files whose path contains this')
    .action(async (lanes, options) => (await import('./test/test.command.ts')).test(lanes, options))

  program.addHelpText(
    'after',
    '\nResources of the API, as with `openstack`:\n  network|subnet|port|… list|show|create|set|unset|delete  (nucleon network --help)',
  )

  return program
}

try {
  const program = build()
  const [word = '-', ...more] = process.argv.slice(2)
  if (word.startsWith('-') || word === 'help' || program.commands.some((one) => one.name() === word)) {
    await program.parseAsync()
  } else {
    // Any other word begins the name of a resource: network, security group …
    await (await import('./resource/resource.command.ts')).resourceCommand([word, ...more])
  }
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode
  } else {
    process.stderr.write(`${describeError(error)}\n`)
    process.exitCode = 1
  }
}
