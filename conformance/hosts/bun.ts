// Bun's own server: what a program exports is served.
import { openRegistry, port } from './registry.ts';

const { fetch } = openRegistry();
const maxRequestBodySize = Number.MAX_SAFE_INTEGER; // 128 MiB without it

export default { fetch, port, hostname: '127.0.0.1', maxRequestBodySize, idleTimeout: 60 };
