// Tells the parent process at which address a server listens, whoever made it.
import { subscribe } from 'node:diagnostics_channel';
import process from 'node:process';

subscribe('tracing:net.server.listen:asyncEnd', ({ server }) => process.send?.(server.address()));
