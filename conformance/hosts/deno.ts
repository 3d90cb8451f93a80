// Deno's own server, `deno serve`, which is told the port on its command line.
import { openRegistry } from './registry.ts';

const { fetch } = openRegistry();

export default { fetch };
