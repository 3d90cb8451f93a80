// node:http alone.
import { createServer } from 'node:http';
import { serverOptions, toNodeHandler, tuneServer } from '@moorage/registry/node';
import { openRegistry, port } from './registry.ts';

const registry = openRegistry();
tuneServer(createServer(serverOptions, toNodeHandler(registry)), registry).listen(port, '127.0.0.1');
