import { parseArgs } from 'node:util';

/** What the command line asked for. */
export interface Options {
  readonly rows: RegExp;
  readonly servers: RegExp;
  readonly rounds: number;
  readonly seconds: number;
  readonly short: boolean;
  readonly install: boolean;
  readonly markdown: boolean;
  readonly against: string | undefined;
  readonly tokens: boolean;
  readonly limits: boolean;
  /** The file of results that is drawn. */
  readonly plot: string | undefined;
  readonly peers: readonly string[];
}

/** The options, one a line. */
export const usage = `npm run bench -- [options]
  --rows REGEX             only the rows whose name matches
  --servers REGEX          only the servers whose name matches
  --rounds N               measured runs of each row and server (5; short: 3)
  --seconds N              length of a run (3; short: 1)
  --install                install the peers that are missing with "go install"
  --peer NAME=URL,PID      a registry that already runs on a loopback address; may be repeated
  --against REVISION       the work tree's Moorage beside that of a revision, without peers
  --tokens                 Moorage with accounts and a bearer token beside itself open to everyone, without peers
  --limits                 what this machine can do at best, measured by small programs, and no registry
  --plot FILE              draw docs/performance.svg from a file of results, and measure nothing
  --short                  the rows of bench/floors.json: Moorage beside distribution, judged by bench/floors.json
  --markdown               print the table as markdown`;

/** Reads the command line; throws a TypeError with a sentence for a user when it does not make sense. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '' },
      servers: { type: 'string', default: '' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      install: { type: 'boolean', default: false },
      peer: { type: 'string', multiple: true, default: [] },
      against: { type: 'string' },
      tokens: { type: 'boolean', default: false },
      limits: { type: 'boolean', default: false },
      plot: { type: 'string' },
      short: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
    },
  });
  const { short, install, markdown, against, tokens, limits, plot, peer: peers } = values;
  if (short && (against || tokens || values.servers || peers.length > 0))
    throw new TypeError('--short compares Moorage with distribution, and nothing else.');
  if (against && tokens) throw new TypeError('--tokens and --against are two runs: each compares Moorage with itself.');
  return {
    rows: new RegExp(values.rows),
    servers: new RegExp(values.servers),
    rounds: whole('rounds', values.rounds ?? (short ? '3' : '5')),
    seconds: whole('seconds', values.seconds ?? (short ? '1' : '3')),
    short,
    install,
    markdown,
    against,
    tokens,
    limits,
    plot,
    peers,
  };
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 600)
    throw new TypeError(`--${name} wants a whole number from 1 to 600, not "${text}".`);
  return value;
}
